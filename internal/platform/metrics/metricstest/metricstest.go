// Package metricstest records metrics for tests.
package metricstest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/metrics"
)

// Recording holds the recorded metrics.
type Recording struct {
	t   *testing.T
	mu  sync.Mutex
	out bytes.Buffer
}

// Write adds a line.
func (r *Recording) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(line)
}

// On returns a context whose metrics are recorded, for the function brew-tea of the service tea.
func On(t *testing.T, c clock.Clock) (context.Context, *Recording) {
	t.Helper()
	r := &Recording{t: t}
	labels := metrics.Labels{Stage: "test", Service: "tea", Function: "brew-tea"}
	none := func(context.Context) []slog.Attr { return nil }
	return metrics.With(t.Context(), metrics.NewEmitter(r, c, labels, none)), r
}

// Take returns the metrics that were recorded since the last call, in order. Each has its name, its
// value and the values of its dimensions, such as "OrdersFinished 1 CONFIRMED NONE".
func (r *Recording) Take() []string {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for text := range strings.Lines(r.out.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			r.t.Fatalf("%q: %v", text, err)
		}
		for _, d := range metrics.All() {
			v, there := line[string(d.Name)]
			if !there {
				continue
			}
			one := fmt.Sprint(d.Name, " ", v)
			for _, by := range d.By {
				one += fmt.Sprint(" ", line[by])
			}
			all = append(all, one)
		}
	}
	r.out.Reset()
	return all
}
