package watch_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/watch"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/resilience"
)

const orderID = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

var (
	errForeign = fault.New(fault.NotFound, "OrderNotFound", "not yours")
	errDown    = fault.New(fault.Unavailable, "DependencyUnavailable", "down")
)

// shop is orders with one order and tokens that may see it.
type shop struct {
	mu      sync.Mutex
	order   gateway.Order
	anyID   bool          // the order has any id
	takes   time.Duration // how long a read takes
	now     int           // reads at this moment
	most    int           // reads at a time, at most
	fails   error
	refuses map[string]error // by subject
	reads   []string         // their subjects
}

func open() *shop {
	s := &shop{refuses: map[string]error{}, order: gateway.Order{OrderID: orderID}}
	s.change("PENDING")
	return s
}

func (s *shop) change(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order.Version++
	s.order.Status, s.order.UpdatedAt = status, time.Now().UTC().Format(time.RFC3339Nano)
	c := gateway.OrderChange{Version: s.order.Version, Status: status, At: s.order.UpdatedAt}
	s.order.Changes = append(slices.Clip(s.order.Changes), c)
}

func (s *shop) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// taken returns the subjects of the reads since the last call.
func (s *shop) taken() (subjects []string) {
	s.set(func() { subjects, s.reads = s.reads, nil })
	return subjects
}

func (s *shop) Order(ctx context.Context, as gateway.Caller, id string) (gateway.Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, subject, _ := strings.Cut(as.IdempotencyKey, "/") // see caller
	s.reads = append(s.reads, subject)
	s.now++
	s.most = max(s.most, s.now)
	takes := s.takes
	s.mu.Unlock()
	late := clock.Sleep(ctx, takes)
	s.mu.Lock()
	s.now--
	switch {
	case late != nil:
		return gateway.Order{}, late
	case s.refuses[subject] != nil:
		return gateway.Order{}, s.refuses[subject]
	case id != s.order.OrderID && !s.anyID:
		return gateway.Order{}, errForeign
	case s.fails != nil:
		return gateway.Order{}, s.fails
	}
	return s.order, nil
}

// caller has a token of a subject that is valid for some time.
func caller(subject string, valid time.Duration) gateway.Caller {
	text := fmt.Sprintf(`{"sub":%q,"exp":%d}`, subject, time.Now().Add(valid).Unix())
	claims := base64.RawURLEncoding.EncodeToString([]byte(text))
	return gateway.Caller{Authorization: "Bearer e30." + claims + ".c2ln", IdempotencyKey: "/" + subject}
}

// watching is a watch that runs.
type watching struct {
	mu   sync.Mutex
	seen []string
	err  error
	over bool
}

func (w *watching) add(o gateway.Order) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, fmt.Sprintf("%d %s %d", o.Version, o.Status, len(o.Changes)))
	return nil
}

func (w *watching) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err, w.over = err, true
}

func (w *watching) want(t *testing.T, err error, seen ...string) {
	t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.seen, seen) || !w.over || !errors.Is(w.err, err) {
		t.Errorf("saw %q and ended (%t) with %v; want %q, %v", w.seen, w.over, w.err, seen, err)
	}
}

func (w *watching) wantRunning(t *testing.T, seen ...string) {
	t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.seen, seen) || w.over {
		t.Errorf("saw %q, ended %t with %v; want %q and no end", w.seen, w.over, w.err, seen)
	}
}

// pass lets time pass, and what happens by then happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func start(ctx context.Context, h *watch.Hub, as gateway.Caller, id string, after int64) *watching {
	w := &watching{}
	go func() {
		w.end(h.Watch(ctx, as, id, after, w.add))
	}()
	synctest.Wait()
	return w
}

// bubble runs a test on fake time. It fails if a goroutine is left behind.
func bubble(t *testing.T, limits watch.Limits, test func(t *testing.T, s *shop, h *watch.Hub)) {
	synctest.Test(t, func(t *testing.T) {
		s := open()
		test(t, s, watch.New(t.Context(), s, clock.System{}, limits))
	})
}

func TestEveryChangeReachesAWatcherUntilTheOrderIsFinal(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		w := start(t.Context(), h, caller("ada", time.Hour), orderID, 0)
		w.wantRunning(t, "1 PENDING 1")
		pass(3 * time.Second)
		w.wantRunning(t, "1 PENDING 1")
		s.change("PENDING") // two changes between two reads
		s.change("NEEDS_ATTENTION")
		pass(time.Second)
		w.wantRunning(t, "1 PENDING 1", "2 PENDING 2", "3 NEEDS_ATTENTION 3")
		s.change("CANCELLED")
		pass(time.Second)
		w.want(t, nil, "1 PENDING 1", "2 PENDING 2", "3 NEEDS_ATTENTION 3", "4 CANCELLED 4")
		s.taken()
		pass(time.Minute)
		if reads := s.taken(); len(reads) > 0 {
			t.Errorf("%d reads after the end", len(reads))
		}
	})
}

