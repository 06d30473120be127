#include "fake_server.h"

#include <grpcpp/server_builder.h>

#include <thread>

#include "decode.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace asha::test {

namespace {

template <typename Request, typename Response>
auto answering(Response response) {
  return [response](const Request&, Response& answer) {
    answer = response;
    return grpc::Status::OK;
  };
}

// A refusal as it stands in a session.
v1::SessionError session_error(const grpc::Status& status) {
  const Error error = decode_error(status);
  v1::SessionError result;
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  v1::ErrorReason_Parse("ERROR_REASON_" + error.reason(), &reason);
  result.set_code(status.error_code());
  result.set_reason(reason);
  result.set_message(error.message());
  result.mutable_metadata()->insert(error.metadata().begin(), error.metadata().end());
  for (const FieldViolation& violation : error.violations()) {
    auto& field = *result.add_field_violations();
    field.set_field(violation.field);
    field.set_description(violation.description);
  }
  if (error.retry_delay()) *result.mutable_retry_delay() = encode_duration(*error.retry_delay());
  return result;
}

}  // namespace

grpc::Status refuse(const Refusal& refusal) {
  google::rpc::Status status;
  status.set_code(refusal.code);
  if (!refusal.reason.empty()) {
    google::rpc::ErrorInfo info;
    info.set_reason(refusal.reason);
    info.set_domain("asha.v1");
    info.mutable_metadata()->insert(refusal.metadata.begin(), refusal.metadata.end());
    status.add_details()->PackFrom(info);
  }
  if (!refusal.violations.empty()) {
    google::rpc::BadRequest bad;
    for (const FieldViolation& violation : refusal.violations) {
      auto& field = *bad.add_field_violations();
      field.set_field(violation.field);
      field.set_description(violation.description);
    }
    status.add_details()->PackFrom(bad);
  }
  if (refusal.retry_delay) {
    google::rpc::RetryInfo retry;
    *retry.mutable_retry_delay() = encode_duration(*refusal.retry_delay);
    status.add_details()->PackFrom(retry);
  }
  const bool has_details = status.details_size() > 0;
  return {refusal.code, "refused as scripted", has_details ? status.SerializeAsString() : ""};
}

v1::Decision decision(v1::Verdict verdict, v1::DecisionReason reason) {
  v1::Decision result;
  result.set_verdict(verdict);
  result.set_reason(reason);
  result.set_rung(-1);
  return result;
}

v1::ReportMetricResponse reported(v1::Verdict verdict, v1::DecisionReason reason) {
  v1::ReportMetricResponse response;
  *response.mutable_decision() = decision(verdict, reason);
  return response;
}

v1::HeartbeatResponse beaten(v1::Verdict verdict, std::chrono::milliseconds ttl) {
  v1::HeartbeatResponse response;
  *response.mutable_decision() = decision(verdict);
  if (verdict == v1::VERDICT_CONTINUE) {
    *response.mutable_lease()->mutable_ttl() = encode_duration(ttl);
  }
  return response;
}

v1::GetSuggestionResponse assigned(std::int64_t trial_number, std::chrono::milliseconds ttl) {
  v1::GetSuggestionResponse response;
  v1::Assignment& assignment = *response.mutable_assignment();
  assignment.set_experiment_id("digits");
  assignment.set_trial_number(trial_number);
  assignment.set_kind(v1::ASSIGNMENT_KIND_NEW);
  assignment.mutable_lease()->set_token("lease-" + std::to_string(trial_number));
  assignment.mutable_lease()->set_attempt(1);
  *assignment.mutable_lease()->mutable_ttl() = encode_duration(ttl);
  v1::Parameter& parameter = *assignment.add_parameters();
  parameter.set_name("lr");
  parameter.mutable_value()->set_double_value(0.1);
  assignment.set_trial_seed(7);
  assignment.set_next_decision_step(3);
  assignment.set_max_length(3);
  assignment.set_metric("val_loss");
  return response;
}

