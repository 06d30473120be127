// The conformance driver: does with the client what the lines of standard input tell, and says on
// standard output what came of it. The protocol is clients/conformance/README.md.
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <iostream>
#include <limits>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>

#include "asha/client.h"
#include "asha/stop_on_signals.h"
#include "asha/v1/admin_service.pb.h"
#include "asha/v1/experiment_service.pb.h"
#include "asha/v1/suggestion_service.pb.h"

namespace {

using json = nlohmann::ordered_json;
using google::protobuf::Message;
using std::chrono::milliseconds;

// The lines of standard input, until it ends or a stop is requested.
class Lines {
 public:
  explicit Lines(std::stop_token stop) : stop_(std::move(stop)) {}

  std::optional<std::string> next() {
    for (;;) {
      if (const auto end = buffer_.find('\n'); end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
      }
      pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
      while (poll(&input, 1, /*timeout=*/50) == 0) {
        if (stop_.stop_requested()) return std::nullopt;
      }
      char chunk[65536];
      const ssize_t size = read(STDIN_FILENO, chunk, sizeof chunk);
      if (size <= 0 || stop_.stop_requested()) return std::nullopt;
      buffer_.append(chunk, static_cast<std::size_t>(size));
    }
  }

 private:
  std::stop_token stop_;
  std::string buffer_;
};

std::string text(const json& step, const char* key) { return step.value(key, std::string()); }

std::optional<milliseconds> duration(const json& step, const char* key) {
  if (!step.contains(key) || step[key].is_null()) return std::nullopt;
  return milliseconds(std::llround(step[key].get<double>() * 1000));
}

json encode_double(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

double decode_double(const json& value) {
  if (value.is_number()) return value.get<double>();
  if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (value == "Infinity") return std::numeric_limits<double>::infinity();
  if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
  throw std::invalid_argument("not a number: " + value.dump());
}

std::int64_t decode_int(const json& value) {
  return value.is_string() ? std::stoll(value.get<std::string>()) : value.get<std::int64_t>();
}

struct EncodeValue {
  json operator()(std::monostate) const { return {"unknown", nullptr}; }
  json operator()(double value) const { return {"double", encode_double(value)}; }
  json operator()(std::int64_t value) const { return {"int", std::to_string(value)}; }
  json operator()(const std::string& value) const { return {"string", value}; }
  json operator()(bool value) const { return {"bool", value}; }
  json operator()(const asha::Json& value) const { return {"json", value.text}; }
};

json encode_trial(const asha::Trial& trial) {
  json configuration = json::array();
  for (const asha::Parameter& parameter : trial.parameters()) {
    json entry = std::visit(EncodeValue{}, parameter.value);
    entry.insert(entry.begin(), parameter.name);
    configuration.push_back(std::move(entry));
  }
  return {{"trial", trial.number()},
          {"attempt", trial.attempt()},
          {"kind", trial.kind()},
          {"start_step", trial.start_step()},
          {"resumed_from", trial.checkpoint()},
          {"target_length", trial.next_decision_step()},
          {"max_length", trial.max_length()},
          {"seed", trial.seed()},
          {"configuration", std::move(configuration)}};
}

json encode_decision(const asha::Decision& decision) {
  const char* verdict = decision.verdict == asha::Verdict::Continue ? "CONTINUE"
                        : decision.verdict == asha::Verdict::Pause  ? "PAUSE"
                                                                    : "STOP";
  return {{"verdict", verdict}, {"reason", decision.reason}};
}

json encode_error(const asha::Error& error) {
  json violations = json::array();
  for (const asha::FieldViolation& violation : error.violations()) {
    violations.push_back({violation.field, violation.description});
  }
  json result = {{"code", error.code()},
                 {"reason", error.reason()},
                 {"message", error.message()},
                 {"metadata", error.metadata()},
                 {"violations", std::move(violations)}};
  if (error.retry_delay()) {
    result["retry_delay_s"] = std::chrono::duration<double>(*error.retry_delay()).count();
  }
  return result;
}

// `asha.v1.SuggestionService/GetSuggestion` by its descriptor.
const google::protobuf::MethodDescriptor& find_method(const std::string& path) {
  const auto slash = path.find('/');
  const std::string service =
      path.substr(path.find_last_of('.', slash) + 1, slash - path.find_last_of('.', slash) - 1);
  for (const auto* file : {asha::v1::GetSuggestionRequest::descriptor()->file(),
                           asha::v1::GetExperimentRequest::descriptor()->file(),
                           asha::v1::GetServerInfoRequest::descriptor()->file()}) {
    const auto* found = file->FindServiceByName(service);
    const auto* method = found ? found->FindMethodByName(path.substr(slash + 1)) : nullptr;
    if (method != nullptr) return *method;
  }
  throw std::invalid_argument("no method " + path);
}

std::unique_ptr<Message> make_message(const google::protobuf::Descriptor* type) {
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  return std::unique_ptr<Message>(factory->GetPrototype(type)->New());
}

class Driver {
 public:
  explicit Driver(std::stop_token stop) : stop_(std::move(stop)) {}

  json perform(const json& step) {
    const std::string what = text(step, "do");
    if (what == "connect") return connect(step);
    if (what == "call") return call(step);
    if (what == "next_trial") return next_trial(step);
    if (what == "close") return close();
    if (!trial_) throw std::logic_error("no trial in hand for " + what);
    if (what == "report") return report(step);
    if (what == "decision") {
      const auto decision = trial_->decision();
      return decision ? encode_decision(*decision) : json::object();
    }
    if (what == "checkpoint") {
      trial_->report_checkpoint(decode_int(step.at("step")), text(step, "uri"));
      return json::object();
    }
    asha::Trial& trial = *std::exchange(trial_, nullptr);
    if (what == "fail") {
      trial.fail(text(step, "message"));
    } else if (what == "infeasible") {
      trial.fail(text(step, "message"), asha::FailureKind::Infeasible);
    } else if (what == "release") {
      trial.release();
    } else if (what == "end") {
      trial.complete();
    } else {
      throw std::invalid_argument("unknown step " + what);
    }
    return json::object();
  }

 private:
  json connect(const json& step) {
    close();
    worker_id_ = text(step, "worker_id");
    asha::ClientOptions options;
    options.token = text(step, "token");
    if (const std::string roots = text(step, "root_certificates"); !roots.empty()) {
      options.credentials = asha::tls_credentials(
          {roots, text(step, "client_certificate"), text(step, "client_key")});
    }
    options.deadline = duration(step, "deadline_s").value_or(options.deadline);
    options.initial_backoff = duration(step, "backoff_initial_s").value_or(options.initial_backoff);
    options.max_backoff = duration(step, "backoff_max_s").value_or(options.max_backoff);
    options.give_up_after = duration(step, "give_up_after_s");
    options.sessions = step.value("sessions", false);
    options.log = [](asha::LogLevel, const std::string& message) { std::cerr << message + "\n"; };
    client_ = asha::connect(text(step, "address"), options);
    return json::object();
  }

  json call(const json& step) {
    const std::string path = text(step, "method");
    const auto& method = find_method(path);
    const auto request = make_message(method.input_type());
    const auto response = make_message(method.output_type());
    const auto read = google::protobuf::util::JsonStringToMessage(
        step.value("request", json::object()).dump(), request.get());
    if (!read.ok()) throw std::invalid_argument(read.ToString());

    std::stop_source source;
    const std::stop_callback on_signal(stop_, [&source] { source.request_stop(); });
    std::jthread timer;
    if (const auto cancel_after = duration(step, "cancel_after_s")) {
      timer = std::jthread([&source, cancel_after](const std::stop_token& done) {
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable_any never;
        never.wait_for(lock, done, *cancel_after, [] { return false; });
        if (!done.stop_requested()) source.request_stop();
      });
    }
    client().call(path, *request, *response,
                  {.deadline = duration(step, "deadline_s"),
                   .give_up_after = duration(step, "give_up_after_s"),
                   .stop = source.get_token()});

    std::string written;
    const auto status = google::protobuf::util::MessageToJsonString(*response, &written);
    if (!status.ok()) throw std::runtime_error(status.ToString());
    return json::parse(written);
  }

  json next_trial(const json& step) {
    if (!trials_) {
      asha::Experiment experiment = client().experiment(text(step, "experiment_id"));
      trials_.emplace(experiment.trials({.worker_id = worker_id_, .stop = stop_}));
    }
    trial_ = nullptr;
    trial_ = trials_->next();
    return trial_ ? encode_trial(*trial_) : json{{"finished", true}};
  }

  json report(const json& step) {
    asha::Metrics metrics;
    for (const auto& [name, value] : step.at("metrics").items()) {
      metrics[name] = decode_double(value);
    }
    return encode_decision(
        trial_->report(decode_int(step.at("step")), metrics, text(step, "checkpoint")));
  }

  json close() {
    trial_ = nullptr;
    trials_.reset();
    client_.reset();
    return json::object();
  }

  const asha::Client& client() const {
    if (!client_) throw std::logic_error("not connected");
    return *client_;
  }

  std::stop_token stop_;
  std::string worker_id_;
  std::optional<asha::Client> client_;
  std::optional<asha::Trials> trials_;
  asha::Trial* trial_ = nullptr;  // in hand
};

}  // namespace

int main() {
  const asha::StopOnSignals stop;
  Driver driver(stop.token());
  Lines lines(stop.token());
  while (const auto line = lines.next()) {
    json answer;
    try {
      const json step = json::parse(*line);
      answer["id"] = step.value("id", json());
      try {
        answer["ok"] = driver.perform(step);
      } catch (const asha::Error& error) {
        answer["error"] = encode_error(error);
      }
    } catch (const std::exception& error) {
      answer["error"] = {{"code", "DRIVER"}, {"message", error.what()}};
    }
    std::cout << answer.dump(-1, ' ', false, json::error_handler_t::replace) << std::endl;
  }
}