func TestAWatchResumesAfterAVersion(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		s.change("PENDING")
		w := start(t.Context(), h, caller("ada", time.Hour), orderID, 1)
		ahead := start(t.Context(), h, caller("ada", time.Hour), orderID, 3)
		s.change("PENDING")
		s.change("CONFIRMED")
		pass(time.Second)
		w.want(t, nil, "2 PENDING 2", "3 PENDING 3", "4 CONFIRMED 4")
		ahead.want(t, nil, "4 CONFIRMED 4")
		start(t.Context(), h, caller("ada", time.Hour), orderID, 3).want(t, nil, "4 CONFIRMED 4")
		start(t.Context(), h, caller("ada", time.Hour), orderID, 4).want(t, nil)
	})
}

func TestAnOrderWithoutRecordedChangesIsSentAsItIs(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		s.set(func() { s.order.Version, s.order.Changes = 3, nil })
		w := start(t.Context(), h, caller("ada", time.Hour), orderID, 0)
		w.wantRunning(t, "3 PENDING 0")
		s.change("REJECTED")
		pass(time.Second)
		w.want(t, nil, "3 PENDING 0", "4 REJECTED 1")
	})
}

func TestAHundredWatchersCostOneReadPerSecond(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		var all []*watching
		for range 100 {
			all = append(all, start(t.Context(), h, caller("ada", time.Hour), orderID, 0))
		}
		if reads := s.taken(); len(reads) != 100 {
			t.Errorf("%d first reads, want one for each watcher", len(reads))
		}
		pass(time.Minute)
		if reads := s.taken(); len(reads) != 60 {
			t.Errorf("%d reads in a minute, want 60", len(reads))
		}
		s.change("CONFIRMED")
		pass(time.Second)
		for _, w := range all {
			w.want(t, nil, "1 PENDING 1", "2 CONFIRMED 2")
		}
	})
}

func TestOnlyThoseWhoSeeTheOrderMayWatchIt(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		ada := start(ctx, h, caller("ada", time.Hour), orderID, 0)
		s.set(func() { s.refuses["eve"] = errForeign })
		start(ctx, h, caller("eve", time.Hour), orderID, 0).want(t, errForeign)
		s.taken()
		pass(2 * time.Second)
		if reads := s.taken(); slices.Contains(reads, "eve") || len(reads) != 2 {
			t.Errorf("reads as %q, want two as ada", reads)
		}
		ada.wantRunning(t, "1 PENDING 1")
	})
}

func TestAWatchEndsWithItsToken(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		short := start(ctx, h, caller("ada", 5*time.Second), orderID, 0)
		long := start(ctx, h, caller("olga", time.Hour), orderID, 0)
		pass(6 * time.Second)
		short.want(t, watch.ErrExpired, "1 PENDING 1")
		s.taken()
		pass(3 * time.Second)
		long.wantRunning(t, "1 PENDING 1")
		if reads := s.taken(); slices.Contains(reads, "ada") || len(reads) != 3 {
			t.Errorf("reads as %q, want three as olga", reads)
		}
	})
}

func TestFailingServiceIsReadLessOftenWithoutErrorsToWatchers(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		w := start(t.Context(), h, caller("ada", time.Hour), orderID, 0)
		s.set(func() { s.fails = errDown })
		s.taken()
		pass(5 * time.Minute)
		if reads := s.taken(); len(reads) < 20 || len(reads) > 200 {
			t.Errorf("%d reads in five minutes of an outage", len(reads))
		}
		w.wantRunning(t, "1 PENDING 1")
		s.set(func() { s.fails = nil })
		s.change("CONFIRMED")
		pass(16 * time.Second)
		w.want(t, nil, "1 PENDING 1", "2 CONFIRMED 2")
	})
}

func TestARefusalEndsOnlyTheWatcherWhoseTokenItWas(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		long := start(t.Context(), h, caller("ada", time.Hour), orderID, 0)
		other := start(t.Context(), h, caller("olga", time.Minute), orderID, 0)
		s.set(func() { s.refuses["ada"] = errForeign })
		pass(time.Second)
		long.want(t, errForeign, "1 PENDING 1")
		s.change("CONFIRMED")
		pass(time.Second)
		other.want(t, nil, "1 PENDING 1", "2 CONFIRMED 2")
		s.set(func() { s.order.Status = "PENDING" })
		only := start(t.Context(), h, caller("bob", time.Hour), orderID, 2)
		s.set(func() { s.refuses["bob"] = errForeign })
		pass(time.Second)
		only.want(t, errForeign)
		s.change("CONFIRMED")
		start(t.Context(), h, caller("olga", time.Hour), orderID, 2).want(t, nil, "3 CONFIRMED 3")
	})
}

