// From the wire's messages to this client's values. Unknown values of a newer server are tolerated.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/generated_enum_reflection.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <string>

#include "asha/error.h"
#include "asha/trial.h"
#include "asha/v1/suggestion_service.pb.h"

namespace asha {

// The name of an enum's value without prefix; its number if this client does not know it.
template <typename Enum>
std::string enum_name(Enum value, const std::string& prefix) {
  const auto* known = google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(value);
  return known == nullptr ? std::to_string(value) : known->name().substr(prefix.size());
}

Error decode_error(const grpc::Status& status);
Error decode_error(const v1::SessionError& refusal);
Assignment decode_assignment(const v1::Assignment& assignment);
Decision decode_decision(const v1::Decision& decision);
Verdict decode_verdict(v1::Verdict verdict);

std::chrono::nanoseconds decode_duration(const google::protobuf::Duration& duration);
google::protobuf::Duration encode_duration(std::chrono::nanoseconds duration);

}  // namespace asha
