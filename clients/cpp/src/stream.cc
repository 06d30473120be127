#include "stream.h"

#include <utility>

#include "decode.h"

namespace asha {

namespace {

// How long a stream that is closed may take to end.
constexpr std::chrono::milliseconds kClosing{200};

}  // namespace

Stream::Stream(const std::shared_ptr<grpc::Channel>& channel, const std::string& token,
               std::shared_ptr<Followers> followers)
    : followers_(std::move(followers)) {
  if (!token.empty()) context_.AddMetadata("authorization", "Bearer " + token);
  v1::SuggestionService::NewStub(channel)->async()->TrainingSession(&context_, this);
  AddHold();  // for the writes of callers; removed when the stream has broken
  StartRead(&incoming_);
  StartCall();
}

Stream::Reply Stream::ask(v1::TrainingSessionRequest request, std::chrono::milliseconds deadline,
                          const std::stop_token& stop) {
  Waiting waiting;
  std::unique_lock lock(mutex_);
  if (end_) return {.end = end_};
  const std::uint64_t number = ++asked_;
  request.set_request_number(number);
  outgoing_.push_back(std::move(request));
  waiting_.emplace(number, &waiting);
  write_next(std::move(lock));

  lock = std::unique_lock(mutex_);
  waiting.changed.wait_for(lock, stop, deadline, [&] { return waiting.answer || end_; });
  waiting_.erase(number);
  if (waiting.answer) return {.answer = std::move(waiting.answer)};
  return {.end = end_};
}

bool Stream::is_over() const {
  const std::lock_guard lock(mutex_);
  return end_.has_value();
}

bool Stream::has_answered() const {
  const std::lock_guard lock(mutex_);
  return has_answered_;
}

void Stream::close() {
  std::unique_lock lock(mutex_);
  const auto is_over = [this] { return end_.has_value(); };
  if (answered_ == asked_) {
    is_closing_ = true;
    write_next(std::move(lock));
    lock = std::unique_lock(mutex_);
    if (ended_.wait_for(lock, kClosing, is_over)) return;
  }
  lock.unlock();
  cancel();
  lock.lock();
  ended_.wait(lock, is_over);
}

// Starts the write that is due, if any. Takes the lock, because gRPC is called without it.
void Stream::write_next(std::unique_lock<std::mutex> lock) {
  if (is_writing_ || is_broken_ || is_half_closed_) return;
  if (!outgoing_.empty()) {
    is_writing_ = true;
    const auto* next = &outgoing_.front();
    lock.unlock();
    StartWrite(next);
  } else if (is_closing_) {
    is_writing_ = is_half_closed_ = true;
    lock.unlock();
    StartWritesDone();
  }
}

void Stream::OnWriteDone(bool ok) {
  std::unique_lock lock(mutex_);
  outgoing_.pop_front();
  lock.unlock();
  end_write(ok);
}

void Stream::OnWritesDoneDone(bool ok) { end_write(ok); }

void Stream::end_write(bool ok) {
  std::unique_lock lock(mutex_);
  is_writing_ = false;
  is_broken_ = is_broken_ || !ok;
  if (!is_read_) return write_next(std::move(lock));
  lock.unlock();
  RemoveHold();
}

void Stream::OnReadDone(bool ok) {
  std::unique_lock lock(mutex_);
  if (ok) {
    take(std::exchange(incoming_, {}), std::move(lock));
    return StartRead(&incoming_);
  }
  is_read_ = is_broken_ = true;
  if (is_writing_) return;  // the hold is removed after it
  lock.unlock();
  RemoveHold();
}

void Stream::take(v1::TrainingSessionResponse response, std::unique_lock<std::mutex> lock) {
  has_answered_ = true;
  if (response.has_pushed()) {
    lock.unlock();
    const v1::PushedDecision& pushed = response.pushed();
    followers_->tell({pushed.experiment_id(), pushed.trial_number(), pushed.attempt()},
                     decode_decision(pushed.decision()));
    return;
  }
  ++answered_;
  const auto waiting = waiting_.find(response.request_number());
  if (waiting == waiting_.end()) return;  // nobody waits any more
  waiting->second->answer = std::move(response);
  waiting->second->changed.notify_one();
}

void Stream::OnDone(const grpc::Status& status) {
  const std::lock_guard lock(mutex_);
  end_ = status.ok() ? Error("the server ended it", {.code = "UNAVAILABLE"}) : decode_error(status);
  for (const auto& [number, waiting] : waiting_) waiting->changed.notify_one();
  ended_.notify_all();
}

}  // namespace asha