v1::GetSuggestionResponse finished() {
  v1::GetSuggestionResponse response;
  response.mutable_finished()->set_end_message("all trials ended");
  return response;
}

v1::GetSuggestionResponse waiting() {
  v1::GetSuggestionResponse response;
  *response.mutable_wait()->mutable_retry_after() = encode_duration(1ms);
  response.mutable_wait()->set_reason(v1::WAIT_REASON_AWAITING_RESULTS);
  return response;
}

FakeServer::FakeServer(const std::string& address,
                       std::shared_ptr<grpc::ServerCredentials> credentials)
    : get_suggestion(answering<v1::GetSuggestionRequest>(finished())),
      report_metric([](const v1::ReportMetricRequest& request, v1::ReportMetricResponse& response) {
        response = request.step() < 3 ? reported(v1::VERDICT_CONTINUE)
                                      : reported(v1::VERDICT_STOP, v1::DECISION_REASON_MAX_LENGTH);
        return grpc::Status::OK;
      }),
      should_stop(answering<v1::ShouldStopRequest>(v1::ShouldStopResponse())),
      heartbeat(answering<v1::HeartbeatRequest>(beaten(v1::VERDICT_CONTINUE))),
      report_checkpoint(
          [](const v1::ReportCheckpointRequest&, v1::ReportCheckpointResponse& response) {
            *response.mutable_decision() = decision(v1::VERDICT_CONTINUE);
            return grpc::Status::OK;
          }),
      complete_trial(answering<v1::CompleteTrialRequest>(v1::CompleteTrialResponse())),
      fail_trial(answering<v1::FailTrialRequest>(v1::FailTrialResponse())),
      release_trial(answering<v1::ReleaseTrialRequest>(v1::ReleaseTrialResponse())) {
  get_suggestion.then(assigned());
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, credentials ? credentials : grpc::InsecureServerCredentials(),
                           &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  EXPECT_NE(server_, nullptr) << "cannot listen on " << address;
}

FakeServer::~FakeServer() { server_->Shutdown(std::chrono::system_clock::now()); }

Client FakeServer::client(ClientOptions options) {
  options.initial_backoff = 1ms;
  options.max_backoff = 10ms;
  options.log = [log = log_](LogLevel level, const std::string& message) {
    const std::lock_guard lock(log->mutex);
    if (level == LogLevel::Warning) log->warnings.push_back(message);
  };
  return connect(address(), std::move(options));
}

std::vector<std::string> FakeServer::warnings() const {
  const std::lock_guard lock(log_->mutex);
  return log_->warnings;
}

std::vector<std::string> FakeServer::methods() const {
  const std::lock_guard lock(mutex_);
  return methods_;
}

std::string FakeServer::authorization() const {
  const std::lock_guard lock(mutex_);
  return authorization_;
}

void FakeServer::note(const char* method, grpc::ServerContext* context) {
  const std::lock_guard lock(mutex_);
  if (std::string(method) != "Heartbeat") methods_.push_back(method);
  const auto header = context->client_metadata().find("authorization");
  authorization_ = header == context->client_metadata().end()
                       ? ""
                       : std::string(header->second.data(), header->second.size());
}

