#include "identity.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

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

constexpr int kNoFile = -1;  // there is no place for lock files: the name stands as it is

std::string hex(const unsigned char* bytes, std::size_t count) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 0xF];
  }
  return text;
}

// The names of this process, each with its locked file.
struct Claims {
  std::mutex mutex;
  std::map<std::string, int> files;
};

// Never destroyed: a loop may outlive what is static.
Claims& claims() {
  static Claims& all = []() -> Claims& {
    // A child must not hold its parent's names longer than the parent does.
    pthread_atfork([] { claims().mutex.lock(); }, [] { claims().mutex.unlock(); },
                   [] {
                     for (auto& [name, file] : claims().files) {
                       if (file != kNoFile) close(std::exchange(file, kNoFile));
                     }
                     claims().mutex.unlock();
                   });
    return *new Claims;
  }();
  return all;
}

// Locks a name on this machine; absent: another process has it.
std::optional<int> lock(const std::string& name) {
  const int file = open(lock_path(name).c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return kNoFile;
  if (flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  const bool is_taken = errno == EWOULDBLOCK;
  close(file);
  if (is_taken) return {};
  return kNoFile;
}

}  // namespace

ClaimedName::ClaimedName(const std::string& name) : name_(name) {
  Claims& all = claims();
  const std::lock_guard guard(all.mutex);
  for (int number = 2;; ++number) {
    if (!all.files.contains(name_)) {
      if (const auto file = lock(name_)) {
        all.files.emplace(name_, *file);
        return;
      }
    }
    const std::string suffix = "-" + std::to_string(number);
    name_ = name.substr(0, kMaxNameBytes - suffix.size()) + suffix;
  }
}

ClaimedName::~ClaimedName() {
  Claims& all = claims();
  const std::lock_guard guard(all.mutex);
  const auto claimed = all.files.find(name_);
  if (claimed->second != kNoFile) close(claimed->second);
  all.files.erase(claimed);
}

std::string lock_path(const std::string& name) {
  unsigned char digest[EVP_MAX_MD_SIZE] = {};
  EVP_Digest(name.data(), name.size(), digest, nullptr, EVP_sha256(), nullptr);
  std::error_code error;
  std::filesystem::path directory = std::filesystem::temp_directory_path(error);
  if (error) directory = "/tmp";
  const std::string user = std::to_string(getuid());
  return directory / ("asha-worker-" + user + "-" + hex(digest, 12) + ".lock");
}

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
  std::random_device random;
  std::uniform_int_distribution<int> byte(0, 255);
  std::vector<unsigned char> drawn(static_cast<std::size_t>(bytes));
  for (unsigned char& one : drawn) one = static_cast<unsigned char>(byte(random));
  return hex(drawn.data(), drawn.size());
}

}  // namespace asha
