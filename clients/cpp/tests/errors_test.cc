// Refusals are decoded with all their details.
#include "fake_server.h"

namespace asha::test {
namespace {

Error refused(const Refusal& refusal) {
  FakeServer server;
  server.should_stop.always(refusal);
  v1::ShouldStopResponse response;
  try {
    server.client().call("asha.v1.SuggestionService/ShouldStop", v1::ShouldStopRequest(), response,
                         {.give_up_after = 0ms});
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "not refused";
  return Error("", {});
}

TEST(Errors, CarryReasonMetadataAndEveryViolation) {
  const Error error =
      refused({grpc::StatusCode::INVALID_ARGUMENT,
               "INVALID_REQUEST",
               {{"field_count", "2"}},
               {{"spec.max_length", "is required"}, {"spec.metric", "is required"}}});

  EXPECT_EQ(error.code(), "INVALID_ARGUMENT");
  EXPECT_EQ(error.reason(), "INVALID_REQUEST");
  EXPECT_EQ(error.message(), "refused as scripted");
  EXPECT_EQ(error.metadata().at("field_count"), "2");
  ASSERT_EQ(error.violations().size(), 2U);
  EXPECT_EQ(error.violations()[1].field, "spec.metric");
  EXPECT_EQ(error.violations()[1].description, "is required");
  EXPECT_FALSE(error.is_retryable());
  EXPECT_STREQ(error.what(),
               "refused as scripted [INVALID_ARGUMENT/INVALID_REQUEST]\n"
               "  spec.max_length: is required\n"
               "  spec.metric: is required");
}

TEST(Errors, CarryTheDelayBeforeARetry) {
  const Error error = refused({grpc::StatusCode::RESOURCE_EXHAUSTED, "OVERLOADED", {}, {}, 1500ms});

  EXPECT_EQ(error.retry_delay(), 1500ms);
  EXPECT_TRUE(error.is_retryable());
}

TEST(Errors, OfAProxyHaveACodeOnly) {
  const Error error = refused({grpc::StatusCode::PERMISSION_DENIED});

  EXPECT_EQ(error.code(), "PERMISSION_DENIED");
  EXPECT_EQ(error.reason(), "");
  EXPECT_TRUE(error.metadata().empty());
  EXPECT_STREQ(error.what(), "refused as scripted [PERMISSION_DENIED]");
}

}  // namespace
}  // namespace asha::test
