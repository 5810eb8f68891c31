// Package storetest is the suite that every store of the old shop passes.
package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/legacy"
)

// Suite is what every store of the old shop has to pass.
var Suite = storesuite.Suite[legacy.Store]{
	Cases: []func(*testing.T, legacy.Store){
		unknownOrderIsMissing, orderComesBackAsWritten, onlyTheNextVersionIsWritten, ordersBelongToTheirCustomer,
		newestOrdersComeFirst, requestPlacesOneOrder, customerIsWelcomedOnce, concurrentCallersGetDifferentNumbers,
		concurrentRepeatsPlaceOneOrder, concurrentCancellationsKeepOneNote, concurrentNewcomersShareTheirHistory,
	},
	Kinds: map[string]storesuite.Kind[legacy.Store]{
		"Order": {
			Write:   func(t *testing.T, s legacy.Store) { write(t, s, order("ada", 1, 1)) },
			Rewrite: func(t *testing.T, s legacy.Store) { write(t, s, order("ada", 1, 2)) },
		},
	},
}

func order(customer string, number, version int64) legacy.Order {
	return legacy.Order{
		Customer: customer, Number: number, State: legacy.StateCancelled, PlacedAt: storesuite.Start, CancelNote: "why",
		Lines: []legacy.Line{{ProductID: "1001", Quantity: 2, Cents: 1999}}, Version: version,
	}
}

func unknownOrderIsMissing(t *testing.T, s legacy.Store) {
	if _, err := s.Order(t.Context(), "ada", 1); !errors.Is(err, legacy.ErrNoOrder) {
		t.Errorf("Order: %v, want ErrNoOrder", err)
	}
	wantOrders(t, s, "ada", 20)
}

func orderComesBackAsWritten(t *testing.T, s legacy.Store) {
	bare := legacy.Order{Customer: "ada", Number: 1, State: legacy.StatePaid, PlacedAt: storesuite.Start, Version: 1}
	for _, o := range []legacy.Order{bare, order("ada", 2, 1)} {
		write(t, s, o)
		if got, err := s.Order(t.Context(), "ada", o.Number); err != nil || !reflect.DeepEqual(got, o) {
			t.Errorf("order = %+v, %v; want %+v", got, err, o)
		}
	}
}

func onlyTheNextVersionIsWritten(t *testing.T, s legacy.Store) {
	storesuite.NextVersionOnly(t, func(customer string, version int64) error {
		return s.Write(t.Context(), order(customer, 1, version))
	})
}

func ordersBelongToTheirCustomer(t *testing.T, s legacy.Store) {
	write(t, s, order("ada", 1, 1))
	write(t, s, order("ada#1", 2, 1))
	for _, other := range []string{"bob", "ad", "ada#"} {
		if _, err := s.Order(t.Context(), other, 1); !errors.Is(err, legacy.ErrNoOrder) {
			t.Errorf("%s reads ada's order: %v, want ErrNoOrder", other, err)
		}
		wantOrders(t, s, other, 20)
	}
	wantOrders(t, s, "ada", 20, 1)
	wantOrders(t, s, "ada#1", 20, 2)
}

func newestOrdersComeFirst(t *testing.T, s legacy.Store) {
	var all []int64
	for n := range int64(103) { // more than one query reads
		write(t, s, order("ada", 8+n, 1))
		all = append([]int64{8 + n}, all...)
	}
	wantOrders(t, s, "ada", 3, 110, 109, 108)
	wantOrders(t, s, "ada", 102, all[:102]...)
	wantOrders(t, s, "ada", 200, all...)
}

func requestPlacesOneOrder(t *testing.T, s legacy.Store) {
	receipt := legacy.Receipt{RequestID: "k", Hash: "h", Number: 1}
	wantReceipt(t, s, "ada", legacy.Receipt{}, false)
	must(t, s.Place(t.Context(), order("ada", 1, 1), receipt))
	wantReceipt(t, s, "ada", receipt, true)
	second := legacy.Receipt{RequestID: "k", Hash: "other", Number: 2}
	if err := s.Place(t.Context(), order("ada", 2, 1), second); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("second order of a request: %v, want ErrLostRace", err)
	}
	wantReceipt(t, s, "ada", receipt, true)
	wantOrders(t, s, "ada", 20, 1)
	wantReceipt(t, s, "bob", legacy.Receipt{}, false)
	must(t, s.Place(t.Context(), order("bob", 2, 1), second))
	wantReceipt(t, s, "bob", second, true)
}

func customerIsWelcomedOnce(t *testing.T, s legacy.Store) {
	wantKnown(t, s, "ada", false)
	must(t, s.Welcome(t.Context(), "ada", []legacy.Order{order("ada", 1, 1), order("ada", 2, 1)}))
	again := s.Welcome(t.Context(), "ada", []legacy.Order{order("ada", 3, 1)})
	if !errors.Is(again, fault.ErrLostRace) {
		t.Errorf("second welcome: %v, want ErrLostRace", again)
	}
	wantKnown(t, s, "ada", true)
	wantKnown(t, s, "bob", false)
	wantOrders(t, s, "ada", 20, 2, 1)
}

