// Package metrics records metrics as lines on standard output in the CloudWatch Embedded Metric
// Format
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
// CloudWatch turns the log lines into metrics, so recording needs no network call and no goroutine.
//
// Nothing is recorded unless the context has an Emitter. function.Start adds one; tests and the
// simulation do not.
package metrics

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
)

// Namespace is the namespace of all metrics of Orderflow.
const Namespace = "Orderflow"

// noValue is the value of a missing or empty dimension, because CloudWatch refuses empty values.
const noValue = "NONE"

// Labels are the dimensions that are constant in a process.
type Labels struct{ Stage, Service, Function string }

// Emitter writes metrics. It is safe for concurrent use.
type Emitter struct {
	mu         sync.Mutex
	out        io.Writer
	clock      clock.Clock
	labels     Labels
	properties func(context.Context) []slog.Attr
}

// NewEmitter returns an emitter that writes to out. properties returns searchable fields of a line,
// such as the order's id. As a dimension, each of their values would be a separate metric with its
// own price.
func NewEmitter(out io.Writer, c clock.Clock, labels Labels, properties func(context.Context) []slog.Attr) *Emitter {
	return &Emitter{out: out, clock: c, labels: labels, properties: properties}
}

type key struct{}

// With returns a context whose metrics are recorded by e.
func With(ctx context.Context, e *Emitter) context.Context { return context.WithValue(ctx, key{}, e) }

func emitter(ctx context.Context) *Emitter {
	e, _ := ctx.Value(key{}).(*Emitter)
	return e
}

// Count adds n to a counter.
func Count(ctx context.Context, name Name, n int, dims ...Dimension) {
	emitter(ctx).emit(ctx, name, float64(n), dims)
}

// Gauge records the current value.
func Gauge(ctx context.Context, name Name, v float64, dims ...Dimension) {
	emitter(ctx).emit(ctx, name, v, dims)
}

// Duration records a duration in milliseconds. A negative one, from clocks that differ, counts as
// 0.
func Duration(ctx context.Context, name Name, d time.Duration, dims ...Dimension) {
	emitter(ctx).emit(ctx, name, float64(max(0, d).Microseconds())/1000, dims)
}

// Since records the time since t.
func Since(ctx context.Context, name Name, t time.Time, dims ...Dimension) {
	if e := emitter(ctx); e != nil {
		Duration(ctx, name, e.clock.Now().Sub(t), dims...)
	}
}

// Stopwatch starts a measurement. The returned function returns the time since then, or 0 if
// nothing is recorded.
func Stopwatch(ctx context.Context) func() time.Duration {
	e := emitter(ctx)
	if e == nil {
		return func() time.Duration { return 0 }
	}
	start := e.clock.Now()
	return func() time.Duration { return e.clock.Now().Sub(start) }
}

// directive says which members of a line are metrics.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct {
	Name Name
	Unit Unit
}

func (e *Emitter) emit(ctx context.Context, name Name, v float64, dims []Dimension) {
	d, known := Find(name)
	if e == nil || !known || math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	line := map[string]any{}
	for _, p := range e.properties(ctx) {
		line[p.Key] = p.Value.String()
	}
	for _, by := range d.By {
		line[by] = noValue
	}
	given := []Dimension{{"Stage", e.labels.Stage}, {"Service", e.labels.Service}, {"Function", e.labels.Function}}
	for _, dim := range append(given, dims...) {
		// Dimensions that the metric does not have are dropped.
		if slices.Contains(d.By, dim.Name) || slices.Contains(baseDimensions, dim.Name) {
			line[dim.Name] = dimensionValue(dim.Value)
		}
	}
	line[string(name)] = v
	line["_aws"] = map[string]any{
		"Timestamp":         e.clock.Now().UnixMilli(),
		"CloudWatchMetrics": []directive{{Namespace, d.Sets(), []definition{{name, d.Unit}}}},
	}
	b, _ := json.Marshal(line) // never fails for strings and a finite number
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = e.out.Write(append(b, '\n')) // a failed write must not fail the caller
}

var baseDimensions = []string{"Stage", "Service", "Function"}

// dimensionValue makes a dimension's value valid for CloudWatch: 1 to 250 printable ASCII
// characters.
func dimensionValue(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] < ' ' || b[i] > '~' {
			b[i] = '?'
		}
	}
	if b = b[:min(len(b), 250)]; len(b) == 0 {
		return noValue
	}
	return string(b)
}
