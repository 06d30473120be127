// Everything that can go wrong, as two trees: refusals of the server, and failures of the training.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace asha {

// One field of a request that is wrong.
struct FieldViolation {
  std::string field = {};        // proto path: `spec.parameters[2].double_range.max`
  std::string description = {};  // what is wrong with it and the way out
};

// What is known of an error beside its message.
struct ErrorDetails {
  std::string code = {};  // name of the gRPC status (`NOT_FOUND`); empty for errors of this client
  std::string reason =
      {};  // name of `asha.v1.ErrorReason` without prefix; empty if the server gave none
  std::map<std::string, std::string> metadata = {};          // the dynamic parts of the message
  std::vector<FieldViolation> violations = {};               // all wrong fields of the request
  std::optional<std::chrono::nanoseconds> retry_delay = {};  // when a retry is worthwhile
};

// A refusal by the server, or a failure of network or client. Never becomes FailTrial.
class Error : public std::runtime_error {
 public:
  Error(const std::string& message, ErrorDetails details);

  // What is wrong and the way out, without the labels and violations that what() adds.
  const std::string& message() const noexcept { return message_; }
  const std::string& code() const noexcept { return details_.code; }
  const std::string& reason() const noexcept { return details_.reason; }
  const std::map<std::string, std::string>& metadata() const noexcept { return details_.metadata; }
  const std::vector<FieldViolation>& violations() const noexcept { return details_.violations; }
  std::optional<std::chrono::nanoseconds> retry_delay() const noexcept {
    return details_.retry_delay;
  }

  // Whether the same call may be sent again: UNAVAILABLE, DEADLINE_EXCEEDED, and
  // RESOURCE_EXHAUSTED with a retry_delay.
  bool is_retryable() const noexcept;

 private:
  std::string message_;
  ErrorDetails details_;
};

// Three assignments in a row failed on this worker without one report. Reason WORKER_FAILING.
class WorkerFailing : public Error {
 public:
  using Error::Error;
};

// What kind of failure a trial's is; the numbers are those of `asha.v1.FailureKind`.
enum class FailureKind {
  Retryable = 1,             // may succeed elsewhere or later
  Permanent = 2,             // would fail again: the trial is FAILED
  Infeasible = 3,            // these hyperparameters cannot work: replaced, not retried
  CheckpointUnreadable = 4,  // dropped; the trial starts from scratch, uncounted
};

// Thrown by training code inside Experiment::run, to say which kind of failure it is.
class TrialFailure : public std::runtime_error {
 public:
  TrialFailure(FailureKind kind, const std::string& message)
      : std::runtime_error(message), kind_(kind) {}
  FailureKind kind() const noexcept { return kind_; }

 private:
  FailureKind kind_;
};

// These hyperparameters cannot work.
class Infeasible : public TrialFailure {
 public:
  explicit Infeasible(const std::string& message)
      : TrialFailure(FailureKind::Infeasible, message) {}
};

// The trial would fail again.
class PermanentFailure : public TrialFailure {
 public:
  explicit PermanentFailure(const std::string& message)
      : TrialFailure(FailureKind::Permanent, message) {}
};

// The checkpoint cannot be read.
class CheckpointUnreadable : public TrialFailure {
 public:
  explicit CheckpointUnreadable(const std::string& message)
      : TrialFailure(FailureKind::CheckpointUnreadable, message) {}
};

}  // namespace asha
