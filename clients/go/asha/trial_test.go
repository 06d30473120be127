package asha_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"asha/clients/go/asha"
	ashav1 "asha/clients/go/asha/v1"
)

func TestTheLoopTrainsUntilTheSearchIsFinished(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand(), hand(func(a *ashav1.Assignment) {
		a.TrialNumber, a.StartStep, a.NextDecisionStep, a.CheckpointUri = 8, 3, 9, "file:/8"
		a.Kind = ashav1.AssignmentKind_ASSIGNMENT_KIND_PROMOTED
	}))
	server.answers("ReportMetric",
		decide(ashav1.Verdict_VERDICT_CONTINUE, ashav1.DecisionReason_DECISION_REASON_BETWEEN_RUNGS),
		decide(ashav1.Verdict_VERDICT_PAUSE, ashav1.DecisionReason_DECISION_REASON_AWAITING_PROMOTION))

	type turn struct {
		number, start int64
		kind, from    string
	}
	var turns []turn
	var steps []int64
	for trial, err := range connect(t, server).Experiment("digits").Trials(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		turns = append(turns, turn{trial.Number, trial.StartStep, trial.Kind, trial.Checkpoint})
		for step := range trial.Steps() {
			if _, err := trial.Report(t.Context(), step, asha.Metrics{"loss": 0.5}); err != nil {
				t.Fatal(err)
			}
			steps = append(steps, step)
		}
	}

	if want := []turn{{7, 0, "NEW", ""}, {8, 3, "PROMOTED", "file:/8"}}; !slices.Equal(turns, want) {
		t.Errorf("turns %v, want %v", turns, want)
	}
	if want := []int64{1, 2, 4, 5, 6, 7, 8, 9}; !slices.Equal(steps, want) {
		t.Errorf("steps %v, want %v: 1 and 2 until PAUSE, then 4 to 9", steps, want)
	}
	want := []string{"GetSuggestion", "ReportMetric", "ReportMetric", "GetSuggestion"}
	want = append(want, slices.Repeat([]string{"ReportMetric"}, 6)...)
	want = append(want, "CompleteTrial", "GetSuggestion") // no verdict for trial 8: its training is over
	if got := server.methods(); !slices.Equal(got, want) {
		t.Errorf("called %v, want %v", got, want)
	}
}

func TestAConfigurationKeepsOrderTypesAndAllBits(t *testing.T) {
	t.Parallel()
	const beyondDoubles = int64(1)<<53 + 1
	server := listenTCP(t)
	server.answers("GetSuggestion", hand(func(a *ashav1.Assignment) {
		a.Parameters = []*ashav1.Parameter{
			{Name: "optimizer.lr", Value: &ashav1.ParameterValue{Kind: &ashav1.ParameterValue_DoubleValue{DoubleValue: 2}}},
			{Name: "n", Value: &ashav1.ParameterValue{Kind: &ashav1.ParameterValue_IntValue{IntValue: beyondDoubles}}},
			{Name: "least", Value: &ashav1.ParameterValue{Kind: &ashav1.ParameterValue_IntValue{IntValue: math.MinInt64}}},
			{Name: "act", Value: &ashav1.ParameterValue{Kind: &ashav1.ParameterValue_StringValue{StringValue: "relu"}}},
			{Name: "flag", Value: &ashav1.ParameterValue{Kind: &ashav1.ParameterValue_BoolValue{BoolValue: true}}},
			{Name: "deep", Value: &ashav1.ParameterValue{Kind: &ashav1.ParameterValue_JsonValue{JsonValue: "[1,null]"}}},
			{Name: "new", Value: &ashav1.ParameterValue{}},
		}
	}))

	trial, _ := take(t, connect(t, server))

	want := asha.Configuration{
		{"optimizer.lr", 2.0}, {"n", beyondDoubles}, {"least", int64(math.MinInt64)},
		{"act", "relu"}, {"flag", true}, {"deep", json.RawMessage("[1,null]")}, {"new", nil},
	}
	if !reflect.DeepEqual(trial.Configuration, want) {
		t.Errorf("got %v, want %v", trial.Configuration, want)
	}
	var decoded struct {
		LearningRate float64 `json:"optimizer.lr"`
		N, Least     int64
		Act          string
		Deep         []*int
	}
	if err := trial.Configuration.Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	equal(t, "lr", decoded.LearningRate, 2)
	equal(t, "n", decoded.N, beyondDoubles)
	equal(t, "least", decoded.Least, math.MinInt64)
	equal(t, "act", decoded.Act, "relu")
	equal(t, "length of deep", len(decoded.Deep), 2)
	value, found := trial.Configuration.Lookup("flag")
	equal(t, "flag", value, any(true))
	equal(t, "flag is found", found, true)
	_, found = trial.Configuration.Lookup("absent")
	equal(t, "absent is found", found, false)
}

