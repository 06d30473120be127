// The server itself, `asha` on PATH, with a database of its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "asha/client.h"

namespace asha::test {

class RealServer {
 public:
  // Starts one on a free port, with these flags.
  explicit RealServer(const std::vector<std::string>& flags = {});
  RealServer(const RealServer&) = delete;
  RealServer& operator=(const RealServer&) = delete;
  ~RealServer();

  // Ends it as a power cut does; its address refuses connections.
  void kill();
  // Starts it again, on the same database and address.
  void start_again() { start({}); }

  const std::string& address() const { return address_; }
  // An experiment of so many trials, each of so many steps and without a rung before the last. Its
  // leases want no heartbeat.
  std::string create(std::int64_t max_trials, std::int64_t max_length) const;
  void stop_experiment(const std::string& experiment_id) const;
  std::int64_t open_sessions() const;
  // How often each trial, attempt and step was recorded.
  using Observations = std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, int>;
  Observations observations(const std::string& experiment_id) const;
  // Every step of every trial once, all in the first attempt.
  static Observations once_each(std::int64_t trials, std::int64_t steps);

 private:
  void start(const std::vector<std::string>& flags);
  Client person() const;  // who has no session

  std::filesystem::path directory_;
  std::string address_ = "127.0.0.1:0";
  pid_t process_ = 0;
};

}  // namespace asha::test
