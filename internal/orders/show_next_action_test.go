package orders_test

import (
	"testing"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	payments "orderflow/internal/payments/contract"
	"orderflow/internal/platform/envelope"
)

const page = "https://bank.example/1"

// told tells the order what the customer must do, or no longer, in a version of the payment.
func (s *shop) told(t *testing.T, id, event string, version int64) orders.Order {
	t.Helper()
	e := envelope.Event{Type: event, AggregateVersion: version}
	in := payments.PaymentEvent{OrderID: id, URL: page, Until: "2026-01-02T03:14:05Z"}
	must(t, s.ShowNextAction(t.Context(), e, in))
	o, err := s.store.Order(t.Context(), id)
	must(t, err)
	return o
}

func TestAnOrderShowsWhatItsCustomerMustDo(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	for range 2 {
		o := s.told(t, id, payments.PaymentActionRequired, 1)
		want := time.Date(2026, 1, 2, 3, 14, 5, 0, time.UTC)
		if o.NextAction == nil || o.NextAction.URL != page || !o.NextAction.Until.Equal(want) || o.Version != 2 {
			t.Fatalf("%+v of version %d", o.NextAction, o.Version)
		}
	}
	if o := s.told(t, id, payments.PaymentActionEnded, 2); o.NextAction != nil || o.Version != 3 {
		t.Errorf("%+v of version %d after its end", o.NextAction, o.Version)
	}
	if o := s.told(t, id, payments.PaymentActionRequired, 1); o.NextAction != nil || o.Version != 3 {
		t.Errorf("a late event shows %+v again", o.NextAction)
	}
}

func TestAnEndThatOvertakesItsBeginningWins(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	s.told(t, id, payments.PaymentActionEnded, 2)
	if o := s.told(t, id, payments.PaymentActionRequired, 1); o.NextAction != nil {
		t.Errorf("shows %+v", o.NextAction)
	}
}

func TestAClosedOrderAsksNothingOfItsCustomer(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	s.told(t, id, payments.PaymentActionRequired, 1)
	if _, err := s.CloseOrder(t.Context(), contract.Close{OrderID: id}); err != nil {
		t.Fatal(err)
	}
	if o := s.told(t, id, payments.PaymentActionRequired, 3); o.NextAction != nil {
		t.Errorf("shows %+v", o.NextAction)
	}
}
