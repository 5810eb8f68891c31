// Package consumertest invokes functions behind a queue, in tests.
package consumertest

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/function"
)

// Batch returns a batch of messages with these bodies. Their ids are their places: 0, 1, ….
func Batch(t testing.TB, bodies ...string) []byte {
	t.Helper()
	var in events.SQSEvent
	for i, body := range bodies {
		in.Records = append(in.Records, events.SQSMessage{MessageId: strconv.Itoa(i), Body: body})
	}
	payload, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// Failures invokes h with a batch and returns the ids of the messages that failed.
func Failures(t testing.TB, h function.Handler, batch []byte) []string {
	t.Helper()
	out, err := h.Invoke(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	var res events.SQSEventResponse
	if err := json.Unmarshal(out, &res); err != nil {
		t.Fatal(err)
	}
	failed := []string{}
	for _, f := range res.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}
