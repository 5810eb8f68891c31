package resilience_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/resilience"
)

// bench is a log that processes share, with a clock.
type bench struct {
	*memdb.Log
	clock *clock.Manual
	// broken is what the log answers.
	broken       error
	reads, saves int
}

func newBench() *bench {
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	return &bench{Log: memdb.NewLog(c), clock: c}
}

func (b *bench) Circuit(ctx context.Context, dependency string) (resilience.Circuit, error) {
	b.reads++
	if err := errors.Join(b.broken, ctx.Err()); err != nil {
		return resilience.Circuit{}, err
	}
	return b.Log.Circuit(ctx, dependency)
}

func (b *bench) SaveCircuit(ctx context.Context, dependency string, c resilience.Circuit, with commit.With) error {
	b.saves++
	if err := errors.Join(b.broken, ctx.Err()); err != nil {
		return err
	}
	return b.Log.SaveCircuit(ctx, dependency, c, with)
}

// process returns the breaker of another process.
func (b *bench) process() *resilience.Breaker {
	p := envelope.Publisher{Service: "payments", Clock: b.clock, IDs: ids.Random(b.clock)}
	return resilience.NewBreaker("bank", b, resilience.DefaultSettings, b.clock, p)
}

// fail lets n distinct calls fail.
func fail(t *testing.T, b *resilience.Breaker, n int) {
	t.Helper()
	for i := range n {
		a, err := b.Admit(t.Context())
		if err != nil {
			t.Fatalf("call %d is refused: %v", i, err)
		}
		a.Failed(t.Context(), "call "+strconv.Itoa(i))
	}
}

func TestOnlyOneProcessProbesAtATime(t *testing.T) {
	shared := newBench()
	fail(t, shared.process(), 3)
	shared.clock.Advance(resilience.DefaultSettings.OpenFor)
	var probes []resilience.Admission
	processes := make([]*resilience.Breaker, 5)
	for i := range processes {
		processes[i] = shared.process()
		a, err := processes[i].Admit(t.Context())
		switch {
		case err == nil && a.Probe:
			probes = append(probes, a)
		case !errors.Is(err, resilience.ErrOpen):
			t.Errorf("process %d: %+v, %v", i, a, err)
		}
	}
	if len(probes) != 1 {
		t.Fatalf("%d probes at a time, want 1", len(probes))
	}
	probes[0].Succeeded(t.Context())
	shared.clock.Advance(time.Second)
	for i, p := range processes {
		if a, err := p.Admit(t.Context()); err != nil || a.Probe {
			t.Errorf("process %d after a good probe: %v", i, err)
		}
	}
}

func TestProcessesThatClaimAtOnceGetOneProbe(t *testing.T) {
	now := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	log := memdb.NewLog(now)
	open := func() *resilience.Breaker {
		publisher := envelope.Publisher{Service: "payments", Clock: now, IDs: ids.Random(now)}
		return resilience.NewBreaker("bank", log, resilience.DefaultSettings, now, publisher)
	}
	fail(t, open(), 3)
	// All have looked a moment ago, so each believes that the probe is still to be had.
	now.Advance(resilience.DefaultSettings.OpenFor - time.Millisecond)
	processes := make([]*resilience.Breaker, 16)
	for i := range processes {
		processes[i] = open()
		if _, err := processes[i].Admit(t.Context()); !errors.Is(err, resilience.ErrOpen) {
			t.Fatal(err)
		}
	}
	now.Advance(time.Millisecond)
	var wg sync.WaitGroup
	won := make(chan bool, 16)
	for _, b := range processes {
		wg.Go(func() {
			a, err := b.Admit(context.Background())
			won <- err == nil && a.Probe
		})
	}
	wg.Wait()
	close(won)
	probes := 0
	for w := range won {
		if w {
			probes++
		}
	}
	if probes != 1 {
		t.Errorf("%d probes, want 1", probes)
	}
}

