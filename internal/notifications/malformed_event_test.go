package notifications_test

import (
	"errors"
	"testing"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
)

func TestMalformedEventIsRefusedAndSendsNoMail(t *testing.T) {
	for _, eventType := range []string{orders.OrderConfirmed, orders.OrderRejected, orders.OrderNeedsAttention} {
		w := open()
		if err := w.NotifyCustomer(t.Context(), w.event(eventType, []int{7})); !errors.Is(err, envelope.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", eventType, err)
		}
		w.want(t)
	}
}