#define ASHA_ANSWER(Name, member)                                                               \
  grpc::Status FakeServer::Name(grpc::ServerContext* context, const v1::Name##Request* request, \
                                v1::Name##Response* response) {                                 \
    note(#Name, context);                                                                       \
    return member.answer(context, request, response);                                           \
  }
ASHA_ANSWER(GetSuggestion, get_suggestion)
ASHA_ANSWER(ReportMetric, report_metric)
ASHA_ANSWER(ShouldStop, should_stop)
ASHA_ANSWER(Heartbeat, heartbeat)
ASHA_ANSWER(ReportCheckpoint, report_checkpoint)
ASHA_ANSWER(CompleteTrial, complete_trial)
ASHA_ANSWER(FailTrial, fail_trial)
ASHA_ANSWER(ReleaseTrial, release_trial)
#undef ASHA_ANSWER

void FakeServer::have_sessions(Sessions sessions) {
  const std::lock_guard lock(mutex_);
  sessions_ = sessions;
}

std::vector<Opened> FakeServer::sessions() const {
  const std::lock_guard lock(mutex_);
  return opened_;
}

void FakeServer::push(const v1::PushedDecision& pushed) {
  v1::TrainingSessionResponse response;
  *response.mutable_pushed() = pushed;
  const std::lock_guard lock(mutex_);
  for (Line& line : lines_) {
    const std::lock_guard writing(line.mutex);
    line.stream->Write(response);
  }
}

void FakeServer::break_sessions() {
  const std::lock_guard lock(mutex_);
  for (Line& line : lines_) line.context->TryCancel();
}

grpc::Status FakeServer::TrainingSession(grpc::ServerContext* context, SessionStream* stream) {
  std::unique_lock lock(mutex_);
  const Sessions sessions = sessions_;
  const std::size_t index = opened_.size();
  const auto header = context->client_metadata().find("authorization");
  opened_.push_back({.authorization = header == context->client_metadata().end()
                                          ? ""
                                          : std::string(header->second.data(), header->second.size())});
  if (sessions == Sessions::Unimplemented) return refuse({grpc::StatusCode::UNIMPLEMENTED});
  if (sessions == Sessions::Unavailable) return refuse({grpc::StatusCode::UNAVAILABLE});
  const auto line = lines_.emplace(lines_.end(), context, stream);
  lock.unlock();

  std::list<std::jthread> answers;
  for (v1::TrainingSessionRequest message; stream->Read(&message);) {
    lock.lock();
    opened_[index].messages.push_back(message);
    lock.unlock();
    if (sessions == Sessions::Silent) continue;
    answers.emplace_back([this, context, line, message] {
      const v1::TrainingSessionResponse response = carry_out(context, message);
      const std::lock_guard writing(line->mutex);
      line->stream->Write(response);
    });
  }
  lock.lock();
  opened_[index].is_ended = !context->IsCancelled();
  lock.unlock();
  answers.clear();
  lock.lock();
  lines_.erase(line);
  opened_[index].is_over = true;
  return grpc::Status::OK;
}

// A request of a session, carried out as the call of its name.
v1::TrainingSessionResponse FakeServer::carry_out(grpc::ServerContext* context,
                                                  const v1::TrainingSessionRequest& request) {
  v1::TrainingSessionResponse response;
  response.set_request_number(request.request_number());
  grpc::Status status;
  switch (request.request_case()) {
#define ASHA_CARRY_OUT(Name, member)                                                        \
  case v1::TrainingSessionRequest::k##Name:                                                 \
    status = Name(context, &request.member(), response.mutable_##member());                 \
    break;
    ASHA_CARRY_OUT(GetSuggestion, get_suggestion)
    ASHA_CARRY_OUT(Heartbeat, heartbeat)
    ASHA_CARRY_OUT(ReportCheckpoint, report_checkpoint)
    ASHA_CARRY_OUT(CompleteTrial, complete_trial)
    ASHA_CARRY_OUT(FailTrial, fail_trial)
    ASHA_CARRY_OUT(ReleaseTrial, release_trial)
    ASHA_CARRY_OUT(ShouldStop, should_stop)
#undef ASHA_CARRY_OUT
    case v1::TrainingSessionRequest::kReportMetrics:
      for (const v1::ReportMetricRequest& report : request.report_metrics().reports()) {
        v1::ReportResult& result = *response.mutable_report_metrics()->add_results();
        const grpc::Status refused = ReportMetric(context, &report, result.mutable_response());
        if (!refused.ok()) *result.mutable_error() = session_error(refused);
      }
      break;
    case v1::TrainingSessionRequest::REQUEST_NOT_SET:
      status = refuse({grpc::StatusCode::INVALID_ARGUMENT, "INVALID_REQUEST"});
  }
  if (!status.ok()) *response.mutable_error() = session_error(status);
  return response;
}

bool eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

}  // namespace asha::test
