// Package tracingtest records spans for tests.
package tracingtest

import (
	"context"
	"sync"
	"testing"

	"orderflow/internal/platform/tracing"
)

// Recorder keeps spans in the order in which they end.
type Recorder struct {
	mu    sync.Mutex
	spans []tracing.Finished
}

// Record returns a context whose spans the recorder keeps.
func Record(t *testing.T) (context.Context, *Recorder) {
	t.Helper()
	r := &Recorder{}
	return tracing.WithProvider(t.Context(), tracing.NewProvider("test", r, 1)), r
}

// Export keeps a span.
func (r *Recorder) Export(s tracing.Finished) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans = append(r.spans, s)
}

// Flush does nothing.
func (r *Recorder) Flush(context.Context) {}

// Spans returns the spans so far.
func (r *Recorder) Spans() []tracing.Finished {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]tracing.Finished(nil), r.spans...)
}

// Named returns the one span of a name. The test ends if there is not exactly one.
func (r *Recorder) Named(t *testing.T, name string) tracing.Finished {
	t.Helper()
	var found []tracing.Finished
	for _, s := range r.Spans() {
		if s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans are called %q, want 1; all: %+v", len(found), name, r.Spans())
	}
	return found[0]
}

// Tags returns a span's attributes as text.
func Tags(s tracing.Finished) map[string]string {
	tags := map[string]string{}
	for _, a := range s.Attributes {
		tags[string(a.Key)] = a.Value.String()
	}
	return tags
}