func TestAnAskGoesOnUntilThereIsWork(t *testing.T) {
	t.Parallel()
	wait := say(&ashav1.GetSuggestionResponse{Result: &ashav1.GetSuggestionResponse_Wait{Wait: &ashav1.Wait{
		RetryAfter: durationpb.New(50 * time.Millisecond), Reason: ashav1.WaitReason_WAIT_REASON_BARRIER,
	}}})
	server := listenTCP(t)
	server.answers("GetSuggestion", wait,
		refuse(codes.Aborted, "LEASE_LOST"),               // a retry came too late: ask anew
		refuse(codes.ResourceExhausted, "LIMIT_EXCEEDED"), // no more long polls: ask now and then
		hand())

	_, leave := take(t, connect(t, server))
	leave()

	var waits []time.Duration
	ids := map[string]bool{}
	calls := server.received("GetSuggestion")
	for _, call := range calls {
		request := call.request.(*ashav1.GetSuggestionRequest)
		waits = append(waits, request.GetMaxWait().AsDuration())
		ids[request.GetRequestId()] = true
	}
	if want := []time.Duration{20 * time.Second, 20 * time.Second, 20 * time.Second, 0}; !slices.Equal(waits, want) {
		t.Fatalf("max_wait %v, want %v", waits, want)
	}
	equal(t, "request ids", len(ids), 4)
	if pause := calls[1].at.Sub(calls[0].at); pause < 50*time.Millisecond {
		t.Errorf("asked again after %s, want retry_after, 50ms", pause)
	}
}

func TestUnknownValuesAreTakenAsTheContractSays(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	unknown := &ashav1.GetSuggestionResponse{}
	unknown.ProtoReflect().SetUnknown([]byte{0x7a, 0x00}) // field 15: a result of a newer server
	server.answers("GetSuggestion", say(unknown), hand(func(a *ashav1.Assignment) { a.Kind = 99 }))
	server.answers("ReportMetric", decide(77, 88))

	trial, _ := take(t, connect(t, server))
	decision, err := trial.Report(t.Context(), 3, asha.Metrics{"loss": 0.5})

	if err != nil {
		t.Fatal(err)
	}
	equal(t, "asks, the first answered by an unknown result", len(server.received("GetSuggestion")), 2)
	equal(t, "kind", trial.Kind, "99")
	equal(t, "verdict", decision.Verdict, asha.Stop)
	equal(t, "reason", decision.Reason, "88")
}

func TestHeartbeatsComeAThirdOfTheLeaseApartAndBringAStop(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	short := lease(1500 * time.Millisecond)
	server.answers("GetSuggestion", hand(func(a *ashav1.Assignment) { a.Lease = short }))
	server.answers("Heartbeat",
		say(&ashav1.HeartbeatResponse{Lease: short, Decision: goOn}),
		refuse(codes.Unavailable, "STORE_FAILED"), // lost in a storm, and tried again
		say(&ashav1.HeartbeatResponse{Decision: decision(
			ashav1.Verdict_VERDICT_STOP, ashav1.DecisionReason_DECISION_REASON_CANCELLED)}))
	trial, leave := take(t, connect(t, server))
	handed := time.Now()

	select {
	case <-trial.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("nothing told the trial to stop")
	}

	beats := server.received("Heartbeat")
	equal(t, "heartbeats", len(beats), 3)
	for i, since := range []time.Duration{beats[0].at.Sub(handed), beats[1].at.Sub(beats[0].at)} {
		if since < 450*time.Millisecond || since > 1200*time.Millisecond {
			t.Errorf("heartbeat %d after %s, want 500ms", i, since)
		}
	}
	known, _ := trial.Decision()
	equal(t, "verdict", known.Verdict, asha.Stop)
	equal(t, "reason", known.Reason, "CANCELLED")
	for range trial.Steps() {
		t.Fatal("a stopped trial has steps")
	}
	leave() // waits for the heartbeats' end
	equal(t, "heartbeats after the stop", len(server.received("Heartbeat")), 3)
	equal(t, "releases of a stopped trial", len(server.received("ReleaseTrial")), 0)
}

