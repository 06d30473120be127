#include "real_server.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "asha/v1/admin_service.pb.h"
#include "asha/v1/experiment_service.pb.h"

namespace asha::test {

namespace {

// The first line of a process' output; empty if it ended without one.
std::string read_line(int file) {
  std::string line;
  for (char c; read(file, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

}  // namespace

RealServer::RealServer(const std::vector<std::string>& flags) {
  std::string pattern = std::filesystem::temp_directory_path() / "asha-cpp-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  directory_ = pattern;
  start(flags);
}

RealServer::~RealServer() {
  if (process_ != 0) kill();
  std::filesystem::remove_all(directory_);
}

void RealServer::kill() {
  ::kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  process_ = 0;
}

void RealServer::start(const std::vector<std::string>& flags) {
  const std::string log = directory_ / "server.log";
  std::vector<std::string> words = {"asha",       "serve",    "--database",
                                    directory_ / "asha.db", "--listen", address_};
  words.insert(words.end(), flags.begin(), flags.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int error =
      posix_spawnp(&process_, "asha", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(output[1]);
  if (error != 0) {
    process_ = 0;
    close(output[0]);
    throw std::runtime_error("the tests need the server's command `asha` on PATH");
  }
  const std::string line = read_line(output[0]);
  close(output[0]);
  const std::string listening = "listening on ";
  if (!line.starts_with(listening)) {
    std::ifstream file(log);
    const std::string said{std::istreambuf_iterator<char>(file), {}};
    throw std::runtime_error("asha serve began with '" + line + "': " + said);
  }
  address_ = line.substr(listening.size());
}

Client RealServer::person() const { return connect(address_, {.sessions = false}); }

std::string RealServer::create(std::int64_t max_trials, std::int64_t max_length) const {
  v1::CreateExperimentRequest request;
  v1::ExperimentSpec& spec = *request.mutable_spec();
  spec.mutable_metric()->set_name("loss");
  spec.mutable_metric()->set_goal(v1::GOAL_MINIMIZE);
  v1::ParameterSpec& parameter = *spec.add_parameters();
  parameter.set_name("lr");
  parameter.mutable_double_range()->set_min(0);
  parameter.mutable_double_range()->set_max(1);
  spec.mutable_random_search();
  spec.set_max_trials(max_trials);
  spec.set_max_length(max_length);
  spec.mutable_lease_ttl()->set_seconds(86'400);
  v1::CreateExperimentResponse response;
  person().call("asha.v1.ExperimentService/CreateExperiment", request, response);
  return response.experiment().experiment_id();
}

void RealServer::stop_experiment(const std::string& experiment_id) const {
  v1::StopExperimentRequest request;
  request.set_experiment_id(experiment_id);
  v1::StopExperimentResponse response;
  person().call("asha.v1.ExperimentService/StopExperiment", request, response);
}

std::int64_t RealServer::open_sessions() const {
  v1::GetServerInfoResponse response;
  person().call("asha.v1.AdminService/GetServerInfo", v1::GetServerInfoRequest(), response);
  return response.open_session_count();
}

RealServer::Observations RealServer::observations(const std::string& experiment_id) const {
  Observations counts;
  v1::ListObservationsRequest request;
  request.set_experiment_id(experiment_id);
  do {
    v1::ListObservationsResponse page;
    person().call("asha.v1.ExperimentService/ListObservations", request, page);
    for (const v1::Observation& seen : page.observations()) {
      ++counts[{seen.trial_number(), seen.attempt(), seen.step()}];
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return counts;
}

RealServer::Observations RealServer::once_each(std::int64_t trials, std::int64_t steps) {
  Observations counts;
  for (std::int64_t trial = 0; trial < trials; ++trial) {
    for (std::int64_t step = 1; step <= steps; ++step) counts[{trial, 1, step}] = 1;
  }
  return counts;
}

}  // namespace asha::test
