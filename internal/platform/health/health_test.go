package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/health"
)

func check(name string, probe func(context.Context) error) health.Check {
	return health.Check{Name: name, Probe: probe}
}

func passes(context.Context) error { return nil }

func fails(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

func slow(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// coded is an error like those of AWS.
type coded struct{ error }

func (coded) ErrorCode() string { return "AccessDeniedException" }

func TestOutcomesHaveACodeButNoErrorText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := fault.New(fault.Transient, "CircuitOpen", "10.0.0.1")
		r := health.New(clock.System{},
			check("passes", passes),
			check("slow", slow),
			check("broken", fails(errors.New("10.0.0.1 refused"))),
			check("known", fails(fault.New(fault.Transient, "ServiceUnknown", "10.0.0.1"))),
			check("denied", fails(coded{errors.New("arn:aws:sns:x")})),
			check("open", fails(health.Degraded(open))),
			check("panics", func(context.Context) error { panic("10.0.0.1") }),
		).Report(t.Context())
		want := []health.Outcome{
			{"passes", health.Pass, "", 0},
			{"slow", health.Fail, health.Timeout, health.Each.Milliseconds()},
			{"broken", health.Fail, health.Unreachable, 0},
			{"known", health.Fail, "ServiceUnknown", 0},
			{"denied", health.Fail, "AccessDeniedException", 0},
			{"open", health.Warn, "CircuitOpen", 0},
			{"panics", health.Fail, health.Panicked, 0},
		}
		if !slices.Equal(r.Checks, want) || r.Status != health.Fail || !r.Time.Equal(time.Now().Add(-health.Each)) {
			t.Errorf("%+v", r)
		}
		if b, err := json.Marshal(r); err != nil || strings.Contains(string(b), "10.0.0.1") ||
			strings.Contains(string(b), "arn:") {
			t.Errorf("%s, %v", b, err)
		}
	})
}

func TestReportPassesIfNoCheckFails(t *testing.T) {
	if r := health.New(clock.System{}).Report(t.Context()); r.Status != health.Pass || r.Checks == nil {
		t.Errorf("without checks: %+v", r)
	}
	degraded := check("b", fails(health.Degraded(nil)))
	set := health.New(clock.System{}, check("a", passes), degraded)
	if r := set.Report(t.Context()); r.Status != health.Pass {
		t.Errorf("%+v", r)
	}
}

func TestDegradedServiceIsReady(t *testing.T) {
	set := health.New(clock.System{}, check("a", fails(health.Degraded(errors.New("open")))), check("b", passes))
	if r := set.Report(t.Context()); r.Status != health.Warn || r.Public().Status != health.Pass {
		t.Errorf("%+v", r)
	}
}

func TestPublicReportHasNoChecks(t *testing.T) {
	for _, c := range []struct {
		status health.Status
		want   string
	}{{health.Pass, `{"status":"pass"}`}, {health.Warn, `{"status":"pass"}`}, {health.Fail, `{"status":"fail"}`}} {
		b, err := json.Marshal(health.Report{Status: c.status,
			Checks: []health.Outcome{{Name: "table", Code: "Timeout"}}}.Public())
		if err != nil || string(b) != c.want {
			t.Errorf("%s: %s, %v", c.status, b, err)
		}
	}
}

func TestWorstStatusWins(t *testing.T) {
	for _, c := range []struct {
		of   []health.Status
		want health.Status
	}{
		{nil, health.Pass},
		{[]health.Status{health.Pass, health.Warn, health.Pass}, health.Warn},
		{[]health.Status{health.Warn, health.Fail, health.Warn}, health.Fail},
	} {
		if got := health.Worst(c.of...); got != c.want {
			t.Errorf("%v: %s", c.of, got)
		}
	}
}

func TestChecksRunConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var here sync.WaitGroup
		here.Add(2)
		meet := func(context.Context) error { here.Done(); here.Wait(); return nil }
		set := health.New(clock.System{}, check("a", meet), check("b", meet))
		if r := set.Report(t.Context()); r.Status != health.Pass {
			t.Errorf("%+v", r)
		}
	})
}

// hanging ignores its context until gone is closed, and counts its starts.
type hanging struct {
	started atomic.Int32
	gone    chan struct{}
}

func (h *hanging) probe(context.Context) error {
	h.started.Add(1)
	<-h.gone
	return nil
}

func TestHangingCheckTimesOutAndRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{gone: make(chan struct{})}
		set := health.New(clock.System{}, check("hangs", h.probe), check("passes", passes))
		want := []health.Outcome{{"hangs", health.Fail, health.Timeout, health.All.Milliseconds()},
			{"passes", health.Pass, "", 0}}
		for range 3 {
			begin := time.Now()
			if r := set.Report(t.Context()); !slices.Equal(r.Checks, want) || time.Since(begin) != health.All {
				t.Errorf("%+v after %s", r, time.Since(begin))
			}
			time.Sleep(health.Fresh)
		}
		if n := h.started.Load(); n != 1 {
			t.Errorf("%d probes started, want 1", n)
		}
		close(h.gone)
	})
}

func TestLateResultOfAnEarlierRunIsDiscarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone, answers := make(chan struct{}), make(chan error, 2)
		set := health.New(clock.System{}, check("late", func(context.Context) error {
			<-gone
			return <-answers
		}))
		set.Report(t.Context())
		answers <- nil
		close(gone) // the first probe returns late
		time.Sleep(health.Fresh)
		answers <- errors.New("gone")
		if r := set.Report(t.Context()); r.Status != health.Fail || r.Checks[0].Code != health.Unreachable {
			t.Errorf("%+v", r)
		}
	})
}

func TestResultsAreCached(t *testing.T) {
	now, runs := clock.At(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)), 0
	set := health.New(now, check("a", func(context.Context) error { runs++; return nil }))
	first := set.Report(t.Context())
	now.Advance(health.Fresh - time.Nanosecond)
	if r := set.Report(t.Context()); runs != 1 || !r.Time.Equal(first.Time.Time) {
		t.Errorf("within %s: %d runs, as of %s", health.Fresh, runs, r.Time)
	}
	now.Advance(time.Nanosecond)
	if r := set.Report(t.Context()); runs != 2 || !r.Time.Equal(now.Now()) {
		t.Errorf("after %s: %d runs, as of %s", health.Fresh, runs, r.Time)
	}
}

func TestConcurrentCallersShareOneRun(t *testing.T) {
	runs, now := 0, clock.At(time.Unix(0, 0))
	set := health.New(now, check("a", func(context.Context) error { runs++; runtime.Gosched(); return nil }))
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() { set.Report(t.Context()) })
	}
	callers.Wait()
	if runs != 1 {
		t.Errorf("%d runs", runs)
	}
}

func TestCancelledCallersReportIsNotCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := health.New(clock.System{}, check("a", func(ctx context.Context) error { return ctx.Err() }))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if r := set.Report(gone); r.Status != health.Fail {
			t.Errorf("cancelled caller: %+v", r)
		}
		if r := set.Report(t.Context()); r.Status != health.Pass {
			t.Errorf("the next caller: %+v", r)
		}
	})
}

func TestCallersDeadlineDoesNotEndASharedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		set := health.New(clock.System{}, check("a", func(context.Context) error {
			runs++
			time.Sleep(500 * time.Millisecond)
			return nil
		}))
		ctx, cancel := deadline.Choose(deadline.Begin(t.Context()), 250*time.Millisecond)
		defer cancel()
		if r := set.Report(ctx); r.Status != health.Pass {
			t.Errorf("%+v, want pass", r)
		}
		if r := set.Report(t.Context()); r.Status != health.Pass || runs != 1 {
			t.Errorf("the next caller: %+v after %d runs", r, runs)
		}
	})
}
