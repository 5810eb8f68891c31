package consumer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/metrics/metricstest"
	"orderflow/internal/platform/tracing"
)

const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// only is a validator that accepts one event type.
type only string

func (o only) Validate(e envelope.Event) error {
	if e.Type != string(o) {
		return errors.New("unknown type")
	}
	return nil
}

const brewed = "orderflow.tea.pot.brewed.v1"

// body returns a message with an event about subject.
func body(t *testing.T, eventType, subject, traceparent string) string {
	t.Helper()
	p := envelope.Publisher{Service: "tea", Clock: clock.System{}, IDs: &ids.Sequence{}}
	e := p.New(tracing.With(t.Context(), traceparent), eventType, subject, 1, struct{}{})
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// invoke sends the bodies as messages m0, m1, … and returns the response.
func invoke(t *testing.T, handle consumer.Handler, bodies ...string) string {
	t.Helper()
	var batch events.SQSEvent
	for i, b := range bodies {
		batch.Records = append(batch.Records, events.SQSMessage{MessageId: "m" + string(rune('0'+i)), Body: b})
	}
	payload, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	out, err := consumer.Handle(only(brewed), handle).Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestFailedMessageFailsAlone(t *testing.T) {
	var seen []string
	out := invoke(t, func(_ context.Context, e envelope.Event) error {
		seen = append(seen, e.Subject)
		if e.Subject == "broken" {
			return errors.New("broken")
		}
		return nil
	}, body(t, brewed, "a", ""), body(t, brewed, "broken", ""), body(t, brewed, "b", ""))
	if out != `{"batchItemFailures":[{"itemIdentifier":"m1"}]}` {
		t.Errorf("response %s; want only m1", out)
	}
	if !slices.Equal(seen, []string{"a", "broken", "b"}) {
		t.Errorf("handled %v", seen)
	}
}

func TestFailureListIsNeverNull(t *testing.T) {
	ok := func(context.Context, envelope.Event) error { return nil }
	for _, bodies := range [][]string{nil, {body(t, brewed, "a", "")}} {
		if out := invoke(t, ok, bodies...); out != `{"batchItemFailures":[]}` {
			t.Errorf("%d messages: %s", len(bodies), out)
		}
	}
}

func TestInvalidEventIsNotHandled(t *testing.T) {
	out := invoke(t, func(_ context.Context, e envelope.Event) error {
		t.Errorf("%s was handled", e.Subject)
		return nil
	}, body(t, "orderflow.tea.pot.spilt.v1", "unknown type", ""), `{"specversion":"1.0"}`, `not json`)
	if out != `{"batchItemFailures":[{"itemIdentifier":"m0"},{"itemIdentifier":"m1"},{"itemIdentifier":"m2"}]}` {
		t.Errorf("response %s; want all three", out)
	}
}

func TestEventOfARetiredTypeIsDropped(t *testing.T) {
	var batch events.SQSEvent
	for i, eventType := range []string{"orderflow.tea.pot.spilt.v1", brewed, "orderflow.tea.pot.broken.v1"} {
		m := events.SQSMessage{MessageId: "m" + string(rune('0'+i)), Body: body(t, eventType, eventType, "")}
		batch.Records = append(batch.Records, m)
	}
	payload, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	handle := func(_ context.Context, e envelope.Event) error {
		seen = append(seen, e.Type)
		return nil
	}
	out, err := consumer.Handle(only(brewed), handle, "orderflow.tea.pot.spilt.v1").Invoke(t.Context(), payload)
	if want := `{"batchItemFailures":[{"itemIdentifier":"m2"}]}`; err != nil || string(out) != want {
		t.Errorf("response %s, %v; want only the unknown type", out, err)
	}
	if !slices.Equal(seen, []string{brewed}) {
		t.Errorf("handled %v", seen)
	}
}

func TestEachEventIsHandledInItsOwnTrace(t *testing.T) {
	got := map[string]string{}
	invoke(t, func(ctx context.Context, e envelope.Event) error {
		got[e.Subject] = tracing.Parent(ctx)
		return nil
	}, body(t, brewed, "traced", trace), body(t, brewed, "untraced", ""))
	if got["traced"] != trace {
		t.Errorf("trace %q, want the event's", got["traced"])
	}
	if got["untraced"] == "" || got["untraced"] == trace {
		t.Errorf("event without a trace: %q, want a new trace", got["untraced"])
	}
}

func TestInvalidBatchFails(t *testing.T) {
	_, err := consumer.Handle(only(brewed), nil).Invoke(t.Context(), []byte(`[]`))
	if err == nil {
		t.Error("no error: the queue would delete unhandled messages")
	}
}

func TestMessagesAgeIsRecordedAndItsIDsAreLogged(t *testing.T) {
	c := clock.At(time.UnixMilli(1_795_424_400_000))
	ctx, recording := metricstest.On(t, c)
	const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"
	e := strings.Replace(body(t, brewed, "a", ""), `"data":{}`, `"data":{"orderId":"`+order+`"}`, 1)
	sent := map[string]string{"SentTimestamp": "1795424397500", "ApproximateReceiveCount": "2"}
	batch := events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "m-1", Body: e, Attributes: sent}, {MessageId: "m-2", Body: body(t, brewed, "b", "")},
	}}
	payload, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]map[string]any{}
	h := consumer.Handle(only(brewed), func(ctx context.Context, e envelope.Event) error {
		var out bytes.Buffer
		function.Logger(&out, "f").InfoContext(ctx, "x")
		var line map[string]any
		err := json.Unmarshal(out.Bytes(), &line)
		lines[e.Subject] = line
		return err
	})
	if _, err := h.Invoke(ctx, payload); err != nil {
		t.Fatal(err)
	}
	if got := recording.Take(); !slices.Equal(got, []string{"QueueAge 2500 tea brew-tea"}) {
		t.Errorf("recorded %q", got)
	}
	for name, want := range map[string]any{"orderId": order, "sagaId": order, "attempt": 2.0, "messageId": "m-1",
		"eventType": brewed} {
		if lines["a"][name] != want {
			t.Errorf("%s = %v, want %v", name, lines["a"][name], want)
		}
	}
	if lines["b"]["orderId"] != nil || lines["b"]["attempt"] != nil || lines["b"]["messageId"] != "m-2" {
		t.Errorf("message has another message's attributes: %v", lines["b"])
	}
}
