// Command conformance-driver does with the client what clients/conformance asks of it: a JSON
// object a line on standard input, an answer a line on standard output.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log"
	"math"
	"os"
	"os/signal"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"asha/clients/go/asha"
	_ "asha/clients/go/asha/v1" // registers the messages that call looks up
)

// step is one line of input; which fields count depends on Do.
type step struct {
	ID any    `json:"id"`
	Do string `json:"do"`

	Address           string   `json:"address"`
	WorkerID          string   `json:"worker_id"`
	Token             string   `json:"token"`
	RootCertificates  string   `json:"root_certificates"`
	ClientCertificate string   `json:"client_certificate"`
	ClientKey         string   `json:"client_key"`
	DeadlineS         *float64 `json:"deadline_s"`
	BackoffInitialS   *float64 `json:"backoff_initial_s"`
	BackoffMaxS       *float64 `json:"backoff_max_s"`
	GiveUpAfterS      *float64 `json:"give_up_after_s"`
	CancelAfterS      *float64 `json:"cancel_after_s"`
	Sessions          bool     `json:"sessions"`

	Method       string            `json:"method"`
	Request      json.RawMessage   `json:"request"`
	ExperimentID string            `json:"experiment_id"`
	Step         integer           `json:"step"`
	Metrics      map[string]number `json:"metrics"`
	Checkpoint   string            `json:"checkpoint"`
	URI          string            `json:"uri"`
	Message      string            `json:"message"`
}

// number is a double in protobuf's JSON form: NaN and infinities are strings.
type number float64

func (n *number) UnmarshalJSON(text []byte) error {
	value, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	*n = number(value)
	return err
}

func (n number) MarshalJSON() ([]byte, error) {
	switch value := float64(n); {
	case math.IsNaN(value):
		return []byte(`"NaN"`), nil
	case math.IsInf(value, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(value, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return json.Marshal(value)
	}
}

// integer is an int64 in protobuf's JSON form: a string, or a number.
type integer int64

func (i *integer) UnmarshalJSON(text []byte) error {
	value, err := strconv.ParseInt(strings.Trim(string(text), `"`), 10, 64)
	*i = integer(value)
	return err
}

// driver holds what the steps of a case have made.
type driver struct {
	ctx      context.Context
	workerID string
	client   *asha.Client
	next     func() (*asha.Trial, error, bool)
	stop     func()
	trial    *asha.Trial
}

type object map[string]any

func main() {
	ctx, forget := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer forget()
	lines := make(chan string)
	go func() {
		defer close(lines)
		input := bufio.NewScanner(os.Stdin)
		input.Buffer(nil, 64<<20)
		for input.Scan() {
			lines <- input.Text()
		}
	}()
	d := &driver{ctx: ctx}
	defer d.close()
	output := json.NewEncoder(os.Stdout)
	for {
		select {
		case <-ctx.Done():
			return
		case line, ok := <-lines:
			if !ok {
				return
			}
			if err := output.Encode(d.answer(line)); err != nil {
				log.Print(err)
				return
			}
		}
	}
}

// answer performs one step.
func (d *driver) answer(line string) object {
	var s step
	if err := json.Unmarshal([]byte(line), &s); err != nil {
		return object{"id": s.ID, "error": object{"code": "DRIVER", "message": err.Error()}}
	}
	ok, err := d.perform(&s)
	if err != nil {
		return object{"id": s.ID, "error": describe(err)}
	}
	return object{"id": s.ID, "ok": ok}
}

func (d *driver) perform(s *step) (ok any, err error) {
	switch s.Do {
	case "connect":
		return object{}, d.connect(s)
	case "close":
		d.close()
		return object{}, nil
	}
	if d.client == nil {
		return nil, errors.New("connect first")
	}
	switch s.Do {
	case "call":
		return d.call(s)
	case "next_trial":
		return d.nextTrial(s)
	}
	if d.trial == nil {
		return nil, fmt.Errorf("no trial in hand for %q", s.Do)
	}
	switch s.Do {
	case "report":
		return d.report(s)
	case "decision":
		if decision, known := d.trial.Decision(); known {
			return describeDecision(decision), nil
		}
		return object{}, nil
	case "checkpoint":
		return object{}, d.trial.ReportCheckpoint(d.ctx, int64(s.Step), s.URI)
	}
	trial := d.trial
	d.trial = nil
	switch s.Do {
	case "fail":
		return object{}, trial.Fail(d.ctx, errors.New(s.Message))
	case "infeasible":
		return object{}, trial.Fail(d.ctx, asha.Infeasible(errors.New(s.Message)))
	case "release":
		return object{}, trial.Release(d.ctx, s.Message)
	case "end":
		return object{}, trial.Complete(d.ctx)
	default:
		return nil, fmt.Errorf("unknown step %q", s.Do)
	}
}

func (d *driver) connect(s *step) error {
	d.close()
	options := []asha.Option{asha.WithToken(s.Token), asha.WithSessions(s.Sessions)}
	if s.RootCertificates != "" {
		config, err := asha.LoadTLS(s.RootCertificates, s.ClientCertificate, s.ClientKey)
		if err != nil {
			return err
		}
		options = append(options, asha.WithTLS(config))
	}
	if s.DeadlineS != nil {
		options = append(options, asha.WithDeadline(seconds(*s.DeadlineS)))
	}
	if s.BackoffInitialS != nil && s.BackoffMaxS != nil {
		options = append(options, asha.WithBackoff(seconds(*s.BackoffInitialS), seconds(*s.BackoffMaxS)))
	}
	if s.GiveUpAfterS != nil {
		options = append(options, asha.WithRetryFor(seconds(*s.GiveUpAfterS)))
	}
	client, err := asha.Connect(s.Address, options...)
	d.client, d.workerID = client, s.WorkerID
	return err
}

// close ends the loop, which releases a trial in hand, and closes the client.
func (d *driver) close() {
	if d.stop != nil {
		d.stop()
	}
	if d.client != nil {
		_ = d.client.Close()
	}
	*d = driver{ctx: d.ctx}
}

// call makes one unary call, whatever its method.
func (d *driver) call(s *step) (any, error) {
	service, method := path.Split(s.Method)
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(
		protoreflect.FullName(strings.TrimSuffix(service, "/") + "." + method))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Method, err)
	}
	descriptor := found.(protoreflect.MethodDescriptor)
	request, err := message(descriptor.Input())
	if err != nil {
		return nil, err
	}
	if err := protojson.Unmarshal(s.Request, request); err != nil {
		return nil, err
	}
	response, err := message(descriptor.Output())
	if err != nil {
		return nil, err
	}
	ctx := d.ctx
	if s.CancelAfterS != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer time.AfterFunc(seconds(*s.CancelAfterS), cancel).Stop()
	}
	var options []grpc.CallOption
	if s.DeadlineS != nil {
		options = append(options, asha.Deadline(seconds(*s.DeadlineS)))
	}
	if s.GiveUpAfterS != nil {
		options = append(options, asha.RetryFor(seconds(*s.GiveUpAfterS)))
	}
	if err := d.client.Connection().Invoke(ctx, "/"+s.Method, request, response, options...); err != nil {
		return nil, err
	}
	text, err := protojson.Marshal(response)
	return json.RawMessage(text), err
}

