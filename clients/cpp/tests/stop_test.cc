// A worker that is told to go gives its trial back within 2 seconds.
#include <unistd.h>

#include <csignal>
#include <thread>

#include "asha/stop_on_signals.h"
#include "fake_server.h"

namespace asha::test {
namespace {

using Methods = std::vector<std::string>;

TEST(Stop, ReleasesTheTrialWhileItsBodyIsBusy) {
  FakeServer server;
  std::stop_source source;
  Trials trials = server.client().experiment("digits").trials({.stop = source.get_token()});
  Trial& trial = *trials.next();

  std::jthread([&] { source.request_stop(); }).join();

  EXPECT_EQ(server.release_trial.requests().size(), 1U);
  EXPECT_TRUE(trial.should_stop());
  EXPECT_EQ(trial.report(1, {{"val_loss", 0.5}}).verdict, Verdict::Stop);
  EXPECT_EQ(trials.next(), nullptr);
  EXPECT_EQ(server.methods(), (Methods{"GetSuggestion", "ReleaseTrial"}));
}

TEST(Stop, EndsAWaitForWork) {
  FakeServer server;
  std::stop_source source;
  Trials trials = server.client().experiment("digits").trials({.stop = source.get_token()});
  trials.next()->release();
  server.get_suggestion.then_silence();
  std::jthread stopping([&] {
    server.get_suggestion.wait_for(2);
    source.request_stop();
  });

  EXPECT_EQ(trials.next(), nullptr);
}

TEST(Stop, CutsAReportShort) {
  FakeServer server;
  server.report_metric.then_silence();
  std::stop_source source;
  Trials trials = server.client().experiment("digits").trials({.stop = source.get_token()});
  Trial& trial = *trials.next();
  std::jthread stopping([&] {
    server.report_metric.wait_for();
    source.request_stop();
  });

  EXPECT_EQ(trial.report(1, {{"val_loss", 0.5}}).verdict, Verdict::Stop);

  stopping.join();
  EXPECT_EQ(server.release_trial.requests().size(), 1U);
}

TEST(Stop, GivesAnEndThatIsOnItsWayALastChance) {
  FakeServer server;
  server.complete_trial.then_silence();
  std::stop_source source;
  Trials trials = server.client().experiment("digits").trials({.stop = source.get_token()});
  Trial& trial = *trials.next();
  std::jthread stopping([&] {
    server.complete_trial.wait_for();
    source.request_stop();
  });

  trial.complete();

  EXPECT_EQ(server.complete_trial.requests().size(), 2U);
  EXPECT_EQ(server.release_trial.requests().size(), 0U);
}

TEST(Stop, IsOverInTwoSecondsThoughTheServerIsSilent) {
  FakeServer server;
  for (int i = 0; i < 10; ++i) server.release_trial.then_silence();
  std::stop_source source;
  Trials trials = server.client().experiment("digits").trials({.stop = source.get_token()});
  trials.next();
  const auto began = std::chrono::steady_clock::now();

  source.request_stop();

  EXPECT_LT(std::chrono::steady_clock::now() - began, 2500ms);  // 2 s, on a busy machine
  EXPECT_EQ(server.warnings().size(), 1U);
}

TEST(Stop, ComesWithTheFirstSigterm) {
  const StopOnSignals stop;
  FakeServer server;
  Trials trials = server.client().experiment("digits").trials({.stop = stop.token()});
  trials.next();

  kill(getpid(), SIGTERM);

  server.release_trial.wait_for();
  EXPECT_TRUE(stop.token().stop_requested());
  EXPECT_EQ(trials.next(), nullptr);
}

// In processes of their own; they begin anew, because a fork of a process with threads must.
class StopDeath : public testing::Test {
 protected:
  StopDeath() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(StopDeath, TheSecondSignalEndsTheProcess) {
  const auto two_signals = [] {
    const StopOnSignals stop;
    kill(getpid(), SIGTERM);
    while (!stop.token().stop_requested()) std::this_thread::sleep_for(1ms);
    kill(getpid(), SIGTERM);
    std::this_thread::sleep_for(kPatience);
  };
  EXPECT_EXIT(two_signals(), testing::KilledBySignal(SIGTERM), "");
}

TEST_F(StopDeath, ASignalThatIsIgnoredStaysIgnored) {
  const auto ignored = [] {
    std::signal(SIGINT, SIG_IGN);
    const StopOnSignals stop;
    kill(getpid(), SIGINT);
    std::this_thread::sleep_for(50ms);
    std::exit(stop.token().stop_requested() ? 1 : 0);
  };
  EXPECT_EXIT(ignored(), testing::ExitedWithCode(0), "");
}

TEST_F(StopDeath, AfterItsLifeTheSignalDoesWhatItDidBefore) {
  const auto after = [] {
    {
      const StopOnSignals stop;
    }
    kill(getpid(), SIGTERM);
    std::this_thread::sleep_for(kPatience);
  };
  EXPECT_EXIT(after(), testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace asha::test
