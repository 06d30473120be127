#include "connection.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <iostream>
#include <mutex>
#include <random>
#include <utility>

#include "decode.h"

namespace asha {

namespace {

using google::protobuf::Message;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr seconds kFirstWarning{1};

grpc::ChannelArguments channel_arguments(milliseconds max_backoff) {
  grpc::ChannelArguments arguments;
  // gRPC's own reconnect back-off grows to 2 minutes and fails calls meanwhile; ours is enough.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                   static_cast<int>(std::clamp<std::int64_t>(max_backoff.count(), 100, 5'000)));
  // Without this, clients of one address in one process share connections and their back-off.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Turns TCP_USER_TIMEOUT on: bytes unacknowledged for 20 s break the connection instead of
  // leaving it half open. Pings stay rarer than the 5 minutes that servers tolerate by default.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 360'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  return arguments;
}

void log_to_standard_error(LogLevel level, const std::string& message) {
  if (level == LogLevel::Warning) std::cerr << "asha: " + message + "\n";
}

}  // namespace

Connection::Connection(const std::string& address, ClientOptions options)
    : address_(address), options_(std::move(options)) {
  if (!options_.log) options_.log = log_to_standard_error;
  if (!options_.credentials) options_.credentials = grpc::InsecureChannelCredentials();
  channel_ = grpc::CreateCustomChannel(address, options_.credentials,
                                       channel_arguments(options_.max_backoff));
  if (options_.sessions) session_ = std::make_unique<Session>(channel_, options_.token);
}

std::shared_ptr<const void> Connection::follow(const Followers::Key& key,
                                               Followers::Hear hear) const {
  return session_ ? session_->follow(key, std::move(hear)) : nullptr;
}

void Connection::log(LogLevel level, const std::string& message) const {
  options_.log(level, message);
}

void Connection::call(const std::string& method, const Message& request, Message& response,
                      const CallOptions& options) const {
  const auto began = std::chrono::steady_clock::now();
  const std::string path = "/" + method;
  const milliseconds deadline = options.deadline.value_or(options_.deadline);
  const auto give_up_after = options.give_up_after ? options.give_up_after : options_.give_up_after;
  nanoseconds warn_after = kFirstWarning;
  for (int attempts = 1;; ++attempts) {
    const std::optional<Error> failure = attempt(path, request, response, deadline, options.stop);
    if (!failure) return;
    const Error& error = *failure;
    const Error cancelled(method + " was cancelled by its caller", {.code = "CANCELLED"});
    if (options.stop.stop_requested()) throw cancelled;
    if (!error.is_retryable()) throw error;

    const nanoseconds elapsed = std::chrono::steady_clock::now() - began;
    const nanoseconds pause = error.retry_delay().value_or(nanoseconds::zero()) +
                              jitter(attempts, options_.initial_backoff, options_.max_backoff);
    if (give_up_after && elapsed + pause > *give_up_after) throw error;
    if (elapsed >= warn_after) {
      warn_after = 2 * elapsed;
      log(LogLevel::Warning,
          method + " has failed for " + std::to_string(duration_cast<seconds>(elapsed).count()) +
              " s (" + std::to_string(attempts) + " attempts), still trying: " + error.what() +
              "; the server is " + address_);
    }
    if (!sleep_for(pause, options.stop)) throw cancelled;
  }
}

std::optional<Error> Connection::attempt(const std::string& path, const Message& request,
                                         Message& response, milliseconds deadline,
                                         const std::stop_token& stop) const {
  if (session_) {
    const auto outcome = session_->call(request, response, deadline, stop);
    if (outcome) return outcome->error;
  }
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + deadline);
  if (!options_.token.empty()) context.AddMetadata("authorization", "Bearer " + options_.token);
  // Shared, because the callback may still be inside set_value when get() returns.
  const auto done = std::make_shared<std::promise<grpc::Status>>();
  grpc::TemplatedGenericStub<Message, Message>(channel_).UnaryCall(
      &context, path, {}, &request, &response,
      [done](grpc::Status status) { done->set_value(std::move(status)); });
  const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
  const grpc::Status status = done->get_future().get();
  if (status.ok()) return {};
  return decode_error(status);
}

bool sleep_for(nanoseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

nanoseconds jitter(int attempts, nanoseconds initial, nanoseconds max) {
  const nanoseconds ceiling = std::min(max, initial * (1 << std::min(attempts - 1, 16)));
  std::random_device random;
  return nanoseconds(std::uniform_int_distribution<std::int64_t>(0, ceiling.count())(random));
}

}  // namespace asha
