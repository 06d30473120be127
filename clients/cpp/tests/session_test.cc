// Calls over one stream, decisions that nobody asked for, and streams that break or are refused.
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "fake_server.h"
#include "real_server.h"

namespace asha::test {
namespace {

// Passes where silence is meant, and is kept by a busy machine where an answer is.
constexpr std::chrono::seconds kPatientDeadline{2};

void train(Trial& trial) {
  for (const std::int64_t step : trial.steps()) {
    trial.report(step, {{"loss", 1.0 / static_cast<double>(step)}});
  }
}

v1::HeartbeatResponse send_heartbeat(const Client& client) {
  v1::HeartbeatRequest request;
  request.set_experiment_id("digits");
  request.set_lease_token("lease-0");
  v1::HeartbeatResponse response;
  client.call("asha.v1.SuggestionService/Heartbeat", request, response);
  return response;
}

TEST(SessionWithTheServer, AStopByAPersonEndsTheStepsWithoutACall) {
  const RealServer server;
  const std::string experiment_id = server.create(1, 1'000);
  const Client client = connect(server.address());
  Trials trials = client.experiment(experiment_id).trials({.worker_id = "worker-1"});
  Trial& trial = *trials.next();
  trial.report(1, {{"loss", 0.5}});

  server.stop_experiment(experiment_id);

  // The next heartbeat is due in 8 hours.
  ASSERT_TRUE(eventually([&] { return trial.should_stop(); }));
  EXPECT_EQ(trial.decision()->verdict, Verdict::Stop);
  EXPECT_EQ(trial.decision()->reason, "EXPERIMENT_STOPPED");
  EXPECT_EQ(trial.steps().begin(), trial.steps().end());
}

// The worker tells when it is in the middle of a trial, goes on, and does not end it before the
// server was killed and started again.
TEST(SessionWithTheServer, KilledInTheMiddleLosesAndRepeatsNothing) {
  RealServer server;
  const std::string experiment_id = server.create(2, 200);
  const Client client = connect(server.address(), {.max_backoff = 10ms, .log = [](auto&&...) {}});
  std::latch in_the_middle[2] = {std::latch(1), std::latch(1)};
  std::latch started_again[2] = {std::latch(1), std::latch(1)};
  std::thread worker([&] {
    int count = 0;
    for (Trial& trial : client.experiment(experiment_id).trials({.worker_id = "worker-1"})) {
      for (const std::int64_t step : trial.steps()) {
        if (step == 100) in_the_middle[count].count_down();
        if (step == 200) started_again[count].wait();
        trial.report(step, {{"loss", 1.0 / static_cast<double>(step)}});
      }
      ++count;
    }
    EXPECT_EQ(count, 2);
  });
  for (int i = 0; i < 2; ++i) {
    in_the_middle[i].wait();
    server.kill();
    server.start_again();
    started_again[i].count_down();
  }
  worker.join();

  EXPECT_EQ(server.observations(experiment_id), RealServer::once_each(2, 200));
}

TEST(SessionWithTheServer, IsOneForManyThreadsAndEndsWithTheClient) {
  const RealServer server;
  const std::string experiment_id = server.create(40, 5);
  std::optional<Client> client(connect(server.address()));
  std::atomic<int> count = 0;
  {
    std::vector<std::jthread> workers;
    for (int number = 0; number < 20; ++number) {
      workers.emplace_back([&, number] {
        count += static_cast<int>(
            client->experiment(experiment_id)
                .run(train, {.worker_id = "worker-" + std::to_string(number)}));
      });
    }
  }

  EXPECT_EQ(count, 40);
  EXPECT_EQ(server.observations(experiment_id), RealServer::once_each(40, 5));
  EXPECT_EQ(server.open_sessions(), 1);
  client.reset();
  EXPECT_TRUE(eventually([&] { return server.open_sessions() == 0; }));
}

TEST(SessionWithTheServer, RefusedIsUnaryCalls) {
  const RealServer server({"--limit", "sessions_max=1"});
  const std::string experiment_id = server.create(2, 3);
  const Client first = connect(server.address());
  Trials trials = first.experiment(experiment_id).trials({.worker_id = "worker-1"});
  Trial& trial = *trials.next();

  const Client second = connect(server.address());
  Trials others = second.experiment(experiment_id).trials({.worker_id = "worker-2"});
  train(*others.next());
  train(trial);

  EXPECT_EQ(others.next(), nullptr);
  EXPECT_EQ(server.observations(experiment_id), RealServer::once_each(2, 3));
  EXPECT_EQ(server.open_sessions(), 1);
}

class SessionOf : public testing::Test {
 protected:
  SessionOf() { server_.have_sessions(Sessions::Carried); }

  FakeServer server_;
};

TEST_F(SessionOf, AWorkerCarriesItsCallsAndItsToken) {
  server_.client({.token = "secret"}).experiment("digits").run(train, {.worker_id = "worker-1"});

  ASSERT_EQ(server_.sessions().size(), 1U);
  const Opened session = server_.sessions()[0];
  EXPECT_EQ(session.authorization, "Bearer secret");
  std::vector<std::uint64_t> numbers;
  for (const auto& message : session.messages) numbers.push_back(message.request_number());
  EXPECT_EQ(numbers, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_TRUE(session.messages[0].has_get_suggestion());
  EXPECT_EQ(session.messages[1].report_metrics().reports(0).step(), 1);
}

TEST_F(SessionOf, NobodyWhereItIsSwitchedOff) {
  server_.client({.sessions = false}).experiment("digits").run(train, {.worker_id = "worker-1"});

  EXPECT_EQ(server_.sessions().size(), 0U);
  EXPECT_EQ(server_.report_metric.requests().size(), 3U);
}

TEST_F(SessionOf, ARefusalIsTheSameError) {
  server_.heartbeat.then({.code = grpc::StatusCode::INVALID_ARGUMENT,
                          .reason = "INVALID_REQUEST",
                          .metadata = {{"key", "value"}},
                          .violations = {{"lease_token", "is required"}},
                          .retry_delay = 70ms});
  server_.heartbeat.then({.code = grpc::StatusCode::PERMISSION_DENIED});
  const Client client = server_.client();
  try {
    send_heartbeat(client);
    ADD_FAILURE() << "it was refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "INVALID_ARGUMENT");
    EXPECT_EQ(error.reason(), "INVALID_REQUEST");
    EXPECT_EQ(error.message(), "refused as scripted");
    EXPECT_EQ(error.metadata(), (std::map<std::string, std::string>{{"key", "value"}}));
    ASSERT_EQ(error.violations().size(), 1U);
    EXPECT_EQ(error.violations()[0].field, "lease_token");
    EXPECT_EQ(error.retry_delay(), 70ms);
  }
  try {
    send_heartbeat(client);
    ADD_FAILURE() << "it was refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "PERMISSION_DENIED");
    EXPECT_EQ(error.reason(), "");
  }
  EXPECT_EQ(server_.sessions().size(), 1U);
}

TEST_F(SessionOf, AStreamThatBrokeIsFollowedByAnother) {
  server_.report_metric.then_silence();
  const Client client = server_.client();
  Trials trials = client.experiment("digits").trials({.worker_id = "worker-1"});
  Trial& trial = *trials.next();
  std::thread worker([&] { train(trial); });
  server_.report_metric.wait_for();
  server_.break_sessions();
  worker.join();

  std::vector<std::int64_t> steps;
  for (const auto& report : server_.report_metric.requests()) steps.push_back(report.step());
  EXPECT_EQ(steps, (std::vector<std::int64_t>{1, 1, 2, 3}));
  EXPECT_EQ(server_.sessions().size(), 2U);
}

TEST_F(SessionOf, AServerWithoutThemIsNotTriedAgainSoon) {
  server_.have_sessions(Sessions::Unimplemented);
  const Client client = server_.client();
  for (int i = 0; i < 3; ++i) send_heartbeat(client);

  EXPECT_EQ(server_.sessions().size(), 1U);
  EXPECT_EQ(server_.heartbeat.requests().size(), 3U);
}

TEST_F(SessionOf, ThreeStreamsWithoutAnAnswerIsFollowedByOneUnaryCall) {
  server_.have_sessions(Sessions::Unavailable);
  const Client client = server_.client();
  send_heartbeat(client);
  EXPECT_EQ(server_.sessions().size(), 3U);
  server_.have_sessions(Sessions::Carried);
  send_heartbeat(client);

  ASSERT_EQ(server_.sessions().size(), 4U);
  EXPECT_EQ(server_.sessions()[3].messages.size(), 1U);
}

TEST_F(SessionOf, AProxyThatKeepsItBackIsGotRound) {
  server_.have_sessions(Sessions::Silent);
  const Client client = server_.client({.deadline = kPatientDeadline});
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 2; ++i) send_heartbeat(client);

  EXPECT_GE(std::chrono::steady_clock::now() - began, kPatientDeadline);
  EXPECT_EQ(server_.sessions().size(), 1U);
  EXPECT_EQ(server_.heartbeat.requests().size(), 2U);
}

TEST_F(SessionOf, ACallWithoutAnAnswerIsSentAgainAfterItsDeadline) {
  const Client client = server_.client({.deadline = kPatientDeadline});
  send_heartbeat(client);
  server_.heartbeat.then_silence().then(beaten(v1::VERDICT_PAUSE));

  EXPECT_EQ(send_heartbeat(client).decision().verdict(), v1::VERDICT_PAUSE);
  EXPECT_EQ(server_.heartbeat.requests().size(), 3U);
  EXPECT_EQ(server_.sessions().size(), 1U);
}

TEST_F(SessionOf, APushedDecisionReachesItsOwnAttemptOnly) {
  const Client client = server_.client();
  Trials trials = client.experiment("digits").trials({.worker_id = "worker-1"});
  Trial& trial = *trials.next();
  v1::PushedDecision pushed;
  pushed.set_experiment_id("digits");
  *pushed.mutable_decision() = decision(v1::VERDICT_STOP);
  pushed.set_attempt(2);
  server_.push(pushed);
  trial.report(1, {{"loss", 0.5}});
  EXPECT_FALSE(trial.should_stop());
  pushed.set_attempt(1);
  server_.push(pushed);

  EXPECT_TRUE(eventually([&] { return trial.should_stop(); }));
  EXPECT_EQ(trials.next(), nullptr);
  EXPECT_EQ(server_.methods(),
            (std::vector<std::string>{"GetSuggestion", "ReportMetric", "GetSuggestion"}));
}

TEST_F(SessionOf, AClientThatIsDestroyedReleasesItsTrialAndEndsInOrder) {
  {
    Trials trials = server_.client().experiment("digits").trials({.worker_id = "worker-1"});
    ASSERT_NE(trials.next(), nullptr);
  }

  EXPECT_TRUE(eventually([&] { return server_.sessions()[0].is_ended; }));
  EXPECT_TRUE(server_.sessions()[0].messages[1].has_release_trial());
}

// A half-closed session goes on until everything is answered: a trial would be handed out to nobody.
TEST_F(SessionOf, AClientThatGaveUpACallIsCutInsteadOfEndingInOrder) {
  server_.get_suggestion.then_silence();
  std::stop_source stop;
  std::thread worker;
  {
    const Client client = server_.client();
    send_heartbeat(client);
    worker = std::thread([&server = server_, &stop] {
      server.get_suggestion.wait_for(2);
      stop.request_stop();
    });
    Trials trials = client.experiment("digits").trials({.worker_id = "worker-1"});
    ASSERT_NE(trials.next(), nullptr);
    Trials others = client.experiment("digits").trials(
        {.worker_id = "worker-2", .stop = stop.get_token()});
    EXPECT_EQ(others.next(), nullptr);
  }
  worker.join();

  EXPECT_TRUE(eventually([&] { return server_.sessions()[0].is_over; }));
  EXPECT_FALSE(server_.sessions()[0].is_ended);
}

}  // namespace
}  // namespace asha::test
