package stream_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"orderflow/internal/platform/tracing"
	"orderflow/sandbox/carrier"
	"orderflow/sandbox/carrier/stream"
)

var errDown = errors.New("down")

func batch(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/batch.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCallbacksAreSentInTheirTraces(t *testing.T) {
	var sent []string
	out, err := stream.Handle(func(ctx context.Context, due carrier.Due) error {
		if due.TraceParent != "" && tracing.Parent(ctx) != due.TraceParent {
			t.Errorf("%s is sent in trace %q", due.Reference, tracing.Parent(ctx))
		}
		sent = append(sent, due.Reference)
		return nil
	}).Invoke(t.Context(), []byte(batch(t)))
	const want = "[01KAQ5M3Z8V7D2X4C6B9N1T0RW 01KAQ5M3Z8V7D2X4C6B9N1T0RX]"
	if err != nil || string(out) != "{}" || fmt.Sprint(sent) != want {
		t.Errorf("sent %v, result %s, %v", sent, out, err)
	}
}

func TestFailedCallbackFailsTheBatchAfterAllAreTried(t *testing.T) {
	var sent []string
	_, err := stream.Handle(func(_ context.Context, due carrier.Due) error {
		sent = append(sent, due.Reference)
		if len(sent) == 1 {
			return errDown
		}
		return nil
	}).Invoke(t.Context(), []byte(batch(t)))
	if !errors.Is(err, errDown) || len(sent) != 2 {
		t.Errorf("sent %v, error %v; want both sent and the error", sent, err)
	}
}

func TestRecordThatIsNotACallbackItemIsAnError(t *testing.T) {
	h := stream.Handle(func(context.Context, carrier.Due) error { return nil })
	for _, event := range []string{
		`[]`,
		strings.ReplaceAll(batch(t), `"reference"`, `"else"`),
		strings.ReplaceAll(batch(t), `{"S": ""}`, `{"N": "1"}`),
	} {
		if _, err := h.Invoke(t.Context(), []byte(event)); err == nil {
			t.Errorf("no error for %.80s", event)
		}
	}
}
