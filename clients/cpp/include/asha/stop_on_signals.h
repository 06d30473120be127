// SIGTERM and SIGINT as a stop token. POSIX.
#pragma once

#include <atomic>
#include <csignal>
#include <initializer_list>
#include <stop_token>
#include <thread>

namespace asha {

// While it lives, the first of these signals requests a stop; the second does what it does by
// default. A signal that the process ignores stays ignored.
//
// Make it first thing in main, before any other thread (connect() starts some): threads inherit
// that the signals are blocked. Destroy it in the thread that made it.
class StopOnSignals {
 public:
  explicit StopOnSignals(std::initializer_list<int> signals = {SIGTERM, SIGINT});
  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;
  ~StopOnSignals();

  std::stop_token token() const noexcept { return source_.get_token(); }

 private:
  void wait() noexcept;

  sigset_t signals_;
  sigset_t former_mask_;
  int wake_signal_ = 0;
  std::stop_source source_;
  std::atomic<bool> is_closing_ = false;
  std::thread thread_;
};

}  // namespace asha
