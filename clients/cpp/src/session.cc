#include "session.h"

#include <google/protobuf/descriptor.h>

#include <utility>

#include "decode.h"
#include "stream.h"

namespace asha {

namespace {

using google::protobuf::Message;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// When a session is tried again with a server that refused one.
constexpr std::chrono::seconds kTryAgainAfter{600};
// After so many streams in a row that broke before any answer, a unary call is tried between.
constexpr int kFruitlessMax = 3;

// The field of a session's message that carries another message; null: none does.
const google::protobuf::FieldDescriptor* find_carrier(const Message& session,
                                                      const Message& message) {
  const google::protobuf::Descriptor& type = *session.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const auto* carried = type.field(i)->message_type();
    if (carried && carried->full_name() == message.GetDescriptor()->full_name()) {
      return type.field(i);
    }
  }
  return nullptr;
}

// By the wire, because the one may be a dynamic message.
bool copy(const Message& from, Message& to) {
  return to.ParseFromString(from.SerializeAsString());
}

bool is_report(const Message& request) {
  return request.GetDescriptor()->full_name() == v1::ReportMetricRequest::descriptor()->full_name();
}

// What would be a unary call as a request of a session; absent: sessions do not carry it.
std::optional<v1::TrainingSessionRequest> wrap(const Message& request) {
  v1::TrainingSessionRequest wrapped;
  if (is_report(request)) {
    if (!copy(request, *wrapped.mutable_report_metrics()->add_reports())) return {};
    return wrapped;
  }
  const auto* carrier = find_carrier(wrapped, request);
  if (!carrier) return {};
  if (!copy(request, *wrapped.GetReflection()->MutableMessage(&wrapped, carrier))) return {};
  return wrapped;
}

// An answer of a session as that of the unary call.
std::optional<Error> unwrap(const v1::TrainingSessionResponse& answer, const Message& request,
                            Message& response) {
  if (answer.has_error()) return decode_error(answer.error());
  const Error unreadable("an answer on the session that cannot be read", {.code = "INTERNAL"});
  if (is_report(request)) {
    if (answer.report_metrics().results_size() != 1) return unreadable;
    const v1::ReportResult& result = answer.report_metrics().results(0);
    if (result.has_error()) return decode_error(result.error());
    if (!result.has_response() || !copy(result.response(), response)) return unreadable;
    return {};
  }
  const auto* carrier = find_carrier(answer, response);
  const auto& reflection = *answer.GetReflection();
  if (!carrier || !reflection.HasField(answer, carrier) ||
      !copy(reflection.GetMessage(answer, carrier), response)) {
    return unreadable;
  }
  return {};
}

}  // namespace

void Followers::add(const Key& key, Hear hear) {
  const std::lock_guard lock(mutex_);
  hear_.insert_or_assign(key, std::move(hear));
}

void Followers::remove(const Key& key) {
  const std::lock_guard lock(mutex_);
  hear_.erase(key);
}

void Followers::tell(const Key& key, const Decision& decision) {
  const std::lock_guard lock(mutex_);
  if (const auto found = hear_.find(key); found != hear_.end()) found->second(decision);
}

Session::Session(std::shared_ptr<grpc::Channel> channel, std::string token)
    : channel_(std::move(channel)), token_(std::move(token)) {}

Session::~Session() = default;

std::shared_ptr<const void> Session::follow(const Followers::Key& key, Followers::Hear hear) {
  followers_->add(key, std::move(hear));
  const auto remove = [followers = followers_, key](const Session*) { followers->remove(key); };
  return std::shared_ptr<const Session>(this, remove);
}

std::optional<Session::Outcome> Session::call(const Message& request, Message& response,
                                              milliseconds deadline, const std::stop_token& stop) {
  auto wrapped = wrap(request);
  if (!wrapped) return {};
  const std::shared_ptr<Stream> stream = opened();
  if (!stream) return {};
  const Stream::Reply reply = stream->ask(std::move(*wrapped), deadline, stop);
  if (reply.answer) return Outcome{unwrap(*reply.answer, request, response)};
  if (stop.stop_requested()) return Outcome{Error("cancelled", {.code = "CANCELLED"})};
  if (reply.end) return broken(stream, *reply.end);
  if (!stream->has_answered()) {  // a proxy that keeps back what has not ended
    refuse(stream);
    return {};
  }
  return Outcome{Error("no answer on the session for " + std::to_string(deadline.count()) + " ms",
                       {.code = "DEADLINE_EXCEEDED"})};
}

std::shared_ptr<Stream> Session::opened() {
  const std::lock_guard lock(mutex_);
  if (steady_clock::now() < refused_until_) return nullptr;
  if (!stream_ || stream_->is_over()) {
    std::erase_if(streams_, [](const auto& former) { return former->is_over(); });
    stream_ = std::make_shared<Stream>(channel_, token_, followers_);
    streams_.push_back(stream_);
  }
  return stream_;
}

// What a request meets whose stream ended first; absent: use a unary call.
std::optional<Session::Outcome> Session::broken(const std::shared_ptr<Stream>& stream,
                                                const Error& end) {
  const bool has_answered = stream->has_answered();
  {
    const std::lock_guard lock(mutex_);
    if (leave(stream)) fruitless_ = has_answered ? 0 : fruitless_ + 1;
    if (fruitless_ >= kFruitlessMax) {
      fruitless_ = 0;
      return {};
    }
  }
  // What refuses a stream before it ever answered does not carry streams, or has a word to say that
  // a unary call hears better.
  if (!has_answered && end.code() != "UNAVAILABLE") {
    refuse(stream);
    return {};
  }
  return Outcome{Error("the session broke before it was answered: " + end.message(),
                       {.code = "UNAVAILABLE",
                        .reason = end.reason(),
                        .metadata = end.metadata(),
                        .retry_delay = end.retry_delay()})};
}

void Session::refuse(const std::shared_ptr<Stream>& stream) {
  stream->cancel();
  const std::lock_guard lock(mutex_);
  leave(stream);
  if (!stream_) refused_until_ = steady_clock::now() + kTryAgainAfter;
}

// Whether the stream was the one for the next call, and is no more. With the lock.
bool Session::leave(const std::shared_ptr<Stream>& stream) {
  if (stream_ != stream) return false;
  stream_ = nullptr;
  return true;
}

}  // namespace asha
