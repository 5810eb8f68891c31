package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/orders"
)

// wantLimited checks that an order is refused, with a Retry-After within bounds.
func wantLimited(t *testing.T, err error, code string, least, most time.Duration) {
	t.Helper()
	wantProblem(t, err, http.StatusTooManyRequests, code)
	var p *client.Problem
	if errors.As(err, &p) && (p.RetryAfter < least || p.RetryAfter > most || !p.Temporary()) {
		t.Errorf("%s: Retry-After %s, want %s to %s", code, p.RetryAfter, least, most)
	}
}

// Orders beyond a customer's limit of orders under way are refused until one of them ends.
func TestOneCustomersOrdersUnderWayAreLimited(t *testing.T) {
	t.Parallel()
	limit := orders.DefaultLimits.Open
	sell(t, "HOARDED", 1000, 2*limit)
	hoarder := clientOf("hoarder", "")
	r := order("HOARDED", 1, "pm_card_visa")
	r.ShippingAddress.PostalCode = "99999" // the carrier never answers
	placed := make([]client.Order, limit)
	spread(limit, 4, func(i int) {
		var err error
		if placed[i], err = hoarder.PlaceOrder(t.Context(), fmt.Sprint("hoard-", i), r); err != nil {
			t.Errorf("order %d: %v", i, err)
		}
	})
	_, err := hoarder.PlaceOrder(t.Context(), "one-more", r)
	wantLimited(t, err, "TooManyOpenOrders", time.Second, time.Minute)
	if again, err := hoarder.PlaceOrder(t.Context(), "hoard-0", r); err != nil || again.OrderID != placed[0].OrderID {
		t.Errorf("a replay at the limit: %s, %v", again.OrderID, err)
	}
	for i := range 2 {
		if _, err := hoarder.CancelOrder(t.Context(), "", placed[i].OrderID, ""); err != nil {
			t.Fatal(err)
		}
		wantFinal(t, placed[i], client.Cancelled, "CANCELLED_BY_CUSTOMER")
	}
	r.ShippingAddress.PostalCode = "10115"
	o := place(t, hoarder, r)
	spread(limit-2, 4, func(i int) {
		if _, err := operator().CancelOrder(t.Context(), "", placed[i+2].OrderID, "fraud suspected"); err != nil {
			t.Errorf("cancel: %v", err)
		}
	})
	for _, o := range placed[2:] {
		wantFinal(t, o, client.Cancelled, "CANCELLED_BY_OPERATOR")
	}
	wantFinal(t, o, client.Confirmed, "")
	wantStock(t, "HOARDED", client.Stock{SKU: "HOARDED", OnHand: 2*limit - 1, Shipped: 1, Available: 2*limit - 1})
}

// A customer cannot try many cards.
func TestDeclinedPaymentsOfOneCustomerAreLimited(t *testing.T) {
	t.Parallel()
	limit := orders.DefaultLimits.Declines
	trier := clientOf("trier", "")
	r := order("CUP", 1, "pm_card_visa_chargeDeclined")
	placed := make([]client.Order, limit)
	spread(limit, 4, func(i int) {
		var err error
		if placed[i], err = trier.PlaceOrder(t.Context(), fmt.Sprint("try-", i), r); err != nil {
			t.Errorf("order %d: %v", i, err)
		}
	})
	for _, o := range placed {
		wantFinal(t, o, client.Rejected, "PAYMENT_DECLINED")
	}
	_, err := trier.PlaceOrder(t.Context(), "one-more", r)
	wantLimited(t, err, "TooManyDeclinedPayments", 30*time.Minute, time.Hour)
}
