// The lease is kept alive while a trial trains, and verdicts arrive without being asked for.
#include <thread>

#include "fake_server.h"

namespace asha::test {
namespace {

constexpr auto kShortLease = 30ms;  // a heartbeat is due every third of it

class KeepAlive : public testing::Test {
 protected:
  KeepAlive() : trials_(server_.client().experiment("digits").trials()) {
    trials_.next()->release();
    server_.get_suggestion.then(assigned(1, kShortLease));
    server_.heartbeat.always([](const auto&, auto& response) {
      response = beaten(v1::VERDICT_CONTINUE, kShortLease);
      return grpc::Status::OK;
    });
  }

  FakeServer server_;
  Trials trials_;
};

TEST_F(KeepAlive, ATrialThatTrainsLongIsKeptAlive) {
  const auto began = std::chrono::steady_clock::now();
  const Trial& trial = *trials_.next();

  const auto heartbeat = server_.heartbeat.wait_for(3);

  EXPECT_GE(std::chrono::steady_clock::now() - began, kShortLease);  // 3 x a third
  EXPECT_EQ(heartbeat.trial_number(), 1);
  EXPECT_EQ(heartbeat.lease_token(), "lease-1");
  EXPECT_FALSE(trial.should_stop());
  EXPECT_EQ(trial.decision()->verdict, Verdict::Continue);
}

TEST_F(KeepAlive, EndsWithTheTrial) {
  Trial& trial = *trials_.next();
  server_.heartbeat.wait_for();

  trial.release();

  const auto came = server_.heartbeat.requests().size();
  std::this_thread::sleep_for(3 * kShortLease);
  EXPECT_EQ(server_.heartbeat.requests().size(), came);
}

TEST_F(KeepAlive, AVerdictEndsTheSteps) {
  server_.heartbeat.then(beaten(v1::VERDICT_PAUSE));
  Trial& trial = *trials_.next();

  ASSERT_TRUE(eventually([&] { return trial.should_stop(); }));

  EXPECT_EQ(trial.steps().begin(), trial.steps().end());
  EXPECT_EQ(trial.decision()->verdict, Verdict::Pause);
  EXPECT_EQ(trials_.next(), nullptr);
  EXPECT_EQ(server_.complete_trial.requests().size(), 0U);
}

TEST_F(KeepAlive, ALeaseThatIsGoneEndsTheSteps) {
  for (const auto& refusal : {Refusal{grpc::StatusCode::ABORTED, "LEASE_LOST"},
                              Refusal{grpc::StatusCode::FAILED_PRECONDITION, "TRIAL_ENDED"},
                              Refusal{grpc::StatusCode::NOT_FOUND, "EXPERIMENT_NOT_FOUND"}}) {
    server_.heartbeat.then(refusal);
    const Trial& trial = *trials_.next();

    ASSERT_TRUE(eventually([&] { return trial.should_stop(); })) << refusal.reason;

    EXPECT_EQ(trial.decision()->verdict, Verdict::Stop);
    EXPECT_EQ(trial.decision()->reason, refusal.reason);
    server_.get_suggestion.then(assigned(1, kShortLease));
  }
}

TEST_F(KeepAlive, GoesOnThroughAStorm) {
  server_.heartbeat.then(Refusal{grpc::StatusCode::UNAVAILABLE}, 5);
  const Trial& trial = *trials_.next();

  server_.heartbeat.wait_for(7);

  EXPECT_FALSE(trial.should_stop());
}

TEST_F(KeepAlive, AHeartbeatWithoutAnAnswerHoldsUpNeitherReportNorRelease) {
  server_.heartbeat.then_silence();
  Trial& trial = *trials_.next();
  server_.heartbeat.wait_for();
  const auto began = std::chrono::steady_clock::now();

  EXPECT_EQ(trial.report(1, {{"val_loss", 0.5}}).verdict, Verdict::Continue);
  trial.release();

  EXPECT_LT(std::chrono::steady_clock::now() - began, 900ms);  // its deadline is 1 s
}

TEST_F(KeepAlive, AVerdictNeverChangesOnceSaid) {
  server_.heartbeat.then(beaten(v1::VERDICT_PAUSE));
  server_.report_metric.then(reported(v1::VERDICT_STOP));
  Trial& trial = *trials_.next();
  ASSERT_TRUE(eventually([&] { return trial.should_stop(); }));

  trial.report(1, {{"val_loss", 0.5}});

  EXPECT_EQ(trial.decision()->verdict, Verdict::Pause);
}

}  // namespace
}  // namespace asha::test