func TestAbandonedProbeGoesToTheNextCallerAtOnce(t *testing.T) {
	shared := newBench()
	one := shared.process()
	fail(t, one, 3)
	shared.clock.Advance(resilience.DefaultSettings.OpenFor)
	a, err := one.Admit(t.Context())
	if err != nil || !a.Probe {
		t.Fatalf("%+v, %v", a, err)
	}
	a.Abandoned(t.Context())
	if a, err := shared.process().Admit(t.Context()); err != nil || !a.Probe {
		t.Errorf("%+v, %v, want the probe", a, err)
	}
}

func TestAskingWhetherACircuitIsClosedClaimsNoProbe(t *testing.T) {
	b := newBench()
	one, other := b.process(), b.process()
	if !one.Closed(t.Context()) {
		t.Fatal("a circuit that was never written is not closed")
	}
	fail(t, one, 3)
	b.clock.Advance(time.Minute) // a probe is due
	if one.Closed(t.Context()) || other.Closed(t.Context()) {
		t.Error("a circuit that waits for a probe is closed")
	}
	a, err := other.Admit(t.Context())
	if err != nil || !a.Probe {
		t.Fatalf("the next call is not the probe: %v", err)
	}
	if one.Closed(t.Context()) {
		t.Error("a half-open circuit is closed")
	}
	a.Succeeded(t.Context())
	b.clock.Advance(2 * time.Second)
	if !one.Closed(t.Context()) {
		t.Error("the circuit is not closed after the probe")
	}
}

func TestLateProbeDecidesNothing(t *testing.T) {
	shared := newBench()
	one := shared.process()
	fail(t, one, 3)
	shared.clock.Advance(resilience.DefaultSettings.OpenFor)
	lost, _ := one.Admit(t.Context())
	shared.clock.Advance(resilience.DefaultSettings.ProbeFor)
	second, err := shared.process().Admit(t.Context())
	if err != nil || !second.Probe {
		t.Fatalf("%+v, %v, want that a lost probe is replaced", second, err)
	}
	lost.Succeeded(t.Context())
	if _, err := shared.process().Admit(t.Context()); !errors.Is(err, resilience.ErrOpen) {
		t.Errorf("%v, want that the second probe is waited for", err)
	}
}

func TestEveryChangePublishesAnEvent(t *testing.T) {
	shared := newBench()
	b := shared.process()
	fail(t, b, 3)
	shared.clock.Advance(resilience.DefaultSettings.OpenFor)
	a, err := b.Admit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.Succeeded(t.Context())
	var told []string
	for _, e := range shared.TakeOutbox() {
		d, err := envelope.Decode[resilience.Changed](e)
		if err != nil || e.Type != "orderflow.payments.circuit.changed.v1" || e.Subject != "bank" ||
			d.Dependency != "bank" {
			t.Errorf("%+v, %v", e, err)
		}
		told = append(told, string(d.From)+">"+string(d.To))
	}
	if got := strings.Join(told, " "); got != "CLOSED>OPEN OPEN>HALF_OPEN HALF_OPEN>CLOSED" {
		t.Errorf("told %s", got)
	}
}

