package asha_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"asha/clients/go/asha"
	ashav1 "asha/clients/go/asha/v1"
)

// sessionServer answers sessions by the script of a scriptedServer, each request in a goroutine.
type sessionServer struct {
	ashav1.UnimplementedSuggestionServiceServer
	*scriptedServer

	mutex   sync.Mutex
	refusal error         // of the next streams, before anything is read
	streams []*openStream // all so far
}

type openStream struct {
	raw     ashav1.SuggestionService_TrainingSessionServer
	sending sync.Mutex
	broken  chan struct{}
	isDone  atomic.Bool // ended by its client, as it should be
}

func listenSessions(t *testing.T) *sessionServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sessionServer{scriptedServer: &scriptedServer{
		address: listener.Addr().String(), script: map[string][]answer{},
	}}
	server := grpc.NewServer(grpc.UnaryInterceptor(func(
		ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
	) (any, error) {
		response, err := s.intercept(ctx, request, info, handler)
		s.note("unary " + info.FullMethod)
		return response, err
	}))
	ashav1.RegisterSuggestionServiceServer(server, s)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return s
}

// note records what is no call.
func (s *sessionServer) note(event string) {
	s.scriptedServer.mutex.Lock()
	defer s.scriptedServer.mutex.Unlock()
	s.calls = append(s.calls, received{method: event})
}

// count gives how many calls of a method came.
func (s *sessionServer) count(method string) int { return len(s.received(method)) }

// unary gives how many calls came as unary ones.
func (s *sessionServer) unary() (count int) {
	for _, call := range s.received("") {
		if strings.HasPrefix(call.method, "unary ") {
			count++
		}
	}
	return count
}

// opened gives the streams that were opened so far.
func (s *sessionServer) opened() []*openStream {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]*openStream(nil), s.streams...)
}

func (s *sessionServer) refuseStreams(refusal error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.refusal = refusal
}

func (s *sessionServer) TrainingSession(raw ashav1.SuggestionService_TrainingSessionServer) error {
	stream := &openStream{raw: raw, broken: make(chan struct{})}
	s.mutex.Lock()
	s.streams = append(s.streams, stream)
	refusal := s.refusal
	s.mutex.Unlock()
	if refusal != nil {
		return refusal
	}
	ended := make(chan error, 1)
	go func() {
		for {
			request, err := raw.Recv()
			if err != nil {
				stream.isDone.Store(errors.Is(err, io.EOF))
				ended <- nil
				return
			}
			go func() { stream.send(s.respond(raw.Context(), request)) }()
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-stream.broken:
		return status.Error(codes.Unavailable, "broken as scripted")
	}
}

func (o *openStream) send(response *ashav1.TrainingSessionResponse) {
	o.sending.Lock()
	defer o.sending.Unlock()
	if response != nil {
		_ = o.raw.Send(response)
	}
}

// respond answers one request, every report of it for itself; nil if it has no answer.
func (s *sessionServer) respond(
	ctx context.Context, request *ashav1.TrainingSessionRequest,
) *ashav1.TrainingSessionResponse {
	response := &ashav1.TrainingSessionResponse{RequestNumber: request.GetRequestNumber()}
	if reports := request.GetReportMetrics().GetReports(); reports != nil {
		results := &ashav1.ReportMetricsResponse{}
		for _, report := range reports {
			result := &ashav1.ReportResult{}
			answer, err := s.take(ctx, "ReportMetric", report)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				result.Result = &ashav1.ReportResult_Error{Error: refusedInSession(err)}
			} else {
				result.Result = &ashav1.ReportResult_Response{Response: answer.(*ashav1.ReportMetricResponse)}
			}
			results.Results = append(results.Results, result)
		}
		response.Response = &ashav1.TrainingSessionResponse_ReportMetrics{ReportMetrics: results}
		return response
	}
	asked := request.ProtoReflect()
	content := asked.Get(asked.WhichOneof(asked.Descriptor().Oneofs().ByName("request"))).Message()
	method := strings.TrimSuffix(string(content.Descriptor().Name()), "Request")
	answer, err := s.take(ctx, method, content.Interface())
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		response.Response = &ashav1.TrainingSessionResponse_Error{Error: refusedInSession(err)}
		return response
	}
	fields := response.ProtoReflect().Descriptor().Oneofs().ByName("response").Fields()
	for i := range fields.Len() {
		if fields.Get(i).Message() == answer.ProtoReflect().Descriptor() {
			response.ProtoReflect().Set(fields.Get(i), protoreflect.ValueOfMessage(answer.ProtoReflect()))
		}
	}
	return response
}

func refusedInSession(err error) *ashav1.SessionError {
	refusal := status.Convert(err)
	message := &ashav1.SessionError{Code: int32(refusal.Code()), Message: refusal.Message()}
	for _, detail := range refusal.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			message.Reason = ashav1.ErrorReason(ashav1.ErrorReason_value["ERROR_REASON_"+detail.GetReason()])
			message.Metadata = detail.GetMetadata()
		case *errdetails.RetryInfo:
			message.RetryDelay = detail.GetRetryDelay()
		}
	}
	return message
}

