package asha

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	ashav1 "asha/clients/go/asha/v1"
)

const (
	// lastPatience is how long a trial is tried to be given back; then its lease expires.
	lastPatience = 2 * time.Second
	// shuttingDown is the reason of a release when the loop's context ends.
	shuttingDown = "the worker is shutting down"
	// maxMessageBytes is what is sent of a failure's message.
	maxMessageBytes = 2000
)

// Metrics are measured values by name. They may be NaN or infinite.
type Metrics map[string]float64

// Trial is one trial in this worker's hands. Goroutines may share it.
type Trial struct {
	// ExperimentID names the experiment.
	ExperimentID string
	// Number is the trial's, 0-based.
	Number int64
	// Attempt counts the trial's assignments, from 1.
	Attempt int64
	// Kind is NEW, PROMOTED, RETRIED, RESUMED or ENQUEUED; a newer server's unknown kind as its number.
	Kind string
	// Configuration has the hyperparameters.
	Configuration Configuration
	// Seed is for the training's randomness, 0 to 2^31 - 1.
	Seed uint32
	// StartStep is where to resume, in units; 0 = from scratch.
	StartStep int64
	// Checkpoint is what to load before training; empty = from scratch.
	Checkpoint string
	// MaxLength is the units that a surviving trial trains in all.
	MaxLength int64
	// Unit is the unit's name (epochs), for people; may be empty.
	Unit string
	// Metric names the search metric; reports without it decide nothing.
	Metric string
	// Bracket and Rung are the indexes of the trial's bracket and of the rung it trains towards.
	Bracket, Rung int32

	api      ashav1.SuggestionServiceClient
	session  *session
	settings *settings
	token    string

	live            context.Context // until a verdict, the trial's end or that of the loop's context
	endLive         context.CancelFunc
	heartbeatsEnded chan struct{}
	ending          sync.Once

	mutex            sync.Mutex // of all below
	ttl              time.Duration
	renewed          time.Time
	decision         *Decision
	lastStep         int64
	nextDecisionStep int64
	hasReported      bool
	failure          ashav1.FailureKind
}

func newTrial(ctx context.Context, client *Client, a *ashav1.Assignment) *Trial {
	t := &Trial{
		ExperimentID:     a.GetExperimentId(),
		Number:           a.GetTrialNumber(),
		Attempt:          a.GetLease().GetAttempt(),
		Kind:             enumName(a.GetKind(), "ASSIGNMENT_KIND_"),
		Configuration:    decodeConfiguration(a.GetParameters()),
		Seed:             a.GetTrialSeed(),
		StartStep:        a.GetStartStep(),
		Checkpoint:       a.GetCheckpointUri(),
		MaxLength:        a.GetMaxLength(),
		Unit:             a.GetUnit(),
		Metric:           a.GetMetric(),
		Bracket:          a.GetBracket(),
		Rung:             a.GetRung(),
		api:              client.workers(),
		session:          client.session,
		settings:         client.settings,
		token:            a.GetLease().GetToken(),
		heartbeatsEnded:  make(chan struct{}),
		ttl:              a.GetLease().GetTtl().AsDuration(),
		renewed:          time.Now(),
		lastStep:         a.GetStartStep(),
		nextDecisionStep: a.GetNextDecisionStep(),
	}
	if t.ttl <= 0 {
		t.ttl = time.Minute // the server's default
	}
	t.live, t.endLive = context.WithCancel(ctx)
	t.session.follow(t)
	go t.keepAlive()
	return t
}

// Done is closed when the training is to leave off: at a Stop or Pause, also one that a heartbeat
// brought or that the server pushed, when the lease is lost, at the trial's end, and when the loop's context ends.
func (t *Trial) Done() <-chan struct{} { return t.live.Done() }

// Decision gives the newest decision known, by a report, by a heartbeat or pushed by the server;
// false before the first.
// Stop and Pause never change once said.
func (t *Trial) Decision() (Decision, bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.decision == nil {
		return Decision{}, false
	}
	return *t.decision, true
}

// LastStep is the last step reported in this attempt, StartStep before the first, in units.
func (t *Trial) LastStep() int64 {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.lastStep
}

// NextDecisionStep is how far to train at least, then report, in units; 0 after Stop and Pause.
func (t *Trial) NextDecisionStep() int64 {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.hasVerdict() {
		return 0
	}
	return t.nextDecisionStep
}

