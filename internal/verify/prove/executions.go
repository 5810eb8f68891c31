package prove

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"orderflow/internal/fulfilment"
	orders "orderflow/internal/orders/contract"
	payments "orderflow/internal/payments/contract"
	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/envelope"
	shipping "orderflow/internal/shipping/contract"
)

// The order's id, which names all its executions, and the input of its saga.
const orderID = "01J0000000000000000000000"

const orderInput = `{"orderId":"` + orderID + `","customerId":"c","items":[{"sku":"A","quantity":1}],` +
	`"total":{"currency":"EUR","amount":1},"paymentMethod":"p","traceparent":"",` +
	`"shippingAddress":{"name":"n","line1":"l","city":"c","postalCode":"1","country":"DE"}}`

// Machines are the state machines to search, by name.
type Machines map[string]*asl.Machine

// The machines: the saga and its compensation, and their Express children.
const (
	fulfilOrder     = "fulfil-order"
	prepareOrder    = "prepare-order"
	settleOrder     = "settle-order"
	compensateOrder = "compensate-order"
	undoOrder       = "undo-order"
)

// Load reads the definitions of all machines. It fails if one calls a function without a model
// here.
func Load(read func(machine string) ([]byte, error)) (m Machines, err error) {
	m = Machines{}
	for _, name := range []string{fulfilOrder, prepareOrder, settleOrder, compensateOrder, undoOrder} {
		text, bad := read(name)
		if bad == nil {
			m[name], bad = parse(text)
		}
		err = errors.Join(err, bad)
	}
	return m, err
}

func parse(definition []byte) (*asl.Machine, error) {
	target := func(name string) string {
		if machine, ok := strings.CutSuffix(name, "Arn"); ok {
			return casing.Kebab(machine)
		}
		return strings.TrimSuffix(name, "Function")
	}
	m, err := asl.Parse(asl.Substitute(definition, target))
	if err != nil {
		return nil, err
	}
	for _, s := range m.States {
		if s.Resource == asl.LambdaInvoke || s.Resource == asl.LambdaInvokeAndWait {
			if _, known := functionNamed(s.Target); !known {
				return nil, fmt.Errorf("prove: no model of %s, called by %s: add it to functions", s.Target, s.Name)
			}
		}
	}
	return m, nil
}

// runs holds all execution states found, each once. A State refers to them by number; 0 is none.
type runs struct {
	all     []*asl.Execution
	numbers map[string]int32
	answers map[answer]int32
	tokens  []string // issued so far, by number
}

// answer identifies what an execution was answered.
type answer struct {
	run  int32
	text string
}

// retries returns the smallest positive MaxAttempts of all retriers but those of children's
// reports, which either take effect or are lost.
func (m Machines) retries() int {
	least := math.MaxInt
	for _, name := range []string{fulfilOrder, compensateOrder} {
		for _, s := range m[name].States {
			for _, r := range s.Retry {
				if r.MaxAttempts > 0 {
					least = min(least, r.MaxAttempts)
				}
			}
		}
	}
	return least
}

// number finds or adds an execution. Waits before retries are skipped: their length does not
// matter, because anything may be late anyway. Of a finished execution, only what recovery reads
// matters.
func (x *search) number(run *asl.Execution) int32 {
	skipWaits(run)
	if x.forgetful {
		run.ForgetRetries()
	}
	machine := run.Machine().StartAt + "|"
	key := machine + run.Key()
	if end, over := run.Next().(asl.Done); over {
		if key = machine + string(end.Status) + "|" + end.Error; end.Status != asl.Succeeded {
			key += "|" + string(run.Input())
		}
	}
	n, known := x.runs.numbers[key]
	if !known {
		n = int32(len(x.runs.all)) //nolint:gosec // memory ends before
		x.runs.all, x.runs.numbers[key] = append(x.runs.all, run), n
	}
	return n
}

