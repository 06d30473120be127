package asha

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/reflect/protoreflect"

	ashav1 "asha/clients/go/asha/v1"
)

// stream is one stream, from its opening to its end.
type stream struct {
	cancel   context.CancelFunc
	outgoing chan *ashav1.TrainingSessionRequest
	closing  chan struct{} // closed when there is no more to send
	ended    chan struct{} // closed at the end, for the reason err
	err      error

	mutex    sync.Mutex // of all below
	number   uint64
	answered bool // whether anything ever came
	pending  map[uint64]chan<- *ashav1.TrainingSessionResponse
}

func openStream(s *session) *stream {
	ctx, cancel := context.WithCancel(context.Background())
	opened := &stream{
		cancel:   cancel,
		outgoing: make(chan *ashav1.TrainingSessionRequest),
		closing:  make(chan struct{}),
		ended:    make(chan struct{}),
		pending:  map[uint64]chan<- *ashav1.TrainingSessionResponse{},
	}
	go func() {
		defer cancel()
		opened.err = opened.run(ctx, s)
		s.noteEnd(opened)
		close(opened.ended)
	}()
	return opened
}

// run carries the stream until it ends; never nil.
func (s *stream) run(ctx context.Context, session *session) error {
	raw, err := ashav1.NewSuggestionServiceClient(session.connection).TrainingSession(ctx)
	if err != nil {
		return err
	}
	go s.write(raw)
	for {
		response, err := raw.Recv()
		if errors.Is(err, io.EOF) {
			return status.Error(codes.Unavailable, "the server ended the session")
		}
		if err != nil {
			return err
		}
		s.settle(response)
		if pushed := response.GetPushed(); pushed != nil {
			session.push(pushed)
		}
	}
}

// write sends what is asked; what stops it is told by the reading side.
func (s *stream) write(raw ashav1.SuggestionService_TrainingSessionClient) {
	for {
		select {
		case request := <-s.outgoing:
			if raw.Send(request) != nil {
				return
			}
		case <-s.closing:
			_ = raw.CloseSend()
			return
		case <-s.ended:
			return
		}
	}
}

// ask gives the answer to a request, or the error of the context or of the stream that ended.
func (s *stream) ask(
	ctx context.Context, request *ashav1.TrainingSessionRequest,
) (*ashav1.TrainingSessionResponse, error) {
	answer := make(chan *ashav1.TrainingSessionResponse, 1)
	s.mutex.Lock()
	s.number++
	number := s.number
	s.pending[number] = answer
	s.mutex.Unlock()
	defer func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		delete(s.pending, number)
	}()
	request.RequestNumber = number
	outgoing := s.outgoing
	for {
		select {
		case outgoing <- request:
			outgoing = nil
		case response := <-answer:
			return response, nil
		case <-s.ended:
			select {
			case response := <-answer:
				return response, nil
			default:
				return nil, s.err
			}
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		}
	}
}

// settle gives an answer to whoever waits for it; nobody does once its deadline has passed.
func (s *stream) settle(response *ashav1.TrainingSessionResponse) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.answered = true
	if answer, ok := s.pending[response.GetRequestNumber()]; ok {
		delete(s.pending, response.GetRequestNumber())
		answer <- response
	}
}

func (s *stream) hasAnswered() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.answered
}

func (s *stream) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// wrap makes a session's request of a unary one; nil if a session has no such request.
func wrap(request proto.Message) *ashav1.TrainingSessionRequest {
	if report, ok := request.(*ashav1.ReportMetricRequest); ok {
		request = &ashav1.ReportMetricsRequest{Reports: []*ashav1.ReportMetricRequest{report}}
	}
	message := &ashav1.TrainingSessionRequest{}
	content := request.ProtoReflect()
	fields := message.ProtoReflect().Descriptor().Oneofs().ByName("request").Fields()
	for i := range fields.Len() {
		if fields.Get(i).Message().FullName() == content.Descriptor().FullName() {
			message.ProtoReflect().Set(fields.Get(i), protoreflect.ValueOfMessage(content))
			return message
		}
	}
	return nil
}

// unwrap stores a session's answer in a unary response, or gives the error that it is.
func unwrap(answer *ashav1.TrainingSessionResponse, response proto.Message) error {
	refusal := answer.GetError()
	content := answer.ProtoReflect()
	field := content.WhichOneof(content.Descriptor().Oneofs().ByName("response"))
	if results := answer.GetReportMetrics().GetResults(); len(results) == 1 {
		refusal = results[0].GetError()
		content = results[0].ProtoReflect()
		field = content.WhichOneof(content.Descriptor().Oneofs().ByName("result"))
	}
	if refusal != nil {
		return sessionError(refusal)
	}
	if field == nil || field.Message().FullName() != response.ProtoReflect().Descriptor().FullName() {
		return status.Errorf(codes.Internal, "the session answered %T otherwise", response)
	}
	proto.Merge(response, content.Get(field).Message().Interface())
	return nil
}

// sessionError is a refusal on a session as the error of a unary call.
func sessionError(refusal *ashav1.SessionError) error {
	var details []protoadapt.MessageV1
	if refusal.GetReason() != ashav1.ErrorReason_ERROR_REASON_UNSPECIFIED {
		details = append(details, protoadapt.MessageV1Of(&errdetails.ErrorInfo{
			Reason:   enumName(refusal.GetReason(), "ERROR_REASON_"),
			Domain:   "asha.v1",
			Metadata: refusal.GetMetadata(),
		}))
	}
	if violations := refusal.GetFieldViolations(); len(violations) > 0 {
		bad := &errdetails.BadRequest{}
		for _, v := range violations {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
				Field: v.GetField(), Description: v.GetDescription(),
			})
		}
		details = append(details, protoadapt.MessageV1Of(bad))
	}
	if refusal.GetRetryDelay() != nil {
		details = append(details, protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: refusal.GetRetryDelay()}))
	}
	code := codes.Code(refusal.GetCode())
	if code == codes.OK {
		code = codes.Unknown
	}
	detailed, err := status.New(code, refusal.GetMessage()).WithDetails(details...)
	if err != nil {
		return fmt.Errorf("details of %v: %w", refusal, err)
	}
	return detailed.Err()
}