// Steps gives the steps to train, from the one after [Trial.LastStep] to MaxLength.
// It ends by itself when [Trial.Done] is closed. A trial that starts at MaxLength, because the
// report of its checkpoint was lost, has that one step to report.
func (t *Trial) Steps() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for step := min(t.LastStep()+1, t.MaxLength); step <= t.MaxLength; step++ {
			if t.live.Err() != nil || !yield(step) {
				return
			}
		}
	}
}

// ReportOption adds to a report.
type ReportOption func(*report)

type report struct {
	uri  string
	save func() (string, error)
}

// Checkpoint names what would resume at the reported step: a path or URI that every worker can
// read. It must be complete: once Pause is said, another worker may resume at once.
func Checkpoint(uri string) ReportOption { return func(r *report) { r.uri = uri } }

// CheckpointFunc saves a checkpoint and returns its name, as for [Checkpoint].
// It is called only where a checkpoint is needed: before a report that can be decided, or that a
// pause was announced for, and after one that brought a pause nobody could foresee.
func CheckpointFunc(save func() (uri string, err error)) ReportOption {
	return func(r *report) { r.save = save }
}

// Report sends metrics measured at a step (units trained so far) and gives what was decided, once
// both are durable.
//
// A lost lease is no error but a Stop, with the reason LEASE_LOST or TRIAL_ENDED. Nor is a step that was
// reported before with another value: the first stands, with its decision.
// The error is that of the checkpoint function, or an [*Error].
func (t *Trial) Report(
	ctx context.Context, step int64, metrics Metrics, options ...ReportOption,
) (Decision, error) {
	var r report
	for _, option := range options {
		option(&r)
	}
	if r.save != nil && t.needsCheckpoint(step, metrics) {
		if err := r.saveAt(step); err != nil {
			return Decision{}, err
		}
	}
	decision, err := t.send(ctx, step, metrics, r.uri)
	if err != nil {
		return Decision{}, err
	}
	t.mutex.Lock()
	t.hasReported = t.hasReported || decision.Reason != reasonLeaseLost
	t.lastStep = max(t.lastStep, step)
	t.mutex.Unlock()
	t.note(decision)
	if r.save != nil && r.uri == "" && decision.Verdict == Pause {
		if err := r.saveAt(step); err != nil {
			return Decision{}, err
		}
		if err := t.ReportCheckpoint(ctx, step, r.uri); err != nil {
			return Decision{}, err
		}
	}
	return decision, nil
}

func (r *report) saveAt(step int64) error {
	uri, err := r.save()
	if err == nil && uri == "" {
		err = errors.New("the function returned no name")
	}
	if err != nil {
		return fmt.Errorf("save the checkpoint of step %d: %w", step, err)
	}
	r.uri = uri
	return nil
}

// needsCheckpoint tells whether a checkpoint must lie ready when this report is decided.
func (t *Trial) needsCheckpoint(step int64, metrics Metrics) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	_, isDecisive := metrics[t.Metric]
	return isDecisive && step >= t.nextDecisionStep || t.decision != nil && t.decision.Verdict == Pause
}

// send reports; a lost lease and a repeated step are decisions too.
func (t *Trial) send(ctx context.Context, step int64, metrics Metrics, uri string) (Decision, error) {
	request := &ashav1.ReportMetricRequest{
		ExperimentId: t.ExperimentID, TrialNumber: t.Number, LeaseToken: t.token,
		Step: step, CheckpointUri: uri,
	}
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		request.Metrics = append(request.Metrics, &ashav1.MetricValue{Name: name, Value: metrics[name]})
	}
	response, err := t.api.ReportMetric(ctx, request)
	if err == nil {
		t.renew(0)
		decision := decodeDecision(response.GetDecision())
		decision.DeletableCheckpoints = response.GetDeletableCheckpointUris()
		return decision, nil
	}
	refusal, _ := errors.AsType[*Error](err)
	switch {
	case refusal.isLost():
		t.settings.logger.Warn("a trial left this worker", t.attributes(), slog.Any("error", refusal))
		return lost(refusal.Reason), nil
	case refusal.Reason == reasonMetricConflict:
		t.settings.logger.Warn("a step was reported before with another value; the first stands",
			t.attributes(), slog.Int64("step", step), slog.Any("error", refusal))
		return t.recorded(ctx, refusal, step, uri)
	default:
		return Decision{}, err
	}
}

