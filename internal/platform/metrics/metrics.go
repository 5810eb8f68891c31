// Package metrics records what operators look at: as lines on standard output in the CloudWatch Embedded Metric Format
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html), which
// CloudWatch turns into metrics by itself. So recording is no call, takes no goroutine, and loses nothing that the log keeps.
//
// Nothing is recorded unless the context carries an Emitter: function.Start gives it one; tests and the simulation stay silent.
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

// Namespace is that of all metrics of ours.
const Namespace = "Orderflow"

// none is the value of a dimension that was left out or is empty: CloudWatch takes no empty ones.
const none = "NONE"

// Labels are the dimensions that are the same for a whole process.
type Labels struct{ Stage, Service, Function string }

// Emitter writes metrics. It is safe for concurrent use.
type Emitter struct {
	mu         sync.Mutex
	out        io.Writer
	clock      clock.Clock
	labels     Labels
	properties func(context.Context) []slog.Attr
}

// NewEmitter returns one that writes to out. properties returns what stands beside a metric to be searched for, such as the order's id:
// there each value is free, as a dimension it would be a metric of its own.
func NewEmitter(out io.Writer, c clock.Clock, labels Labels, properties func(context.Context) []slog.Attr) *Emitter {
	return &Emitter{out: out, clock: c, labels: labels, properties: properties}
}

type key struct{}

// With returns a context whose metrics e writes.
func With(ctx context.Context, e *Emitter) context.Context { return context.WithValue(ctx, key{}, e) }

func emitter(ctx context.Context) *Emitter {
	e, _ := ctx.Value(key{}).(*Emitter)
	return e
}

// Count adds n to a counter.
func Count(ctx context.Context, name Name, n int, dims ...Dimension) {
	emitter(ctx).emit(ctx, name, float64(n), dims)
}

// Gauge records a value as it is now.
func Gauge(ctx context.Context, name Name, v float64, dims ...Dimension) {
	emitter(ctx).emit(ctx, name, v, dims)
}

// Duration records how long something took, in milliseconds; a negative time, of clocks that differ, as none.
func Duration(ctx context.Context, name Name, d time.Duration, dims ...Dimension) {
	emitter(ctx).emit(ctx, name, float64(max(0, d).Microseconds())/1000, dims)
}

// Since records how long ago something was.
func Since(ctx context.Context, name Name, t time.Time, dims ...Dimension) {
	if e := emitter(ctx); e != nil {
		Duration(ctx, name, e.clock.Now().Sub(t), dims...)
	}
}

// Stopwatch starts to measure; the function that it returns tells the time since then, 0 where nothing is recorded.
func Stopwatch(ctx context.Context) func() time.Duration {
	e := emitter(ctx)
	if e == nil {
		return func() time.Duration { return 0 }
	}
	start := e.clock.Now()
	return func() time.Duration { return e.clock.Now().Sub(start) }
}

// directive says what of a line is a metric.
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
		line[by] = none
	}
	given := append([]Dimension{{"Stage", e.labels.Stage}, {"Service", e.labels.Service}, {"Function", e.labels.Function}}, dims...)
	for _, dim := range given {
		// One that is not the metric's is no dimension; it stays away rather than become one by mistake later.
		if slices.Contains(d.By, dim.Name) || slices.Contains(always, dim.Name) {
			line[dim.Name] = value(dim.Value)
		}
	}
	line[string(name)] = v
	line["_aws"] = map[string]any{
		"Timestamp":         e.clock.Now().UnixMilli(),
		"CloudWatchMetrics": []directive{{Namespace, d.Sets(), []definition{{name, d.Unit}}}},
	}
	b, _ := json.Marshal(line) // never fails for texts and a finite number
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = e.out.Write(append(b, '\n')) // a metric must not fail what it measures
}

var always = []string{"Stage", "Service", "Function"}

// value makes a dimension's value one that CloudWatch takes: 1 to 250 visible characters of ASCII.
func value(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] < ' ' || b[i] > '~' {
			b[i] = '?'
		}
	}
	if b = b[:min(len(b), 250)]; len(b) == 0 {
		return none
	}
	return string(b)
}
