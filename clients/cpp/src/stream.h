// One stream of a session, from its opening to its end.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "asha/error.h"
#include "asha/v1/suggestion_service.grpc.pb.h"
#include "session.h"

namespace asha {

// Requests are matched to answers by their numbers. Threads may share it, and gRPC's read and write.
//
// Destroyed by a caller's thread, never by one of gRPC's: those would have to wait for themselves
// where the channel goes with it.
class Stream final
    : public grpc::ClientBidiReactor<v1::TrainingSessionRequest, v1::TrainingSessionResponse> {
 public:
  // What became of a request. Neither: nothing came in time, or the stop was requested first.
  struct Reply {
    std::optional<v1::TrainingSessionResponse> answer = {};
    std::optional<Error> end = {};  // of the stream, before the answer
  };

  Stream(const std::shared_ptr<grpc::Channel>& channel, const std::string& token,
         std::shared_ptr<Followers> followers);
  ~Stream() override { close(); }

  Reply ask(v1::TrainingSessionRequest request, std::chrono::milliseconds deadline,
            const std::stop_token& stop);
  bool is_over() const;
  bool has_answered() const;  // whether anything ever came
  // Ends it, and waits for that: politely, unless an answer is due that nobody waits for.
  void close();
  // Has it end soon.
  void cancel() { context_.TryCancel(); }

 private:
  struct Waiting {
    std::condition_variable_any changed = {};
    std::optional<v1::TrainingSessionResponse> answer = {};
  };

  void write_next(std::unique_lock<std::mutex> lock);
  void end_write(bool ok);
  void take(v1::TrainingSessionResponse response, std::unique_lock<std::mutex> lock);
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnWritesDoneDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  const std::shared_ptr<Followers> followers_;
  grpc::ClientContext context_;
  mutable std::mutex mutex_;  // guards all below
  v1::TrainingSessionResponse incoming_;             // gRPC's while a read is on its way
  std::condition_variable ended_;
  std::deque<v1::TrainingSessionRequest> outgoing_;  // the first is being written if any is
  std::map<std::uint64_t, Waiting*> waiting_;        // by number
  std::uint64_t asked_ = 0;                          // requests so far; also the last's number
  std::uint64_t answered_ = 0;
  bool has_answered_ = false;
  bool is_closing_ = false;
  bool is_half_closed_ = false;
  bool is_writing_ = false;
  bool is_broken_ = false;  // nothing more can be written
  bool is_read_ = false;    // nothing more will come
  std::optional<Error> end_;
};

}  // namespace asha
