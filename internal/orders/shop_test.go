package orders_test

import (
	"context"
	"strings"
	"testing"
	"time"

	catalog "orderflow/internal/catalog/contract"
	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/orders/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/schema"
)

// failer is implemented by testing.T and rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// shop is orders over a memory store, with two prices in EUR and one in USD.
type shop struct {
	*orders.Service
	t     failer
	store *memory.Store
	clock *clock.Manual
}

func open(t failer) *shop {
	t.Helper()
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	store := memory.New(c)
	s := &shop{orders.New(store, c, &ids.Sequence{}), t, store, c}
	for _, p := range []catalog.PriceChanged{
		{SKU: "MUG", Price: money.Money{Currency: "EUR", Amount: 1999}, Version: 1},
		{SKU: "TEA", Price: money.Money{Currency: "EUR", Amount: 799}, Version: 1},
		{SKU: "POT", Price: money.Money{Currency: "USD", Amount: 2500}, Version: 1},
	} {
		if err := s.ProjectPrice(context.Background(), p); err != nil {
			t.Fatalf("price of %s: %v", p.SKU, err)
		}
	}
	return s
}

var home = contract.Address{Name: "Ada", Line1: "12 St", City: "Berlin", PostalCode: "10115", Country: "DE"}

// placement returns an order of alice's.
func placement(lines ...orders.Line) orders.Placement {
	return orders.Placement{
		CustomerID: "alice", CustomerEmail: "alice@example.com",
		Lines: lines, ShippingAddress: home, PaymentMethod: "pm_card_visa",
	}
}

// place places an order of two mugs for alice and drops its event.
func (s *shop) place() orders.Order {
	s.t.Helper()
	in := placement(orders.Line{SKU: "MUG", Quantity: 2})
	o, _, err := s.PlaceOrder(context.Background(), idempotency.Request{}, in)
	if err != nil {
		s.t.Fatalf("place: %v", err)
	}
	s.store.TakeOutbox()
	return o
}

func (s *shop) order(id string) orders.Order {
	s.t.Helper()
	o, err := s.store.Order(context.Background(), id)
	if err != nil {
		s.t.Fatalf("order: %v", err)
	}
	return o
}

var schemas = schema.Load(contract.Schemas)

// emitted empties the outbox, validates the events and returns their names, such as "created
// confirmed".
func (s *shop) emitted() string {
	s.t.Helper()
	var names []string
	for _, e := range s.store.TakeOutbox() {
		if err := schemas.Validate(e); err != nil {
			s.t.Errorf("%s: %v", e.Type, err)
		}
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(e.Type, "orderflow.orders.order."), ".v1"))
	}
	return strings.Join(names, " ")
}

func (s *shop) confirm(id string) (contract.Result, error) {
	return s.ConfirmOrder(context.Background(), contract.Confirm{OrderID: id})
}

func (s *shop) close(id string) (contract.Closed, error) {
	return s.CloseOrder(context.Background(), contract.Close{OrderID: id})
}

func (s *shop) reject(id string) (contract.Result, error) {
	in := contract.Reject{OrderID: id, Reason: "OUT_OF_STOCK", Detail: "ReserveStock"}
	return s.RejectOrder(context.Background(), in)
}

func (s *shop) flag(id string) (contract.Result, error) {
	return s.FlagOrder(context.Background(), contract.Flag{OrderID: id, Reason: "OUT_OF_STOCK", Detail: "VoidPayment"})
}

func (s *shop) cancel(id, key string) (orders.Order, bool, error) {
	req := idempotency.Request{Scope: "alice#cancelOrder", Key: key, Hash: id}
	return s.CancelOrder(context.Background(), req, id, "alice", only("alice"))
}

// only is a customer's access, anybody an operator's.
func only(customer string) orders.Access { return func(owner string) bool { return owner == customer } }
func anybody(string) bool                { return true }

// wantStatus checks an order's status and the events emitted since the last call.
func (s *shop) wantStatus(id string, status orders.Status, reason orders.Reason, events string) {
	s.t.Helper()
	if o := s.order(id); o.Status != status || o.Reason != reason {
		s.t.Errorf("the order is %s %s, want %s %s", o.Status, o.Reason, status, reason)
	}
	if got := s.emitted(); got != events {
		s.t.Errorf("emitted %q, want %q", got, events)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