func skipWaits(run *asl.Execution) {
	for run.Wake() == nil {
	}
}

func (x *search) start(s *State, k kind, name string, input json.RawMessage) {
	m := x.machines[fulfilOrder]
	if k == ofUndo {
		m, s.Failing = x.machines[compensateOrder], 0
		if !x.opts.Plain {
			input = withoutReason(m, x.machines[undoOrder], input)
		}
	}
	x.setRun(s, k, x.number(m.Start(name, input)))
}

// withoutReason clears the reason in the compensation's input, unless it affects the control flow.
func withoutReason(m, undo *asl.Machine, input json.RawMessage) json.RawMessage {
	var fields map[string]any
	err := json.Unmarshal(input, &fields)
	reads := append(m.Reads(), undo.Reads()...)
	for _, f := range []string{"reason", "failedStep"} {
		if !slices.Contains(reads, f) {
			fields[f] = ""
		}
	}
	b, err2 := json.Marshal(fields)
	if err != nil || err2 != nil {
		panic(fmt.Sprint(err, err2)) // both callers write JSON
	}
	return b
}

// after answers the execution that waits for messages of kind k; text identifies the answer.
func (x *search) after(s *State, k kind, text string, give func(*asl.Execution) error) {
	x.setRun(s, k, x.answered(*s.run(k), text, give))
}

// answered returns an execution after an answer.
func (x *search) answered(run int32, text string, give func(*asl.Execution) error) int32 {
	key := answer{run, text}
	n, known := x.runs.answers[key]
	if !known {
		next := x.runs.all[run].Clone()
		if err := give(next); err != nil {
			panic(err) // a defect of the search: an unexpected answer
		}
		n = x.number(next)
		x.runs.answers[key] = n
	}
	return n
}

func (x *search) succeed(s *State, k kind, result string) { x.reply(s, k, outcome{result: result}) }

func (x *search) fail(s *State, k kind, name string) { x.reply(s, k, fails(name)) }

func (x *search) reply(s *State, k kind, o outcome) { x.after(s, k, o.text(), o.give) }

// text identifies an outcome.
func (o outcome) text() string { return o.err + "/" + o.result }

func (o outcome) give(run *asl.Execution) error {
	if o.err != "" {
		return run.Fail(o.err, "")
	}
	return run.Succeed(json.RawMessage(o.result))
}

func (x *search) abort(s *State, k kind) {
	x.after(s, k, "abort", func(run *asl.Execution) error { return run.Stop(asl.Aborted, "", "") })
}

