// TLS, mutual TLS, access tokens, and Unix sockets.
#include <grpcpp/security/server_credentials.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "fake_server.h"

namespace asha::test {
namespace {

constexpr char kShouldStop[] = "asha.v1.SuggestionService/ShouldStop";

// A directory with `cert.pem` and `key.pem`: self-signed, for localhost.
class Certificate {
 public:
  Certificate() {
    std::string pattern = (std::filesystem::temp_directory_path() / "asha-cpp-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
        " -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout " +
        key() + " -out " + certificate() + " 2>/dev/null";
    if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
  }
  ~Certificate() { std::filesystem::remove_all(directory_); }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  std::string certificate() const { return directory_ + "/cert.pem"; }
  std::string key() const { return directory_ + "/key.pem"; }
  std::string socket() const { return "unix:" + directory_ + "/asha.sock"; }

  // A server with this certificate; mutual: that wants the same of its clients.
  std::shared_ptr<grpc::ServerCredentials> server_credentials(bool is_mutual) const {
    grpc::SslServerCredentialsOptions options(
        is_mutual ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                  : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
    options.pem_key_cert_pairs.push_back({read(key()), read(certificate())});
    if (is_mutual) options.pem_root_certs = read(certificate());
    return grpc::SslServerCredentials(options);
  }

 private:
  static std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  std::string directory_;
};

// The code of one call, without retries; empty if it was answered.
std::string code_of(const Client& client) {
  v1::ShouldStopResponse response;
  try {
    client.call(kShouldStop, v1::ShouldStopRequest(), response, {.give_up_after = 0ms});
    return "";
  } catch (const Error& error) {
    return error.code();
  }
}

TEST(Security, TlsWithRootCertificatesAndToken) {
  const Certificate certificate;
  FakeServer server("127.0.0.1:0", certificate.server_credentials(false));
  const TlsFiles files{.root_certificates = certificate.certificate()};

  EXPECT_EQ(code_of(server.client({.credentials = tls_credentials(files), .token = "secret"})), "");

  EXPECT_EQ(server.authorization(), "Bearer secret");
}

TEST(Security, AStrangersCertificateIsRefused) {
  const Certificate certificate;
  const Certificate stranger;
  FakeServer server("127.0.0.1:0", certificate.server_credentials(false));
  const TlsFiles files{.root_certificates = stranger.certificate()};

  EXPECT_EQ(code_of(server.client({.credentials = tls_credentials(files)})), "UNAVAILABLE");

  EXPECT_TRUE(server.methods().empty());
}

TEST(Security, MutualTlsNeedsTheClientsCertificate) {
  const Certificate certificate;
  FakeServer server("127.0.0.1:0", certificate.server_credentials(true));
  TlsFiles files{.root_certificates = certificate.certificate()};

  EXPECT_EQ(code_of(server.client({.credentials = tls_credentials(files)})), "UNAVAILABLE");
  files.client_certificate = certificate.certificate();
  files.client_key = certificate.key();
  EXPECT_EQ(code_of(server.client({.credentials = tls_credentials(files)})), "");

  EXPECT_EQ(server.methods(), std::vector<std::string>{"ShouldStop"});
}

TEST(Security, AFileThatCannotBeReadIsToldAtOnce) {
  EXPECT_THROW(tls_credentials({.root_certificates = "/nowhere/ca.pem"}), std::runtime_error);
}

TEST(Security, WithoutATokenNoneIsSent) {
  FakeServer server;

  EXPECT_EQ(code_of(server.client()), "");
  EXPECT_EQ(server.authorization(), "");
  EXPECT_EQ(code_of(server.client({.token = "secret"})), "");
  EXPECT_EQ(server.authorization(), "Bearer secret");
}

TEST(Security, TheEnvironmentNamesServerAndToken) {
  FakeServer server;
  setenv("ASHA_SERVER", server.address().c_str(), 1);
  setenv("ASHA_TOKEN", "from-environment", 1);

  EXPECT_EQ(code_of(connect()), "");

  EXPECT_EQ(server.authorization(), "Bearer from-environment");
  unsetenv("ASHA_SERVER");
  unsetenv("ASHA_TOKEN");
}

TEST(Security, AUnixSocketIsAnAddress) {
  const Certificate place;
  FakeServer server(place.socket());

  EXPECT_EQ(code_of(connect(place.socket())), "");

  EXPECT_EQ(server.methods(), std::vector<std::string>{"ShouldStop"});
}

}  // namespace
}  // namespace asha::test