func TestAVerdictStandsAndStepsGoOnFromTheLastReport(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand())
	server.answers("ReportMetric",
		decide(ashav1.Verdict_VERDICT_CONTINUE, ashav1.DecisionReason_DECISION_REASON_BETWEEN_RUNGS),
		decide(ashav1.Verdict_VERDICT_STOP, ashav1.DecisionReason_DECISION_REASON_RUNG_CUTOFF))
	trial, _ := take(t, connect(t, server))
	report := func(step int64) {
		if _, err := trial.Report(t.Context(), step, asha.Metrics{"loss": 1}); err != nil {
			t.Fatal(err)
		}
	}

	report(4)
	for step := range trial.Steps() {
		equal(t, "first step after a report of 4", step, 5)
		break
	}
	report(5)
	report(6) // answered CONTINUE, by a server that contradicts itself

	equal(t, "last step", trial.LastStep(), 6)
	equal(t, "next decision", trial.NextDecisionStep(), 0)
	known, _ := trial.Decision()
	equal(t, "verdict", known.Verdict, asha.Stop)
	equal(t, "reason", known.Reason, "RUNG_CUTOFF")
}

func TestAReportRenewsTheLease(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand(func(a *ashav1.Assignment) { a.Lease = lease(3 * time.Second) }))
	trial, _ := take(t, connect(t, server))

	for step := range int64(6) { // 6 times 200 ms, longer than the interval of 1 s
		time.Sleep(200 * time.Millisecond)
		if _, err := trial.Report(t.Context(), step, asha.Metrics{"loss": 1}); err != nil {
			t.Fatal(err)
		}
	}

	equal(t, "heartbeats", len(server.received("Heartbeat")), 0)
}

func TestALostLeaseIsAStopAndTheLoopGoesOn(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand(), hand(), hand(func(a *ashav1.Assignment) { a.Lease = lease(30 * time.Millisecond) }))
	server.answers("ReportMetric",
		refuse(codes.Aborted, "LEASE_LOST"), refuse(codes.FailedPrecondition, "TRIAL_ENDED"))
	server.answers("Heartbeat", refuse(codes.Aborted, "LEASE_LOST"))

	var reasons []string
	for trial, err := range connect(t, server).Experiment("digits").Trials(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if len(reasons) < 2 {
			if _, err := trial.Report(t.Context(), 1, asha.Metrics{"loss": 1}); err != nil {
				t.Fatal(err)
			}
		}
		<-trial.Done()
		known, _ := trial.Decision()
		equal(t, "verdict", known.Verdict, asha.Stop)
		reasons = append(reasons, known.Reason)
	}

	if want := []string{"LEASE_LOST", "TRIAL_ENDED", "LEASE_LOST"}; !slices.Equal(reasons, want) {
		t.Errorf("reasons %v, want %v", reasons, want)
	}
	equal(t, "ends told", len(server.received("CompleteTrial")), 0)
}

func TestACanceledContextReleasesTheTrialAtOnce(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error

	for trial, err := range connect(t, server).Experiment("digits").Trials(ctx) {
		if last = err; err != nil {
			break
		}
		cancel()
		within(t, 2*time.Second, "released while the body trains on", func() bool {
			return len(server.received("ReleaseTrial")) == 1
		})
		<-trial.Done()
	}

	if !errors.Is(last, context.Canceled) {
		t.Errorf("the loop ended with %v, want context.Canceled", last)
	}
	if want := []string{"GetSuggestion", "ReleaseTrial"}; !slices.Equal(server.methods(), want) {
		t.Errorf("called %v, want %v", server.methods(), want)
	}
}

func TestAnEndThatCannotBeToldIsReleasedWithTheContext(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server.answers("FailTrial", func(call context.Context, request proto.Message) (proto.Message, error) {
		cancel()
		return silence(call, request)
	})

	err := connect(t, server).Experiment("digits").Run(ctx,
		func(context.Context, *asha.Trial) error { return errors.New("boom") })

	if !errors.Is(err, context.Canceled) {
		t.Errorf("the loop ended with %v, want context.Canceled", err)
	}
	if want := []string{"GetSuggestion", "FailTrial", "ReleaseTrial"}; !slices.Equal(server.methods(), want) {
		t.Errorf("called %v, want %v", server.methods(), want)
	}
}

