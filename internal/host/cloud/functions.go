package cloud

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"orderflow/internal/platform/workflow"
)

// Invoke runs a function.
type Invoke func(ctx context.Context, function string, payload []byte) ([]byte, error)

const (
	functions   = "/2015-03-31/functions/"
	invocations = "/invocations"
	sources     = "/2015-03-31/event-source-mappings/"
)

// source is an event source as Lambda lists it.
type source struct{ FunctionArn, EventSourceArn, State, LastProcessingResult string }

// sources lists what invokes functions: their queues, and the outboxes of services.
func (c *Cloud) sources(w http.ResponseWriter) {
	all := []source{}
	add := func(function, service, name string) {
		all = append(all, source{"arn:aws:lambda:" + Region + ":" + Account + ":function:" + c.Stack + "-" + function,
			"arn:aws:" + service + ":" + Region + ":" + Account + ":" + name, "Enabled", "OK"})
	}
	for _, q := range c.Delivery.Queues() {
		add(q.Name, "sqs", c.Stack+"-"+q.Name)
	}
	for _, relay := range c.Relays {
		add(relay, "dynamodb", "stream/"+relay)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"EventSourceMappings": all})
}

// invoke answers the only call of Lambda: it runs a function and answers with its result, or with
// its error.
func (c *Cloud) invoke(w http.ResponseWriter, r *http.Request, path string) {
	name, _ := strings.CutSuffix(strings.TrimPrefix(path, functions+c.Stack+"-"), invocations)
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	out, err := c.Invoke(r.Context(), name, payload)
	if err != nil {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		kind, message := workflow.Failure(err)
		out, _ = json.Marshal(map[string]string{"errorType": kind, "errorMessage": message}) // strings can be
	}
	_, _ = w.Write(out)
}
