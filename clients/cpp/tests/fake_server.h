// A real gRPC server, in this process, whose every answer is written down beforehand.
//
// An answer given with `then` is used once; after them the standing answer holds. By default there
// is one trial of three steps, which goes on until its last report, and then no more work.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_context.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "asha/client.h"
#include "asha/v1/suggestion_service.grpc.pb.h"

namespace asha::test {

using namespace std::chrono_literals;

// How long a test waits for what must come; only a failing test waits so long.
inline constexpr std::chrono::seconds kPatience{60};

// A refusal, with the details in its trailer as the server sends them.
struct Refusal {
  grpc::StatusCode code;
  std::string reason = {};  // empty: no ErrorInfo, as a proxy answers
  std::map<std::string, std::string> metadata = {};
  std::vector<FieldViolation> violations = {};
  std::optional<std::chrono::milliseconds> retry_delay = {};
};
grpc::Status refuse(const Refusal& refusal);

// What of one method has come, and how it is answered.
template <typename Request, typename Response>
class Method {
 public:
  using Answer = std::function<grpc::Status(const Request&, Response&)>;

  explicit Method(Answer standing) : standing_(std::move(standing)) {}

  // The answers of the next calls, one each.
  Method& then(Response response, int times = 1) {
    return then(
        [response](const Request&, Response& answer) {
          answer = response;
          return grpc::Status::OK;
        },
        times);
  }
  Method& then(const Refusal& refusal, int times = 1) {
    return then([status = refuse(refusal)](const Request&, Response&) { return status; }, times);
  }
  // No answer: the call is held until the client gives it up.
  Method& then_silence() {
    const std::lock_guard lock(mutex_);
    answers_.push_back(nullptr);
    return *this;
  }
  // The answer of all others.
  void always(Answer answer) {
    const std::lock_guard lock(mutex_);
    standing_ = std::move(answer);
  }
  void always(const Refusal& refusal) {
    always([status = refuse(refusal)](const Request&, Response&) { return status; });
  }

  std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  // The request of the given call, once it has come; 1 is the first.
  Request wait_for(std::size_t count = 1) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return requests_.size() >= count; })) {
      ADD_FAILURE() << "call " << count << " of " << Request::descriptor()->name()
                    << " did not come";
      return {};
    }
    return requests_[count - 1];
  }

  grpc::Status answer(grpc::ServerContext* context, const Request* request, Response* response) {
    Answer answer;
    bool is_silent = false;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(*request);
      if (answers_.empty()) {
        answer = standing_;
      } else {
        answer = std::move(answers_.front());
        answers_.pop_front();
        is_silent = !answer;
      }
      changed_.notify_all();
    }
    if (!is_silent) return answer(*request, *response);
    while (!context->IsCancelled()) std::this_thread::sleep_for(1ms);
    return grpc::Status::CANCELLED;
  }

 private:
  Method& then(Answer answer, int times) {
    const std::lock_guard lock(mutex_);
    answers_.insert(answers_.end(), static_cast<std::size_t>(times), answer);
    return *this;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Request> requests_;
  std::deque<Answer> answers_;
  Answer standing_;
};

// Answers, with what most tests do not care about filled in.
v1::Decision decision(v1::Verdict verdict,
                      v1::DecisionReason reason = v1::DECISION_REASON_BETWEEN_RUNGS);
v1::ReportMetricResponse reported(v1::Verdict verdict,
                                  v1::DecisionReason reason = v1::DECISION_REASON_BETWEEN_RUNGS);
v1::HeartbeatResponse beaten(v1::Verdict verdict, std::chrono::milliseconds ttl = 60s);
v1::GetSuggestionResponse assigned(std::int64_t trial_number = 0,
                                   std::chrono::milliseconds ttl = 60s);
v1::GetSuggestionResponse finished();
v1::GetSuggestionResponse waiting();

// What becomes of a session.
enum class Sessions {
  Unimplemented,  // this server has none
  Unavailable,    // refused, for now
  Carried,        // its messages are answered as the calls of their names
  Silent,         // nothing is ever answered on it
};

// One session as it was opened.
struct Opened {
  std::string authorization = {};
  std::vector<v1::TrainingSessionRequest> messages = {};  // in order of arrival
  bool is_ended = false;                                  // by its client, in order
  bool is_over = false;                                   // ended, in whatever way
};