func message(descriptor protoreflect.MessageDescriptor) (proto.Message, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(descriptor.FullName())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", descriptor.FullName(), err)
	}
	return kind.New().Interface(), nil
}

// nextTrial goes on with the loop over an experiment's trials.
func (d *driver) nextTrial(s *step) (any, error) {
	if d.next == nil {
		var options []asha.TrialsOption
		if d.workerID != "" {
			options = append(options, asha.WithWorkerID(d.workerID))
		}
		d.next, d.stop = iter.Pull2(d.client.Experiment(s.ExperimentID).Trials(d.ctx, options...))
	}
	trial, err, goesOn := d.next()
	d.trial = trial
	if err != nil {
		return nil, err
	}
	if !goesOn {
		return object{"finished": true}, nil
	}
	configuration := make([][3]any, len(trial.Configuration))
	for i, parameter := range trial.Configuration {
		switch value := parameter.Value.(type) {
		case float64:
			configuration[i] = [3]any{parameter.Name, "double", number(value)}
		case int64:
			configuration[i] = [3]any{parameter.Name, "int", strconv.FormatInt(value, 10)}
		case string:
			configuration[i] = [3]any{parameter.Name, "string", value}
		case bool:
			configuration[i] = [3]any{parameter.Name, "bool", value}
		case json.RawMessage:
			configuration[i] = [3]any{parameter.Name, "json", string(value)}
		default:
			return nil, fmt.Errorf("parameter %s has a value of type %T", parameter.Name, value)
		}
	}
	return object{
		"trial": trial.Number, "attempt": trial.Attempt, "kind": trial.Kind,
		"start_step": trial.StartStep, "resumed_from": trial.Checkpoint,
		"target_length": trial.NextDecisionStep(), "max_length": trial.MaxLength,
		"seed": trial.Seed, "configuration": configuration,
	}, nil
}

func (d *driver) report(s *step) (any, error) {
	metrics := asha.Metrics{}
	for name, value := range s.Metrics {
		metrics[name] = float64(value)
	}
	var options []asha.ReportOption
	if s.Checkpoint != "" {
		options = append(options, asha.Checkpoint(s.Checkpoint))
	}
	decision, err := d.trial.Report(d.ctx, int64(s.Step), metrics, options...)
	if err != nil {
		return nil, err
	}
	return describeDecision(decision), nil
}

func describeDecision(decision asha.Decision) object {
	return object{"verdict": decision.Verdict, "reason": decision.Reason}
}

// describe is an error as the suite reads it.
func describe(err error) object {
	refusal, ok := errors.AsType[*asha.Error](err)
	if !ok {
		return object{"code": "DRIVER", "message": err.Error()}
	}
	violations := make([][2]string, len(refusal.Violations))
	for i, violation := range refusal.Violations {
		violations[i] = [2]string{violation.Field, violation.Description}
	}
	answer := object{
		"code": "", "reason": refusal.Reason, "message": refusal.Message,
		"metadata": refusal.Metadata, "violations": violations,
	}
	if refusal.Metadata == nil {
		answer["metadata"] = object{}
	}
	if refusal.Code != codes.OK {
		answer["code"] = asha.CodeName(refusal.Code)
	}
	if refusal.RetryDelay != nil {
		answer["retry_delay_s"] = refusal.RetryDelay.Seconds()
	}
	return answer
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
