package bench

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/platform/asl"
	"orderflow/internal/verify/tables"
)

// caller is the running function.
func (w *World) caller() string {
	if len(w.running) == 0 {
		return ""
	}
	return w.running[len(w.running)-1]
}

// answer stands for AWS: it answers a call of the running function.
func (w *World) answer(rw http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	service, operation, _ := strings.Cut(target, ".")
	if strings.HasPrefix(service, "DynamoDB") {
		w.count(w.caller(), Calls, 1)
		w.ServeHTTP(rw, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	w.count(w.caller(), Calls, 1)
	var out any = struct{}{}
	switch service {
	case "": // SNS and SES
		err = w.form(rw, string(body))
		out = nil
	case "AWSStepFunctions":
		out, err = w.states(operation, body)
	case "secretsmanager":
		w.count(w.caller(), SecretCalls, 1)
		out = map[string]string{"SecretString": "bench", "Name": "bench"}
	case "AmazonSSM":
		w.count(w.caller(), ParameterCalls, 1)
		out = map[string]any{"Parameter": map[string]string{"Value": w.address(body, "Name")}}
	case "Route53AutoNaming_v20170314":
		w.count(w.caller(), DiscoveryCalls, 1)
		attributes := map[string]string{}
		for name, host := range w.hosts {
			attributes[name] = host.URL
		}
		instance := map[string]any{"InstanceId": "1", "Attributes": attributes}
		out = map[string]any{"Instances": []any{instance}}
	case "Logs_20140328": // the audit log
		w.count(w.caller(), LogBytes, float64(len(body)))
	default:
		err = fmt.Errorf("unknown call %q", target)
	}
	if err != nil {
		if strings.HasPrefix(err.Error(), "unknown ") {
			w.failed = append(w.failed, fmt.Errorf("%s: %w", w.caller(), err))
		}
		name, _, _ := strings.Cut(err.Error(), ":")
		rw.WriteHeader(http.StatusBadRequest)
		out = map[string]string{"__type": name, "message": err.Error()}
	}
	if out != nil {
		_ = json.NewEncoder(rw).Encode(out)
	}
}

func (w *World) address(body []byte, field string) string {
	var in map[string]string
	_ = json.Unmarshal(body, &in)
	name := in[field][strings.LastIndexByte(in[field], '/')+1:]
	if host := w.hosts[name]; host != nil {
		return host.URL
	}
	return ""
}

// form answers the services that speak AWS's query protocol.
func (w *World) form(rw http.ResponseWriter, body string) error {
	in, err := url.ParseQuery(body)
	if err != nil {
		return err
	}
	action := in.Get("Action")
	switch action {
	case "SendEmail":
		w.count(w.caller(), Mails, 1)
		fmt.Fprintf(rw, "<%[1]sResponse><%[1]sResult><MessageId>1</MessageId></%[1]sResult></%[1]sResponse>", action)
	case "PublishBatch":
		type entry struct {
			Id, MessageId string //nolint:revive // names of AWS
		}
		var out struct {
			XMLName xml.Name `xml:"PublishBatchResponse"`
			Entries []entry  `xml:"PublishBatchResult>Successful>member"`
		}
		size := 0
		for n := 1; ; n++ {
			prefix := fmt.Sprintf("PublishBatchRequestEntries.member.%d.", n)
			text := in.Get(prefix + "Message")
			if text == "" {
				break
			}
			size += len(text)
			kind := in.Get(prefix + "MessageAttributes.entry.1.Value.StringValue")
			if err := w.publish(in.Get("TopicArn"), kind, text); err != nil {
				return err
			}
			out.Entries = append(out.Entries, entry{in.Get(prefix + "Id"), "1"})
		}
		w.count(w.caller(), Publishes, float64((size+64<<10-1)/(64<<10)))
		return xml.NewEncoder(rw).Encode(out)
	default:
		return fmt.Errorf("unknown action %q", action)
	}
	return nil
}

// publish delivers an event to the queues whose filter accepts its type.
func (w *World) publish(topic, kind, text string) error {
	for _, s := range w.topics[topic] {
		if slices.Contains(s.types, kind) {
			if err := w.send(s.queue, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// send delivers a message: one call by the sender, and for each batch one to receive and one to
// delete it.
func (w *World) send(queue, text string) error {
	s, ok := w.queues[queue]
	if !ok {
		return fmt.Errorf("no function reads %s", queue)
	}
	w.count(s.function, QueueCalls, 1)
	return w.batch(s, events.SQSMessage{MessageId: w.ids.New(), Body: text, EventSourceARN: queue})
}

// used counts the units that a call of DynamoDB consumes.
func (w *World) used(_ *http.Request, uses []tables.Use) {
	for _, u := range uses {
		w.countUse(w.caller(), u)
	}
}

// changed is a table's stream, which is free for functions.
func (w *World) changed(table string, before, after tables.Item) {
	kind := "MODIFY"
	switch {
	case before == nil:
		kind = "INSERT"
	case after == nil:
		kind = "REMOVE"
	}
	of := after
	if of == nil {
		of = before
	}
	change := map[string]any{"Keys": tables.Item{"pk": of["pk"], "sk": of["sk"]}}
	if after != nil {
		change["NewImage"] = after
	}
	record := map[string]any{"eventName": kind, "eventSource": "aws:dynamodb", "dynamodb": change}
	var plain any
	b, _ := json.Marshal(record) // it comes from JSON
	_ = json.Unmarshal(b, &plain)
	for _, s := range w.streams[table] {
		if len(s.filters) == 0 || slices.ContainsFunc(s.filters, func(f any) bool { return matches(f, plain, true) }) {
			_ = w.batch(s, record)
		}
	}
}

// matches reports whether a filter of Lambda accepts a value; has is false if there is none.
func matches(filter, value any, has bool) bool {
	switch f := filter.(type) {
	case map[string]any:
		if prefix, ok := f["prefix"].(string); ok {
			text, _ := value.(string)
			return strings.HasPrefix(text, prefix)
		}
		if exists, ok := f["exists"].(bool); ok {
			return exists == has
		}
		fields, _ := value.(map[string]any)
		for name, inner := range f {
			if v, has := fields[name]; !matches(inner, v, has) {
				return false
			}
		}
		return true
	case []any:
		return slices.ContainsFunc(f, func(one any) bool { return matches(one, value, has) })
	}
	return has && filter == value
}

// party is a third party, whose calls by functions are counted.
func (w *World) party(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.count(w.caller(), PartyCalls, 1)
		h.ServeHTTP(rw, r)
	})
}

// webhook carries the carrier's callback through the API.
func (w *World) webhook(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	header := map[string]string{}
	for name := range r.Header {
		header[name] = r.Header.Get(name)
	}
	status, _, err := w.API(Request{Function: "receive-carrier-webhook", Method: r.Method, Path: r.URL.Path,
		Header: header, Body: string(body)})
	if err != nil {
		status = http.StatusBadGateway
	}
	rw.WriteHeader(status)
}

// Request is a request to the API.
type Request struct {
	Function, Method, Path string
	Params, Query, Header  map[string]string
	Body                   string
	Caller                 string // a customer's id, or operator; "" for none
}

// API is API Gateway.
func (w *World) API(r Request) (status int, body []byte, err error) {
	in := events.APIGatewayProxyRequest{Path: r.Path, HTTPMethod: r.Method, PathParameters: r.Params,
		MultiValueQueryStringParameters: map[string][]string{}, Headers: r.Header, Body: r.Body}
	for name, value := range r.Query {
		in.MultiValueQueryStringParameters[name] = []string{value}
	}
	if in.Headers == nil {
		in.Headers = map[string]string{}
	}
	if r.Body != "" {
		in.Headers["Content-Type"] = "application/json"
	}
	if r.Caller != "" {
		in.RequestContext.Authorizer = map[string]any{"claims": map[string]any{
			"sub": r.Caller, "email": r.Caller + "@example.com", "email_verified": "true", "token_use": "id",
			"cognito:groups": r.Caller,
		}}
	}
	payload, err := json.Marshal(in)
	if err != nil {
		return 0, nil, err
	}
	w.count(r.Function, Requests, 1)
	out, err := w.invoke(r.Function, payload)
	if err != nil {
		return 0, nil, err
	}
	var res events.APIGatewayProxyResponse
	err = json.Unmarshal(out, &res)
	return res.StatusCode, []byte(res.Body), err
}

// execution is one of a state machine.
type execution struct {
	machine, name string
	run           *asl.Execution
	entered       int // states counted so far
	express       bool
}

// states answers the calls of Step Functions.
func (w *World) states(operation string, body []byte) (any, error) {
	var in struct {
		StateMachineArn, Name, Input, ExecutionArn, TaskToken, Output, Error, Cause string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	switch operation {
	case "StartExecution":
		arn := strings.Replace(in.StateMachineArn, ":stateMachine:", ":execution:", 1) + ":" + in.Name
		err := w.start(own(in.StateMachineArn), in.Name, json.RawMessage(in.Input))
		return map[string]any{"executionArn": arn, "startDate": w.clock.Now().Unix()}, err
	case "DescribeExecution":
		parts := strings.Split(in.ExecutionArn, ":")
		x := w.started[own(parts[len(parts)-2])+"/"+parts[len(parts)-1]]
		if x == nil {
			return nil, errors.New("ExecutionDoesNotExist: " + in.ExecutionArn)
		}
		out := map[string]any{"executionArn": in.ExecutionArn, "stateMachineArn": "arn", "status": "RUNNING",
			"startDate": w.clock.Now().Unix(), "input": string(x.run.Input())}
		if done, over := x.run.Next().(asl.Done); over {
			out["status"] = string(done.Status)
		}
		return out, nil
	case "SendTaskSuccess", "SendTaskFailure":
		return struct{}{}, w.answerTask(asl.AnswerTask{
			Token:  strings.TrimRight(in.TaskToken, "="),
			Output: json.RawMessage(in.Output), Error: in.Error, Cause: in.Cause,
		})
	}
	return nil, fmt.Errorf("unknown operation %s", operation)
}

func (w *World) start(machine, name string, input json.RawMessage) error {
	key := machine + "/" + name
	if before := w.started[key]; before != nil {
		if _, over := before.run.Next().(asl.Done); !over && string(before.run.Input()) == string(input) {
			return nil
		}
		return errors.New("ExecutionAlreadyExists: " + key)
	}
	m := w.machines[machine]
	if m == nil {
		return fmt.Errorf("unknown state machine %s", machine)
	}
	x := &execution{machine: machine, name: name, run: m.Start(name, input), express: w.express[machine]}
	if x.express {
		w.count(machine, ExpressRuns, 1)
	}
	w.started[key] = x
	return w.resume(x, nil)
}

// longToken pads a task token to the length of AWS's.
func longToken(token string) string { return token + strings.Repeat("=", max(0, 700-len(token))) }

// answerTask answers the task that waits for a token.
func (w *World) answerTask(with asl.AnswerTask) error {
	x := w.waiting[with.Token]
	if x == nil {
		return errors.New("TaskDoesNotExist: " + with.Token)
	}
	delete(w.waiting, with.Token)
	if with.Error == "" {
		return w.resume(x, x.run.Succeed(with.Output))
	}
	return w.resume(x, x.run.Fail(with.Error, with.Cause))
}

// resume counts the entered states and plans the next effect.
func (w *World) resume(x *execution, err error) error {
	if err != nil {
		return err
	}
	trace := x.run.Trace()
	if !x.express {
		w.count(x.machine, Transitions, float64(len(trace)-x.entered))
	}
	x.entered = len(trace)
	w.later(func() error { return w.drive(x) })
	return nil
}

func (w *World) drive(x *execution) error {
	switch effect := x.run.Next().(type) {
	case asl.Invoke:
		if effect.Callback {
			w.waiting[effect.Token] = x
		}
		before := maps.Clone(w.counts[effect.Function])
		payload := effect.Payload
		if effect.Callback { // services store the token, and AWS's are long
			payload = bytes.ReplaceAll(payload, []byte(effect.Token), []byte(longToken(effect.Token)))
		}
		out, err := w.invoke(effect.Function, payload)
		for _, u := range []Unit{Invocations, Calls, PartyCalls} {
			if x.express {
				w.count(x.machine, within+u, w.counts[effect.Function][u]-before[u])
			}
		}
		var named messages.InvokeResponse_Error
		switch {
		case errors.As(err, &named):
			delete(w.waiting, effect.Token)
			return w.resume(x, x.run.Fail(named.Type, named.Message))
		case err != nil:
			return fmt.Errorf("%s: %w", effect.Function, err)
		case effect.Callback:
			return nil
		}
		return w.resume(x, x.run.Succeed(out))
	case asl.Sleep: // a retry, which AWS counts as a transition
		w.count(x.machine, Transitions, 1)
		w.clock.Advance(effect.Max)
		return w.resume(x, x.run.Wake())
	case asl.AnswerTask:
		if err := w.answerTask(effect); err != nil {
			return err
		}
		return w.resume(x, x.run.Succeed(json.RawMessage(`{}`)))
	case asl.StartExecution:
		if effect.Callback {
			w.waiting[effect.Token] = x
			return w.start(effect.MachineARN, effect.Name, effect.Input)
		}
		if err := w.start(effect.MachineARN, effect.Name, effect.Input); err != nil {
			return w.resume(x, x.run.Fail("StepFunctions.ExecutionAlreadyExistsException", err.Error()))
		}
		return w.resume(x, x.run.Succeed(json.RawMessage(`{}`)))
	case asl.Done:
		return w.ended(x, effect)
	default:
		return fmt.Errorf("unknown effect %T", effect)
	}
}

// ended is EventBridge with the rule for executions that did not succeed.
func (w *World) ended(x *execution, done asl.Done) error {
	if done.Status == asl.Succeeded {
		return nil
	}
	const arn = "arn:aws:states:us-east-1:000000000000:"
	b, err := json.Marshal(map[string]any{
		"version": "0", "id": w.ids.New(), "source": "aws.states", "time": w.clock.Now().Format(time.RFC3339),
		"detail-type": "Step Functions Execution Status Change", "detail": map[string]any{
			"name": x.name, "status": done.Status,
			"stateMachineArn": arn + "stateMachine:" + stackName + "-" + x.machine,
			"executionArn":    arn + "execution:" + stackName + "-" + x.machine + ":" + x.name,
		},
	})
	if err != nil {
		return err
	}
	for queue, s := range w.queues {
		if s.function == "recover-fulfilment" {
			return w.send(queue, string(bytes.TrimSpace(b)))
		}
	}
	return errors.New("nothing recovers sagas")
}
