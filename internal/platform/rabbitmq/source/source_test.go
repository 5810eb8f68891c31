package source_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"orderflow/internal/platform/rabbitmq/source"
	"orderflow/internal/platform/tracing"
)

// invoke passes a payload to a handler that keeps the messages and fails for those with a body in
// fail.
func invoke(t *testing.T, payload string, fail ...string) (got []source.Message, traces []string, err error) {
	t.Helper()
	h := source.Messages(func(ctx context.Context, m source.Message) error {
		got, traces = append(got, m), append(traces, tracing.Parent(ctx))
		if slices.Contains(fail, string(m.Body)) {
			return errors.New(string(m.Body))
		}
		return nil
	})
	_, err = h.Invoke(t.Context(), []byte(payload))
	return got, traces, err
}

// The payload of AWS's documentation
// (https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html).
func TestDocumentedPayloadIsUnderstood(t *testing.T) {
	text, err := os.ReadFile("testdata/documented.json")
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := invoke(t, string(text))
	if err != nil || len(got) != 1 || got[0].ID != "" || got[0].Type != "" ||
		string(got[0].Body) != `{"timeout":0,"data":"CZrmf0Gw8Ov4bqLQxD4E"}` {
		t.Errorf("%+v, %v", got, err)
	}
}

const batch = `{"rmqMessagesByQueue":{
	"b::/orderflow":[{"basicProperties":{"messageId":"3","type":"z"},"data":"Yw=="}],
	"a::/orderflow":[
		{"basicProperties":{"messageId":"1","type":"x","headers":{"traceparent":{"bytes":%s}}},"data":"YQ=="},
		{"basicProperties":{"messageId":"2","type":"y"},"data":"not Base64"}]}}`

func TestEachMessageIsHandledInOrder(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var codes []int
	for _, b := range []byte(parent) {
		codes = append(codes, int(b))
	}
	list, err := json.Marshal(codes)
	if err != nil {
		t.Fatal(err)
	}
	got, traces, err := invoke(t, fmt.Sprintf(batch, list))
	if err != nil || len(got) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, want := range []source.Message{
		{ID: "1", Type: "x", Body: []byte("a")}, {ID: "2", Type: "y", Body: []byte("not Base64")},
		{ID: "3", Type: "z", Body: []byte("c")},
	} {
		if m := got[i]; m.ID != want.ID || m.Type != want.Type || string(m.Body) != string(want.Body) {
			t.Errorf("message %d: %+v, want %+v", i, m, want)
		}
	}
	if traces[0][:35] != parent[:35] {
		t.Errorf("trace %q, want that of %q", traces[0], parent)
	}
}

func TestBatchFailsAfterAllMessages(t *testing.T) {
	got, _, err := invoke(t, fmt.Sprintf(batch, "[]"), "a")
	if err == nil || len(got) != 3 {
		t.Errorf("%d messages handled, %v; want 3 and an error", len(got), err)
	}
}

func TestForeignPayloadIsRefused(t *testing.T) {
	if _, _, err := invoke(t, "[]"); err == nil {
		t.Error("no error")
	}
}
