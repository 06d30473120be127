// What is sent again, for how long, and that nothing of it ever fails a trial.
#include <google/protobuf/util/message_differencer.h>

#include <thread>

#include "fake_server.h"
#include "google/rpc/code.pb.h"

namespace asha::test {
namespace {

using google::protobuf::util::MessageDifferencer;
constexpr char kShouldStop[] = "asha.v1.SuggestionService/ShouldStop";

std::string name_of(grpc::StatusCode code) {
  return google::rpc::Code_Name(static_cast<int>(code));
}

class Retried : public testing::TestWithParam<Refusal> {};

TEST_P(Retried, TheVerySameRequestIsSentUntilItIsAnswered) {
  FakeServer server;
  Trials trials = server.client().experiment("digits").trials();
  trials.next()->release();
  server.get_suggestion.then(GetParam(), 5).then(assigned(1));

  Trial& trial = *trials.next();
  server.report_metric.then(GetParam(), 5);
  trial.report(1, {{"val_loss", 0.5}});

  const auto asked = server.get_suggestion.requests();
  ASSERT_EQ(asked.size(), 7U);
  for (std::size_t i = 2; i < 7; ++i) EXPECT_TRUE(MessageDifferencer::Equals(asked[1], asked[i]));
  const auto reports = server.report_metric.requests();
  ASSERT_EQ(reports.size(), 6U);
  for (const auto& report : reports) EXPECT_TRUE(MessageDifferencer::Equals(reports[0], report));
  EXPECT_EQ(server.fail_trial.requests().size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Refusals, Retried,
    testing::Values(Refusal{grpc::StatusCode::UNAVAILABLE},
                    Refusal{grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN", {}, {}, 1ms},
                    Refusal{grpc::StatusCode::DEADLINE_EXCEEDED},
                    Refusal{grpc::StatusCode::RESOURCE_EXHAUSTED, "OVERLOADED", {}, {}, 1ms}),
    [](const auto& info) { return name_of(info.param.code) + info.param.reason; });

class Refused : public testing::TestWithParam<grpc::StatusCode> {};

TEST_P(Refused, NothingElseIsSentAgain) {
  FakeServer server;
  server.should_stop.always(Refusal{GetParam()});
  v1::ShouldStopResponse response;

  EXPECT_THROW(server.client().call(kShouldStop, v1::ShouldStopRequest(), response), Error);

  EXPECT_EQ(server.should_stop.requests().size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Codes, Refused,
    testing::Values(grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::NOT_FOUND,
                    grpc::StatusCode::ABORTED, grpc::StatusCode::INTERNAL,
                    grpc::StatusCode::UNKNOWN, grpc::StatusCode::CANCELLED,
                    grpc::StatusCode::RESOURCE_EXHAUSTED /* without RetryInfo */),
    [](const auto& info) { return name_of(info.param); });

TEST(Retries, GiveUpAfterTheConfiguredTime) {
  FakeServer server;
  server.should_stop.always(Refusal{grpc::StatusCode::UNAVAILABLE});
  const Client client = server.client({.give_up_after = 100ms});
  v1::ShouldStopResponse response;
  const auto began = std::chrono::steady_clock::now();

  try {
    client.call(kShouldStop, v1::ShouldStopRequest(), response);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "UNAVAILABLE");
  }

  EXPECT_GE(std::chrono::steady_clock::now() - began, 80ms);
  EXPECT_GT(server.should_stop.requests().size(), 1U);
}

TEST(Retries, TheServersDelayIsAFloor) {
  FakeServer server;
  server.should_stop.then(Refusal{grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN", {}, {}, 200ms});
  v1::ShouldStopResponse response;
  const auto began = std::chrono::steady_clock::now();

  server.client().call(kShouldStop, v1::ShouldStopRequest(), response);

  EXPECT_GE(std::chrono::steady_clock::now() - began, 200ms);
}

TEST(Retries, ACallWithoutAnAnswerIsGivenUpAtItsDeadlineAndSentAgain) {
  FakeServer server;
  server.should_stop.then_silence();
  v1::ShouldStopResponse response;

  server.client({.deadline = 100ms}).call(kShouldStop, v1::ShouldStopRequest(), response);

  EXPECT_EQ(server.should_stop.requests().size(), 2U);
}

TEST(Retries, AReportFindsTheServerThatComesBack) {
  auto first = std::make_unique<FakeServer>();
  first->report_metric.then_silence();
  const std::string address = first->address();
  Trials trials = first->client({.deadline = 200ms}).experiment("digits").trials();
  Trial& trial = *trials.next();
  Decision decision;
  std::jthread reporting([&] { decision = trial.report(1, {{"val_loss", 0.5}}); });
  const auto lost = first->report_metric.wait_for();
  first.reset();

  FakeServer second(address);
  reporting.join();

  EXPECT_EQ(decision.verdict, Verdict::Continue);
  EXPECT_TRUE(MessageDifferencer::Equals(second.report_metric.requests()[0], lost));
}

TEST(Retries, ACallerCancelsItsCall) {
  FakeServer server;
  server.should_stop.then_silence();
  std::stop_source source;
  std::jthread canceller([&] {
    server.should_stop.wait_for();
    source.request_stop();
  });
  v1::ShouldStopResponse response;

  try {
    server.client().call(kShouldStop, v1::ShouldStopRequest(), response,
                         {.stop = source.get_token()});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "CANCELLED");
  }

  EXPECT_EQ(server.should_stop.requests().size(), 1U);
}

TEST(Retries, ALongStormIsWarnedOf) {
  FakeServer server;
  server.should_stop.always(Refusal{grpc::StatusCode::UNAVAILABLE});
  std::stop_source source;
  std::jthread patience([&] {
    EXPECT_TRUE(eventually([&] { return !server.warnings().empty(); }));
    source.request_stop();
  });
  v1::ShouldStopResponse response;

  EXPECT_THROW(server.client().call(kShouldStop, v1::ShouldStopRequest(), response,
                                    {.stop = source.get_token()}),
               Error);
  patience.join();

  const std::string warning = server.warnings()[0];
  EXPECT_NE(warning.find("ShouldStop has failed for 1 s"), std::string::npos) << warning;
  EXPECT_NE(warning.find(server.address()), std::string::npos) << warning;
}

}  // namespace
}  // namespace asha::test
