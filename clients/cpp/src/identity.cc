#include "identity.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <random>

namespace asha {

namespace {

constexpr std::size_t kMaxNameBytes = 128;

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

// The parts that are not empty, joined by hyphens, as a legal name.
std::string join(std::initializer_list<std::string> parts) {
  std::string name;
  for (const std::string& part : parts) {
    if (!part.empty()) name += (name.empty() ? "" : "-") + part;
  }
  name.resize(std::min(name.size(), kMaxNameBytes));
  std::replace_if(name.begin(), name.end(), [](char c) { return c <= ' ' || c > '~'; }, '_');
  return name;
}

}  // namespace

std::string read_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string default_worker_id(const Environment& environment) {
  const auto value_or = [&environment](const char* name, const std::string& otherwise) {
    const std::string value = environment(name);
    return value.empty() ? otherwise : value;
  };
  const std::string device = environment("CUDA_VISIBLE_DEVICES");
  const std::string cuda = device.empty() ? "" : "cuda" + device;
  if (const std::string job = environment("SLURM_JOB_ID"); !job.empty()) {
    const std::string array_job = environment("SLURM_ARRAY_JOB_ID");
    const std::string array_task = environment("SLURM_ARRAY_TASK_ID");
    const bool is_array = !array_job.empty() && !array_task.empty();
    return join({"slurm", is_array ? array_job + "_" + array_task : job,
                 value_or("SLURM_STEP_ID", "0"), value_or("SLURM_PROCID", "0")});
  }
  if (!environment("KUBERNETES_SERVICE_HOST").empty()) {
    return join({"pod", value_or("POD_NAME", value_or("HOSTNAME", host_name())),
                 environment("CONTAINER_NAME"), cuda, environment("LOCAL_RANK")});
  }
  return join({host_name(), cuda, random_hex(4)});
}

const std::string& incarnation_id() {
  static const std::string id = random_hex(8);
  return id;
}

std::string random_hex(int bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::random_device random;
  std::uniform_int_distribution<int> digit(0, 15);
  std::string text(static_cast<std::size_t>(2 * bytes), '0');
  for (char& c : text) c = kDigits[digit(random)];
  return text;
}

}  // namespace asha
