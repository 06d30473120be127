package asha_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"asha/clients/go/asha"
	ashav1 "asha/clients/go/asha/v1"
)

func TestRetriesSendTheSameRequestAgain(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion",
		refuse(codes.Unavailable, "SHUTTING_DOWN"),
		silence,
		refuse(codes.ResourceExhausted, "OVERLOADED", retryAfter(60*time.Millisecond)),
		hand(),
	)
	client := connect(t, server, asha.WithDeadline(500*time.Millisecond))

	request := &ashav1.GetSuggestionRequest{ExperimentId: "digits", RequestId: "ask-1"}
	response, err := client.Suggestions().GetSuggestion(t.Context(), request)

	if err != nil {
		t.Fatal(err)
	}
	equal(t, "trial", response.GetAssignment().GetTrialNumber(), 7)
	calls := server.received("GetSuggestion")
	equal(t, "attempts", len(calls), 4)
	for _, call := range calls {
		if !proto.Equal(call.request, request) {
			t.Errorf("sent %v, want %v", call.request, request)
		}
	}
	if pause := calls[3].at.Sub(calls[2].at); pause < 60*time.Millisecond {
		t.Errorf("paused %s, less than RetryInfo's 60ms", pause)
	}
}

func TestTheLoopAsksAgainWithTheSameRequestID(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", refuse(codes.Unavailable, "STORE_FAILED"), hand())

	_, leave := take(t, connect(t, server))
	leave()

	calls := server.received("GetSuggestion")
	equal(t, "attempts", len(calls), 2)
	first, second := calls[0].request.(*ashav1.GetSuggestionRequest), calls[1].request.(*ashav1.GetSuggestionRequest)
	if first.GetRequestId() == "" || first.GetIncarnationId() == "" {
		t.Errorf("no ids in %v", first)
	}
	if !proto.Equal(first, second) {
		t.Errorf("sent %v, then %v", first, second)
	}
}

func TestALongPollHasItsMaxWaitMore(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetSuggestion", func(ctx context.Context, request proto.Message) (proto.Message, error) {
		time.Sleep(600 * time.Millisecond)
		return hand()(ctx, request)
	})
	client := connect(t, server, asha.WithDeadline(300*time.Millisecond))
	request := &ashav1.GetSuggestionRequest{MaxWait: durationpb.New(20 * time.Second)}

	if _, err := client.Suggestions().GetSuggestion(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	equal(t, "attempts", len(server.received("")), 1)

	server.answers("GetSuggestion", silence)
	_, err := client.Suggestions().GetSuggestion(t.Context(), request,
		asha.Deadline(50*time.Millisecond), asha.RetryFor(0))

	if refusal, _ := errors.AsType[*asha.Error](err); refusal == nil || refusal.Code != codes.DeadlineExceeded {
		t.Errorf("with a deadline of its own: got %v, want DEADLINE_EXCEEDED", err)
	}
}

func TestNothingElseIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{
		codes.Canceled, codes.Unknown, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists,
		codes.PermissionDenied, codes.ResourceExhausted, codes.FailedPrecondition, codes.Aborted,
		codes.OutOfRange, codes.Unimplemented, codes.Internal, codes.DataLoss, codes.Unauthenticated,
	} {
		t.Run(asha.CodeName(code), func(t *testing.T) {
			t.Parallel()
			server := listenTCP(t)
			server.answers("GetExperiment", refuse(code, "SOME_REASON"))

			_, err := connect(t, server).Experiments().GetExperiment(t.Context(), &ashav1.GetExperimentRequest{})

			refusal, ok := errors.AsType[*asha.Error](err)
			if !ok {
				t.Fatalf("got %v, want an *asha.Error", err)
			}
			equal(t, "code", refusal.Code, code)
			equal(t, "attempts", len(server.received("GetExperiment")), 1)
		})
	}
}

func TestACallGivesUpWithItsLastError(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	for range 1000 {
		server.answers("GetExperiment", refuse(codes.Unavailable, "STORE_FAILED"))
	}
	client := connect(t, server, asha.WithRetryFor(500*time.Millisecond))
	began := time.Now()

	_, err := client.Experiments().GetExperiment(t.Context(), &ashav1.GetExperimentRequest{})

	refusal, _ := errors.AsType[*asha.Error](err)
	if refusal == nil || refusal.Reason != "STORE_FAILED" {
		t.Fatalf("got %v, want STORE_FAILED", err)
	}
	if elapsed := time.Since(began); elapsed < 400*time.Millisecond || elapsed > 3*time.Second {
		t.Errorf("gave up after %s, want about 500ms", elapsed)
	}
	if attempts := len(server.received("")); attempts < 3 {
		t.Errorf("%d attempts in 500ms with pauses of at most 20ms", attempts)
	}
}

