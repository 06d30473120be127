// A trial in this worker's hands: its configuration, its reports, its end.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include "asha/error.h"

namespace google::protobuf {
class Message;
}

namespace asha {

class Connection;

// Null, a list or a map as canonical JSON text.
struct Json {
  std::string text;
  bool operator==(const Json&) const = default;
};

// A parameter's value. monostate: a kind of a newer server that this client does not know.
using Value = std::variant<std::monostate, double, std::int64_t, std::string, bool, Json>;

struct Parameter {
  std::string name = {};  // full path: `optimizer.momentum`
  Value value = {};
};

// Values by metric name. NaN and infinities are legal.
using Metrics = std::map<std::string, double>;

enum class Verdict { Continue, Stop, Pause };

// What was decided about an attempt, with its explanation.
struct Decision {
  Verdict verdict = Verdict::Stop;        // Stop also for a verdict that this client does not know
  std::string reason = {};                // `RUNG_CUTOFF`; an unknown one is its number
  int bracket = -1;                       // -1: none
  int rung = -1;                          // the last rung compared at; -1: none
  std::optional<std::int64_t> rank = {};  // 0-based among the competitors; absent: nothing compared
  std::int64_t competitors = 0;           // entries of the rung at that moment
  std::optional<double> cutoff = {};      // worst value that would have been promoted
  std::int64_t next_decision_step = 0;    // train at least so far; 0 after Stop and Pause
  std::int64_t sequence = 0;              // of the event that stored it; 0: none
  std::vector<std::string> deletable_checkpoints = {};  // the search never resumes from these again

  // Whether to leave off training.
  bool should_stop() const noexcept { return verdict != Verdict::Continue; }
};

// What the server handed out.
struct Assignment {
  std::string experiment_id = {};
  std::int64_t number = 0;   // of the trial, 0-based
  std::int64_t attempt = 0;  // from 1
  std::string kind = {};     // NEW, PROMOTED, RETRIED, RESUMED, ENQUEUED; unknown: a number
  std::vector<Parameter> parameters =
      {};                       // in declared order; inactive conditional ones are absent
  std::uint32_t seed = 0;       // below 2^31
  std::int64_t start_step = 0;  // resume at this step; 0: from scratch
  std::string checkpoint = {};  // what to load first; empty: from scratch
  std::int64_t next_decision_step = 0;
  std::int64_t max_length = 0;  // units that a surviving trial trains in all
  std::string unit = {};        // for people; may be empty
  std::string metric = {};      // reports without it decide nothing
  int bracket = 0;
  int rung = 0;
};

// One trial. It keeps its lease alive from a thread of its own, until it ends.
//
// Destroyed without an end, it is released; destroyed by an exception of the training code, it is
// failed. One thread at a time may report; should_stop() and decision() may be called by any.
class Trial {
 public:
  class Steps;

  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;
  ~Trial();

  const std::string& experiment_id() const noexcept { return assignment_.experiment_id; }
  std::int64_t number() const noexcept { return assignment_.number; }
  std::int64_t attempt() const noexcept { return assignment_.attempt; }
  const std::string& kind() const noexcept { return assignment_.kind; }
  const std::vector<Parameter>& parameters() const noexcept { return assignment_.parameters; }
  std::uint32_t seed() const noexcept { return assignment_.seed; }
  std::int64_t start_step() const noexcept { return assignment_.start_step; }
  const std::string& checkpoint() const noexcept { return assignment_.checkpoint; }
  std::int64_t max_length() const noexcept { return assignment_.max_length; }
  const std::string& unit() const noexcept { return assignment_.unit; }
  const std::string& metric() const noexcept { return assignment_.metric; }
  int bracket() const noexcept { return assignment_.bracket; }
  int rung() const noexcept { return assignment_.rung; }

  // Train at least this far, in units, then report.
  std::int64_t next_decision_step() const noexcept { return next_decision_step_; }

  // The value of a parameter by its full path; null: inactive, or not of this experiment.
  const Value* find(std::string_view name) const noexcept;

  // The same as a T: double, std::int64_t, std::string, bool or Json.
  // Throws std::out_of_range without such a parameter, std::bad_variant_access for another kind.
  template <typename T>
  const T& get(std::string_view name) const {
    const Value* value = find(name);
    if (value == nullptr) throw std::out_of_range("no parameter " + std::string(name));
    return std::get<T>(*value);
  }

