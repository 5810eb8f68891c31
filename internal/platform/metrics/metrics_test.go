package metrics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/metrics"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// on returns a context that records into out.
func on(t *testing.T, out *bytes.Buffer, c clock.Clock) context.Context {
	t.Helper()
	labels := metrics.Labels{Stage: "dev", Service: "tea", Function: "brew-tea"}
	properties := func(context.Context) []slog.Attr {
		return []slog.Attr{slog.String("orderId", "o-1"), slog.String("Stage", "forged"), slog.Int("attempt", 2)}
	}
	return metrics.With(t.Context(), metrics.NewEmitter(out, c, labels, properties))
}

// golden is a line that conforms to CloudWatch's specification.
const golden = `{"Retries":1,"Stage":"dev","Service":"tea","Function":"brew-tea","Dependency":"kettle",
"orderId":"o-1","attempt":"2",
"_aws":{"Timestamp":1795424400000,"CloudWatchMetrics":[{"Namespace":"Orderflow","Dimensions":[["Stage","Dependency"]],
"Metrics":[{"Name":"Retries","Unit":"Count"}]}]}}`

func TestLineHasTheEmbeddedMetricFormat(t *testing.T) {
	var out bytes.Buffer
	dims := []metrics.Dimension{metrics.Dependency("kettle"), metrics.Step("not a dimension of Retries")}
	metrics.Count(on(t, &out, clock.At(start)), metrics.Retries, 1, dims...)
	var got, want any
	if err := json.Unmarshal([]byte(golden), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || bytes.Count(out.Bytes(), []byte("\n")) != 1 {
		t.Fatalf("%q is not one line of JSON: %v", out.String(), err)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if !bytes.Equal(a, b) {
		t.Errorf("line %s\nwant %s", a, b)
	}
}

// checked checks a line against the specification: every metric and dimension is a member of the
// root.
func checked(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var root map[string]any
	var meta struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
	}
	err := errors.Join(json.Unmarshal(line, &root), json.Unmarshal(line, &meta))
	if err != nil || len(meta.AWS.CloudWatchMetrics) != 1 {
		t.Fatalf("not a metric: %q", line)
	}
	d := meta.AWS.CloudWatchMetrics[0]
	if d.Namespace != "Orderflow" || len(d.Metrics) != 1 || len(d.Dimensions) == 0 ||
		meta.AWS.Timestamp != start.UnixMilli() {
		t.Errorf("directive %+v", meta)
	}
	for _, m := range d.Metrics {
		_, number := root[m.Name].(float64)
		if !number || !slices.Contains([]string{"Count", "Milliseconds", "None"}, m.Unit) {
			t.Errorf("metric %+v of %s", m, line)
		}
	}
	for _, set := range d.Dimensions {
		for _, name := range set {
			if v, text := root[name].(string); !text || v == "" || len(v) > 250 || len(set) > 30 {
				t.Errorf("dimension %s = %v", name, root[name])
			}
		}
	}
	return root
}

func TestEveryMetricConformsToTheSpecification(t *testing.T) {
	for _, d := range metrics.All() {
		for _, v := range []string{"", "ReserveStock", strings.Repeat("x", 300), "naïve\n"} {
			var out bytes.Buffer
			dims := []metrics.Dimension{metrics.Step(v), metrics.Status(v), metrics.Reason(v), metrics.Dependency(v)}
			metrics.Count(on(t, &out, clock.At(start)), d.Name, 3, dims...)
			if root := checked(t, out.Bytes()); root[string(d.Name)] != 3.0 {
				t.Errorf("%s = %v, want 3", d.Name, root[string(d.Name)])
			}
			out.Reset()
			metrics.Count(on(t, &out, clock.At(start)), d.Name, 3)
			checked(t, out.Bytes())
		}
	}
}

func TestTimesAreMillisecondsOfTheEmittersClock(t *testing.T) {
	var out bytes.Buffer
	c := clock.At(start)
	ctx := on(t, &out, c)
	took := metrics.Stopwatch(ctx)
	c.Advance(1500 * time.Microsecond)
	for want, record := range map[float64]func(){
		1.5:  func() { metrics.Duration(ctx, metrics.StepDuration, took()) },
		2001: func() { metrics.Since(ctx, metrics.StepDuration, c.Now().Add(-2001*time.Millisecond)) },
		// The time comes from a clock ahead of the emitter's.
		0: func() { metrics.Since(ctx, metrics.StepDuration, c.Now().Add(time.Hour)) },
		2: func() { metrics.Gauge(ctx, metrics.StepDuration, metrics.BreakerOpen) },
	} {
		out.Reset()
		record()
		var root map[string]any
		if err := json.Unmarshal(out.Bytes(), &root); err != nil || root["StepDuration"] != want {
			t.Errorf("%v, want %v: %v", root["StepDuration"], want, err)
		}
	}
}

func TestOnlyKnownMetricsAndNumbersAreRecorded(t *testing.T) {
	ctx := t.Context()
	metrics.Count(ctx, metrics.Retries, 1)
	metrics.Since(ctx, metrics.OutboxLag, start)
	if d := metrics.Stopwatch(ctx)(); d != 0 {
		t.Errorf("a stopwatch without an emitter returns %v", d)
	}
	var out bytes.Buffer
	ctx = on(t, &out, clock.At(start))
	metrics.Gauge(ctx, metrics.BreakerState, math.NaN())
	metrics.Gauge(ctx, metrics.BreakerState, math.Inf(1))
	metrics.Count(ctx, "Invented", 1)
	if out.Len() > 0 {
		t.Errorf("recorded %s", out.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestFailedWriteIsIgnored(t *testing.T) {
	none := func(context.Context) []slog.Attr { return nil }
	e := metrics.NewEmitter(broken{}, clock.At(start), metrics.Labels{}, none)
	metrics.Count(metrics.With(t.Context(), e), metrics.Retries, 1)
}

// TestEveryNameIsDefinedAndDescribed reads names.go, because constants cannot be listed at run
// time.
func TestEveryNameIsDefinedAndDescribed(t *testing.T) {
	src, err := os.ReadFile("names.go")
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), "names.go", src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var names []metrics.Name
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Name" {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil || value != spec.Names[0].Name || !strings.HasPrefix(spec.Doc.Text(), value+" ") {
			t.Errorf("constant %s = %q has the comment %q, %v", spec.Names[0], value, spec.Doc.Text(), err)
		}
		names = append(names, metrics.Name(value))
		return true
	})
	if len(names) == 0 || len(names) != len(metrics.All()) {
		t.Errorf("%d names, %d definitions", len(names), len(metrics.All()))
	}
	for _, name := range names {
		if d, ok := metrics.Find(name); !ok || d.Unit == "" {
			t.Errorf("%s is not defined", name)
		}
	}
}