func TestAReleaseIsTriedForTwoSeconds(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand())
	for range 10 {
		server.answers("ReleaseTrial", silence)
	}
	_, leave := take(t, connect(t, server))
	began := time.Now()

	leave()

	if elapsed := time.Since(began); elapsed < time.Second || elapsed > 3*time.Second {
		t.Errorf("took %s, want 2s", elapsed)
	}
	if attempts := len(server.received("ReleaseTrial")); attempts < 2 {
		t.Errorf("%d attempts, want a second one", attempts)
	}
}

func TestLeavingTheLoopReleases(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand())

	for _, err := range connect(t, server).Experiment("digits").Trials(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}

	if want := []string{"GetSuggestion", "ReleaseTrial"}; !slices.Equal(server.methods(), want) {
		t.Errorf("called %v, want %v", server.methods(), want)
	}
}

func TestAPanicFailsTheTrialAndGoesOn(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand())

	func() {
		defer func() { equal(t, "panic", recover(), any("index out of range")) }()
		for range connect(t, server).Experiment("digits").Trials(t.Context()) {
			panic("index out of range")
		}
	}()

	failure := server.received("FailTrial")[0].request.(*ashav1.FailTrialRequest)
	equal(t, "kind", failure.GetKind(), ashav1.FailureKind_FAILURE_KIND_RETRYABLE)
	equal(t, "message", failure.GetMessage(), "panic: index out of range")
}

func TestAnErrorFailsTheTrialAsItSays(t *testing.T) {
	t.Parallel()
	cause := errors.New("boom")
	for name, test := range map[string]struct {
		err  error
		kind ashav1.FailureKind
	}{
		"plain":      {cause, ashav1.FailureKind_FAILURE_KIND_RETRYABLE},
		"infeasible": {asha.Infeasible(cause), ashav1.FailureKind_FAILURE_KIND_INFEASIBLE},
		"permanent":  {asha.Permanent(cause), ashav1.FailureKind_FAILURE_KIND_PERMANENT},
		"unreadable": {asha.CheckpointUnreadable(cause), ashav1.FailureKind_FAILURE_KIND_CHECKPOINT_UNREADABLE},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := listenTCP(t)
			server.answers("GetSuggestion", hand())

			err := connect(t, server).Experiment("digits").Run(t.Context(),
				func(context.Context, *asha.Trial) error { return test.err })

			if err != nil {
				t.Fatal(err)
			}
			failures := server.received("FailTrial")
			equal(t, "failures", len(failures), 1)
			request := failures[0].request.(*ashav1.FailTrialRequest)
			equal(t, "kind", request.GetKind(), test.kind)
			equal(t, "message", request.GetMessage(), "boom")
			equal(t, "completions", len(server.received("CompleteTrial")), 0)
		})
	}
}

func TestAFailureOfTheServerNeverFailsATrial(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand())
	server.answers("ReportMetric", refuse(codes.Internal, "INTERNAL"))

	err := connect(t, server).Experiment("digits").Run(t.Context(),
		func(ctx context.Context, trial *asha.Trial) error {
			_, err := trial.Report(ctx, 1, asha.Metrics{"loss": 1})
			return err
		})

	if refusal, _ := errors.AsType[*asha.Error](err); refusal == nil || refusal.Code != codes.Internal {
		t.Errorf("the loop ended with %v, want INTERNAL", err)
	}
	want := []string{"GetSuggestion", "ReportMetric", "ReleaseTrial"}
	if !slices.Equal(server.methods(), want) {
		t.Errorf("called %v, want %v", server.methods(), want)
	}
}

func TestThreeFailuresInARowWithoutAReportEndTheLoop(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	for range 8 {
		server.answers("GetSuggestion", hand())
	}
	turn := 0

	err := connect(t, server).Experiment("digits").Run(t.Context(),
		func(ctx context.Context, trial *asha.Trial) error {
			turn++
			switch turn {
			case 2: // a report: the count begins anew
				if _, err := trial.Report(ctx, 1, asha.Metrics{"loss": 1}); err != nil {
					return err
				}
			case 4: // neither counts nor begins anew
				return asha.Infeasible(errors.New("too large"))
			}
			return errors.New("no GPU")
		})

	refusal, _ := errors.AsType[*asha.Error](err)
	if refusal == nil || refusal.Reason != "WORKER_FAILING" || refusal.Code != codes.OK {
		t.Fatalf("the loop ended with %v, want WORKER_FAILING", err)
	}
	equal(t, "turns: failed, reported, failed, infeasible, failed, failed", turn, 6)
	equal(t, "asks", len(server.received("GetSuggestion")), 6)
}

