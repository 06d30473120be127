package asha

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	ashav1 "asha/clients/go/asha/v1"
)

// Reasons that the worker loop itself acts on.
const (
	reasonLeaseLost      = "LEASE_LOST"
	reasonTrialEnded     = "TRIAL_ENDED"
	reasonMetricConflict = "METRIC_CONFLICT"
	reasonLimitExceeded  = "LIMIT_EXCEEDED"
	reasonWorkerFailing  = "WORKER_FAILING"
)

// Error is a refusal by the server, or a failure of the network or of this client.
// It never becomes a failed trial. Find it with [errors.As].
type Error struct {
	// Code is the gRPC status; OK if this client itself raised the error.
	Code codes.Code
	// Reason is the name of an ashav1.ErrorReason without its prefix, any text of a newer
	// server, or WORKER_FAILING. Empty if the answer was not the server's (a proxy, the network).
	Reason string
	// Message says what is wrong and the way out; for people, may change.
	Message string
	// Metadata has every dynamic part of the message by a stable key.
	Metadata map[string]string
	// Violations lists all wrong fields of the request at once.
	Violations []FieldViolation
	// RetryDelay is when to try again; nil if the server did not say.
	RetryDelay *time.Duration

	status *status.Status
	cause  error
}

// FieldViolation is one wrong field of a request.
type FieldViolation struct {
	// Field is its proto path (spec.parameters[2].double_range.max).
	Field string
	// Description says what is wrong with it and the way out.
	Description string
}

// Error gives the message, code and reason, and every violation on a line of its own.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(e.Message)
	switch {
	case e.Code == codes.OK:
		fmt.Fprintf(&text, " [%s]", e.Reason)
	case e.Reason == "":
		fmt.Fprintf(&text, " [%s]", CodeName(e.Code))
	default:
		fmt.Fprintf(&text, " [%s/%s]", CodeName(e.Code), e.Reason)
	}
	for _, violation := range e.Violations {
		fmt.Fprintf(&text, "\n  %s: %s", violation.Field, violation.Description)
	}
	return text.String()
}

// Unwrap gives the context's error where the caller's context ended the call.
func (e *Error) Unwrap() error { return e.cause }

// GRPCStatus lets status.FromError and status.Code read the error.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// CodeName is a status code as the wire's documents write it: NOT_FOUND.
func CodeName(c codes.Code) string { return code.Code(c).String() }

// isRetryable tells whether the same request may be sent again.
func (e *Error) isRetryable() bool {
	return e.Code == codes.Unavailable || e.Code == codes.DeadlineExceeded ||
		e.Code == codes.ResourceExhausted && e.RetryDelay != nil
}

// isLost tells whether the trial is no longer this worker's.
func (e *Error) isLost() bool {
	return e.Reason == reasonLeaseLost || e.Reason == reasonTrialEnded
}

// decodeError gives the typed error of a failed call, with the details of its trailer.
// Where the caller's context ended the call, it wraps that context's error.
func decodeError(ctx context.Context, err error) *Error {
	s, _ := status.FromError(err)
	e := &Error{Code: s.Code(), Message: s.Message(), status: s}
	if e.Code == codes.Canceled || e.Code == codes.DeadlineExceeded {
		e.cause = ctx.Err()
	}
	if e.Message == "" {
		e.Message = CodeName(e.Code)
	}
	for _, detail := range s.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			e.Reason, e.Metadata = detail.GetReason(), detail.GetMetadata()
		case *errdetails.BadRequest:
			for _, v := range detail.GetFieldViolations() {
				e.Violations = append(e.Violations, FieldViolation{v.GetField(), v.GetDescription()})
			}
		case *errdetails.RetryInfo:
			delay := detail.GetRetryDelay().AsDuration()
			e.RetryDelay = &delay
		}
	}
	return e
}

// failure is an error of the training code that says what kind of failure it is.
type failure struct {
	kind ashav1.FailureKind
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// Infeasible marks an error: these hyperparameters cannot work. The trial is replaced, not retried.
func Infeasible(err error) error {
	return &failure{ashav1.FailureKind_FAILURE_KIND_INFEASIBLE, err}
}

// Permanent marks an error: the trial would fail again. It is FAILED without another attempt.
func Permanent(err error) error {
	return &failure{ashav1.FailureKind_FAILURE_KIND_PERMANENT, err}
}

// CheckpointUnreadable marks an error: the checkpoint cannot be read.
// It is dropped, and the trial starts from scratch, uncounted.
func CheckpointUnreadable(err error) error {
	return &failure{ashav1.FailureKind_FAILURE_KIND_CHECKPOINT_UNREADABLE, err}
}

// failureKind tells how an error fails a trial; false for an error that is not of the training
// code (the server, the network, a context): the trial is released then.
func failureKind(err error) (ashav1.FailureKind, bool) {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.kind, true
	}
	if _, ok := errors.AsType[*Error](err); ok || errors.Is(err, context.Canceled) {
		return 0, false
	}
	return ashav1.FailureKind_FAILURE_KIND_RETRYABLE, true
}