func TestALongFailureIsWarnedOf(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetExperiment",
		refuse(codes.Unavailable, "SHUTTING_DOWN", retryAfter(1100*time.Millisecond)),
		refuse(codes.Unavailable, "SHUTTING_DOWN"), // 1.1 s: warned of; again at 2.2 s, not before
		refuse(codes.Unavailable, "SHUTTING_DOWN"))
	var log bytes.Buffer
	client := connect(t, server, asha.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))

	_, err := client.Experiments().GetExperiment(t.Context(), &ashav1.GetExperimentRequest{})

	if err != nil {
		t.Fatal(err)
	}
	equal(t, "warnings", strings.Count(log.String(), "level=WARN"), 1)
	if !strings.Contains(log.String(), "method=GetExperiment") || !strings.Contains(log.String(), server.address) {
		t.Errorf("the warning does not say what failed: %s", log.String())
	}
}

func TestAContextEndsACall(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]answer{
		"waiting": silence,
		"pausing": refuse(codes.Unavailable, "SHUTTING_DOWN", retryAfter(time.Hour)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := listenTCP(t)
			server.answers("GetExperiment", answer)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				for len(server.received("")) == 0 {
					time.Sleep(time.Millisecond)
				}
				time.Sleep(20 * time.Millisecond) // until the client has the answer and pauses
				cancel()
			}()

			_, err := connect(t, server).Experiments().GetExperiment(ctx, &ashav1.GetExperimentRequest{})

			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v is not context.Canceled", err)
			}
			refusal, _ := errors.AsType[*asha.Error](err)
			if refusal == nil || refusal.Code != codes.Canceled {
				t.Errorf("got %v, want CANCELLED", err)
			}
			equal(t, "attempts", len(server.received("")), 1)
		})
	}
}

func TestAnErrorHasAllDetails(t *testing.T) {
	t.Parallel()
	server := listenTCP(t)
	server.answers("GetExperiment", refuse(codes.InvalidArgument, "INVALID_REQUEST",
		protoadapt.MessageV1Of(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "spec.max_trials", Description: "is 0; give 1 or more"},
			{Field: "spec.metric.name", Description: "is empty"},
		}}), retryAfter(1500*time.Millisecond)))

	_, err := connect(t, server).Experiments().GetExperiment(t.Context(), &ashav1.GetExperimentRequest{})

	refusal, ok := errors.AsType[*asha.Error](err)
	if !ok {
		t.Fatalf("got %T, want *asha.Error", err)
	}
	equal(t, "reason", refusal.Reason, "INVALID_REQUEST")
	equal(t, "message", refusal.Message, "refused as scripted")
	equal(t, "metadata", refusal.Metadata["trial_number"], "7")
	equal(t, "violations", len(refusal.Violations), 2)
	equal(t, "violation", refusal.Violations[0], asha.FieldViolation{
		Field: "spec.max_trials", Description: "is 0; give 1 or more",
	})
	equal(t, "retry delay", *refusal.RetryDelay, 1500*time.Millisecond)
	equal(t, "status", status.Code(err), codes.InvalidArgument)
	equal(t, "text", err.Error(), "refused as scripted [INVALID_ARGUMENT/INVALID_REQUEST]\n"+
		"  spec.max_trials: is 0; give 1 or more\n  spec.metric.name: is empty")
}

func TestNobodyAtTheAddressIsUnavailable(t *testing.T) {
	t.Parallel()
	server := &scriptedServer{address: "unix:" + t.TempDir() + "/nobody"}

	_, err := connect(t, server, asha.WithRetryFor(0)).
		Experiments().GetExperiment(t.Context(), &ashav1.GetExperimentRequest{})

	refusal, _ := errors.AsType[*asha.Error](err)
	if refusal == nil || refusal.Code != codes.Unavailable {
		t.Errorf("got %v, want UNAVAILABLE", err)
	}
}