class FakeServer final : private v1::SuggestionService::Service {
 public:
  explicit FakeServer(const std::string& address = "127.0.0.1:0",
                      std::shared_ptr<grpc::ServerCredentials> credentials = nullptr);
  ~FakeServer() override;

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // A client that retries at once; its warnings are kept.
  Client client(ClientOptions options = {});
  std::vector<std::string> warnings() const;
  // The names of all calls so far but heartbeats, in order of arrival.
  std::vector<std::string> methods() const;
  // The authorization header of the last call.
  std::string authorization() const;

  void have_sessions(Sessions sessions);
  // The sessions so far.
  std::vector<Opened> sessions() const;
  // Tells a decision on every open session, unasked.
  void push(const v1::PushedDecision& pushed);
  // Ends every open session with an error.
  void break_sessions();

  Method<v1::GetSuggestionRequest, v1::GetSuggestionResponse> get_suggestion;
  Method<v1::ReportMetricRequest, v1::ReportMetricResponse> report_metric;
  Method<v1::ShouldStopRequest, v1::ShouldStopResponse> should_stop;
  Method<v1::HeartbeatRequest, v1::HeartbeatResponse> heartbeat;
  Method<v1::ReportCheckpointRequest, v1::ReportCheckpointResponse> report_checkpoint;
  Method<v1::CompleteTrialRequest, v1::CompleteTrialResponse> complete_trial;
  Method<v1::FailTrialRequest, v1::FailTrialResponse> fail_trial;
  Method<v1::ReleaseTrialRequest, v1::ReleaseTrialResponse> release_trial;

 private:
  using SessionStream =
      grpc::ServerReaderWriter<v1::TrainingSessionResponse, v1::TrainingSessionRequest>;

  // An open session; the mutex guards its writes.
  struct Line {
    grpc::ServerContext* context;
    SessionStream* stream;
    std::mutex mutex = {};
  };

  void note(const char* method, grpc::ServerContext* context);
  v1::TrainingSessionResponse carry_out(grpc::ServerContext* context,
                                        const v1::TrainingSessionRequest& request);

  grpc::Status GetSuggestion(grpc::ServerContext* context, const v1::GetSuggestionRequest* request,
                             v1::GetSuggestionResponse* response) override;
  grpc::Status ReportMetric(grpc::ServerContext* context, const v1::ReportMetricRequest* request,
                            v1::ReportMetricResponse* response) override;
  grpc::Status ShouldStop(grpc::ServerContext* context, const v1::ShouldStopRequest* request,
                          v1::ShouldStopResponse* response) override;
  grpc::Status Heartbeat(grpc::ServerContext* context, const v1::HeartbeatRequest* request,
                         v1::HeartbeatResponse* response) override;
  grpc::Status ReportCheckpoint(grpc::ServerContext* context,
                                const v1::ReportCheckpointRequest* request,
                                v1::ReportCheckpointResponse* response) override;
  grpc::Status CompleteTrial(grpc::ServerContext* context, const v1::CompleteTrialRequest* request,
                             v1::CompleteTrialResponse* response) override;
  grpc::Status FailTrial(grpc::ServerContext* context, const v1::FailTrialRequest* request,
                         v1::FailTrialResponse* response) override;
  grpc::Status ReleaseTrial(grpc::ServerContext* context, const v1::ReleaseTrialRequest* request,
                            v1::ReleaseTrialResponse* response) override;
  grpc::Status TrainingSession(grpc::ServerContext* context, SessionStream* stream) override;

  // Shared with the loggers of clients, which may outlive the server.
  struct Log {
    std::mutex mutex;
    std::vector<std::string> warnings;
  };
  const std::shared_ptr<Log> log_ = std::make_shared<Log>();
  mutable std::mutex mutex_;
  std::vector<std::string> methods_;
  std::string authorization_;
  Sessions sessions_ = Sessions::Unimplemented;
  std::vector<Opened> opened_;
  std::list<Line> lines_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// Whether something comes to hold that another thread must bring about.
bool eventually(const std::function<bool()>& holds);

}  // namespace asha::test
