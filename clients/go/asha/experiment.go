package asha

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	ashav1 "asha/clients/go/asha/v1"
)

const (
	// longPoll is how long the server holds one ask for work.
	longPoll = 20 * time.Second
	// failureLimit is how many assignments in a row may fail without a report.
	failureLimit = 3
)

// Experiment is one experiment of a server.
type Experiment struct {
	client *Client
	id     string
}

// TrialsOption is a setting of [Experiment.Trials].
type TrialsOption func(*worker)

// WithWorkerID names the worker: one trial at a time each.
// Default: Slurm's job and task, the pod and container, else host, device and a random part.
func WithWorkerID(id string) TrialsOption {
	return func(w *worker) { w.id = id }
}

// Trials gives trials to train, one after the other, until the search is finished.
// It keeps each trial's lease alive while the loop's body runs.
//
// A body that ends without a verdict completes its trial, unless it called [Trial.Fail] or
// [Trial.Release]. Leaving the loop (break, return) releases the trial; a panic fails it.
// When the context ends, the trial is released at once, within 2 seconds, whatever the body does.
//
// An error is given in place of a trial and ends the loop. It is an [*Error]: what the server
// refused, that the context ended, or WORKER_FAILING after 3 assignments in a row that failed
// without a report.
func (e *Experiment) Trials(ctx context.Context, options ...TrialsOption) iter.Seq2[*Trial, error] {
	return func(yield func(*Trial, error) bool) {
		w := &worker{client: e.client, experimentID: e.id, longPoll: longPoll}
		for _, option := range options {
			option(w)
		}
		if w.id == "" {
			w.id = claim(defaultWorkerID(os.Getenv))
			defer unclaim(w.id)
		}
		for {
			assignment, err := w.ask(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			if assignment == nil || !w.hand(ctx, newTrial(ctx, e.client, assignment), yield) {
				return
			}
		}
	}
}

// Run trains every trial with a function until the search is finished.
// An error of the function fails its trial, as [Trial.Fail] does, and the loop goes on; an [*Error]
// or the context's error ends it.
// The context is to end with the process: signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM).
func (e *Experiment) Run(
	ctx context.Context, train func(context.Context, *Trial) error, options ...TrialsOption,
) error {
	for trial, err := range e.Trials(ctx, options...) {
		if err != nil {
			return err
		}
		if err := train(ctx, trial); err != nil {
			_, isOfTraining := failureKind(err)
			if isOfTraining {
				e.client.settings.logger.Warn("a trial failed", trial.attributes(), slog.Any("error", err))
			}
			if err := trial.Fail(ctx, err); err != nil {
				return err
			}
			if !isOfTraining {
				return err
			}
		}
	}
	return nil
}

// worker is one worker's place in one experiment.
type worker struct {
	client       *Client
	experimentID string
	id           string
	longPoll     time.Duration
	failures     int // assignments in a row that failed without a report
	waitReason   string
}

// ask takes the next assignment; nil when there will be no more.
func (w *worker) ask(ctx context.Context) (*ashav1.Assignment, error) {
	if w.failures >= failureLimit {
		return nil, &Error{
			Reason: reasonWorkerFailing,
			Message: fmt.Sprintf("%d assignments in a row failed on worker %s without a report; look at the "+
				"failures' messages (asha trials), mend this machine or the training code, and start "+
				"the worker again", w.failures, w.id),
			Metadata: map[string]string{"worker_id": w.id, "failures": strconv.Itoa(w.failures)},
		}
	}
	for {
		asked := time.Now()
		response, err := w.client.workers().GetSuggestion(ctx, &ashav1.GetSuggestionRequest{
			ExperimentId:  w.experimentID,
			WorkerId:      w.id,
			IncarnationId: incarnationID,
			RequestId:     rand.Text(),
			MaxWait:       durationpb.New(w.longPoll),
		})
		if refusal, ok := errors.AsType[*Error](err); ok {
			switch {
			case refusal.Reason == reasonLeaseLost: // a retry came so late that its attempt is over
				if err := sleep(ctx, 100*time.Millisecond); err != nil {
					return nil, contextError(err)
				}
				continue
			case refusal.Reason == reasonLimitExceeded && w.longPoll > 0:
				w.client.settings.logger.Warn("the server holds no more waiting calls, asking now and then",
					slog.Any("error", err))
				w.longPoll = 0
			default:
				return nil, err
			}
		}
		switch result := response.GetResult().(type) {
		case *ashav1.GetSuggestionResponse_Assignment:
			return result.Assignment, nil
		case *ashav1.GetSuggestionResponse_Finished:
			w.client.settings.logger.Info("the experiment has ended",
				slog.String("experiment_id", w.experimentID),
				slog.String("message", result.Finished.GetEndMessage()))
			return nil, nil
		}
		wait := response.GetWait()
		w.noteWait(wait)
		if wasHeld := w.longPoll > 0 && time.Since(asked) >= w.longPoll/2; !wasHeld {
			pause := wait.GetRetryAfter().AsDuration()
			if pause <= 0 { // a result that this client does not know
				pause = time.Second
			}
			if err := sleep(ctx, pause); err != nil {
				return nil, contextError(err)
			}
		}
	}
}

// noteWait says why there is no work, once for each reason.
func (w *worker) noteWait(wait *ashav1.Wait) {
	reason := enumName(wait.GetReason(), "WAIT_REASON_")
	if reason == w.waitReason {
		return
	}
	w.waitReason = reason
	level := slog.LevelInfo
	if wait.GetReason() == ashav1.WaitReason_WAIT_REASON_WORKER_FAILING {
		level = slog.LevelWarn
	}
	w.client.settings.logger.Log(context.Background(), level, "no work now, waiting",
		slog.String("experiment_id", w.experimentID), slog.String("reason", reason))
}

// hand gives a trial to the loop's body and ends it as the body ends; whether the loop goes on.
func (w *worker) hand(ctx context.Context, trial *Trial, yield func(*Trial, error) bool) (goesOn bool) {
	forget := context.AfterFunc(ctx, func() { _ = trial.Release(ctx, shuttingDown) })
	defer forget()
	hasReturned := false
	defer func() {
		if hasReturned {
			return
		}
		fault := recover()
		if fault == nil { // the goroutine is exiting
			_ = trial.Release(ctx, "the loop was left")
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastPatience)
		defer cancel()
		_ = trial.Fail(ctx, fmt.Errorf("panic: %v", fault))
		panic(fault)
	}()
	goesOn = yield(trial, nil)
	hasReturned = true

	if !goesOn {
		_ = trial.Release(ctx, "the loop was left")
		return false
	}
	if err := trial.Complete(ctx); err != nil {
		yield(nil, err)
		return false
	}
	if isFailure, isTelling := trial.failedUnreported(); isFailure && isTelling {
		w.failures++
	} else if isTelling {
		w.failures = 0
	}
	return true
}

// contextError is the error of a context that ended between two calls.
func contextError(err error) *Error {
	return &Error{Code: status.FromContextError(err).Code(), Message: err.Error(), cause: err}
}
