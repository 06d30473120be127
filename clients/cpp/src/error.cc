#include "asha/error.h"

#include <utility>

namespace asha {

namespace {

std::string describe(const std::string& message, const ErrorDetails& details) {
  std::string text = message;
  if (!details.code.empty() || !details.reason.empty()) {
    const char* separator = details.code.empty() || details.reason.empty() ? "" : "/";
    text += " [" + details.code + separator + details.reason + "]";
  }
  for (const FieldViolation& violation : details.violations) {
    text += "\n  " + violation.field + ": " + violation.description;
  }
  return text;
}

}  // namespace

Error::Error(const std::string& message, ErrorDetails details)
    : std::runtime_error(describe(message, details)),
      message_(message),
      details_(std::move(details)) {}

bool Error::is_retryable() const noexcept {
  if (details_.code == "UNAVAILABLE" || details_.code == "DEADLINE_EXCEEDED") return true;
  return details_.code == "RESOURCE_EXHAUSTED" && details_.retry_delay.has_value();
}

}  // namespace asha
