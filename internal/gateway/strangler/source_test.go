package strangler_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
)

// monitor records what operators are told.
type monitor struct{ told []string }

func (m *monitor) FellBack(_ context.Context, r strangler.Route) { m.told = append(m.told, string(r)) }
func (m *monitor) BadTable(context.Context)                      { m.told = append(m.told, "bad table") }

// parameter is the parameter with the table.
type parameter struct {
	text  string
	err   error
	reads int
}

func (p *parameter) read(context.Context) (string, error) {
	p.reads++
	return p.text, p.err
}

func weighted(weight string) string {
	return table(map[strangler.Route]string{strangler.PlaceOrder: `{"mode":"split","weight":` + weight + `}`}, "")
}

func TestTheTableIsReadAgainAfterFifteenSeconds(t *testing.T) {
	c, p := clock.At(time.Unix(0, 0)), &parameter{text: weighted("10")}
	s := strangler.NewSource(p.read, c, &monitor{})
	weight := func() int { return s.Current(t.Context()).Routes[strangler.PlaceOrder].Weight }
	if got := weight(); got != 10 {
		t.Fatalf("weight %d", got)
	}
	p.text = weighted("50")
	c.Advance(15*time.Second - 1)
	if got := weight(); got != 10 || p.reads != 1 {
		t.Errorf("before: weight %d after %d reads", got, p.reads)
	}
	c.Advance(1)
	if got := weight(); got != 50 || p.reads != 2 {
		t.Errorf("after: weight %d after %d reads", got, p.reads)
	}
}

func TestTheLastGoodTableStaysAndABadOneIsCounted(t *testing.T) {
	for name, bad := range map[string]parameter{
		"invalid":    {text: weighted("101")},
		"empty":      {},
		"unreadable": {err: errors.New("throttled")},
		"deleted":    {err: strangler.ErrNoTable},
	} {
		c, p := clock.At(time.Unix(0, 0)), &parameter{text: weighted("10")}
		var m monitor
		s := strangler.NewSource(p.read, c, &m)
		s.Current(t.Context())
		p.text, p.err = bad.text, bad.err
		c.Advance(time.Minute)
		if got := s.Current(t.Context()).Routes[strangler.PlaceOrder].Weight; got != 10 {
			t.Errorf("%s: weight %d", name, got)
		}
		s.Current(t.Context())
		if !slices.Equal(m.told, []string{"bad table"}) {
			t.Errorf("%s: told %q", name, m.told)
		}
		if p.reads != 2 {
			t.Errorf("%s: a bad table is read again at once", name)
		}
	}
}

func TestWithoutAGoodTableTheOldShopServes(t *testing.T) {
	s := strangler.NewSource((&parameter{text: "{"}).read, clock.At(time.Unix(0, 0)), &monitor{})
	for r, setting := range s.Current(t.Context()).Routes {
		if setting.Mode != strangler.Legacy {
			t.Errorf("%s: %+v", r, setting)
		}
	}
}

func TestANewStageHasNoTableAndNoFault(t *testing.T) {
	c, p := clock.At(time.Unix(0, 0)), &parameter{err: strangler.ErrNoTable}
	var m monitor
	s := strangler.NewSource(p.read, c, &m)
	if got := s.Current(t.Context()).Routes[strangler.PlaceOrder].Mode; got != strangler.Legacy || len(m.told) > 0 {
		t.Errorf("mode %s, told %q", got, m.told)
	}
	p.text, p.err = weighted("10"), nil
	c.Advance(15 * time.Second)
	if got := s.Current(t.Context()).Routes[strangler.PlaceOrder].Weight; got != 10 {
		t.Errorf("weight %d after the first change", got)
	}
}

func TestAnInvocationThatEndsSaysNothingAboutTheTable(t *testing.T) {
	c, p := clock.At(time.Unix(0, 0)), &parameter{err: context.Canceled}
	var m monitor
	s := strangler.NewSource(p.read, c, &m)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	s.Current(deadline.Begin(ended))
	p.text, p.err = weighted("10"), nil
	if got := s.Current(deadline.Begin(t.Context())).Routes[strangler.PlaceOrder].Weight; got != 10 {
		t.Errorf("weight %d: the failure is cached", got)
	}
	if len(m.told) > 0 {
		t.Errorf("told %q", m.told)
	}
}