// recorded gives the decision that stands for a step reported with another value, and stores the
// checkpoint that came with the refused report.
func (t *Trial) recorded(ctx context.Context, conflict *Error, step int64, uri string) (Decision, error) {
	if uri != "" {
		if err := t.ReportCheckpoint(ctx, step, uri); err != nil {
			return Decision{}, err
		}
	}
	response, err := t.api.Heartbeat(ctx, t.heartbeat())
	if refusal, ok := errors.AsType[*Error](err); ok {
		if refusal.isLost() {
			return lost(refusal.Reason), nil
		}
		return Decision{}, err
	}
	if response.GetDecision() != nil {
		return decodeDecision(response.GetDecision()), nil
	}
	verdict := ashav1.Verdict_value["VERDICT_"+cmp.Or(conflict.Metadata["verdict"], string(Continue))]
	decision := lost(conflict.Metadata["decision_reason"])
	decision.Verdict = decodeVerdict(ashav1.Verdict(verdict))
	return decision, nil
}

// ReportCheckpoint tells of a complete checkpoint, saved between reports, that would resume at a
// step. One that comes too late is only logged.
func (t *Trial) ReportCheckpoint(ctx context.Context, step int64, uri string) error {
	response, err := t.api.ReportCheckpoint(ctx, &ashav1.ReportCheckpointRequest{
		ExperimentId: t.ExperimentID, TrialNumber: t.Number, LeaseToken: t.token,
		Step: step, CheckpointUri: uri,
	})
	if refusal, ok := errors.AsType[*Error](err); ok && refusal.isLost() {
		t.settings.logger.Warn("a checkpoint came too late", t.attributes(),
			slog.String("checkpoint", uri), slog.Any("error", refusal))
		t.note(lost(refusal.Reason))
		return nil
	}
	if err != nil {
		return err
	}
	t.renew(0)
	t.note(decodeDecision(response.GetDecision()))
	return nil
}

// Complete ends the trial: its training ended by itself, before MaxLength, and its last value counts.
// After a verdict or another end it does nothing, as do Fail and Release.
func (t *Trial) Complete(ctx context.Context) error {
	return t.end(func() error {
		_, err := t.api.CompleteTrial(ctx, &ashav1.CompleteTrialRequest{
			ExperimentId: t.ExperimentID, TrialNumber: t.Number, LeaseToken: t.token,
		})
		return t.orRelease(ctx, err)
	})
}

// Fail ends the trial: its training failed, and may be tried again.
// An error marked by [Infeasible], [Permanent] or [CheckpointUnreadable] fails it as that says.
// An [*Error] or a canceled context is no fault of the trial: it is released.
func (t *Trial) Fail(ctx context.Context, cause error) error {
	kind, isOfTraining := failureKind(cause)
	if !isOfTraining {
		return t.Release(ctx, cause.Error())
	}
	return t.end(func() error {
		t.mutex.Lock()
		t.failure = kind
		t.mutex.Unlock()
		_, err := t.api.FailTrial(ctx, &ashav1.FailTrialRequest{
			ExperimentId: t.ExperimentID, TrialNumber: t.Number, LeaseToken: t.token,
			Kind: kind, Message: clipped(cause.Error()),
		})
		return t.orRelease(ctx, err)
	})
}

// Release gives the trial back: another worker goes on from the last checkpoint, uncounted.
// It tries for at most 2 seconds, also after the context has ended; then the lease expires.
func (t *Trial) Release(ctx context.Context, reason string) error {
	return t.end(func() error { return t.release(ctx, reason) })
}

func (t *Trial) release(ctx context.Context, reason string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastPatience)
	defer cancel()
	_, err := t.api.ReleaseTrial(ctx, &ashav1.ReleaseTrialRequest{
		ExperimentId: t.ExperimentID, TrialNumber: t.Number, LeaseToken: t.token,
		Reason: clipped(reason),
	}, Deadline(min(t.settings.deadline, lastPatience/2)))
	return err
}

// orRelease gives the trial back where the context ended before the end of the trial was told.
func (t *Trial) orRelease(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return errors.Join(err, t.release(ctx, shuttingDown))
}

