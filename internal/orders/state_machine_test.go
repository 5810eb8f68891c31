package orders_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"orderflow/internal/orders"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
)

// graph is the specification of the state machine: the statuses that may follow each status.
var graph = map[orders.Status][]orders.Status{
	orders.StatusPending: {orders.StatusPending, orders.StatusConfirmed, orders.StatusRejected,
		orders.StatusCancelled, orders.StatusNeedsAttention},
	orders.StatusNeedsAttention: {orders.StatusNeedsAttention, orders.StatusRejected, orders.StatusCancelled},
	orders.StatusConfirmed:      {orders.StatusConfirmed},
	orders.StatusRejected:       {orders.StatusRejected},
	orders.StatusCancelled:      {orders.StatusCancelled},
}

// commands are the use cases that change an order.
var commands = map[string]func(*shop, string) error{
	"confirm":    func(s *shop, id string) error { _, err := s.confirm(id); return err },
	"close":      func(s *shop, id string) error { _, err := s.close(id); return err },
	"reject":     func(s *shop, id string) error { _, err := s.reject(id); return err },
	"flag":       func(s *shop, id string) error { _, err := s.flag(id); return err },
	"cancel":     func(s *shop, id string) error { _, _, err := s.cancel(id, ""); return err },
	"cancel key": func(s *shop, id string) error { _, _, err := s.cancel(id, "key"); return err },
}

var names = []string{"confirm", "close", "reject", "flag", "cancel", "cancel key"}

// refused reports whether err is a refusal. Commands may have no other errors.
func refused(err error) bool {
	return errors.Is(err, orders.ErrClosed) || errors.Is(err, barrier.ErrCompensated) ||
		errors.Is(err, orders.ErrNotCancellable)
}

// recorded reports whether the order's changes are all its versions.
func recorded(o orders.Order) bool {
	for i, c := range o.Changes {
		if c.Version != int64(i+1) {
			return false
		}
	}
	now := orders.Change{Version: o.Version, Status: o.Status, Reason: o.Reason, At: o.UpdatedAt}
	return o.Changes[len(o.Changes)-1] == now
}

// checkChange checks that a command may change before to after and emit these events.
func (s *shop) checkChange(command string, before, after orders.Order, events string) {
	s.t.Helper()
	switch {
	case !slices.Contains(graph[before.Status], after.Status):
		s.t.Fatalf("%s: %s became %s", command, before.Status, after.Status)
	case before.Closed && (!after.Closed || after.Status == orders.StatusConfirmed):
		s.t.Fatalf("%s: a closed order became %s, closed %v", command, after.Status, after.Closed)
	case before.CancelRequested && after.Status == orders.StatusRejected:
		s.t.Fatalf("%s: a cancelled order was rejected", command)
	case before.Status.Final() && fmt.Sprint(before) != fmt.Sprint(after):
		s.t.Fatalf("%s: a final order changed to %+v", command, after)
	case !slices.Equal(after.Changes[:len(before.Changes)], before.Changes) || !recorded(after):
		s.t.Fatalf("%s: changes %v after %v", command, after.Changes, before.Changes)
	case after.Version != before.Version && after.Version != before.Version+1:
		s.t.Fatalf("%s: version %d after %d", command, after.Version, before.Version)
	}
	want := ""
	switch {
	case after.Status != before.Status:
		want = strings.ReplaceAll(strings.ToLower(string(after.Status)), "_", "-")
	case after.CancelRequested && !before.CancelRequested:
		want = "cancellation-requested"
	}
	if events != want {
		s.t.Fatalf("%s: %s became %s and emitted %q", command, before.Status, after.Status, events)
	}
}

func TestEverySequenceOfCommandsFollowsTheGraph(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := open(t)
		id := s.place().OrderID
		finals := 0
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(names), 1, 12).Draw(t, "commands") {
			before := s.order(id)
			if err := commands[name](s, id); err != nil && !refused(err) {
				t.Fatalf("%s: %v", name, err)
			}
			after, events := s.order(id), s.emitted()
			s.checkChange(name, before, after, events)
			if after.Status.Final() && events != "" {
				finals++
			}
		}
		if final := s.order(id).Status.Final(); final != (finals == 1) || finals > 1 {
			t.Fatalf("final %v after %d final events", final, finals)
		}
		// A compensation ends the order in any case.
		closed, err := s.close(id)
		if err != nil {
			t.Fatalf("close: %v", err)
		}
		got, err := s.reject(id)
		if err != nil || closed.Confirmed != (got.Status == "CONFIRMED") || !orders.Status(got.Status).Final() {
			t.Fatalf("compensated: %v, %v, confirmed %v", got, err, closed.Confirmed)
		}
	})
}

func TestConcurrentCommandsEndAnOrderExactlyOnce(t *testing.T) {
	for range 200 {
		s := open(t)
		id := s.place().OrderID
		var wg sync.WaitGroup
		for _, i := range rand.Perm(len(names)) {
			for range 2 {
				wg.Go(func() {
					err := commands[names[i]](s, id)
					if err != nil && !refused(err) && fault.KindOf(err) != fault.Transient {
						t.Errorf("%s: %v", names[i], err)
					}
				})
			}
		}
		wg.Wait()
		closed, err := s.close(id)
		must(t, err)
		o, finals := s.order(id), 0
		for _, e := range strings.Fields(s.emitted()) {
			if slices.Contains([]string{"confirmed", "rejected", "cancelled"}, e) {
				finals++
			}
		}
		if finals != 1 || !o.Status.Final() || closed.Confirmed != (o.Status == orders.StatusConfirmed) {
			t.Fatalf("%s after %d final events, close says confirmed %v", o.Status, finals, closed.Confirmed)
		}
	}
}

func TestCancelThatLosesTheRaceToAConfirmationIsRefused(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	// The order is confirmed between the read and the write.
	confirmOnce := sync.OnceFunc(func() {
		_, err := s.confirm(id)
		must(t, err)
	})
	access := func(string) bool { confirmOnce(); return true }
	_, _, err := s.CancelOrder(t.Context(), idempotency.Request{}, id, "alice", access)
	if !errors.Is(err, orders.ErrNotCancellable) {
		t.Errorf("got %v, want ErrNotCancellable", err)
	}
	s.wantStatus(id, orders.StatusConfirmed, "", "confirmed")
}
