// One stream for the calls of a connection: less work a call, and decisions that nobody asked for.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/channel.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include "asha/error.h"
#include "asha/trial.h"

namespace asha {

class Stream;

// What attempts want to hear of decisions that they did not ask for. Threads may share it.
class Followers {
 public:
  // Experiment, trial and attempt.
  using Key = std::tuple<std::string, std::int64_t, std::int64_t>;
  using Hear = std::function<void(const Decision&)>;

  void add(const Key& key, Hear hear);
  // Afterwards nothing is told any more, nor being told.
  void remove(const Key& key);
  void tell(const Key& key, const Decision& decision);

 private:
  std::mutex mutex_;
  std::map<Key, Hear> hear_;
};

// The session of a connection: opened by the first call, and again after it broke. Threads may share
// it.
//
// It carries the same messages as the unary calls, so whatever is not answered when its stream breaks
// is sent again, on the next one or as a unary call. A server or a proxy that does not carry streams
// is noticed by the first one, and spoken to with unary calls for a while.
class Session {
 public:
  // What became of a call.
  struct Outcome {
    std::optional<Error> error;  // absent: it was answered
  };

  Session(std::shared_ptr<grpc::Channel> channel, std::string token);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();  // ends the stream

  // What would be a unary call; absent: there is no session, or none that carries it, use that.
  std::optional<Outcome> call(const google::protobuf::Message& request,
                              google::protobuf::Message& response,
                              std::chrono::milliseconds deadline, const std::stop_token& stop);

  // Tells an attempt what is decided about it unasked, for as long as the handle lives.
  std::shared_ptr<const void> follow(const Followers::Key& key, Followers::Hear hear);

 private:
  std::shared_ptr<Stream> opened();
  std::optional<Outcome> broken(const std::shared_ptr<Stream>& stream, const Error& end);
  void refuse(const std::shared_ptr<Stream>& stream);
  bool leave(const std::shared_ptr<Stream>& stream);

  const std::shared_ptr<grpc::Channel> channel_;
  const std::string token_;
  const std::shared_ptr<Followers> followers_ = std::make_shared<Followers>();
  std::mutex mutex_;  // guards all below
  std::vector<std::shared_ptr<Stream>> streams_;  // all that may not have ended yet
  std::shared_ptr<Stream> stream_;                // for the next call
  std::chrono::steady_clock::time_point refused_until_{};
  int fruitless_ = 0;  // streams in a row that broke before any answer
};

}  // namespace asha