// handTo answers GetSuggestion with a trial of this number.
func handTo(number int64) answer {
	return hand(func(a *ashav1.Assignment) { a.TrialNumber = number })
}

func TestALoopIsOneStreamThatEndsWithTheClient(t *testing.T) {
	t.Parallel()
	server := listenSessions(t)
	server.answers("GetSuggestion", hand())
	client := connect(t, server.scriptedServer, asha.WithToken("secret"))

	trial, leave := take(t, client)
	if _, err := trial.Report(t.Context(), 1, asha.Metrics{"loss": 0.5}); err != nil {
		t.Fatal(err)
	}
	if err := trial.ReportCheckpoint(t.Context(), 1, "file:/1"); err != nil {
		t.Fatal(err)
	}
	leave()
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	_ = client.Close() // once is enough, twice no harm

	for _, method := range []string{"GetSuggestion", "ReportMetric", "ReportCheckpoint", "ReleaseTrial"} {
		equal(t, method, server.count(method), 1)
	}
	equal(t, "unary calls", server.unary(), 0)
	streams := server.opened()
	equal(t, "streams", len(streams), 1)
	equal(t, "authorization", strings.Join(server.received("ReleaseTrial")[0].metadata["authorization"], ","),
		"Bearer secret")
	within(t, 10*time.Second, "the stream ends as its client wants it", streams[0].isDone.Load)
}

func TestSessionsCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	server := listenSessions(t)
	server.answers("GetSuggestion", hand())

	_, leave := take(t, connect(t, server.scriptedServer, asha.WithSessions(false)))
	leave()

	equal(t, "streams", len(server.opened()), 0)
	equal(t, "unary calls", server.unary(), 2) // the ask and the release
}

func TestManyTrialsShareAStreamAndAnswersFindTheirRequests(t *testing.T) {
	t.Parallel()
	const loops, reports = 8, 50
	server := listenSessions(t)
	byNumber := func(_ context.Context, request proto.Message) (proto.Message, error) {
		report := request.(*ashav1.ReportMetricRequest)
		// Answers overtake each other: the even ones are late.
		time.Sleep(time.Duration(1-report.GetTrialNumber()%2) * time.Millisecond)
		made := decision(ashav1.Verdict_VERDICT_CONTINUE, ashav1.DecisionReason_DECISION_REASON_BETWEEN_RUNGS)
		made.Sequence = 1000*report.GetTrialNumber() + report.GetStep()
		return &ashav1.ReportMetricResponse{Decision: made}, nil
	}
	for number := range int64(loops) {
		server.answers("GetSuggestion", handTo(number))
	}
	for range loops * reports {
		server.answers("ReportMetric", byNumber)
	}
	client := connect(t, server.scriptedServer)

	var loop sync.WaitGroup
	for number := range loops {
		loop.Go(func() {
			for trial, err := range client.Experiment("digits").Trials(t.Context(),
				asha.WithWorkerID(fmt.Sprintf("worker-%d", number))) {
				if err != nil {
					t.Error(err)
					return
				}
				for step := range int64(reports) {
					decision, err := trial.Report(t.Context(), step, asha.Metrics{"loss": 0.5})
					if err != nil {
						t.Error(err)
						return
					}
					equal(t, "sequence", decision.Sequence, 1000*trial.Number+step)
				}
			}
		})
	}
	loop.Wait()

	equal(t, "streams", len(server.opened()), 1)
	equal(t, "reports", server.count("ReportMetric"), loops*reports)
}

func TestWhatHadNoAnswerWhenTheStreamBrokeIsSentAgain(t *testing.T) {
	t.Parallel()
	server := listenSessions(t)
	server.answers("GetSuggestion", hand())
	server.answers("ReportMetric", func(ctx context.Context, _ proto.Message) (proto.Message, error) {
		close(server.opened()[0].broken)
		<-ctx.Done()
		return nil, ctx.Err()
	})

	trial, _ := take(t, connect(t, server.scriptedServer))
	decision, err := trial.Report(t.Context(), 1, asha.Metrics{"loss": 0.5})

	if err != nil {
		t.Fatal(err)
	}
	equal(t, "reason", decision.Reason, "BETWEEN_RUNGS")
	calls := server.received("ReportMetric")
	equal(t, "reports", len(calls), 2)
	if !proto.Equal(calls[0].request, calls[1].request) {
		t.Errorf("sent %v, then %v", calls[0].request, calls[1].request)
	}
	equal(t, "streams", len(server.opened()), 2)
}

func TestADeadlinePassesWithoutTheStream(t *testing.T) {
	t.Parallel()
	server := listenSessions(t)
	server.answers("GetSuggestion", hand())
	server.answers("ReportMetric", silence)

	trial, _ := take(t, connect(t, server.scriptedServer, asha.WithDeadline(200*time.Millisecond)))
	if _, err := trial.Report(t.Context(), 1, asha.Metrics{"loss": 0.5}); err != nil {
		t.Fatal(err)
	}
	server.answers("ReportMetric", silence)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := trial.Report(ctx, 2, asha.Metrics{"loss": 0.5})

	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	equal(t, "reports", server.count("ReportMetric"), 3)
	equal(t, "streams", len(server.opened()), 1)
	equal(t, "unary calls", server.unary(), 0)
}

