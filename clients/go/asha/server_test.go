package asha_test

import (
	"context"
	"iter"
	"log/slog"
	"net"
	"path"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"asha/clients/go/asha"
	ashav1 "asha/clients/go/asha/v1"
)

// answer is what the scripted server does with one call.
type answer func(ctx context.Context, request proto.Message) (proto.Message, error)

// received is one call that reached the scripted server.
type received struct {
	method   string
	request  proto.Message
	metadata metadata.MD
	at       time.Time
}

// scriptedServer is a real gRPC server that records every call and answers as it is told.
type scriptedServer struct {
	address string

	mutex  sync.Mutex
	script map[string][]answer
	calls  []received
}

// listen starts a server. Its answers when no script is left: the search is finished, CONTINUE,
// the lease renewed, done.
func listen(t *testing.T, listener net.Listener, options ...grpc.ServerOption) *scriptedServer {
	t.Helper()
	s := &scriptedServer{script: map[string][]answer{}}
	server := grpc.NewServer(append(options, grpc.UnaryInterceptor(s.intercept))...)
	ashav1.RegisterSuggestionServiceServer(server, ashav1.UnimplementedSuggestionServiceServer{})
	ashav1.RegisterExperimentServiceServer(server, ashav1.UnimplementedExperimentServiceServer{})
	s.address = listener.Addr().String()
	if listener.Addr().Network() == "unix" {
		s.address = "unix:" + s.address
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return s
}

func listenTCP(t *testing.T, options ...grpc.ServerOption) *scriptedServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listen(t, listener, options...)
}

func (s *scriptedServer) intercept(
	ctx context.Context, request any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler,
) (any, error) {
	method := path.Base(info.FullMethod)
	return s.take(ctx, method, request.(proto.Message))
}

// take records a call and answers it.
func (s *scriptedServer) take(ctx context.Context, method string, request proto.Message) (proto.Message, error) {
	headers, _ := metadata.FromIncomingContext(ctx)
	s.mutex.Lock()
	s.calls = append(s.calls, received{method, request, headers, time.Now()})
	answer := byDefault[method]
	if script := s.script[method]; len(script) > 0 {
		answer, s.script[method] = script[0], script[1:]
	}
	s.mutex.Unlock()
	return answer(ctx, request)
}

// answers scripts the next calls of a method.
func (s *scriptedServer) answers(method string, script ...answer) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.script[method] = append(s.script[method], script...)
}

// received gives the calls of a method so far, or of all without one.
func (s *scriptedServer) received(method string) []received {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	calls := slices.Clone(s.calls)
	return slices.DeleteFunc(calls, func(c received) bool { return method != "" && c.method != method })
}

// methods gives the names of all calls so far, in order, without heartbeats.
func (s *scriptedServer) methods() []string {
	var names []string
	for _, call := range s.received("") {
		if call.method != "Heartbeat" {
			names = append(names, call.method)
		}
	}
	return names
}

var byDefault = map[string]answer{
	"GetSuggestion": say(&ashav1.GetSuggestionResponse{Result: &ashav1.GetSuggestionResponse_Finished{
		Finished: &ashav1.Finished{},
	}}),
	"ReportMetric":     say(&ashav1.ReportMetricResponse{Decision: goOn}),
	"ReportCheckpoint": say(&ashav1.ReportCheckpointResponse{Decision: goOn}),
	"Heartbeat":        say(&ashav1.HeartbeatResponse{Lease: lease(time.Minute), Decision: goOn}),
	"CompleteTrial":    say(&ashav1.CompleteTrialResponse{}),
	"FailTrial":        say(&ashav1.FailTrialResponse{}),
	"ReleaseTrial":     say(&ashav1.ReleaseTrialResponse{}),
	"GetExperiment":    say(&ashav1.GetExperimentResponse{}),
}

var goOn = decision(ashav1.Verdict_VERDICT_CONTINUE, ashav1.DecisionReason_DECISION_REASON_BETWEEN_RUNGS)

func decision(verdict ashav1.Verdict, reason ashav1.DecisionReason) *ashav1.Decision {
	return &ashav1.Decision{Verdict: verdict, Reason: reason}
}

func lease(ttl time.Duration) *ashav1.Lease {
	return &ashav1.Lease{Token: "token-1", Attempt: 1, Ttl: durationpb.New(ttl)}
}

// say answers with a message.
func say(message proto.Message) answer {
	return func(context.Context, proto.Message) (proto.Message, error) { return message, nil }
}

// decide answers a report.
func decide(verdict ashav1.Verdict, reason ashav1.DecisionReason) answer {
	return say(&ashav1.ReportMetricResponse{Decision: decision(verdict, reason)})
}

// refuse answers with an error as the server's.
func refuse(code codes.Code, reason string, details ...protoadapt.MessageV1) answer {
	return func(context.Context, proto.Message) (proto.Message, error) {
		info := &errdetails.ErrorInfo{
			Reason: reason, Domain: "asha.v1", Metadata: map[string]string{"trial_number": "7"},
		}
		refusal, err := status.New(code, "refused as scripted").WithDetails(
			append([]protoadapt.MessageV1{protoadapt.MessageV1Of(info)}, details...)...)
		if err != nil {
			return nil, err
		}
		return nil, refusal.Err()
	}
}

func retryAfter(delay time.Duration) protoadapt.MessageV1 {
	return protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
}

// silence answers when the caller no longer waits.
func silence(ctx context.Context, _ proto.Message) (proto.Message, error) {
	<-ctx.Done()
	return nil, status.FromContextError(ctx.Err()).Err()
}

// hand answers GetSuggestion with a trial of 9 steps, whose first decision falls at step 3.
func hand(change ...func(*ashav1.Assignment)) answer {
	assignment := &ashav1.Assignment{
		ExperimentId:     "digits",
		TrialNumber:      7,
		Kind:             ashav1.AssignmentKind_ASSIGNMENT_KIND_NEW,
		Lease:            lease(time.Minute),
		MaxLength:        9,
		NextDecisionStep: 3,
		Metric:           "loss",
	}
	for _, change := range change {
		change(assignment)
	}
	return say(&ashav1.GetSuggestionResponse{
		Result: &ashav1.GetSuggestionResponse_Assignment{Assignment: assignment},
	})
}

// connect makes a client with short pauses that logs nothing.
func connect(t *testing.T, s *scriptedServer, options ...asha.Option) *asha.Client {
	t.Helper()
	client, err := asha.Connect(s.address, append([]asha.Option{
		asha.WithBackoff(5*time.Millisecond, 20*time.Millisecond),
		asha.WithLogger(slog.New(slog.DiscardHandler)),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// take takes the first trial of a loop; its second result leaves the loop.
func take(t *testing.T, client *asha.Client) (*asha.Trial, func()) {
	t.Helper()
	next, leave := iter.Pull2(client.Experiment("digits").Trials(t.Context(), asha.WithWorkerID("worker-1")))
	t.Cleanup(leave)
	trial, err, ok := next()
	if err != nil || !ok {
		t.Fatalf("no trial: %v", err)
	}
	return trial, leave
}

// within waits until a condition holds.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
