// Who this worker is.
#pragma once

#include <functional>
#include <string>

namespace asha {

// Reads one variable of the environment; empty if it is not set.
using Environment = std::function<std::string(const char*)>;

std::string read_environment(const char* name);

// The worker's name as the platform gives it, 1 to 128 printable ASCII characters. Slurm job and
// task, or pod and container, name the same worker again after a restart, so that it resumes its
// own trial at once. Elsewhere host, device and a random part.
std::string default_worker_id(const Environment& environment = read_environment);

// A worker's name, had by no other worker of this machine while this lives: with a number after it
// if another has the plain one. Two loops under one name would take the trial out of each other's
// hands for ever. A restarted process gets the same name again.
class ClaimedName {
 public:
  explicit ClaimedName(const std::string& name);
  ClaimedName(const ClaimedName&) = delete;
  ClaimedName& operator=(const ClaimedName&) = delete;
  ~ClaimedName();

  const std::string& get() const noexcept { return name_; }

 private:
  std::string name_;
};

// The file whose lock keeps other processes of this machine from a name. The clients of other
// languages lock the same one.
std::string lock_path(const std::string& name);

// This process's random name.
const std::string& incarnation_id();

// So many random bytes as hexadecimal digits.
std::string random_hex(int bytes);

}  // namespace asha
