package resilience_test

import (
	"errors"
	"testing"
	"time"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/resilience"
)

func (b *bench) reset(t *testing.T) (resilience.Circuit, error) {
	t.Helper()
	publisher := envelope.Publisher{Service: "payments", Clock: b.clock, IDs: ids.Random(b.clock)}
	return resilience.Reset(t.Context(), b, "bank", publisher)
}

func TestResetCircuitAdmitsAllCallsAndOpensAgainAsBefore(t *testing.T) {
	shared := newBench()
	b := shared.process()
	fail(t, b, 3)
	was, err := shared.reset(t)
	if err != nil || was.State != resilience.Open {
		t.Fatalf("it was %+v, %v", was, err)
	}
	d, err := envelope.Decode[resilience.Changed](shared.TakeOutbox()[1])
	if err != nil || d.From != resilience.Open || d.To != resilience.Closed {
		t.Errorf("told %+v, %v", d, err)
	}
	shared.clock.Advance(time.Second) // what a process knows is good for that long
	fail(t, b, 3)
	if _, err := b.Admit(t.Context()); !errors.Is(err, resilience.ErrOpen) {
		t.Errorf("after three more failures: %v", err)
	}
}

func TestAClosedCircuitIsNotReset(t *testing.T) {
	shared := newBench()
	fail(t, shared.process(), 2)
	c, err := shared.reset(t)
	if !errors.Is(err, resilience.ErrClosed) || len(c.Failed) != 2 || len(shared.TakeOutbox()) != 0 {
		t.Errorf("%+v, %v, want that its failures still count", c, err)
	}
}

func TestAResetThatCannotBeWrittenIsAnError(t *testing.T) {
	shared := newBench()
	fail(t, shared.process(), 3)
	shared.broken = fault.New(fault.Transient, "Down", "the table is down")
	if _, err := shared.reset(t); !errors.Is(err, shared.broken) {
		t.Errorf("%v, want that of the table", err)
	}
}

func TestAnOutageIsAsOldAsItsFirstOpening(t *testing.T) {
	shared := newBench()
	b := shared.process()
	began := shared.clock.Now()
	fail(t, b, 3)
	for n := range 3 { // a probe fails, one is given back, one succeeds
		shared.clock.Advance(resilience.DefaultSettings.MaxOpenFor)
		a, err := b.Admit(t.Context())
		if err != nil || !a.Probe {
			t.Fatalf("%+v, %v", a, err)
		}
		if c, err := shared.Log.Circuit(t.Context(), "bank"); err != nil || !c.Since.Equal(began) {
			t.Errorf("half-open since %s, %v; want %s", c.Since, err, began)
		}
		want := began
		switch n {
		case 0:
			a.Failed(t.Context(), "probe")
		case 1:
			a.Abandoned(t.Context())
		case 2:
			a.Succeeded(t.Context())
			want = time.Time{}
		}
		if c, err := shared.Log.Circuit(t.Context(), "bank"); err != nil || !c.Since.Equal(want) {
			t.Errorf("%s since %s, %v; want %s", c.State, c.Since, err, want)
		}
	}
}
