// One channel: deadlines on every call, and the retries that the API allows, nothing else.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "asha/client.h"
#include "session.h"

namespace asha {

// A trial that ends with its process is tried to be given back for 2 seconds in all: no attempt
// begins after the first of these or takes longer than the second. Then its lease expires.
inline constexpr std::chrono::milliseconds kLastAttempt{1'200};
inline constexpr std::chrono::milliseconds kLastDeadline{800};

class Connection {
 public:
  Connection(const std::string& address, ClientOptions options);

  const ClientOptions& options() const noexcept { return options_; }
  void log(LogLevel level, const std::string& message) const;

  // Tells an attempt what is decided about it unasked, for as long as the handle lives, where the
  // server pushes it. Null without sessions.
  std::shared_ptr<const void> follow(const Followers::Key& key, Followers::Hear hear) const;

  // See Client::call.
  void call(const std::string& method, const google::protobuf::Message& request,
            google::protobuf::Message& response, const CallOptions& options = {}) const;

 private:
  // One attempt: on the session if that carries it, else unary. Absent: it was answered.
  std::optional<Error> attempt(const std::string& path, const google::protobuf::Message& request,
                               google::protobuf::Message& response,
                               std::chrono::milliseconds deadline,
                               const std::stop_token& stop) const;

  std::string address_;
  ClientOptions options_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Session> session_;  // null: unary calls only
};

// Waits. False if the stop was requested first.
bool sleep_for(std::chrono::nanoseconds duration, const std::stop_token& stop);

// A random duration from 0 to the ceiling that doubles with each attempt from the initial one.
std::chrono::nanoseconds jitter(int attempts, std::chrono::nanoseconds initial,
                                std::chrono::nanoseconds max);

}  // namespace asha
