// The worker loop: what is handed out, what is reported, how a trial ends.
#include <cmath>
#include <limits>

#include "fake_server.h"

namespace asha::test {
namespace {

using testing::Test;
using Methods = std::vector<std::string>;

TEST(Trials, TrainUntilTheSearchIsFinished) {
  FakeServer server;
  std::vector<std::int64_t> steps;

  for (Trial& trial : server.client().experiment("digits").trials({.worker_id = "w"})) {
    EXPECT_EQ(trial.number(), 0);
    EXPECT_EQ(trial.get<double>("lr"), 0.1);
    for (const std::int64_t step : trial.steps()) {
      steps.push_back(step);
      trial.report(step, {{"val_loss", 1.0 / static_cast<double>(step)}});
    }
  }

  EXPECT_EQ(steps, (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(server.methods(), (Methods{"GetSuggestion", "ReportMetric", "ReportMetric",
                                       "ReportMetric", "GetSuggestion"}));
  const auto report = server.report_metric.requests()[1];
  EXPECT_EQ(report.lease_token(), "lease-0");
  EXPECT_EQ(report.metrics(0).name(), "val_loss");
  EXPECT_EQ(report.metrics(0).value(), 0.5);
}

TEST(Trials, AskAsOneProcessWithAnIdOfEachRequest) {
  FakeServer server;
  server.get_suggestion.then(assigned(1));

  for (Trial& trial : server.client().experiment("digits").trials({.worker_id = "w"})) {
    trial.release();
  }

  const auto asked = server.get_suggestion.requests();
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(asked[0].worker_id(), "w");
  EXPECT_EQ(asked[0].max_wait().seconds(), 20);
  EXPECT_EQ(asked[0].incarnation_id(), asked[1].incarnation_id());
  EXPECT_NE(asked[0].request_id(), asked[1].request_id());
  EXPECT_EQ(asked[0].request_id().size(), 32U);
}

TEST(Trials, ShowTheConfigurationTypedAndInDeclaredOrder) {
  FakeServer server;
  v1::GetSuggestionResponse response = assigned();
  v1::Assignment& assignment = *response.mutable_assignment();
  assignment.clear_parameters();
  const auto add = [&assignment](const char* name) {
    v1::Parameter& parameter = *assignment.add_parameters();
    parameter.set_name(name);
    return parameter.mutable_value();
  };
  add("width")->set_int_value(9007199254740993);  // 2^53 + 1: no double
  add("act")->set_string_value("relu");
  add("flag")->set_bool_value(true);
  add("deep")->set_json_value("[1,2]");
  add("lr")->set_double_value(0.25);
  add("future");
  assignment.set_kind(static_cast<v1::AssignmentKind>(99));
  assignment.set_start_step(9);
  assignment.set_checkpoint_uri("file:///c");
  server.get_suggestion.always([response](const auto&, auto& answer) {
    answer = response;
    return grpc::Status::OK;
  });
  Trials trials = server.client().experiment("digits").trials();
  trials.next();

  Trial& trial = *trials.next();

  ASSERT_EQ(trial.parameters().size(), 6U);
  EXPECT_EQ(trial.parameters()[0].name, "width");
  EXPECT_EQ(trial.parameters()[4].name, "lr");
  EXPECT_EQ(trial.get<std::int64_t>("width"), 9007199254740993);
  EXPECT_EQ(trial.get<std::string>("act"), "relu");
  EXPECT_EQ(trial.get<bool>("flag"), true);
  EXPECT_EQ(trial.get<Json>("deep").text, "[1,2]");
  EXPECT_EQ(trial.get<double>("lr"), 0.25);
  EXPECT_EQ(*trial.find("future"), Value(std::monostate()));
  EXPECT_EQ(trial.find("absent"), nullptr);
  EXPECT_THROW(trial.get<double>("absent"), std::out_of_range);
  EXPECT_THROW(trial.get<double>("width"), std::bad_variant_access);
  EXPECT_EQ(trial.kind(), "99");
  EXPECT_EQ(trial.start_step(), 9);
  EXPECT_EQ(trial.checkpoint(), "file:///c");
  EXPECT_EQ(trial.seed(), 7U);
}

TEST(Trials, StepsOfAResumedTrialBeginAfterItsStart) {
  FakeServer server;
  v1::GetSuggestionResponse response = assigned(1);
  response.mutable_assignment()->set_start_step(1);
  server.get_suggestion.then(response);
  Trials trials = server.client().experiment("digits").trials();
  trials.next();
  Trial& trial = *trials.next();
  std::vector<std::int64_t> steps;

  for (const std::int64_t step : trial.steps()) steps.push_back(step);

  EXPECT_EQ(steps, (std::vector<std::int64_t>{2, 3}));
}

TEST(Trials, ATurnLeftWithoutAVerdictCompletesTheTrial) {
  FakeServer server;

  for (Trial& trial : server.client().experiment("digits").trials()) {
    trial.report(1, {{"val_loss", 0.5}});
  }

  EXPECT_EQ(server.methods(),
            (Methods{"GetSuggestion", "ReportMetric", "CompleteTrial", "GetSuggestion"}));
}

TEST(Trials, ABreakReleasesTheTrial) {
  FakeServer server;

  for ([[maybe_unused]] Trial& trial : server.client().experiment("digits").trials()) break;

  EXPECT_EQ(server.methods(), (Methods{"GetSuggestion", "ReleaseTrial"}));
  EXPECT_EQ(server.release_trial.requests()[0].lease_token(), "lease-0");
}

TEST(Trials, AnExceptionThatLeavesTheLoopFailsTheTrial) {
  FakeServer server;
  const auto loop = [&server] {
    for (Trial& trial : server.client().experiment("digits").trials()) {
      throw std::runtime_error("boom in " + std::to_string(trial.number()));
    }
  };

  EXPECT_THROW(loop(), std::runtime_error);

  EXPECT_EQ(server.methods(), (Methods{"GetSuggestion", "FailTrial"}));
  EXPECT_EQ(server.fail_trial.requests()[0].kind(), v1::FAILURE_KIND_RETRYABLE);
}

TEST(Trials, AnErrorOfTheServerThatLeavesTheLoopReleasesTheTrial) {
  FakeServer server;
  server.report_metric.always(Refusal{grpc::StatusCode::INTERNAL, "INTERNAL"});
  const auto loop = [&server] {
    for (Trial& trial : server.client().experiment("digits").trials()) {
      trial.report(1, {{"val_loss", 0.5}});
    }
  };

  EXPECT_THROW(loop(), Error);

  EXPECT_EQ(server.methods(), (Methods{"GetSuggestion", "ReportMetric", "ReleaseTrial"}));
}

TEST(Trials, RunFailsATrialByWhatItsFunctionThrows) {
  FakeServer server;
  server.get_suggestion.then(assigned(1)).then(assigned(2)).then(assigned(3));
  std::vector<std::function<void()>> bodies{
      [] { throw std::runtime_error("boom"); },
      [] { throw Infeasible("out of memory by design"); },
      [] { throw PermanentFailure("no data"); },
      [] { throw CheckpointUnreadable("truncated"); },
  };

  const auto count = server.client().experiment("digits").run([&](Trial& trial) {
    trial.report(1, {{"val_loss", 0.5}});
    bodies[static_cast<std::size_t>(trial.number())]();
  });

  EXPECT_EQ(count, 4);
  const auto failed = server.fail_trial.requests();
  ASSERT_EQ(failed.size(), 4U);
  EXPECT_EQ(failed[0].kind(), v1::FAILURE_KIND_RETRYABLE);
  EXPECT_EQ(failed[0].message(), "boom");
  EXPECT_EQ(failed[1].kind(), v1::FAILURE_KIND_INFEASIBLE);
  EXPECT_EQ(failed[2].kind(), v1::FAILURE_KIND_PERMANENT);
  EXPECT_EQ(failed[3].kind(), v1::FAILURE_KIND_CHECKPOINT_UNREADABLE);
}

TEST(Trials, RunReleasesATrialAtAnErrorOfItsClient) {
  FakeServer server;
  server.report_metric.always(Refusal{grpc::StatusCode::PERMISSION_DENIED, "SCOPE_MISSING"});

  EXPECT_THROW(server.client().experiment("digits").run(
                   [](Trial& trial) { trial.report(1, {{"val_loss", 0.5}}); }),
               Error);

  EXPECT_EQ(server.methods(), (Methods{"GetSuggestion", "ReportMetric", "ReleaseTrial"}));
}

TEST(Trials, ALongFailureIsCutBetweenCharacters) {
  FakeServer server;
  std::string message(1999, 'x');
  message += "éé";

  for (Trial& trial : server.client().experiment("digits").trials()) trial.fail(message);

  EXPECT_EQ(server.fail_trial.requests()[0].message(), std::string(1999, 'x'));
}

TEST(Trials, ThreeFailuresInARowWithoutAReportEndTheWorker) {
  FakeServer server;
  server.get_suggestion.then(assigned(1)).then(assigned(2)).then(assigned(3));
  std::int64_t count = 0;
  const auto run = [&] {
    server.client().experiment("digits").run([&](Trial&) {
      ++count;
      throw std::runtime_error("no GPU");
    });
  };

  EXPECT_THROW(run(), WorkerFailing);

  EXPECT_EQ(count, 3);
  EXPECT_EQ(server.get_suggestion.requests().size(), 3U);
}

TEST(Trials, AReportBetweenStartsTheCountAnewAndInfeasibleSaysNothing) {
  FakeServer server;
  for (int i = 1; i < 7; ++i) server.get_suggestion.then(assigned(i));

  const auto count = server.client().experiment("digits").run([](Trial& trial) {
    if (trial.number() == 2) trial.report(1, {{"val_loss", 0.5}});
    if (trial.number() > 2 && trial.number() < 5) throw Infeasible("too wide");
    throw std::runtime_error("boom");
  });

  EXPECT_EQ(count, 7);  // 0 and 1 failed, 2 reported, 3 and 4 infeasible, 5 and 6 failed
}

TEST(Trials, AfterAVerdictNoEndIsSent) {
  FakeServer server;
  server.report_metric.then(reported(v1::VERDICT_PAUSE, v1::DECISION_REASON_AWAITING_PROMOTION));
  Trials trials = server.client().experiment("digits").trials();
  Trial& trial = *trials.next();

  const Decision decision = trial.report(1, {{"val_loss", 0.5}});
  trial.complete();
  trial.fail("late");
  trial.release();

  EXPECT_EQ(decision.verdict, Verdict::Pause);
  EXPECT_EQ(decision.reason, "AWAITING_PROMOTION");
  EXPECT_EQ(trials.next(), nullptr);
  EXPECT_EQ(server.methods(), (Methods{"GetSuggestion", "ReportMetric", "GetSuggestion"}));
}

TEST(Trials, ALeaseLostByAReportStopsTheTrialAndTheLoopGoesOn) {
  FakeServer server;
  server.get_suggestion.then(assigned(1));
  server.report_metric.then(Refusal{grpc::StatusCode::ABORTED, "LEASE_LOST"});
  std::vector<Decision> decisions;

  for (Trial& trial : server.client().experiment("digits").trials()) {
    for (const std::int64_t step : trial.steps()) {
      decisions.push_back(trial.report(step, {{"val_loss", 0.5}}));
    }
  }

  ASSERT_EQ(decisions.size(), 4U);
  EXPECT_EQ(decisions[0].verdict, Verdict::Stop);
  EXPECT_EQ(decisions[0].reason, "LEASE_LOST");
  EXPECT_EQ(server.complete_trial.requests().size(), 0U);
  EXPECT_EQ(server.warnings().size(), 1U);
}

TEST(Trials, AStepReportedBeforeGoesOnWithTheRecordedVerdict) {
  FakeServer server;
  server.report_metric.then(
      Refusal{grpc::StatusCode::ALREADY_EXISTS,
              "METRIC_CONFLICT",
              {{"verdict", "CONTINUE"}, {"decision_reason", "BETWEEN_RUNGS"}}});
  Trials trials = server.client().experiment("digits").trials();
  Trial& trial = *trials.next();

  const Decision decision = trial.report(1, {{"val_loss", 0.5}}, "file:///c1");

  EXPECT_EQ(decision.verdict, Verdict::Continue);
  EXPECT_EQ(decision.reason, "BETWEEN_RUNGS");
  EXPECT_FALSE(trial.should_stop());
  EXPECT_EQ(server.report_checkpoint.requests()[0].checkpoint_uri(), "file:///c1");
  EXPECT_EQ(server.warnings().size(), 1U);
}

TEST(Trials, NotANumberAndInfinityAreReportedAsTheyAre) {
  FakeServer server;
  Trials trials = server.client().experiment("digits").trials();

  trials.next()->report(1, {{"a", std::numeric_limits<double>::quiet_NaN()},
                            {"b", -std::numeric_limits<double>::infinity()}});

  const auto request = server.report_metric.requests()[0];
  EXPECT_TRUE(std::isnan(request.metrics(0).value()));
  EXPECT_EQ(request.metrics(1).value(), -std::numeric_limits<double>::infinity());
}

TEST(Trials, ACheckpointIsSavedOnlyWhereItIsNeeded) {
  FakeServer server;
  int saved = 0;

  for (Trial& trial : server.client().experiment("digits").trials()) {
    for (const std::int64_t step : trial.steps()) {
      trial.report(step, {{"val_loss", 0.5}}, [&] { return "file:///" + std::to_string(++saved); });
    }
  }

  const auto reports = server.report_metric.requests();
  EXPECT_EQ(reports[0].checkpoint_uri(), "");
  EXPECT_EQ(reports[1].checkpoint_uri(), "");
  EXPECT_EQ(reports[2].checkpoint_uri(), "file:///1");  // step 3 is decided
}

TEST(Trials, APauseThatNobodyCouldForeseeIsAnsweredByACheckpoint) {
  FakeServer server;
  server.report_metric.then(reported(v1::VERDICT_PAUSE, v1::DECISION_REASON_EXPERIMENT_PAUSED));
  Trials trials = server.client().experiment("digits").trials();

  trials.next()->report(1, {{"val_loss", 0.5}}, [] { return "file:///c1"; });

  EXPECT_EQ(server.report_checkpoint.requests()[0].checkpoint_uri(), "file:///c1");
  EXPECT_EQ(server.report_checkpoint.requests()[0].step(), 1);
}

TEST(Trials, ACheckpointFunctionMustNameWhatItSaved) {
  FakeServer server;
  Trials trials = server.client().experiment("digits").trials();

  EXPECT_THROW(trials.next()->report(3, {{"val_loss", 0.5}}, [] { return std::string(); }),
               std::logic_error);
}

TEST(Trials, TheDecisionIsExplained) {
  FakeServer server;
  v1::ReportMetricResponse response = reported(v1::VERDICT_CONTINUE, v1::DECISION_REASON_PROMOTED);
  response.mutable_decision()->set_rank(0);
  response.mutable_decision()->set_competitors(3);
  response.mutable_decision()->set_cutoff(0.25);
  response.mutable_decision()->set_next_decision_step(9);
  response.add_deletable_checkpoint_uris("file:///old");
  server.report_metric.then(response);
  Trials trials = server.client().experiment("digits").trials();
  Trial& trial = *trials.next();

  const Decision decision = trial.report(1, {{"val_loss", 0.5}});

  EXPECT_EQ(decision.rank, 0);
  EXPECT_EQ(decision.competitors, 3);
  EXPECT_EQ(decision.cutoff, 0.25);
  EXPECT_EQ(decision.deletable_checkpoints, std::vector<std::string>{"file:///old"});
  EXPECT_EQ(trial.next_decision_step(), 9);
}

TEST(Trials, UnknownValuesOfANewerServerAreTolerated) {
  FakeServer server;
  v1::GetSuggestionResponse unknown;  // no result that this client knows
  server.get_suggestion.then(waiting()).then(unknown).then(assigned(1));
  server.report_metric.then(
      reported(static_cast<v1::Verdict>(99), static_cast<v1::DecisionReason>(98)));
  Trials trials = server.client().experiment("digits").trials();

  const Decision decision = trials.next()->report(1, {{"val_loss", 0.5}});

  EXPECT_EQ(decision.verdict, Verdict::Stop);
  EXPECT_EQ(decision.reason, "98");
  EXPECT_EQ(trials.next()->number(), 1);
}

TEST(Trials, AnAskWhoseAttemptIsOverIsMadeAnew) {
  FakeServer server;
  Trials trials = server.client().experiment("digits").trials();
  trials.next()->release();
  server.get_suggestion.then(Refusal{grpc::StatusCode::ABORTED, "LEASE_LOST"}).then(assigned(1));

  EXPECT_EQ(trials.next()->number(), 1);

  const auto asked = server.get_suggestion.requests();
  EXPECT_NE(asked[1].request_id(), asked[2].request_id());
}

TEST(Trials, AServerWithoutRoomForLongPollsIsAskedNowAndThen) {
  FakeServer server;
  Trials trials = server.client().experiment("digits").trials();
  trials.next()->release();
  server.get_suggestion.then(Refusal{grpc::StatusCode::RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED"})
      .then(assigned(1));

  EXPECT_EQ(trials.next()->number(), 1);

  const auto asked = server.get_suggestion.requests();
  EXPECT_EQ(asked[1].max_wait().seconds(), 20);
  EXPECT_EQ(asked[2].max_wait().seconds(), 0);
}

}  // namespace
}  // namespace asha::test