func TestSlowWatcherDelaysNoOtherAndLosesNothing(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		slow := busy(t, h, caller("ada", time.Hour))
		quick := start(t.Context(), h, caller("ada", time.Hour), orderID, 0)
		for _, status := range []string{"PENDING", "PENDING", "NEEDS_ATTENTION", "REJECTED"} {
			s.change(status)
			pass(time.Second)
		}
		all := []string{"1 PENDING 1", "2 PENDING 2", "3 PENDING 3", "4 NEEDS_ATTENTION 4", "5 REJECTED 5"}
		quick.want(t, nil, all...)
		pass(time.Minute)
		slow.want(t, nil, all...)
	})
}

// busy starts a watcher that takes ten seconds for each version.
func busy(t *testing.T, h *watch.Hub, as gateway.Caller) *watching {
	t.Helper()
	w := &watching{}
	go func() {
		w.end(h.Watch(t.Context(), as, orderID, 0, func(o gateway.Order) error {
			time.Sleep(10 * time.Second)
			return w.add(o)
		}))
	}()
	synctest.Wait()
	return w
}

func TestABusyWatcherThatWasRefusedIsNotAskedAgain(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		refused := busy(t, h, caller("eve", time.Hour))
		w := start(t.Context(), h, caller("ada", time.Minute), orderID, 0)
		s.set(func() { s.refuses["eve"] = errForeign })
		pass(time.Second)
		s.change("CONFIRMED")
		pass(time.Second)
		w.want(t, nil, "1 PENDING 1", "2 CONFIRMED 2")
		pass(20 * time.Second)
		if synctest.Wait(); !refused.over {
			t.Error("the refused watcher still watches")
		}
	})
}

func TestWatcherThatJoinsARefusedOneHasAFeed(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		refused := busy(t, h, caller("eve", time.Hour))
		s.set(func() { s.refuses["eve"] = errForeign })
		pass(3 * time.Second)
		w := start(t.Context(), h, caller("ada", time.Hour), orderID, 0)
		s.change("CONFIRMED")
		pass(time.Second)
		w.want(t, nil, "1 PENDING 1", "2 CONFIRMED 2")
		pass(10 * time.Second)
		refused.want(t, errForeign, "1 PENDING 1")
	})
}

func TestTheLastWatcherEndsTheReads(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		for range 10 { // coming and going costs no more reads than staying
			ctx, leave := context.WithCancel(t.Context())
			start(ctx, h, caller("ada", time.Hour), orderID, 0)
			leave()
			pass(100 * time.Millisecond)
		}
		s.taken()
		pass(time.Minute)
		if reads := s.taken(); len(reads) > 0 {
			t.Errorf("%d reads for nobody", len(reads))
		}
	})
}

func TestATokenMayExpireWithinASecond(t *testing.T) {
	bubble(t, watch.Limits{All: 3, Caller: 1}, func(t *testing.T, s *shop, h *watch.Hub) {
		for _, subject := range []string{"ada", "bob"} { // each has a place of its own
			text := fmt.Sprintf(`{"sub":%q,"exp":%d.5}`, subject, time.Now().Add(time.Minute).Unix())
			as := gateway.Caller{
				Authorization:  "Bearer e30." + base64.RawURLEncoding.EncodeToString([]byte(text)) + ".c2ln",
				IdempotencyKey: "/" + subject,
			}
			w := start(t.Context(), h, as, orderID, 0)
			w.wantRunning(t, "1 PENDING 1")
			defer func() {
				time.Sleep(2 * time.Minute)
				w.want(t, watch.ErrExpired, "1 PENDING 1")
			}()
		}
	})
}

func TestWatchesAreBoundedInAllAndByCaller(t *testing.T) {
	bubble(t, watch.Limits{All: 3, Caller: 2}, func(t *testing.T, s *shop, h *watch.Hub) {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		one, done := context.WithCancel(ctx)
		first := start(one, h, caller("ada", time.Hour), orderID, 0)
		start(ctx, h, caller("ada", time.Minute), orderID, 0).wantRunning(t, "1 PENDING 1")
		start(ctx, h, caller("ada", time.Hour), orderID, 0).want(t, watch.ErrTooMany)
		start(ctx, h, caller("bob", time.Hour), orderID, 0).wantRunning(t, "1 PENDING 1")
		start(ctx, h, caller("eve", time.Hour), orderID, 0).want(t, watch.ErrTooMany)
		done()
		first.want(t, context.Canceled, "1 PENDING 1")
		start(ctx, h, caller("ada", time.Hour), orderID, 0).wantRunning(t, "1 PENDING 1")
	})
}

