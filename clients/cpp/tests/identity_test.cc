// A worker's name survives a restart where the platform gives one.
#include "identity.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <string>

#include "fake_server.h"

namespace asha {
namespace {

std::string name_in(std::map<std::string, std::string> environment) {
  return default_worker_id([&environment](const char* name) { return environment[name]; });
}

TEST(Identity, OfSlurmIsJobAndTask) {
  EXPECT_EQ(name_in({{"SLURM_JOB_ID", "7"}, {"SLURM_PROCID", "3"}}), "slurm-7-0-3");
  EXPECT_EQ(name_in({{"SLURM_JOB_ID", "9"},
                     {"SLURM_ARRAY_JOB_ID", "7"},
                     {"SLURM_ARRAY_TASK_ID", "2"},
                     {"SLURM_STEP_ID", "1"}}),
            "slurm-7_2-1-0");
}

TEST(Identity, OfKubernetesIsPodAndContainer) {
  EXPECT_EQ(name_in({{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                     {"POD_NAME", "train-0"},
                     {"CONTAINER_NAME", "worker"},
                     {"CUDA_VISIBLE_DEVICES", "1"}}),
            "pod-train-0-worker-cuda1");
}

TEST(Identity, ElsewhereIsAnotherEachTime) {
  const std::string name = name_in({{"CUDA_VISIBLE_DEVICES", "0,1"}});

  EXPECT_NE(name.find("-cuda0,1-"), std::string::npos) << name;
  EXPECT_NE(name, name_in({{"CUDA_VISIBLE_DEVICES", "0,1"}}));
}

TEST(Identity, IsALegalName) {
  const std::string name = name_in({{"SLURM_JOB_ID", "é " + std::string(200, 'x')}});

  EXPECT_EQ(name.size(), 128U);
  EXPECT_EQ(name.substr(0, 10), "slurm-___x");  // é is two bytes
}

TEST(ClaimedName, IsAnotherForEachLoopOfAProcess) {
  const std::string name = "cpp-loops-" + random_hex(8);
  std::optional<ClaimedName> first(name);
  const ClaimedName second(name);
  EXPECT_EQ(first->get(), name);
  EXPECT_EQ(second.get(), name + "-2");

  first.reset();
  EXPECT_EQ(ClaimedName(name).get(), name);
}

TEST(ClaimedName, LeavesRoomForItsNumber) {
  const std::string name = random_hex(64);
  const ClaimedName first(name), second(name);

  EXPECT_EQ(second.get(), name.substr(0, 126) + "-2");
}

// The lock is held through another descriptor, as by another process or another language.
TEST(ClaimedName, IsLeftToAnotherProcessAndTakenAgain) {
  const std::string name = "cpp-process-" + random_hex(8);
  const int other = open(lock_path(name).c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(flock(other, LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(ClaimedName(name).get(), name + "-2");

  close(other);
  EXPECT_EQ(ClaimedName(name).get(), name);
}

// A data loader that was forked and lives on must not keep the name of a worker that was restarted.
TEST(ClaimedName, IsNotHeldByAForkedChild) {
  const std::string name = "cpp-fork-" + random_hex(8);
  std::optional<ClaimedName> claimed(name);
  int child_may_end[2];
  ASSERT_EQ(pipe(child_may_end), 0);
  const pid_t child = fork();
  if (child == 0) {
    char none;
    close(child_may_end[1]);
    _exit(read(child_may_end[0], &none, 1) == 0 ? 0 : 1);
  }
  close(child_may_end[0]);
  claimed.reset();
  // The child may not have come to close its copy yet.
  const int other = open(lock_path(name).c_str(), O_RDWR);
  EXPECT_TRUE(test::eventually([&] { return flock(other, LOCK_EX | LOCK_NB) == 0; }));

  close(other);
  close(child_may_end[1]);
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

// Python's hashlib.sha256(b"slurm-41-0-0").hexdigest()[:24].
TEST(ClaimedName, LocksTheFileOfTheOtherLanguages) {
  const std::string expected =
      "/asha-worker-" + std::to_string(getuid()) + "-e5280745cef58415cb2b6958.lock";
  const std::string path = lock_path("slurm-41-0-0");
  EXPECT_EQ(path.substr(path.rfind('/')), expected);
}

TEST(Identity, OfTheProcessStays) { EXPECT_EQ(incarnation_id(), incarnation_id()); }

}  // namespace
}  // namespace asha
