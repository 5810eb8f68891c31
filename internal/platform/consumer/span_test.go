package consumer_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/tracing/tracingtest"
)

func TestEachMessageIsASpanInItsEventsTrace(t *testing.T) {
	xrayOnly, err := envelope.Parse([]byte(body(t, brewed, "xray", trace)))
	if err != nil {
		t.Fatal(err)
	}
	xrayOnly.TraceParent = ""
	foreign, err := json.Marshal(xrayOnly)
	if err != nil {
		t.Fatal(err)
	}
	batch := events.SQSEvent{Records: []events.SQSMessage{
		{Body: body(t, brewed, "good", trace)}, {Body: body(t, brewed, "bad", trace)}, {Body: string(foreign)},
	}}
	payload, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	ctx, recorded := tracingtest.Record(t)
	_, err = consumer.Handle(only(brewed), func(_ context.Context, e envelope.Event) error {
		if e.Subject == "bad" {
			return errors.New("broken")
		}
		return nil
	}).Invoke(ctx, payload)
	if err != nil {
		t.Fatal(err)
	}
	spans := recorded.Spans()
	if len(spans) != 3 {
		t.Fatalf("%d spans, want one for each message", len(spans))
	}
	for i, s := range spans {
		tags := tracingtest.Tags(s)
		if s.Name != "process "+brewed || s.Parent.String() != trace[36:52] || s.Failed != (i == 1) ||
			tags["cloudevents.event_type"] != brewed || tags["cloudevents.event_id"] == "" {
			t.Errorf("span %d: %+v, tags %v", i, s, tags)
		}
	}
}
