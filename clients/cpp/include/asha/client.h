// The client of one ASHA server. Begin with connect(); experiment.h has the worker loop.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "asha/error.h"
#include "asha/experiment.h"
#include "asha/trial.h"

namespace grpc {
class ChannelCredentials;
}

namespace asha {

// Paths of PEM files. Empty root certificates: those that gRPC brings or the system has.
struct TlsFiles {
  std::string root_certificates = {};
  std::string client_certificate = {};  // with client_key: mutual TLS
  std::string client_key = {};
};

// Credentials for ClientOptions. Throws std::runtime_error for a file that cannot be read.
std::shared_ptr<grpc::ChannelCredentials> tls_credentials(const TlsFiles& files);

enum class LogLevel { Info, Warning };

// Called by several threads at once.
using Logger = std::function<void(LogLevel, const std::string&)>;

struct ClientOptions {
  std::shared_ptr<grpc::ChannelCredentials> credentials = {};  // null: plaintext
  std::string token = {};  // sent as `authorization: Bearer`; empty: the environment's ASHA_TOKEN
  std::chrono::milliseconds deadline = std::chrono::seconds(10);  // of each attempt of a call
  std::chrono::milliseconds initial_backoff = std::chrono::milliseconds(200);
  std::chrono::milliseconds max_backoff =
      std::chrono::seconds(20);  // longest pause between attempts
  // How long a call is sent again while network or server fail. Absent: for ever, with warnings.
  std::optional<std::chrono::milliseconds> give_up_after = {};
  // Whether the calls of workers go over one stream, where the server has it. With false what a
  // person decides is heard of by the next report or heartbeat.
  bool sessions = true;
  Logger log = {};  // null: warnings to standard error
};

struct CallOptions {
  std::optional<std::chrono::milliseconds> deadline = {};  // default: the client's
  std::optional<std::chrono::milliseconds> give_up_after =
      {};                     // default: the client's; 0: no retry
  std::stop_token stop = {};  // a requested stop cancels the call: Error with code CANCELLED
};

// A client of one server. Threads may share it; cheap to copy.
class Client {
 public:
  Experiment experiment(std::string experiment_id) const;

  // One unary call of the whole API, with deadline, token, retries and typed errors.
  //   method    `asha.v1.ExperimentService/GetExperiment`
  //   request   the same message for every attempt, so that a retry counts once
  //   response  filled in
  // Throws Error.
  void call(const std::string& method, const google::protobuf::Message& request,
            google::protobuf::Message& response, const CallOptions& options = {}) const;

 private:
  friend Client connect(std::string, ClientOptions);

  explicit Client(std::shared_ptr<const Connection> connection)
      : connection_(std::move(connection)) {}

  std::shared_ptr<const Connection> connection_;
};

// A client. Does no I/O: the first call connects.
//   address  `host:port` or `unix:/path`; empty: the environment's ASHA_SERVER, then
//            `localhost:50051`
Client connect(std::string address = {}, ClientOptions options = {});

}  // namespace asha
