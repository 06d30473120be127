package asha

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
)

// maxNameBytes is the wire's limit on the name of a worker.
const maxNameBytes = 128

// incarnationID is this process's random name, another one in every process.
var incarnationID = rand.Text()

// defaultWorkerID names the worker as the platform does.
// Slurm's job and task, Kubernetes' pod and container survive a restart, so that the restarted
// worker resumes its own trial at once; elsewhere host, device and a random part.
func defaultWorkerID(getenv func(string) string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "host"
	}
	device := getenv("CUDA_VISIBLE_DEVICES")
	if device != "" {
		device = "cuda" + device
	}
	var parts []string
	switch {
	case getenv("SLURM_JOB_ID") != "":
		job := getenv("SLURM_JOB_ID")
		if array, task := getenv("SLURM_ARRAY_JOB_ID"), getenv("SLURM_ARRAY_TASK_ID"); array != "" && task != "" {
			job = array + "_" + task
		}
		parts = []string{"slurm", job, cmp.Or(getenv("SLURM_STEP_ID"), "0"), cmp.Or(getenv("SLURM_PROCID"), "0")}
	case getenv("KUBERNETES_SERVICE_HOST") != "":
		pod := cmp.Or(getenv("POD_NAME"), getenv("HOSTNAME"), host)
		parts = []string{"pod", pod, getenv("CONTAINER_NAME"), device, getenv("LOCAL_RANK")}
	default:
		parts = []string{host, device, strings.ToLower(rand.Text()[:8])}
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	return printable(strings.Join(parts, "-"))
}

// printable is a name in 1 to 128 printable ASCII characters.
func printable(name string) string {
	name = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, name)
	return name[:min(len(name), maxNameBytes)]
}

// claims are the platform's names that workers of this process have now, each with the file whose
// lock keeps other processes of this machine from it; nil where there is no such file.
var claims = struct {
	sync.Mutex
	held map[string]*os.File
}{held: map[string]*os.File{}}

// claim takes a name, or that name with a number if another worker of this machine has it now.
// Two loops in one process, or two processes in one pod, would otherwise take the trial out of
// each other's hands for ever. A restarted process gets the same name again.
func claim(name string) string {
	claims.Lock()
	defer claims.Unlock()
	candidate := name
	for number := 2; ; number++ {
		if _, taken := claims.held[candidate]; !taken {
			if file, free := lockName(candidate); free {
				claims.held[candidate] = file
				return candidate
			}
		}
		suffix := fmt.Sprintf("-%d", number)
		candidate = name[:min(len(name), maxNameBytes-len(suffix))] + suffix
	}
}

// unclaim gives a claimed name back.
func unclaim(name string) {
	claims.Lock()
	defer claims.Unlock()
	_ = claims.held[name].Close() // a nil file refuses to close, which is as good
	delete(claims.held, name)
}