// end ends the trial with one call, once, and its heartbeats before. Whoever comes second waits.
func (t *Trial) end(send func() error) (err error) {
	t.ending.Do(func() {
		t.mutex.Lock()
		isHeld := !t.hasVerdict()
		t.mutex.Unlock()
		t.endLive()
		<-t.heartbeatsEnded
		if !isHeld {
			return
		}
		err = send()
		if refusal, ok := errors.AsType[*Error](err); ok && (refusal.isLost() || refusal.Code == codes.NotFound) {
			t.settings.logger.Warn("a trial had left this worker already", t.attributes(), slog.Any("error", err))
			err = nil
		}
	})
	return err
}

// keepAlive sends a heartbeat whenever nothing renewed the lease for a third of its ttl.
// It goes on through every failure of network and server: a worker that comes back before its
// trial was handed on keeps it.
func (t *Trial) keepAlive() {
	defer close(t.heartbeatsEnded)
	defer t.session.unfollow(t)
	failures := 0
	for {
		interval, due := t.heartbeatDue()
		pause := due
		if failures > 0 {
			pause = rand.N(min(interval, t.settings.initialBackoff<<min(failures, 16)) + 1)
		}
		if sleep(t.live, pause) != nil {
			return
		}
		if _, due := t.heartbeatDue(); failures == 0 && due > 0 {
			continue // a report renewed the lease meanwhile
		}
		if t.beat(interval) {
			failures = 0
		} else {
			failures++
		}
	}
}

// heartbeatDue gives the interval of heartbeats and how long it is until the next one.
func (t *Trial) heartbeatDue() (interval, due time.Duration) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	interval = t.ttl / 3
	return interval, time.Until(t.renewed.Add(interval))
}

// beat sends one heartbeat; whether it was answered.
func (t *Trial) beat(interval time.Duration) bool {
	deadline := min(max(interval, time.Second), t.settings.deadline)
	response, err := t.api.Heartbeat(t.live, t.heartbeat(), Deadline(deadline), RetryFor(0))
	if err == nil {
		t.renew(response.GetLease().GetTtl().AsDuration())
		t.note(decodeDecision(response.GetDecision()))
		return true
	}
	refusal, _ := errors.AsType[*Error](err)
	switch {
	case t.live.Err() != nil:
	case refusal.isLost() || refusal.Code == codes.NotFound:
		t.settings.logger.Warn("a trial left this worker", t.attributes(), slog.Any("error", refusal))
		t.note(lost(refusal.Reason))
	default:
		t.settings.logger.Debug("a heartbeat failed, trying on", t.attributes(), slog.Any("error", refusal))
	}
	return false
}

func (t *Trial) heartbeat() *ashav1.HeartbeatRequest {
	return &ashav1.HeartbeatRequest{
		ExperimentId: t.ExperimentID, TrialNumber: t.Number, LeaseToken: t.token,
	}
}

// renew notes that the lease was renewed just now, with a new ttl unless it is 0.
func (t *Trial) renew(ttl time.Duration) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.renewed = time.Now()
	if ttl > 0 {
		t.ttl = ttl
	}
}

// note takes a decision in; Stop and Pause never change once said, and end the heartbeats.
func (t *Trial) note(decision Decision) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.hasVerdict() {
		return
	}
	t.decision = &decision
	t.nextDecisionStep = max(t.nextDecisionStep, decision.NextDecisionStep)
	if decision.ShouldStop() {
		t.endLive()
	}
}

// hasVerdict tells whether Stop or Pause was said. The caller holds the mutex.
func (t *Trial) hasVerdict() bool { return t.decision != nil && t.decision.ShouldStop() }

// failedUnreported tells whether the attempt failed without a report, and whether that is telling
// of this worker: an infeasible configuration is not.
func (t *Trial) failedUnreported() (isFailure, isTelling bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	isFailure = t.failure != ashav1.FailureKind_FAILURE_KIND_UNSPECIFIED && !t.hasReported
	return isFailure, t.failure != ashav1.FailureKind_FAILURE_KIND_INFEASIBLE
}

// attributes name the trial in a log.
func (t *Trial) attributes() slog.Attr {
	return slog.Group("trial", slog.String("experiment_id", t.ExperimentID),
		slog.Int64("number", t.Number), slog.Int64("attempt", t.Attempt))
}

// clipped is a text as protobuf takes it, in at most maxMessageBytes, its beginning kept.
func clipped(text string) string {
	const ellipsis = " …"
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= maxMessageBytes {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessageBytes-len(ellipsis)], "") + ellipsis
}
