#include "asha/experiment.h"

#include <algorithm>
#include <utility>

#include "asha/v1/suggestion_service.pb.h"
#include "connection.h"
#include "decode.h"
#include "identity.h"

namespace asha {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr milliseconds kLongPoll = seconds(20);
constexpr int kFailureLimit = 3;

}  // namespace

Trials::Trials(std::string experiment_id, std::shared_ptr<const Connection> connection,
               TrialsOptions options)
    : experiment_id_(std::move(experiment_id)),
      connection_(std::move(connection)),
      claimed_(options.worker_id.empty() ? std::make_shared<ClaimedName>(default_worker_id())
                                         : nullptr),
      worker_id_(claimed_ ? claimed_->get() : std::move(options.worker_id)),
      stop_(std::move(options.stop)),
      long_poll_(kLongPoll) {}

Trial* Trials::next() {
  leave();
  if (failures_ >= kFailureLimit) {
    throw WorkerFailing(
        std::to_string(failures_) + " assignments in a row failed on worker " + worker_id_ +
            " without a report; look at the failures' messages (asha trials), mend "
            "this machine or the training code, and start the worker again",
        {.reason = "WORKER_FAILING",
         .metadata = {{"worker_id", worker_id_}, {"failures", std::to_string(failures_)}}});
  }
  std::string last_reason;
  while (!stop_.stop_requested()) {
    v1::GetSuggestionRequest request;
    request.set_experiment_id(experiment_id_);
    request.set_worker_id(worker_id_);
    request.set_incarnation_id(incarnation_id());
    request.set_request_id(random_hex(16));
    *request.mutable_max_wait() = encode_duration(long_poll_);
    v1::GetSuggestionResponse response;
    const auto asked_at = std::chrono::steady_clock::now();
    try {
      connection_->call("asha.v1.SuggestionService/GetSuggestion", request, response,
                        {.deadline = long_poll_ + connection_->options().deadline, .stop = stop_});
    } catch (const Error& error) {
      if (stop_.stop_requested()) break;
      if (error.reason() == "LEASE_LOST") {  // a retry came so late that its attempt is over
        sleep_for(milliseconds(100), stop_);
        continue;
      }
      if (error.reason() != "LIMIT_EXCEEDED" || long_poll_ == milliseconds::zero()) throw;
      connection_->log(
          LogLevel::Warning,
          std::string("the server holds no more waiting calls, asking now and then: ") +
              error.what());
      long_poll_ = milliseconds::zero();
    }
    if (response.has_assignment()) {
      const v1::Assignment& assignment = response.assignment();
      current_.reset(new Trial(decode_assignment(assignment), assignment.lease().token(),
                               decode_duration(assignment.lease().ttl()), connection_, stop_));
      return current_.get();
    }
    if (response.has_finished()) {
      connection_->log(LogLevel::Info, "experiment " + experiment_id_ +
                                           " has ended: " + response.finished().end_message());
      break;
    }
    // Wait, or a result of a newer server, which is taken for it.
    const std::string reason = enum_name(response.wait().reason(), "WAIT_REASON_");
    if (reason != last_reason) {
      const bool is_failing = reason == "WORKER_FAILING";
      connection_->log(is_failing ? LogLevel::Warning : LogLevel::Info,
                       is_failing ? "this worker's last assignments all failed without a report; "
                                    "the server lets it wait. Look at the failures' messages"
                                  : "no work now: " + reason);
      last_reason = reason;
    }
    const bool was_held = long_poll_ > milliseconds::zero() &&
                          std::chrono::steady_clock::now() - asked_at >= long_poll_ / 2;
    if (!was_held) {
      const nanoseconds pause = decode_duration(response.wait().retry_after());
      sleep_for(pause > nanoseconds::zero() ? pause : seconds(1), stop_);
    }
  }
  return nullptr;
}

void Trials::leave() {
  const std::unique_ptr<Trial> trial = std::move(current_);
  if (!trial) return;
  trial->complete();
  if (trial->failure_ == FailureKind::Infeasible) return;  // says nothing of this worker
  failures_ = trial->failure_ && !trial->has_reported_ ? failures_ + 1 : 0;
}

Trials Experiment::trials(TrialsOptions options) const {
  return {id_, connection_, std::move(options)};
}

std::int64_t Experiment::run(const std::function<void(Trial&)>& train,
                             TrialsOptions options) const {
  Trials trials = this->trials(std::move(options));
  std::int64_t count = 0;
  while (Trial* trial = trials.next()) {
    ++count;
    try {
      train(*trial);
    } catch (const TrialFailure& failure) {
      trial->fail(failure.what(), failure.kind());
    } catch (const Error& error) {
      trial->send_release(error.what(), /*is_last_chance=*/true);
      throw;
    } catch (const std::exception& error) {
      trial->fail(error.what());
    }
  }
  return count;
}

}  // namespace asha
