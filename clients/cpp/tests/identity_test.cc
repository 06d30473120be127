// A worker's name survives a restart where the platform gives one.
#include "identity.h"

#include <gtest/gtest.h>

#include <map>

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

TEST(Identity, OfTheProcessStays) { EXPECT_EQ(incarnation_id(), incarnation_id()); }

}  // namespace
}  // namespace asha