func TestAConflictGoesOnWithTheRecordedVerdict(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand())
	server.answers("ReportMetric", refuse(codes.AlreadyExists, "METRIC_CONFLICT"))
	server.answers("Heartbeat", say(&ashav1.HeartbeatResponse{Lease: lease(time.Minute), Decision: decision(
		ashav1.Verdict_VERDICT_CONTINUE, ashav1.DecisionReason_DECISION_REASON_PROMOTED)}))
	trial, _ := take(t, connect(t, server))

	decision, err := trial.Report(t.Context(), 3, asha.Metrics{"loss": 1}, asha.Checkpoint("file:/3"))

	if err != nil {
		t.Fatal(err)
	}
	equal(t, "verdict", decision.Verdict, asha.Continue)
	equal(t, "reason", decision.Reason, "PROMOTED")
	equal(t, "checkpoints stored", len(server.received("ReportCheckpoint")), 1)
}

func TestACheckpointIsSavedOnlyWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand()) // the first decision at 3
	server.answers("ReportMetric",
		decide(ashav1.Verdict_VERDICT_CONTINUE, ashav1.DecisionReason_DECISION_REASON_BETWEEN_RUNGS),
		say(&ashav1.ReportMetricResponse{Decision: &ashav1.Decision{
			Verdict: ashav1.Verdict_VERDICT_CONTINUE, NextDecisionStep: 9}}),
		decide(ashav1.Verdict_VERDICT_PAUSE, ashav1.DecisionReason_DECISION_REASON_EXPERIMENT_PAUSED))
	trial, _ := take(t, connect(t, server))
	var saved []int64

	for _, step := range []int64{2, 3, 4} { // undecided; decided; a pause nobody could foresee
		_, err := trial.Report(t.Context(), step, asha.Metrics{"loss": 1}, asha.CheckpointFunc(
			func() (string, error) {
				saved = append(saved, step)
				return "file:/checkpoint", nil
			}))
		if err != nil {
			t.Fatal(err)
		}
	}

	if want := []int64{3, 4}; !slices.Equal(saved, want) {
		t.Errorf("saved at %v, want %v", saved, want)
	}
	var sent []string
	for _, call := range server.received("ReportMetric") {
		sent = append(sent, call.request.(*ashav1.ReportMetricRequest).GetCheckpointUri())
	}
	if want := []string{"", "file:/checkpoint", ""}; !slices.Equal(sent, want) {
		t.Errorf("sent with the reports %q, want %q", sent, want)
	}
	late := server.received("ReportCheckpoint")
	equal(t, "sent after the pause", len(late), 1)
	equal(t, "its step", late[0].request.(*ashav1.ReportCheckpointRequest).GetStep(), 4)
}

func TestACheckpointThatCannotBeSavedIsTheTrainingsError(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand())
	full := errors.New("disk full")

	err := connect(t, server).Experiment("digits").Run(t.Context(),
		func(ctx context.Context, trial *asha.Trial) error {
			_, err := trial.Report(ctx, 3, asha.Metrics{"loss": 1}, asha.CheckpointFunc(
				func() (string, error) { return "", full }))
			if !errors.Is(err, full) {
				t.Errorf("got %v, want %v", err, full)
			}
			return err
		})

	if err != nil {
		t.Fatal(err)
	}
	equal(t, "reports", len(server.received("ReportMetric")), 0)
	message := server.received("FailTrial")[0].request.(*ashav1.FailTrialRequest).GetMessage()
	equal(t, "message", message, "save the checkpoint of step 3: disk full")
}

func TestALongMessageOfAFailureIsClipped(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", hand())
	trial, _ := take(t, connect(t, server))

	if err := trial.Fail(t.Context(), errors.New("\xff"+strings.Repeat("é", 2000))); err != nil {
		t.Fatal(err)
	}

	message := server.received("FailTrial")[0].request.(*ashav1.FailTrialRequest).GetMessage()
	// U+FFFD has 3 bytes, é has 2, the ellipsis has 4: 3 + 2*996 + 4 = 1999, one byte of an é is cut.
	equal(t, "message", message, "\uFFFD"+strings.Repeat("é", 996)+" …")
}
