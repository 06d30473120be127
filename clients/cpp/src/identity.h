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

// This process's random name.
const std::string& incarnation_id();

// So many random bytes as hexadecimal digits.
std::string random_hex(int bytes);

}  // namespace asha
