package asha_test

import (
	"bufio"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"asha/clients/go/asha"
	ashav1 "asha/clients/go/asha/v1"
)

// patience is how long a test waits for what must come; only a failing test waits so long.
const patience = time.Minute

// realServer is the command asha serve with a database of its own.
type realServer struct {
	address string
	folder  string
	process *exec.Cmd
}

func serve(t *testing.T) *realServer {
	t.Helper()
	s := &realServer{address: "127.0.0.1:0", folder: t.TempDir()}
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

// start starts it, on the same address and database each time, and returns once it can be called.
func (s *realServer) start(t *testing.T) {
	t.Helper()
	log, err := os.Create(filepath.Join(s.folder, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.process = exec.Command("asha", "serve", "--listen", s.address,
		"--database", filepath.Join(s.folder, "asha.db"))
	s.process.Stderr = log
	output, err := s.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatalf("the tests need the server's command asha on PATH: %v", err)
	}
	line, _ := bufio.NewReader(output).ReadString('\n')
	address, isListening := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !isListening {
		_, _ = log.Seek(0, io.SeekStart)
		said, _ := io.ReadAll(log)
		t.Fatalf("asha serve began with %q: %s", line, said)
	}
	s.address = address
}

// kill ends it as a power cut does.
func (s *realServer) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// connect makes a client of it that logs nothing.
func (s *realServer) connect(t *testing.T, options ...asha.Option) *asha.Client {
	t.Helper()
	client, err := asha.Connect(s.address, append([]asha.Option{
		asha.WithBackoff(5*time.Millisecond, 100*time.Millisecond),
		asha.WithLogger(slog.New(slog.DiscardHandler)),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// create makes the experiment digits: so many trials of so many steps, without a rung before the
// last; their leases want no heartbeat.
func create(t *testing.T, client *asha.Client, trials, length int64) {
	t.Helper()
	_, err := client.Experiments().CreateExperiment(t.Context(), &ashav1.CreateExperimentRequest{
		ExperimentId: "digits",
		Spec: &ashav1.ExperimentSpec{
			Metric: &ashav1.Metric{Name: "loss", Goal: ashav1.Goal_GOAL_MINIMIZE},
			Parameters: []*ashav1.ParameterSpec{{
				Name: "lr", Kind: &ashav1.ParameterSpec_DoubleRange{
					DoubleRange: &ashav1.DoubleRange{Min: proto.Float64(0), Max: proto.Float64(1)},
				},
			}},
			Method:    &ashav1.ExperimentSpec_RandomSearch{RandomSearch: &ashav1.RandomSearch{}},
			MaxLength: proto.Int64(length),
			MaxTrials: proto.Int64(trials),
			LeaseTtl:  durationpb.New(24 * time.Hour),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func openSessions(t *testing.T, client *asha.Client) int64 {
	t.Helper()
	info, err := client.Admin().GetServerInfo(t.Context(), &ashav1.GetServerInfoRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return info.GetOpenSessionCount()
}

func TestAStopByAPersonReachesATrainingWithoutACall(t *testing.T) {
	t.Parallel()
	server := serve(t)
	person, client := server.connect(t), server.connect(t)
	create(t, person, 1, 1000)
	trial, leave := take(t, client)
	if _, err := trial.Report(t.Context(), 1, asha.Metrics{"loss": 0.5}); err != nil {
		t.Fatal(err)
	}
	equal(t, "open sessions", openSessions(t, person), 1)

	stop := &ashav1.StopExperimentRequest{ExperimentId: "digits"}
	if _, err := person.Experiments().StopExperiment(t.Context(), stop); err != nil {
		t.Fatal(err)
	}

	select {
	case <-trial.Done(): // the next heartbeat is due in 8 hours
	case <-time.After(patience):
		t.Fatal("the stop did not come")
	}
	decision, _ := trial.Decision()
	equal(t, "reason", decision.Reason, "EXPERIMENT_STOPPED")
	leave()
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	within(t, patience, "the session ends with its client", func() bool { return openSessions(t, person) == 0 })
}

func TestAServerThatIsKilledLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	const trials, length = 2, 100
	server := serve(t)
	person := server.connect(t)
	create(t, person, trials, length)

	for trial, err := range server.connect(t).Experiment("digits").Trials(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for step := range trial.Steps() {
			if step == length/2 {
				server.kill()
				server.start(t)
			}
			if _, err := trial.Report(t.Context(), step, asha.Metrics{"loss": 1 / float64(step)}); err != nil {
				t.Fatal(err)
			}
		}
	}

	recorded, wanted := map[int64]int64{}, map[int64]int64{}
	for number := range int64(trials) {
		wanted[number] = length
		response, err := person.Experiments().ListObservations(t.Context(), &ashav1.ListObservationsRequest{
			ExperimentId: "digits", TrialNumber: proto.Int64(number), PageSize: 1000,
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, one := range response.GetObservations() {
			equal(t, "step", one.GetStep(), int64(i+1))
			equal(t, "attempt", one.GetAttempt(), 1)
			recorded[number]++
		}
	}
	if !maps.Equal(recorded, wanted) {
		t.Errorf("recorded %v observations by trial, want %v", recorded, wanted)
	}
}
