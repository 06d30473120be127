#include "asha/stop_on_signals.h"

#include <pthread.h>

#include <system_error>

namespace asha {

StopOnSignals::StopOnSignals(std::initializer_list<int> signals) {
  sigemptyset(&signals_);
  for (const int number : signals) {
    struct sigaction action = {};
    sigaction(number, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;
    sigaddset(&signals_, number);
    wake_signal_ = number;
  }
  if (const int error = pthread_sigmask(SIG_BLOCK, &signals_, &former_mask_); error != 0) {
    throw std::system_error(error, std::generic_category(), "pthread_sigmask");
  }
  if (wake_signal_ != 0) thread_ = std::thread([this] { wait(); });
}

StopOnSignals::~StopOnSignals() {
  if (thread_.joinable()) {
    is_closing_ = true;
    pthread_kill(thread_.native_handle(), wake_signal_);
    thread_.join();
  }
  pthread_sigmask(SIG_SETMASK, &former_mask_, nullptr);
}

void StopOnSignals::wait() noexcept {
  for (int number = 0; sigwait(&signals_, &number) == 0 && !is_closing_;) {
    if (source_.request_stop()) continue;
    // The second one: what the signal does by default, which ends the process.
    std::signal(number, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    raise(number);
  }
}

}  // namespace asha