func TestACallerAtTheLimitCostsNoReads(t *testing.T) {
	bubble(t, watch.Limits{All: 3, Caller: 1}, func(t *testing.T, s *shop, h *watch.Hub) {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		start(ctx, h, caller("ada", time.Hour), orderID, 0)
		s.taken()
		start(ctx, h, caller("ada", time.Minute), orderID, 0).want(t, watch.ErrTooMany)
		if reads := s.taken(); len(reads) > 0 {
			t.Errorf("reads as %q", reads)
		}
	})
}

func TestFirstReadHasAPlaceAndAFailedOneGivesItBack(t *testing.T) {
	bubble(t, watch.Limits{All: 2, Caller: 1}, func(t *testing.T, s *shop, h *watch.Hub) {
		s.set(func() { s.takes, s.fails = time.Second, errDown })
		eve := start(t.Context(), h, caller("eve", time.Hour), orderID, 0)
		start(t.Context(), h, caller("eve", time.Hour), orderID, 0).want(t, watch.ErrTooMany)
		ada := start(t.Context(), h, caller("ada", time.Hour), orderID, 0)
		start(t.Context(), h, caller("bob", time.Hour), orderID, 0).want(t, watch.ErrTooMany)
		pass(time.Second)
		eve.want(t, errDown)
		ada.want(t, errDown)
		s.set(func() { s.takes, s.fails = 0, nil })
		for _, name := range []string{"eve", "bob"} {
			start(t.Context(), h, caller(name, time.Minute), orderID, 0).wantRunning(t, "1 PENDING 1")
		}
		pass(2 * time.Minute)
	})
}

func TestForgedTokensLeaveTurnsToThoseWhoWatch(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		w := start(t.Context(), h, caller("ada", time.Hour), orderID, 0)
		w.wantRunning(t, "1 PENDING 1")
		s.set(func() { s.takes, s.refuses["eve"] = 10*time.Second, errForeign })
		for i := range 200 {
			forged := caller("ada", time.Hour)
			forged.Authorization += fmt.Sprint("x", i)
			forged.IdempotencyKey = "/eve"
			start(t.Context(), h, forged, orderID, 0)
		}
		s.set(func() { s.takes = 0 })
		s.change("CONFIRMED")
		pass(2 * time.Second)
		w.want(t, nil, "1 PENDING 1", "2 CONFIRMED 2")
		pass(time.Minute)
	})
}

func TestForgedTokenUsesNothingOfItsSubject(t *testing.T) {
	bubble(t, watch.Limits{All: 100, Caller: 20}, func(t *testing.T, s *shop, h *watch.Hub) {
		s.set(func() { s.takes = 2 * time.Second })
		for range 20 {
			forged := caller("ada", time.Hour)
			forged.Authorization += "Zm9yZ2Vk"
			forged.IdempotencyKey = "/eve"
			start(t.Context(), h, forged, orderID, 0)
		}
		s.set(func() { s.takes, s.refuses["eve"] = 0, errForeign })
		start(t.Context(), h, caller("ada", time.Minute), orderID, 0).wantRunning(t, "1 PENDING 1")
		pass(2 * time.Minute)
	})
}

func TestWatchesOfASlowServiceLeaveTurnsToOtherCallers(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		s.set(func() { s.anyID = true })
		for i := range 450 {
			if i == 440 {
				s.set(func() { s.takes = 1200 * time.Millisecond })
			}
			start(t.Context(), h, caller("ops", 2*time.Hour), fmt.Sprint(i), 0)
		}
		pass(time.Second) // all wait now
		s.set(func() { s.most = 0 })
		bob := start(t.Context(), h, caller("bob", time.Hour), "7", 0) // ops watch it, too
		pass(1200 * time.Millisecond)
		bob.wantRunning(t, "1 PENDING 1")
		if s.most != 17 {
			t.Errorf("%d reads at a time, want 8 first ones and 8 others of ops, and one of bob", s.most)
		}
		s.change("PENDING")
		pass(3500 * time.Millisecond) // the interval and two reads
		bob.wantRunning(t, "1 PENDING 1", "2 PENDING 2")
		for i := range 450 {
			start(t.Context(), h, caller(fmt.Sprint("other", i), time.Hour), fmt.Sprint(i), 0)
		}
		pass(time.Minute)
		if s.most != 32 {
			t.Errorf("%d reads at a time, want 32", s.most)
		}
		s.change("CONFIRMED")
		pass(20 * time.Second) // 450 callers share 32 turns
		bob.want(t, nil, "1 PENDING 1", "2 PENDING 2", "3 CONFIRMED 3")
		h.Close()
	})
}

