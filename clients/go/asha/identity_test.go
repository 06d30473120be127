package asha

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestTheDefaultNameIsThePlatforms(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("p", 200)
	for want, environment := range map[string]map[string]string{
		`slurm-12-0-3`:   {"SLURM_JOB_ID": "12", "SLURM_PROCID": "3"},
		`slurm-10_4-1-0`: {"SLURM_JOB_ID": "12", "SLURM_ARRAY_JOB_ID": "10", "SLURM_ARRAY_TASK_ID": "4", "SLURM_STEP_ID": "1"},
		`pod-trainer-0-main-cuda1-2`: {
			"KUBERNETES_SERVICE_HOST": "10.0.0.1", "POD_NAME": "trainer-0", "CONTAINER_NAME": "main",
			"CUDA_VISIBLE_DEVICES": "1", "LOCAL_RANK": "2",
		},
		`pod-a_b`:           {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": "a b"},
		`pod-` + long[:124]: {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "POD_NAME": long},
		regexp.QuoteMeta(host) + `-cuda0,1-[a-z2-7]{8}`: {"CUDA_VISIBLE_DEVICES": "0,1"},
	} {
		got := defaultWorkerID(func(key string) string { return environment[key] })
		if !regexp.MustCompile(`^` + want + `$`).MatchString(got) {
			t.Errorf("%v: got %q, want %s", environment, got, want)
		}
	}
}

func TestAClaimedNameIsGivenAgainOnlyWhenItIsFree(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	long := strings.Repeat("n", maxNameBytes)

	first, second, clipped := claim("pod-a"), claim("pod-a"), claim(long)
	alsoClipped := claim(long)
	unclaim(first)
	again := claim("pod-a")
	for _, name := range []string{second, clipped, alsoClipped, again} {
		defer unclaim(name)
	}

	for _, names := range [][2]string{
		{first, "pod-a"}, {second, "pod-a-2"}, {again, "pod-a"}, {clipped, long}, {alsoClipped, long[:126] + "-2"},
	} {
		if names[0] != names[1] {
			t.Errorf("got %q, want %q", names[0], names[1])
		}
	}
}

func TestANameLockedByAnotherProcessIsNotFree(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	file, free := lockName("pod-a") // a lock of its own, as another process has it
	if !free || file == nil {
		t.Fatal("the name was not free")
	}
	defer file.Close()

	got := claim("pod-a")
	defer unclaim(got)

	if got != "pod-a-2" {
		t.Errorf("got %q, want pod-a-2", got)
	}
}
