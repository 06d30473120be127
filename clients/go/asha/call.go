package asha

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// firstWarning is how long a call fails before the first warning.
const firstWarning = time.Second

// callOption changes the settings of one call; gRPC itself sees an option that does nothing.
type callOption struct {
	grpc.EmptyCallOption
	apply func(*callSettings)
}

type callSettings struct {
	deadline time.Duration
	retryFor time.Duration // negative: for ever
}

// Deadline limits each attempt at one call, in place of [WithDeadline] and any max_wait.
func Deadline(deadline time.Duration) grpc.CallOption {
	return callOption{apply: func(s *callSettings) { s.deadline = deadline }}
}

// RetryFor limits how long one call is sent again, in place of [WithRetryFor]; 0: not at all.
func RetryFor(duration time.Duration) grpc.CallOption {
	return callOption{apply: func(s *callSettings) { s.retryFor = max(duration, 0) }}
}

// intercept makes a unary call.
func (s *settings) intercept(
	ctx context.Context, method string, request, response any,
	connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	send := func(ctx context.Context, deadline time.Duration) error {
		ctx, cancel := context.WithTimeout(ctx, deadline)
		defer cancel()
		return invoke(ctx, method, request, response, connection, options...)
	}
	return s.retry(ctx, method, request, options, send)
}

// retry sends a request until it is answered, the very same message each time, so that the server
// counts it once. Retried are UNAVAILABLE, DEADLINE_EXCEEDED, and RESOURCE_EXHAUSTED that carries
// RetryInfo, nothing else. Every error is an *Error.
func (s *settings) retry(
	ctx context.Context, method string, request any, options []grpc.CallOption,
	send func(ctx context.Context, deadline time.Duration) error,
) error {
	call := callSettings{deadline: s.deadline, retryFor: s.retryFor}
	if poll, ok := request.(interface{ GetMaxWait() *durationpb.Duration }); ok {
		call.deadline += poll.GetMaxWait().AsDuration()
	}
	for _, option := range options {
		if option, ok := option.(callOption); ok {
			option.apply(&call)
		}
	}
	began, warnAfter := time.Now(), firstWarning
	ceiling := min(s.initialBackoff, s.maxBackoff)
	for attempt := 1; ; attempt++ {
		err := send(ctx, call.deadline)
		if err == nil {
			return nil
		}
		refusal := decodeError(ctx, err)
		if !refusal.isRetryable() {
			return refusal
		}
		pause := rand.N(ceiling + 1)
		if refusal.RetryDelay != nil {
			pause += *refusal.RetryDelay
		}
		elapsed := time.Since(began)
		if call.retryFor >= 0 && elapsed+pause >= call.retryFor {
			return refusal
		}
		if elapsed >= warnAfter {
			warnAfter = 2 * elapsed
			s.logger.Warn("a call keeps failing, still trying", slog.String("method", path.Base(method)),
				slog.Duration("elapsed", elapsed), slog.Int("attempts", attempt),
				slog.String("server", s.address), slog.Any("error", refusal))
		}
		ceiling = min(2*ceiling, s.maxBackoff)
		if err := sleep(ctx, pause); err != nil {
			ended := decodeError(ctx, status.FromContextError(err).Err())
			ended.Message = fmt.Sprintf("%s; the last attempt: %s", ended.Message, refusal)
			return ended
		}
	}
}

// sleep waits; it gives the context's error if that has ended.
func sleep(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}
