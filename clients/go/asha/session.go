package asha

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	ashav1 "asha/clients/go/asha/v1"
)

const (
	// sessionAgainAfter is when a session is tried again with a server that refused one.
	sessionAgainAfter = 10 * time.Minute
	// fruitlessLimit is after how many streams in a row that broke before any answer one call is unary.
	fruitlessLimit = 3
	// farewell is how long a closing client waits for the server to end its stream.
	farewell = time.Second
)

// errNoSession: the server, or what is between, has no sessions. Use a unary call.
var errNoSession = errors.New("no session")

// session sends the calls of a client's workers over one stream, and brings decisions that nobody
// asked for. The stream is opened by the first call, and again after it broke; whatever had no
// answer then is sent again by the call's own retries. Where there can be no stream the calls are
// unary. It is the connection of these calls' stubs.
type session struct {
	connection *grpc.ClientConn
	settings   *settings

	mutex        sync.Mutex // of all below
	stream       *stream
	fruitless    int // streams in a row that broke before any answer
	refusedUntil time.Time
	trials       map[attempt]*Trial
}

// attempt is what a pushed decision is about.
type attempt struct {
	experimentID  string
	trial, number int64
}

func newSession(connection *grpc.ClientConn, settings *settings) *session {
	return &session{connection: connection, settings: settings, trials: map[attempt]*Trial{}}
}

// Invoke answers what would be a unary call.
func (s *session) Invoke(
	ctx context.Context, method string, request, response any, options ...grpc.CallOption,
) error {
	send := func(ctx context.Context, deadline time.Duration) error {
		err := s.call(ctx, deadline, request.(proto.Message), response.(proto.Message))
		if err != errNoSession {
			return err
		}
		once := append(slices.Clone(options), Deadline(deadline), RetryFor(0))
		return s.connection.Invoke(ctx, method, request, response, once...)
	}
	return s.settings.retry(ctx, method, request, options, send)
}

// NewStream opens a stream of its own.
func (s *session) NewStream(
	ctx context.Context, description *grpc.StreamDesc, method string, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	return s.connection.NewStream(ctx, description, method, options...)
}

// call asks once, for so long; errNoSession where a unary call is to be made instead.
func (s *session) call(ctx context.Context, deadline time.Duration, request, response proto.Message) error {
	message := wrap(request)
	if message == nil {
		return errNoSession
	}
	stream := s.open()
	if stream == nil {
		return errNoSession
	}
	waiting, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	answer, err := stream.ask(waiting, message)
	switch {
	case err == nil:
		return unwrap(answer, response)
	case ctx.Err() != nil: // the caller gave up
		return err
	case stream.hasEnded():
		return s.broken(stream)
	case !stream.hasAnswered(): // a proxy that keeps everything back until the stream ends
		s.refuse(stream, err)
		return errNoSession
	default: // its deadline has passed
		return err
	}
}

// open gives the stream, opened if need be; nil while there can be none.
func (s *session) open() *stream {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if time.Now().Before(s.refusedUntil) {
		return nil
	}
	if s.stream == nil || s.stream.hasEnded() {
		s.stream = openStream(s)
	}
	return s.stream
}

// broken tells what becomes of a call whose stream ended before its answer came.
func (s *session) broken(stream *stream) error {
	err, isUnavailable := stream.err, status.Code(stream.err) == codes.Unavailable
	// What refuses a stream before it ever answered does not carry streams, or has a word to say
	// that a unary call hears better.
	if !isUnavailable && !stream.hasAnswered() {
		s.refuse(stream, err)
		return errNoSession
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.fruitless >= fruitlessLimit {
		s.fruitless = 0
		return errNoSession
	}
	if isUnavailable {
		return err // it may say when to come back
	}
	return status.Errorf(codes.Unavailable, "the session broke before it was answered: %v", err)
}

// refuse gives sessions up for a while.
func (s *session) refuse(stream *stream, err error) {
	stream.cancel()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.stream == stream {
		s.stream = nil
		s.refusedUntil = time.Now().Add(sessionAgainAfter)
		s.settings.logger.Debug("no sessions with this server, unary calls instead", slog.Any("error", err))
	}
}

// noteEnd counts the streams in a row that broke without an answer.
func (s *session) noteEnd(stream *stream) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if stream.hasAnswered() {
		s.fruitless = 0
	} else if status.Code(stream.err) == codes.Unavailable {
		s.fruitless++
	}
}

// follow tells a trial what is decided about its attempt unasked, until unfollow.
func (s *session) follow(t *Trial) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.trials[attempt{t.ExperimentID, t.Number, t.Attempt}] = t
}

func (s *session) unfollow(t *Trial) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if key := (attempt{t.ExperimentID, t.Number, t.Attempt}); s.trials[key] == t {
		delete(s.trials, key)
	}
}

func (s *session) push(pushed *ashav1.PushedDecision) {
	s.mutex.Lock()
	key := attempt{pushed.GetExperimentId(), pushed.GetTrialNumber(), pushed.GetAttempt()}
	t := s.trials[key]
	s.mutex.Unlock()
	if t != nil {
		t.note(decodeDecision(pushed.GetDecision()))
	}
}

// close ends the stream once its server has heard all of it.
func (s *session) close() {
	s.mutex.Lock()
	stream := s.stream
	s.stream = nil
	s.mutex.Unlock()
	if stream == nil {
		return
	}
	close(stream.closing)
	select {
	case <-stream.ended:
	case <-time.After(farewell):
	}
	stream.cancel()
}
