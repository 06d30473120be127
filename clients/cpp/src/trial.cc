#include "asha/trial.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "asha/v1/suggestion_service.pb.h"
#include "connection.h"
#include "decode.h"

namespace asha {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr nanoseconds kDefaultTtl = seconds(60);
constexpr milliseconds kHeartbeatBackoff{200};
constexpr milliseconds kMinHeartbeatDeadline{1'000};
constexpr std::size_t kMaxMessageBytes = 2'000;  // below the server's limit of 4096

// Whether the attempt is over for this worker.
bool is_gone(const Error& error) {
  return error.reason() == "LEASE_LOST" || error.reason() == "TRIAL_ENDED";
}

Decision stopped(std::string reason) {
  Decision decision;
  decision.reason = std::move(reason);
  return decision;
}

// The beginning of a text, cut between two characters of UTF-8.
std::string clipped(const std::string& text) {
  std::size_t size = std::min(text.size(), kMaxMessageBytes);
  while (size < text.size() && size > 0 && (text[size] & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

}  // namespace

Trial::Trial(Assignment assignment, std::string lease_token, nanoseconds ttl,
             std::shared_ptr<const Connection> connection, std::stop_token stop)
    : assignment_(std::move(assignment)),
      lease_token_(std::move(lease_token)),
      connection_(std::move(connection)),
      stop_(std::move(stop)),
      exceptions_(std::uncaught_exceptions()),
      next_decision_step_(assignment_.next_decision_step),
      last_step_(assignment_.start_step),
      renewed_at_(Clock::now()),
      ttl_(ttl > nanoseconds::zero() ? ttl : kDefaultTtl) {
  following_ = connection_->follow({experiment_id(), number(), attempt()},
                                   [this](const Decision& decision) { note_decision(decision); });
  keep_alive_ = std::jthread([this](const std::stop_token& ended) { keep_alive(ended); });
  on_stop_.emplace(stop_, [this] { send_release("the process was told to stop", true); });
}

Trial::~Trial() {
  on_stop_.reset();  // waits for a release that is on its way
  if (!is_held()) return;
  if (std::uncaught_exceptions() > exceptions_ && !call_failed_) {
    send_failure("an exception left the training code", FailureKind::Retryable, true);
  } else {
    send_release("the loop was left", true);
  }
}

const Value* Trial::find(std::string_view name) const noexcept {
  const auto found = std::find_if(parameters().begin(), parameters().end(),
                                  [name](const Parameter& p) { return p.name == name; });
  return found == parameters().end() ? nullptr : &found->value;
}

Trial::Steps Trial::steps() { return {this, std::min(last_step_ + 1, max_length())}; }

Decision Trial::report(std::int64_t step, const Metrics& metrics, const std::string& checkpoint) {
  {
    const std::lock_guard lock(mutex_);
    if (is_ended_) return stopped("TRIAL_ENDED");
  }
  call_failed_ = true;
  const Decision decision = send_report(step, metrics, checkpoint);
  call_failed_ = false;
  has_reported_ = has_reported_ || decision.reason != "LEASE_LOST";
  last_step_ = std::max(last_step_, step);
  next_decision_step_ = std::max(next_decision_step_, decision.next_decision_step);
  note_decision(decision);
  return decision;
}

Decision Trial::report(std::int64_t step, const Metrics& metrics,
                       const std::function<std::string()>& save) {
  const auto saved = [&save] {
    std::string uri = save();
    if (uri.empty()) throw std::logic_error("the checkpoint function returned no URI");
    return uri;
  };
  // Saved before the report: once Pause is said, another worker may resume at once.
  const auto known = this->decision();
  const bool is_needed = (step >= next_decision_step_ && metrics.contains(metric())) ||
                         (known && known->verdict == Verdict::Pause);
  const std::string checkpoint = is_needed ? saved() : "";
  const Decision decision = report(step, metrics, checkpoint);
  // A Pause that nobody could foresee: a person paused the experiment.
  if (checkpoint.empty() && decision.verdict == Verdict::Pause) report_checkpoint(step, saved());
  return decision;
}

Decision Trial::send_report(std::int64_t step, const Metrics& metrics,
                            const std::string& checkpoint) {
  auto request = make_request<v1::ReportMetricRequest>();
  request.set_step(step);
  request.set_checkpoint_uri(checkpoint);
  for (const auto& [name, value] : metrics) {
    v1::MetricValue& metric = *request.add_metrics();
    metric.set_name(name);
    metric.set_value(value);
  }
  v1::ReportMetricResponse response;
  try {
    connection_->call("asha.v1.SuggestionService/ReportMetric", request, response, {.stop = stop_});
  } catch (const Error& error) {
    if (error.reason() == "METRIC_CONFLICT") return recorded(error, step, checkpoint);
    if (is_gone(error)) {
      connection_->log(LogLevel::Warning, "trial " + std::to_string(number()) +
                                              " ends on this worker: " + error.what());
      return stopped(error.reason());
    }
    if (stop_.stop_requested()) return stopped("TRIAL_ENDED");  // it is being released
    throw;
  }
  note_renewal(ttl_);
  Decision decision = decode_decision(response.decision());
  decision.deletable_checkpoints = {response.deletable_checkpoint_uris().begin(),
                                    response.deletable_checkpoint_uris().end()};
  return decision;
}

Decision Trial::recorded(const Error& conflict, std::int64_t step, const std::string& checkpoint) {
  connection_->log(LogLevel::Warning, "step " + std::to_string(step) + " of trial " +
                                          std::to_string(number()) +
                                          " was reported before with another value; the first one "
                                          "stands and the training goes on: " +
                                          conflict.what());
  if (!checkpoint.empty()) report_checkpoint(step, checkpoint);
  const auto known = [&conflict](const char* key) {
    const auto entry = conflict.metadata().find(key);
    return entry == conflict.metadata().end() ? std::string() : entry->second;
  };
  Decision decision;
  v1::Verdict verdict;
  if (v1::Verdict_Parse("VERDICT_" + known("verdict"), &verdict)) {
    decision.verdict = decode_verdict(verdict);
  }
  decision.reason = known("decision_reason");
  return decision;
}

void Trial::report_checkpoint(std::int64_t step, const std::string& uri) {
  {
    const std::lock_guard lock(mutex_);
    if (is_ended_) return;
  }
  auto request = make_request<v1::ReportCheckpointRequest>();
  request.set_step(step);
  request.set_checkpoint_uri(uri);
  v1::ReportCheckpointResponse response;
  call_failed_ = true;
  try {
    connection_->call("asha.v1.SuggestionService/ReportCheckpoint", request, response,
                      {.stop = stop_});
    note_renewal(ttl_);
    note_decision(decode_decision(response.decision()));
  } catch (const Error& error) {
    if (is_gone(error)) {
      connection_->log(LogLevel::Warning, "checkpoint " + uri + " of trial " +
                                              std::to_string(number()) +
                                              " came too late: " + error.what());
      note_decision(stopped(error.reason()));
    } else if (!stop_.stop_requested()) {
      throw;
    }
  }
  call_failed_ = false;
}

std::optional<Decision> Trial::decision() const {
  const std::lock_guard lock(mutex_);
  return decision_;
}

bool Trial::should_stop() const { return !is_held(); }

bool Trial::is_held() const {
  const std::lock_guard lock(mutex_);
  return !is_ended_ && !(decision_ && decision_->should_stop());
}

void Trial::note_renewal(nanoseconds ttl) {
  const std::lock_guard lock(mutex_);
  if (ttl > nanoseconds::zero()) ttl_ = ttl;
  renewed_at_ = Clock::now();
}

// Stop and Pause never change once said.
void Trial::note_decision(const Decision& decision) {
  const std::lock_guard lock(mutex_);
  if (!(decision_ && decision_->should_stop())) decision_ = decision;
}

template <typename Request>
Request Trial::make_request() const {
  Request request;
  request.set_experiment_id(experiment_id());
  request.set_trial_number(number());
  request.set_lease_token(lease_token_);
  return request;
}

void Trial::complete() {
  const auto request = make_request<v1::CompleteTrialRequest>();
  v1::CompleteTrialResponse response;
  end("asha.v1.SuggestionService/CompleteTrial", request, response, false);
}

void Trial::fail(const std::string& message, FailureKind kind) {
  send_failure(message, kind, false);
}

void Trial::release(const std::string& reason) { send_release(reason, false); }

void Trial::send_failure(const std::string& message, FailureKind kind, bool is_last_chance) {
  auto request = make_request<v1::FailTrialRequest>();
  request.set_kind(static_cast<v1::FailureKind>(kind));
  request.set_message(clipped(message));
  v1::FailTrialResponse response;
  if (is_held()) failure_ = kind;
  end("asha.v1.SuggestionService/FailTrial", request, response, is_last_chance);
}

void Trial::send_release(const std::string& reason, bool is_last_chance) {
  auto request = make_request<v1::ReleaseTrialRequest>();
  request.set_reason(clipped(reason));
  v1::ReleaseTrialResponse response;
  end("asha.v1.SuggestionService/ReleaseTrial", request, response, is_last_chance);
}

// Ends the attempt with one call, once. At the last chance it tries for 2 seconds and never throws:
// the lease is the net.
void Trial::end(const char* method, const google::protobuf::Message& request,
                google::protobuf::Message& response, bool is_last_chance) {
  {
    const std::lock_guard lock(mutex_);
    const bool is_over = is_ended_ || (decision_ && decision_->should_stop());
    if (std::exchange(is_ended_, true)) return;
    keep_alive_.request_stop();
    if (is_over) return;
  }
  keep_alive_.join();
  try {
    if (!is_last_chance) {
      try {
        connection_->call(method, request, response, {.stop = stop_});
        return;
      } catch (const Error&) {
        if (!stop_.stop_requested()) throw;
      }
    }
    connection_->call(method, request, response,
                      {.deadline = kLastDeadline, .give_up_after = kLastAttempt});
  } catch (const Error& error) {
    const bool was_gone = is_gone(error) || error.code() == "NOT_FOUND";
    if (!was_gone && !is_last_chance && !stop_.stop_requested()) throw;
    connection_->log(LogLevel::Warning,
                     "trial " + std::to_string(number()) +
                         (was_gone ? " had left this worker already: "
                                   : " could not be given back and is handed on when its lease "
                                     "expires: ") +
                         error.what());
  }
}

void Trial::keep_alive(const std::stop_token& stop) {
  int failures = 0;
  while (is_held()) {
    nanoseconds interval;
    nanoseconds pause;
    {
      const std::lock_guard lock(mutex_);
      interval = ttl_ / 3;
      pause = renewed_at_ + interval - Clock::now();
    }
    if (failures > 0) pause = jitter(failures, kHeartbeatBackoff, interval);
    if (pause > nanoseconds::zero()) {
      if (!sleep_for(pause, stop)) return;
      if (failures == 0) continue;  // a report may have renewed the lease meanwhile
    }
    failures = beat(interval, stop) ? 0 : failures + 1;
  }
}

// One heartbeat; whether it was answered.
bool Trial::beat(nanoseconds interval, const std::stop_token& stop) {
  const auto request = make_request<v1::HeartbeatRequest>();
  v1::HeartbeatResponse response;
  const milliseconds deadline =
      std::max(kMinHeartbeatDeadline, std::min(std::chrono::duration_cast<milliseconds>(interval),
                                               connection_->options().deadline));
  try {
    connection_->call("asha.v1.SuggestionService/Heartbeat", request, response,
                      {.deadline = deadline, .give_up_after = milliseconds::zero(), .stop = stop});
  } catch (const Error& error) {
    if (stop.stop_requested()) return true;
    if (is_gone(error) || error.code() == "NOT_FOUND") {
      connection_->log(LogLevel::Warning,
                       "trial " + std::to_string(number()) +
                           " ends on this worker at its next step: " + error.what());
      note_decision(stopped(error.reason().empty() ? "LEASE_LOST" : error.reason()));
      return true;
    }
    connection_->log(error.is_retryable() ? LogLevel::Info : LogLevel::Warning,
                     std::string("a heartbeat failed, trying on: ") + error.what());
    return false;
  }
  note_renewal(decode_duration(response.lease().ttl()));
  note_decision(decode_decision(response.decision()));
  return true;
}

}  // namespace asha
