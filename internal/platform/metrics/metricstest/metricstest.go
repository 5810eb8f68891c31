// Package metricstest lets tests see which metrics are recorded.
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

// Recording is what was recorded.
type Recording struct {
	t   *testing.T
	mu  sync.Mutex
	out bytes.Buffer
}

// Write takes a line.
func (r *Recording) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(line)
}

// On returns a context whose metrics are recorded, as of the function brew-tea of the service tea.
func On(t *testing.T, c clock.Clock) (context.Context, *Recording) {
	t.Helper()
	r := &Recording{t: t}
	labels := metrics.Labels{Stage: "test", Service: "tea", Function: "brew-tea"}
	none := func(context.Context) []slog.Attr { return nil }
	return metrics.With(t.Context(), metrics.NewEmitter(r, c, labels, none)), r
}

// Take returns what was recorded since the last call, in order: "OrdersFinished 1 CONFIRMED NONE" is a metric, its value and
// the values of its own dimensions.
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