  // The steps to train: from the last reported (or start_step) + 1 to max_length. Ends by itself on
  // Stop and Pause, also when they come between reports.
  Steps steps();

  // Reports metrics and answers what was decided, once both are durable.
  // A lease that is lost answers Stop; a step reported before with another value is warned of and
  // answered by the verdict recorded for it.
  //   step        units trained so far
  //   checkpoint  URI of what would resume at this step, complete; empty: none
  // Throws Error: what the server refused for good, or network failure for give_up_after.
  Decision report(std::int64_t step, const Metrics& metrics, const std::string& checkpoint = {});

  // The same, with a function that saves a checkpoint and returns its URI. It is called only where
  // one is needed: before a report that may be decided, or when the experiment is being paused.
  // Throws std::logic_error if it returns an empty URI, and what the function throws.
  Decision report(std::int64_t step, const Metrics& metrics,
                  const std::function<std::string()>& save);

  // Tells the server of a complete checkpoint that would resume at this step. One that comes too
  // late is only warned of.
  void report_checkpoint(std::int64_t step, const std::string& uri);

  // The newest decision heard, by a report, the keep-alive or the server's own accord; none before the first. No call.
  std::optional<Decision> decision() const;

  // Whether to leave off: Stop or Pause was heard, or the trial has ended here. No call.
  bool should_stop() const;

  // The ends. After Stop, Pause or another end they do nothing.
  void complete();  // the training ended by itself and is over
  void fail(const std::string& message, FailureKind kind = FailureKind::Retryable);
  void release(const std::string& reason = {});  // another worker goes on from the last checkpoint

 private:
  friend class Trials;
  friend class Experiment;
  using Clock = std::chrono::steady_clock;

  Trial(Assignment assignment, std::string lease_token, std::chrono::nanoseconds ttl,
        std::shared_ptr<const Connection> connection, std::stop_token stop);

  bool is_held() const;
  void note_renewal(std::chrono::nanoseconds ttl);
  void note_decision(const Decision& decision);
  Decision send_report(std::int64_t step, const Metrics& metrics, const std::string& checkpoint);
  Decision recorded(const Error& conflict, std::int64_t step, const std::string& checkpoint);
  template <typename Request>
  Request make_request() const;
  void end(const char* method, const google::protobuf::Message& request,
           google::protobuf::Message& response, bool is_last_chance);
  void send_failure(const std::string& message, FailureKind kind, bool is_last_chance);
  void send_release(const std::string& reason, bool is_last_chance);
  void keep_alive(const std::stop_token& stop);
  bool beat(std::chrono::nanoseconds interval, const std::stop_token& stop);

  const Assignment assignment_;
  const std::string lease_token_;
  const std::shared_ptr<const Connection> connection_;
  const std::stop_token stop_;  // of the loop
  const int exceptions_;        // in flight when the trial began
  std::int64_t next_decision_step_;
  std::int64_t last_step_;
  bool has_reported_ = false;
  bool call_failed_ = false;  // an Error left the last call
  std::optional<FailureKind> failure_;
  mutable std::mutex mutex_;  // guards the four below
  std::optional<Decision> decision_;
  bool is_ended_ = false;
  Clock::time_point renewed_at_;
  std::chrono::nanoseconds ttl_;
  std::jthread keep_alive_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
  std::shared_ptr<const void> following_;  // tells of decisions that nobody asked for
};

// The steps of one trial; a range for `for`.
class Trial::Steps {
 public:
  class Iterator {
   public:
    using value_type = std::int64_t;
    using difference_type = std::ptrdiff_t;

    Iterator(const Trial* trial, std::int64_t step) : trial_(trial), step_(step) {}
    std::int64_t operator*() const noexcept { return step_; }
    Iterator& operator++() noexcept {
      ++step_;
      return *this;
    }
    void operator++(int) noexcept { ++step_; }
    bool operator==(std::default_sentinel_t) const {
      return step_ > trial_->max_length() || trial_->should_stop();
    }

   private:
    const Trial* trial_;
    std::int64_t step_;
  };

  Steps(const Trial* trial, std::int64_t first) : trial_(trial), first_(first) {}
  Iterator begin() const { return {trial_, first_}; }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  const Trial* trial_;
  std::int64_t first_;
};

}  // namespace asha
