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

func there(context.Context) error { return nil }

func fails(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

func slow(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// coded is an error such as AWS's.
type coded struct{ error }

func (coded) ErrorCode() string { return "AccessDeniedException" }

func TestEachPartSaysHowItIsAndNothingOfTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := health.New(clock.System{},
			health.Check{Name: "there", Probe: there},
			health.Check{Name: "slow", Probe: slow},
			health.Check{Name: "broken", Probe: fails(errors.New("10.0.0.1 refused"))},
			health.Check{Name: "known", Probe: fails(fault.New(fault.Transient, "ServiceUnknown", "10.0.0.1"))},
			health.Check{Name: "denied", Probe: fails(coded{errors.New("arn:aws:sns:x")})},
			health.Check{Name: "open", Probe: fails(health.Degraded(fault.New(fault.Transient, "CircuitOpen", "10.0.0.1")))},
			health.Check{Name: "panics", Probe: func(context.Context) error { panic("10.0.0.1") }},
		).Report(t.Context())
		want := []health.Outcome{
			{"there", health.Pass, "", 0},
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
		if b, err := json.Marshal(r); err != nil || strings.Contains(string(b), "10.0.0.1") || strings.Contains(string(b), "arn:") {
			t.Errorf("%s, %v", b, err)
		}
	})
}

func TestAllIsWellIfNothingIsWrong(t *testing.T) {
	if r := health.New(clock.System{}).Report(t.Context()); r.Status != health.Pass || r.Checks == nil {
		t.Errorf("without checks: %+v", r)
	}
	r := health.New(clock.System{}, health.Check{Name: "a", Probe: there}, health.Check{Name: "b", Probe: fails(health.Degraded(nil))}).Report(t.Context())
	if r.Status != health.Pass {
		t.Errorf("%+v", r)
	}
}

func TestADegradedServiceIsReady(t *testing.T) {
	set := health.New(clock.System{}, health.Check{Name: "a", Probe: fails(health.Degraded(errors.New("open")))}, health.Check{Name: "b", Probe: there})
	if r := set.Report(t.Context()); r.Status != health.Warn || r.Public().Status != health.Pass {
		t.Errorf("%+v", r)
	}
}

func TestThePublicSeeNoParts(t *testing.T) {
	for _, c := range []struct {
		status health.Status
		want   string
	}{{health.Pass, `{"status":"pass"}`}, {health.Warn, `{"status":"pass"}`}, {health.Fail, `{"status":"fail"}`}} {
		b, err := json.Marshal(health.Report{Status: c.status, Checks: []health.Outcome{{Name: "table", Code: "Timeout"}}}.Public())
		if err != nil || string(b) != c.want {
			t.Errorf("%s: %s, %v", c.status, b, err)
		}
	}
}

func TestTheWorstCounts(t *testing.T) {
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

func TestChecksRunSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var here sync.WaitGroup
		here.Add(2)
		meet := func(context.Context) error { here.Done(); here.Wait(); return nil }
		if r := health.New(clock.System{}, health.Check{Name: "a", Probe: meet}, health.Check{Name: "b", Probe: meet}).Report(t.Context()); r.Status != health.Pass {
			t.Errorf("%+v", r)
		}
	})
}

// hanging heeds no context until it is let go; it counts how often it was started.
type hanging struct {
	started atomic.Int32
	gone    chan struct{}
}

func (h *hanging) probe(context.Context) error {
	h.started.Add(1)
	<-h.gone
	return nil
}

func TestACheckThatHeedsNothingHoldsNobodyUpAndRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{gone: make(chan struct{})}
		set := health.New(clock.System{}, health.Check{Name: "hangs", Probe: h.probe}, health.Check{Name: "there", Probe: there})
		want := []health.Outcome{{"hangs", health.Fail, health.Timeout, health.All.Milliseconds()}, {"there", health.Pass, "", 0}}
		for range 3 {
			begin := time.Now()
			if r := set.Report(t.Context()); !slices.Equal(r.Checks, want) || time.Since(begin) != health.All {
				t.Errorf("%+v after %s", r, time.Since(begin))
			}
			time.Sleep(health.Fresh)
		}
		if n := h.started.Load(); n != 1 {
			t.Errorf("%d probes hang", n)
		}
		close(h.gone)
	})
}

func TestALateAnswerIsNotTakenForANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone, answers := make(chan struct{}), make(chan error, 2)
		set := health.New(clock.System{}, health.Check{Name: "late", Probe: func(context.Context) error {
			<-gone
			return <-answers
		}})
		set.Report(t.Context())
		answers <- nil
		close(gone) // it answers now that it was there a second ago
		time.Sleep(health.Fresh)
		answers <- errors.New("it is gone by now")
		if r := set.Report(t.Context()); r.Status != health.Fail || r.Checks[0].Code != health.Unreachable {
			t.Errorf("%+v", r)
		}
	})
}

func TestAnOutcomeIsToldAgainForAWhile(t *testing.T) {
	now, looks := clock.At(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)), 0
	set := health.New(now, health.Check{Name: "a", Probe: func(context.Context) error { looks++; return nil }})
	first := set.Report(t.Context())
	now.Advance(health.Fresh - time.Nanosecond)
	if r := set.Report(t.Context()); looks != 1 || !r.Time.Equal(first.Time) {
		t.Errorf("within %s: %d looks, as of %s", health.Fresh, looks, r.Time)
	}
	now.Advance(time.Nanosecond)
	if r := set.Report(t.Context()); looks != 2 || !r.Time.Equal(now.Now()) {
		t.Errorf("after %s: %d looks, as of %s", health.Fresh, looks, r.Time)
	}
}

func TestCallersAtTheSameTimeShareOneLook(t *testing.T) {
	looks, now := 0, clock.At(time.Unix(0, 0))
	set := health.New(now, health.Check{Name: "a", Probe: func(context.Context) error { looks++; runtime.Gosched(); return nil }})
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() { set.Report(t.Context()) })
	}
	callers.Wait()
	if looks != 1 {
		t.Errorf("%d looks", looks)
	}
}

func TestACallerWithoutTimeSpoilsNobodysOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := health.New(clock.System{}, health.Check{Name: "a", Probe: func(ctx context.Context) error { return ctx.Err() }})
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if r := set.Report(gone); r.Status != health.Fail {
			t.Errorf("without time: %+v", r)
		}
		if r := set.Report(t.Context()); r.Status != health.Pass {
			t.Errorf("the next caller: %+v", r)
		}
	})
}

func TestACallersDeadlineEndsNoLookThatOthersAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		set := health.New(clock.System{}, health.Check{Name: "a", Probe: func(context.Context) error {
			looks++
			time.Sleep(500 * time.Millisecond)
			return nil
		}})
		ctx, cancel := deadline.Choose(deadline.Begin(t.Context()), 250*time.Millisecond)
		defer cancel()
		if r := set.Report(ctx); r.Status != health.Pass {
			t.Errorf("%+v, want that it passes", r)
		}
		if r := set.Report(t.Context()); r.Status != health.Pass || looks != 1 {
			t.Errorf("the next caller: %+v after %d looks", r, looks)
		}
	})
}