func TestAPushedDecisionEndsTheTrialItIsAbout(t *testing.T) {
	t.Parallel()
	server := listenSessions(t)
	server.answers("GetSuggestion", hand())
	trial, leave := take(t, connect(t, server.scriptedServer))
	push := func(number, attempt int64) {
		server.opened()[0].send(&ashav1.TrainingSessionResponse{
			Response: &ashav1.TrainingSessionResponse_Pushed{Pushed: &ashav1.PushedDecision{
				ExperimentId: "digits", TrialNumber: number, Attempt: attempt,
				Decision: decision(ashav1.Verdict_VERDICT_STOP,
					ashav1.DecisionReason_DECISION_REASON_EXPERIMENT_STOPPED),
			}},
		})
	}

	push(7, 2)
	push(8, 1)
	if _, err := trial.Report(t.Context(), 1, asha.Metrics{"loss": 0.5}); err != nil {
		t.Fatal(err)
	}
	if told, _ := trial.Decision(); told.ShouldStop() {
		t.Errorf("decisions about others came through: %v", told)
	}
	push(7, 1)

	select {
	case <-trial.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("the stop did not reach the trial")
	}
	told, _ := trial.Decision()
	equal(t, "reason", told.Reason, "EXPERIMENT_STOPPED")
	for step := range trial.Steps() {
		t.Errorf("step %d after the stop", step)
	}
	leave()
	equal(t, "heartbeats", server.count("Heartbeat"), 0)
	equal(t, "releases", server.count("ReleaseTrial"), 0)
}

func TestARefusedStreamMeansUnaryCallsFromThenOn(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{codes.Unimplemented, codes.Unauthenticated, codes.ResourceExhausted} {
		t.Run(asha.CodeName(code), func(t *testing.T) {
			t.Parallel()
			server := listenSessions(t)
			server.refuseStreams(status.Error(code, "no streams here"))
			server.answers("GetSuggestion", hand())

			trial, leave := take(t, connect(t, server.scriptedServer))
			if _, err := trial.Report(t.Context(), 1, asha.Metrics{"loss": 0.5}); err != nil {
				t.Fatal(err)
			}
			leave()

			equal(t, "streams", len(server.opened()), 1)
			equal(t, "unary calls", server.unary(), 3)
		})
	}
}

func TestAfterThreeFruitlessStreamsOneCallIsUnary(t *testing.T) {
	t.Parallel()
	server := listenSessions(t)
	server.refuseStreams(status.Error(codes.Unavailable, "not now"))
	server.answers("GetSuggestion", func(ctx context.Context, request proto.Message) (proto.Message, error) {
		server.refuseStreams(nil)
		return hand()(ctx, request)
	})

	trial, _ := take(t, connect(t, server.scriptedServer))
	equal(t, "streams until the unary call", len(server.opened()), 3)
	equal(t, "unary calls", server.unary(), 1)
	if _, err := trial.Report(t.Context(), 1, asha.Metrics{"loss": 0.5}); err != nil {
		t.Fatal(err)
	}

	equal(t, "streams", len(server.opened()), 4)
	equal(t, "unary calls", server.unary(), 1)
}

func TestAStreamWithoutAWordIsGotRound(t *testing.T) {
	t.Parallel()
	server := listenSessions(t)
	server.answers("GetSuggestion", silence, hand())
	client := connect(t, server.scriptedServer)

	trial := &ashav1.GetSuggestionRequest{ExperimentId: "digits"}
	response, err := client.Workers().GetSuggestion(t.Context(), trial, asha.Deadline(100*time.Millisecond))

	if err != nil {
		t.Fatal(err)
	}
	equal(t, "trial", response.GetAssignment().GetTrialNumber(), 7)
	equal(t, "unary calls", server.unary(), 1)
}

func TestARefusalOnASessionHasAllDetails(t *testing.T) {
	t.Parallel()
	server := listenSessions(t)
	server.answers("GetSuggestion",
		refuse(codes.ResourceExhausted, "OVERLOADED", retryAfter(50*time.Millisecond)),
		refuse(codes.NotFound, "EXPERIMENT_NOT_FOUND"))
	var err error

	for _, err = range connect(t, server.scriptedServer).Experiment("digits").Trials(t.Context()) {
		break
	}

	refusal, _ := errors.AsType[*asha.Error](err)
	if refusal == nil {
		t.Fatalf("got %v, want an *asha.Error", err)
	}
	equal(t, "code", refusal.Code, codes.NotFound)
	equal(t, "reason", refusal.Reason, "EXPERIMENT_NOT_FOUND")
	equal(t, "trial_number", refusal.Metadata["trial_number"], "7")
	equal(t, "status", status.Code(err), codes.NotFound)
	calls := server.received("GetSuggestion")
	equal(t, "asks", len(calls), 2)
	if pause := calls[1].at.Sub(calls[0].at); pause < 50*time.Millisecond {
		t.Errorf("paused %s, less than the session's 50ms", pause)
	}
}