func TestFeedsThatBeginTogetherDoNotReadTogether(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		s.set(func() { s.anyID = true })
		for i := range 100 {
			start(t.Context(), h, caller("ada", time.Hour), fmt.Sprint(i), 0)
		}
		s.taken()
		for range 10 {
			pass(100 * time.Millisecond)
			if reads := s.taken(); len(reads) > 40 {
				t.Errorf("%d of 100 orders are read in a tenth of a second", len(reads))
			}
		}
		h.Close()
	})
}

func TestOrderIsNotReadForAWatcherThatLeftWhileItWaited(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		ctx, leave := context.WithCancel(t.Context())
		s.set(func() { s.anyID = true })
		for i := range 100 {
			start(ctx, h, caller("ada", time.Hour), fmt.Sprint(i), 0)
		}
		s.set(func() { s.takes = 2 * time.Second })
		pass(time.Second)
		if leave(); len(s.taken()) != 100+8 {
			t.Error("the feeds do not wait")
		}
		pass(time.Minute)
		if reads := s.taken(); len(reads) > 0 {
			t.Errorf("%d reads for nobody", len(reads))
		}
	})
}

func TestWatcherThatGivesUpWaitingGivesItsTurnsBack(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		s.set(func() { s.takes = time.Second })
		for i := range 16 {
			start(t.Context(), h, caller(fmt.Sprint("other", i), time.Minute), orderID, 0)
		}
		ctx, leave := context.WithCancel(t.Context())
		for range 8 {
			defer start(ctx, h, caller("ada", time.Minute), orderID, 0).want(t, context.Canceled)
		}
		leave()
		again := start(t.Context(), h, caller("ada", time.Minute), orderID, 0)
		pass(2 * time.Second)
		again.wantRunning(t, "1 PENDING 1")
		pass(time.Minute)
	})
}

func TestAFirstReadWaitsForATurnWithinBounds(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		s.set(func() { s.takes, s.fails = 2400*time.Millisecond, errDown })
		var all []*watching
		for range 8 * 6 {
			all = append(all, start(t.Context(), h, caller("ada", time.Hour), orderID, 0))
		}
		pass(9900 * time.Millisecond)
		all[8*5].wantRunning(t)
		pass(2100 * time.Millisecond)
		for i, w := range all {
			want := errDown
			if i >= 8*5 {
				want = resilience.ErrFull
			}
			w.want(t, want)
		}
		s.set(func() { s.takes = time.Minute })
		pass(time.Second)
		slow := start(t.Context(), h, caller("ada", time.Hour), orderID, 0)
		pass(2500 * time.Millisecond)
		slow.want(t, context.DeadlineExceeded)
		late := start(t.Context(), h, caller("ada", time.Hour), orderID, 0)
		expired := start(t.Context(), h, caller("ada", time.Second), orderID, 0)
		pass(time.Second)
		expired.want(t, watch.ErrExpired)
		h.Close()
		late.want(t, watch.ErrClosed)
	})
}

func TestClosingTheHubEndsAllWatches(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		w := start(t.Context(), h, caller("ada", time.Hour), orderID, 0)
		h.Close()
		w.want(t, watch.ErrClosed, "1 PENDING 1")
		start(t.Context(), h, caller("ada", time.Hour), orderID, 1).want(t, watch.ErrClosed)
	})
}

func TestClosingTheHubDuringAReadWarnsOfNothing(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	bubble(t, watch.DefaultLimits, func(t *testing.T, s *shop, h *watch.Hub) {
		w := start(t.Context(), h, caller("ada", time.Hour), orderID, 0)
		s.set(func() { s.takes = 2 * time.Second })
		pass(1500 * time.Millisecond)
		h.Close()
		w.want(t, watch.ErrClosed, "1 PENDING 1")
	})
	if log.Len() > 0 {
		t.Error(log.String())
	}
}

func TestAFailedSendEndsTheWatch(t *testing.T) {
	bubble(t, watch.DefaultLimits, func(t *testing.T, _ *shop, h *watch.Hub) {
		gone := errors.New("the client is gone")
		err := h.Watch(t.Context(), caller("ada", time.Hour), orderID, 0, func(gateway.Order) error { return gone })
		if !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	})
}
