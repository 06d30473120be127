// An experiment and its trials: the worker loop begins here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <stop_token>
#include <string>

#include "asha/trial.h"

namespace asha {

class ClaimedName;

struct TrialsOptions {
  // The worker's name, one trial at a time each; empty: Slurm job and task, pod and container, else
  // host, device and a random part; with a number after it while another worker of this machine has
  // that name.
  std::string worker_id = {};
  // A requested stop releases the trial at hand within 2 seconds and ends the loop.
  std::stop_token stop = {};
};

// The trials of one worker, one after the other, until the search is finished; a range for `for`.
//
// Going on to the next trial without a verdict completes the one at hand; leaving the loop releases
// it, by an exception fails it. Throws WorkerFailing, and Error for what the server refused.
class Trials {
 public:
  class Iterator {
   public:
    using value_type = Trial;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(Trials* trials) : trials_(trials), trial_(trials->next()) {}
    Trial& operator*() const noexcept { return *trial_; }
    Trial* operator->() const noexcept { return trial_; }
    Iterator& operator++() {
      trial_ = trials_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return trial_ == nullptr; }

   private:
    Trials* trials_;
    Trial* trial_;
  };

  // Leaves the trial at hand and takes the next, which belongs to this object and lives until the
  // next call. Null: the search is finished, or a stop was requested. Waits while there is no work.
  Trial* next();

  Iterator begin() { return Iterator(this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  const std::string& worker_id() const noexcept { return worker_id_; }

 private:
  friend class Experiment;

  Trials(std::string experiment_id, std::shared_ptr<const Connection> connection,
         TrialsOptions options);
  void leave();

  std::string experiment_id_;
  std::shared_ptr<const Connection> connection_;
  std::shared_ptr<const ClaimedName> claimed_;  // null: the worker was named
  std::string worker_id_;
  std::stop_token stop_;
  std::chrono::milliseconds long_poll_;
  int failures_ = 0;  // in a row, without a report
  std::unique_ptr<Trial> current_;
};

// One experiment of a server. Cheap to copy.
class Experiment {
 public:
  const std::string& id() const noexcept { return id_; }

  // The worker loop: `for (asha::Trial& trial : experiment.trials())`.
  Trials trials(TrialsOptions options = {}) const;

  // The worker loop for a function that trains one trial. What it throws fails the trial, with its
  // text, and the loop goes on: TrialFailure by its kind, any other std::exception as Retryable.
  // Only Error goes through, and the trial is released: network and server never fail a trial.
  // Returns how many trials were handed to the function. Throws as Trials does.
  std::int64_t run(const std::function<void(Trial&)>& train, TrialsOptions options = {}) const;

 private:
  friend class Client;

  Experiment(std::string id, std::shared_ptr<const Connection> connection)
      : id_(std::move(id)), connection_(std::move(connection)) {}

  std::string id_;
  std::shared_ptr<const Connection> connection_;
};

}  // namespace asha