const racers = 10

func concurrentCallersGetDifferentNumbers(t *testing.T, s legacy.Store) {
	firsts := make([]int64, racers)
	storesuite.Race(racers, func(n int) (err error) {
		firsts[n], err = s.Numbers(t.Context(), 3)
		return err
	})
	slices.Sort(firsts)
	free := int64(legacy.FirstNumber)
	for _, first := range firsts {
		if first < free { // there may be a gap: a request whose answer is lost is repeated
			t.Errorf("number %d, want %d or more", first, free)
		}
		free = first + 3
	}
}

func concurrentRepeatsPlaceOneOrder(t *testing.T, s legacy.Store) {
	placed := make([]legacy.Order, racers)
	storesuite.Race(racers, func(n int) (err error) {
		placed[n], err = place(t, s, "k")
		return err
	})
	for _, o := range placed {
		if !reflect.DeepEqual(o, placed[0]) {
			t.Errorf("orders %+v and %+v, want one", placed[0], o)
		}
	}
	found, err := s.Orders(t.Context(), "ada", 20)
	must(t, err)
	if len(found) != 4 || !reflect.DeepEqual(found[0], placed[0]) {
		t.Errorf("%d orders, the newest %+v; want 3 from before and %+v", len(found), found, placed[0])
	}
}

func concurrentCancellationsKeepOneNote(t *testing.T, s legacy.Store) {
	o, err := place(t, s, "k")
	must(t, err)
	notes := make([]string, racers)
	storesuite.Race(racers, func(n int) error {
		cancelled, err := shop(s).Cancel(t.Context(), "ada", o.Number, fmt.Sprint(n))
		notes[n] = cancelled.CancelNote
		return err
	})
	stored, err := s.Order(t.Context(), "ada", o.Number)
	must(t, err)
	for _, note := range notes {
		if note != stored.CancelNote || stored.State != legacy.StateCancelled || stored.Version != 2 {
			t.Errorf("note %q, want that of %+v, cancelled once", note, stored)
		}
	}
}

func concurrentNewcomersShareTheirHistory(t *testing.T, s legacy.Store) {
	storesuite.Race(racers, func(n int) error {
		if n%2 == 0 {
			_, err := place(t, s, fmt.Sprint(n))
			return err
		}
		_, _, err := shop(s).Orders(t.Context(), "ada", 1)
		return err
	})
	found, err := s.Orders(t.Context(), "ada", 20)
	must(t, err)
	states := map[legacy.State]int{}
	for _, o := range found {
		states[o.State]++
	}
	want := map[legacy.State]int{
		legacy.StateNew: 1, legacy.StateShipped: 1, legacy.StateCancelled: 1, legacy.StatePaid: racers / 2,
	}
	if !reflect.DeepEqual(states, want) {
		t.Errorf("orders by state %v, want %v", states, want)
	}
}

func shop(s legacy.Store) *legacy.Shop { return legacy.New(s, clock.At(storesuite.Start)) }

func place(t *testing.T, s legacy.Store, requestID string) (legacy.Order, error) {
	in := legacy.Request{
		RequestID: requestID, Lines: []legacy.RequestLine{{ProductID: "1001", Quantity: 2}}, PayToken: "pm_card_visa",
	}
	return shop(s).Place(t.Context(), "ada", in)
}

func write(t *testing.T, s legacy.Store, o legacy.Order) {
	t.Helper()
	must(t, s.Write(t.Context(), o))
}

func wantKnown(t *testing.T, s legacy.Store, customer string, want bool) {
	t.Helper()
	if got, err := s.Known(t.Context(), customer); err != nil || got != want {
		t.Errorf("Known(%s) = %t, %v; want %t", customer, got, err, want)
	}
}

func wantReceipt(t *testing.T, s legacy.Store, customer string, want legacy.Receipt, exists bool) {
	t.Helper()
	if got, ok, err := s.Receipt(t.Context(), customer, "k"); err != nil || ok != exists || got != want {
		t.Errorf("receipt of %s: %+v, %t, %v; want %+v, %t", customer, got, ok, err, want, exists)
	}
}

func wantOrders(t *testing.T, s legacy.Store, customer string, limit int, want ...int64) {
	t.Helper()
	found, err := s.Orders(t.Context(), customer, limit)
	must(t, err)
	var got []int64
	for _, o := range found {
		got = append(got, o.Number)
	}
	if !slices.Equal(got, want) {
		t.Errorf("orders of %s: %d, want %d", customer, got, want)
	}
}

var must = storesuite.Must