func TestAHealthyDependencyCostsOneReadASecondAndNoWrite(t *testing.T) {
	shared := newBench()
	b := shared.process()
	for range 10 {
		for range 10 {
			a, err := b.Admit(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			a.Succeeded(t.Context())
		}
		shared.clock.Advance(time.Second)
	}
	if shared.reads != 10 || shared.saves != 0 {
		t.Errorf("%d reads and %d writes in 10 s, want 10 and 0", shared.reads, shared.saves)
	}
	a, err := b.Admit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := shared.reads
	shared.clock.Advance(3 * time.Second) // the call takes so long
	a.Succeeded(t.Context())
	if shared.reads != before {
		t.Error("a success was a reason to look")
	}
}

func TestAStaleFailureDoesNotSpoilTheProbe(t *testing.T) {
	shared := newBench()
	old, err := shared.process().Admit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	one := shared.process()
	fail(t, one, 3)
	shared.clock.Advance(resilience.DefaultSettings.OpenFor)
	probe, err := one.Admit(t.Context())
	if err != nil || !probe.Probe {
		t.Fatalf("%+v, %v", probe, err)
	}
	shared.clock.Advance(time.Second)
	old.Failed(t.Context(), "a call that was admitted long ago")
	probe.Succeeded(t.Context())
	if a, err := shared.process().Admit(t.Context()); err != nil || a.Probe {
		t.Errorf("%+v, %v, want a closed circuit", a, err)
	}
}

func TestALogThatCannotBeReadIsLeftAlone(t *testing.T) {
	quiet(t)
	shared := newBench()
	shared.broken = errors.New("no table")
	b := shared.process()
	for range 100 {
		if _, err := b.Admit(t.Context()); err != nil {
			t.Fatalf("a log that fails made a call fail: %v", err)
		}
	}
	if shared.reads != 1 {
		t.Errorf("it was asked %d times", shared.reads)
	}
}

func TestProcessKeepsItsOwnCircuitWithoutALog(t *testing.T) {
	quiet(t)
	shared := newBench()
	shared.broken = errors.New("no table")
	b := shared.process()
	fail(t, b, 3)
	if _, err := b.Admit(t.Context()); !errors.Is(err, resilience.ErrOpen) {
		t.Errorf("%v, want that it opened a circuit of its own", err)
	}
	asked := shared.reads + shared.saves
	for range 100 {
		_, _ = b.Admit(t.Context())
	}
	if got := shared.reads + shared.saves; got != asked {
		t.Errorf("a log that fails was asked %d times more", got-asked)
	}
	shared.clock.Advance(resilience.DefaultSettings.OpenFor)
	a, err := b.Admit(t.Context())
	if err != nil || !a.Probe {
		t.Fatalf("%+v, %v, want a probe", a, err)
	}
	a.Succeeded(t.Context())
	if _, err := b.Admit(t.Context()); err != nil {
		t.Errorf("after a good probe: %v", err)
	}
	shared.broken = nil
	shared.clock.Advance(5 * time.Second)
	fail(t, b, 3)
	if _, err := shared.process().Admit(t.Context()); !errors.Is(err, resilience.ErrOpen) {
		t.Errorf("%v, want that the log is used again", err)
	}
}

func TestCancelledCallerIsNotAFailureOfTheLog(t *testing.T) {
	quiet(t)
	shared := newBench()
	one, other := shared.process(), shared.process()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = one.Admit(gone)
	fail(t, other, 3)
	if _, err := one.Admit(t.Context()); !errors.Is(err, resilience.ErrOpen) {
		t.Errorf("%v, want that the log is asked, and the circuit seen open", err)
	}
	shared.clock.Advance(resilience.DefaultSettings.OpenFor)
	if a, err := other.Admit(gone); err == nil {
		t.Errorf("%+v, want no probe for a cancelled caller", a)
	}
	if a, err := one.Admit(t.Context()); err != nil || !a.Probe {
		t.Errorf("%+v, %v, want the probe", a, err)
	}
}

func TestTheBudgetIsATenth(t *testing.T) {
	b := resilience.NewBudget()
	spent := 0
	for range 1000 {
		b.Called()
		for b.Spend() {
			spent++
		}
	}
	if spent != 102 {
		t.Errorf("%d retries for 1000 calls, want a tenth and the two to begin with", spent)
	}
}

func TestWaitsGrowUpToTheirLimit(t *testing.T) {
	p := resilience.DefaultPolicy
	for n, longest := range map[int]time.Duration{2: 2, 3: 4, 4: 8, 5: 10, 60: 10} {
		if got := p.Wait(n, .999999, 0); got > longest*time.Second || got < longest*time.Second-time.Millisecond {
			t.Errorf("before attempt %d: %v, want up to %ds", n, got, longest)
		}
		if got := p.Wait(n, 0, 0); got != 0 {
			t.Errorf("before attempt %d: at least %v, want full jitter", n, got)
		}
	}
	if got := p.Wait(2, .5, time.Minute); got != time.Minute {
		t.Errorf("%v, want what was asked for", got)
	}
}

// quiet keeps expected warnings out of the test's output.
func quiet(t *testing.T) {
	t.Helper()
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
}

func TestCallerGoesAheadAfterAnotherProbeSucceeded(t *testing.T) {
	shared := newBench()
	one, other := shared.process(), shared.process()
	fail(t, one, 3)
	shared.clock.Advance(resilience.DefaultSettings.OpenFor - time.Millisecond)
	if _, err := other.Admit(t.Context()); !errors.Is(err, resilience.ErrOpen) {
		t.Fatal(err)
	}
	shared.clock.Advance(time.Millisecond)
	probe, err := one.Admit(t.Context())
	if err != nil || !probe.Probe {
		t.Fatalf("%+v, %v", probe, err)
	}
	probe.Succeeded(t.Context())
	if a, err := other.Admit(t.Context()); err != nil || a.Probe { // it believes that the probe is still to be had
		t.Errorf("%+v, %v, want a closed circuit", a, err)
	}
}

func TestReplacedProbeCannotBeReturned(t *testing.T) {
	shared := newBench()
	one, other := shared.process(), shared.process()
	fail(t, one, 3)
	shared.clock.Advance(resilience.DefaultSettings.OpenFor)
	lost, _ := one.Admit(t.Context())
	shared.clock.Advance(resilience.DefaultSettings.ProbeFor)
	second, err := other.Admit(t.Context())
	if err != nil || !second.Probe {
		t.Fatalf("%+v, %v", second, err)
	}
	lost.Abandoned(t.Context())
	if _, err := shared.process().Admit(t.Context()); !errors.Is(err, resilience.ErrOpen) {
		t.Errorf("%v, want that the second probe is waited for", err)
	}
}

func TestProcessKeepsItsOwnCircuitIfTheLogIsUnwritable(t *testing.T) {
	quiet(t)
	shared := newBench()
	b := shared.process()
	fail(t, b, 2)
	a, err := b.Admit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shared.broken = errors.New("no table")
	a.Failed(t.Context(), "the third")
	if _, err := b.Admit(t.Context()); !errors.Is(err, resilience.ErrOpen) {
		t.Errorf("%v, want it to have opened its own circuit", err)
	}
	if saves := shared.saves; saves != 3 {
		t.Errorf("%d writes, want 3", saves)
	}
}

func TestCallersDeadlineDoesNotEndAReadOfTheCircuit(t *testing.T) {
	quiet(t)
	shared := newBench()
	fail(t, shared.process(), 3)
	ctx, cancel := deadline.Choose(deadline.Begin(t.Context()), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	if _, err := shared.process().Admit(ctx); !errors.Is(err, resilience.ErrOpen) {
		t.Errorf("%v, want that the circuit is seen open", err)
	}
}

// slow is a log whose answers take that long.
type slow struct {
	*bench
	takes time.Duration
}

func (s *slow) Circuit(ctx context.Context, dependency string) (resilience.Circuit, error) {
	if err := clock.Sleep(ctx, s.takes); err != nil {
		return resilience.Circuit{}, err
	}
	return s.bench.Circuit(ctx, dependency)
}

func TestColdProcessMayConnectBeforeItFallsBackToItself(t *testing.T) {
	quiet(t)
	for takes, seen := range map[time.Duration]bool{900 * time.Millisecond: true, 1100 * time.Millisecond: false} {
		synctest.Test(t, func(t *testing.T) {
			shared := newBench()
			fail(t, shared.process(), 3)
			log := &slow{shared, takes}
			cold := resilience.NewBreaker("bank", log, resilience.DefaultSettings, shared.clock, envelope.Publisher{})
			if _, err := cold.Admit(t.Context()); errors.Is(err, resilience.ErrOpen) != seen {
				t.Errorf("a first look of %v: %v, want the open circuit seen: %t", takes, err, seen)
			}
			shared.clock.Advance(time.Second)
			begin := time.Now()
			_, _ = cold.Admit(t.Context())
			if took := time.Since(begin); took > 300*time.Millisecond {
				t.Errorf("a later look took %v of a call's time", took)
			}
		})
	}
}