// giveUp fails a task with an error until its retries are exhausted.
func (x *search) giveUp(s *State, k kind, name string) {
	x.after(s, k, "give up by "+name, func(run *asl.Execution) error {
		for state := run.State(); run.State() == state; skipWaits(run) {
			if _, over := run.Next().(asl.Done); over {
				return nil
			}
			if err := run.Fail(name, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// run returns the execution that waits for messages of kind k.
func (x *search) run(s *State, k kind) *asl.Execution { return x.runs.all[*s.run(k)] }

// end returns how an execution ended; ok is false while it runs.
func (x *search) end(s *State, k kind) (end asl.Done, ok bool) {
	end, ok = x.run(s, k).Next().(asl.Done)
	return end, ok
}

// awaited returns the call for whose token an execution waits.
func (x *search) awaited(s *State, k kind) (call asl.Invoke, ok bool) {
	call, _ = x.run(s, k).Next().(asl.Invoke)
	return call, call.Callback
}

// token returns a small number for a task token.
func (x *search) token(token string) int8 {
	i := slices.Index(x.runs.tokens, token)
	if i < 0 {
		i = len(x.runs.tokens)
		x.runs.tokens = append(x.runs.tokens, token)
	}
	if i > math.MaxInt8 {
		panic("prove: more than 127 task tokens")
	}
	return int8(i) //nolint:gosec // just compared
}

// engine lets fulfilment's real use cases operate on a state.
type engine struct {
	x *search
	s *State
}

func (x *search) deliver(s *State, m message) {
	service, ctx := fulfilment.New(&engine{x, s}), context.Background()
	var err error
	switch m.kind {
	case cancelling:
		changed := orders.Changed{OrderID: orderID, CustomerID: "c"}
		err = service.CancelFulfilment(ctx, event(orders.OrderCancellationRequested, changed))
	case sagaEnded, undoEnded:
		err = service.RecoverFulfilment(ctx, orderID)
	case wakeUp:
		types := map[shipment]string{
			booked: shipping.ShipmentBooked, refused: shipping.ShipmentRefused,
			shipmentCancelled: shipping.ShipmentCancelled, unshipped: payments.PaymentActionEnded,
		}
		data := shipping.ShipmentEvent{OrderID: orderID, ResumeToken: x.runs.tokens[m.wake.token]}
		err = service.ResumeFulfilment(ctx, event(types[m.wake.shipment], data))
	}
	if err != nil {
		panic(err) // the engine never fails, so this is a defect
	}
}

func event(kind string, data any) envelope.Event {
	b, err := json.Marshal(data)
	if err != nil {
		panic(err) // these always encode
	}
	return envelope.Event{Type: kind, Subject: orderID, Data: b}
}

// Start starts the next compensation. The saga is already started.
func (e *engine) Start(_ context.Context, m fulfilment.Machine, name string, input json.RawMessage) error {
	n := numberOf(name)
	if m == fulfilment.FulfilOrder || n <= e.s.Attempt {
		return fulfilment.ErrExists
	}
	e.s.Attempt = n
	e.x.start(e.s, ofUndo, name, input)
	return nil
}

// numberOf returns the attempt of a compensate-order execution from its name.
func numberOf(name string) uint8 {
	_, n, found := strings.Cut(name, "-")
	if !found {
		return 1
	}
	i, err := strconv.ParseUint(n, 10, 8)
	if err != nil {
		panic(err) // fulfilment names attempts by numbers
	}
	return uint8(i)
}

// Execution returns an execution. All attempts but the latest were aborted or failed, or there
// would be no later one.
func (e *engine) Execution(_ context.Context, m fulfilment.Machine, name string) (fulfilment.Execution, error) {
	k := ofSaga
	if m != fulfilment.FulfilOrder {
		k = ofUndo
		switch n := numberOf(name); {
		case n > e.s.Attempt:
			return fulfilment.Execution{}, fulfilment.ErrNoExecution
		case n < e.s.Attempt:
			return fulfilment.Execution{Status: fulfilment.Aborted}, nil
		}
	}
	found := fulfilment.Execution{Status: fulfilment.Running, Input: e.x.run(e.s, k).Input()}
	if end, over := e.x.end(e.s, k); over {
		found.Status, found.Error = fulfilment.Status(end.Status), end.Error
	}
	return found, nil
}

// Input returns an execution's input.
func (e *engine) Input(ctx context.Context, m fulfilment.Machine, name string) (json.RawMessage, error) {
	x, err := e.Execution(ctx, m, name)
	return x.Input, err
}

// Succeed answers the task that waits for a token.
func (e *engine) Succeed(_ context.Context, token string, output json.RawMessage) error {
	return e.answer(token, func() { e.x.succeed(e.s, ofSaga, string(output)) })
}

// Fail fails the task that waits for a token.
func (e *engine) Fail(_ context.Context, token, name, _ string) error {
	return e.answer(token, func() { e.x.fail(e.s, ofSaga, name) })
}

func (e *engine) answer(token string, give func()) error {
	if task, waits := e.x.awaited(e.s, ofSaga); !waits || task.Token != token {
		return fulfilment.ErrStaleToken
	}
	e.s.abandon(ofSaga) // its function may not have returned yet
	give()
	return nil
}
