#include "decode.h"

#include <utility>

#include "google/rpc/code.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace asha {

namespace {

Value decode_value(const v1::ParameterValue& value) {
  switch (value.kind_case()) {
    case v1::ParameterValue::kDoubleValue:
      return value.double_value();
    case v1::ParameterValue::kIntValue:
      return value.int_value();
    case v1::ParameterValue::kStringValue:
      return value.string_value();
    case v1::ParameterValue::kBoolValue:
      return value.bool_value();
    case v1::ParameterValue::kJsonValue:
      return Json{value.json_value()};
    default:
      return {};
  }
}

}  // namespace

Error decode_error(const grpc::Status& status) {
  ErrorDetails details{.code = google::rpc::Code_Name(static_cast<int>(status.error_code()))};
  google::rpc::Status rich;
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad;
  google::rpc::RetryInfo retry;
  rich.ParseFromString(status.error_details());  // a proxy's answer has none, or others
  for (const google::protobuf::Any& detail : rich.details()) {
    if (detail.UnpackTo(&info)) {
      details.reason = info.reason();
      details.metadata = {info.metadata().begin(), info.metadata().end()};
    } else if (detail.UnpackTo(&bad)) {
      for (const auto& violation : bad.field_violations()) {
        details.violations.push_back({violation.field(), violation.description()});
      }
    } else if (detail.UnpackTo(&retry)) {
      details.retry_delay = decode_duration(retry.retry_delay());
    }
  }
  return {status.error_message(), std::move(details)};
}

Error decode_error(const v1::SessionError& refusal) {
  ErrorDetails details{.code = google::rpc::Code_Name(refusal.code()),
                       .metadata = {refusal.metadata().begin(), refusal.metadata().end()}};
  if (refusal.reason() != v1::ERROR_REASON_UNSPECIFIED) {
    details.reason = enum_name(refusal.reason(), "ERROR_REASON_");
  }
  for (const v1::FieldViolation& violation : refusal.field_violations()) {
    details.violations.push_back({violation.field(), violation.description()});
  }
  if (refusal.has_retry_delay()) details.retry_delay = decode_duration(refusal.retry_delay());
  return {refusal.message(), std::move(details)};
}

Assignment decode_assignment(const v1::Assignment& assignment) {
  Assignment result{.experiment_id = assignment.experiment_id(),
                    .number = assignment.trial_number(),
                    .attempt = assignment.lease().attempt(),
                    .kind = enum_name(assignment.kind(), "ASSIGNMENT_KIND_"),
                    .parameters = {},
                    .seed = assignment.trial_seed(),
                    .start_step = assignment.start_step(),
                    .checkpoint = assignment.checkpoint_uri(),
                    .next_decision_step = assignment.next_decision_step(),
                    .max_length = assignment.max_length(),
                    .unit = assignment.unit(),
                    .metric = assignment.metric(),
                    .bracket = assignment.bracket(),
                    .rung = assignment.rung()};
  for (const v1::Parameter& parameter : assignment.parameters()) {
    result.parameters.push_back({parameter.name(), decode_value(parameter.value())});
  }
  return result;
}

Decision decode_decision(const v1::Decision& decision) {
  Decision result{.verdict = decode_verdict(decision.verdict()),
                  .reason = enum_name(decision.reason(), "DECISION_REASON_"),
                  .bracket = decision.bracket(),
                  .rung = decision.rung(),
                  .rank = {},
                  .competitors = decision.competitors(),
                  .cutoff = {},
                  .next_decision_step = decision.next_decision_step(),
                  .sequence = decision.sequence(),
                  .deletable_checkpoints = {}};
  if (decision.has_rank()) result.rank = decision.rank();
  if (decision.has_cutoff()) result.cutoff = decision.cutoff();
  return result;
}

Verdict decode_verdict(v1::Verdict verdict) {
  switch (verdict) {
    case v1::VERDICT_CONTINUE:
      return Verdict::Continue;
    case v1::VERDICT_PAUSE:
      return Verdict::Pause;
    default:
      return Verdict::Stop;
  }
}

std::chrono::nanoseconds decode_duration(const google::protobuf::Duration& duration) {
  return std::chrono::seconds(duration.seconds()) + std::chrono::nanoseconds(duration.nanos());
}

google::protobuf::Duration encode_duration(std::chrono::nanoseconds duration) {
  google::protobuf::Duration result;
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(duration);
  result.set_seconds(whole.count());
  result.set_nanos(static_cast<std::int32_t>((duration - whole).count()));
  return result;
}

}  // namespace asha
