#include "asha/client.h"

#include <grpcpp/security/credentials.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "connection.h"
#include "identity.h"

namespace asha {

namespace {

std::string read_file(const std::string& path) {
  if (path.empty()) return {};
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

std::shared_ptr<grpc::ChannelCredentials> tls_credentials(const TlsFiles& files) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = read_file(files.root_certificates);
  options.pem_cert_chain = read_file(files.client_certificate);
  options.pem_private_key = read_file(files.client_key);
  return grpc::SslCredentials(options);
}

Experiment Client::experiment(std::string experiment_id) const {
  return {std::move(experiment_id), connection_};
}

void Client::call(const std::string& method, const google::protobuf::Message& request,
                  google::protobuf::Message& response, const CallOptions& options) const {
  connection_->call(method, request, response, options);
}

Client connect(std::string address, ClientOptions options) {
  if (address.empty()) address = read_environment("ASHA_SERVER");
  if (address.empty()) address = "localhost:50051";
  if (options.token.empty()) options.token = read_environment("ASHA_TOKEN");
  return Client(std::make_shared<const Connection>(address, std::move(options)));
}

}  // namespace asha
