package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/platform/money"
	"orderflow/internal/verify/e2e"
)

var berlin = client.Address{Name: "Ada Example", Line1: "1 Sample Street", City: "Berlin", PostalCode: "10115",
	Country: "DE"}

func order(sku string, quantity int, method string) client.OrderRequest {
	return client.OrderRequest{Items: []client.Item{{SKU: sku, Quantity: quantity}}, PaymentMethod: method,
		ShippingAddress: berlin}
}

func TestOrderIsFulfilledAndItsCustomerNotified(t *testing.T) {
	t.Parallel()
	o := place(t, customerOf(t), order("CUP", 2, "pm_card_visa"))
	if o.Status != client.Pending || o.Total != (money.Money{Currency: "EUR", Amount: 2 * 1999}) {
		t.Errorf("placed: %s over %s", o.Status, o.Total)
	}
	wantFinal(t, o, client.Confirmed, "")

	summary, err := customerOf(t).Summary(t.Context(), o.OrderID)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]json.RawMessage{"CONFIRMED": summary.Order, "CAPTURED": summary.Payment,
		"COMMITTED": summary.Reservations, "BOOKED": summary.Shipment}
	for status, part := range parts {
		if got := field(t, part, "status"); got != status {
			t.Errorf("the summary's part is %q, want %q: %s", got, status, part)
		}
	}
	read, err := customerOf(t).GetOrder(t.Context(), o.OrderID)
	if err != nil {
		t.Fatal(err)
	}
	var reached []string
	for _, m := range read.Progress {
		reached = append(reached, m.Step)
	}
	if got := strings.Join(reached, " "); got != "PLACED STOCK_RESERVED PAYMENT_AUTHORIZED SHIPMENT_BOOKED "+
		"PAYMENT_CAPTURED CONFIRMED" || read.TrackingURL != "https://carrier.example/track/"+read.TrackingNumber {
		t.Errorf("it has reached %s, and is tracked at %q", got, read.TrackingURL)
	}
	charges := ledger(t, o.OrderID)
	if len(charges) != 1 || !charges[0].Captured || charges[0].Amount != o.Total {
		t.Errorf("the provider's ledger has %+v, want one captured charge over %s", charges, o.Total)
	}
	eventually(t, 30*time.Second, "the customer is told once, that the order is confirmed", func() error {
		mails := inbox(t, userOf(t)+"@example.com", o.OrderID)
		if len(mails) != 1 {
			return fmt.Errorf("%d e-mails: %q", len(mails), mails)
		}
		return nil
	})
}

func TestAddressesOfOtherCountriesAreDelivered(t *testing.T) {
	t.Parallel()
	sell(t, "ABROAD", 700, 5)
	for _, to := range []client.Address{
		{Name: "Ada", Line1: "1 Sample Street", Line2: "Apt 4", City: "Springfield", Region: "IL", PostalCode: "62701",
			Country: "US"},
		{Name: "Ada", Line1: "Tower 1", City: "Dubai", Region: "Dubai", Country: "AE"},
	} {
		r := order("ABROAD", 1, "pm_card_visa")
		r.ShippingAddress = to
		o := place(t, customerOf(t), r)
		if client.Address(o.ShippingAddress) != to {
			t.Errorf("placed to %+v, want %+v", o.ShippingAddress, to)
		}
		wantFinal(t, o, client.Confirmed, "")
	}
	r := order("ABROAD", 1, "pm_card_visa")
	r.ShippingAddress.PostalCode = ""
	_, err := customerOf(t).PlaceOrder(t.Context(), "", r)
	wantProblem(t, err, 422, "PostalCodeRequired")
}

func TestAnOrderSaysWhichLinesWereShort(t *testing.T) {
	t.Parallel()
	sell(t, "SCARCE", 700, 3)
	r := order("CUP", 1, "pm_card_visa")
	r.Items = append(r.Items, client.Item{SKU: "SCARCE", Quantity: 5})
	o := place(t, customerOf(t), r)
	wantFinal(t, o, client.Rejected, "OUT_OF_STOCK")
	read, err := customerOf(t).GetOrder(t.Context(), o.OrderID)
	if want := []client.Shortage{{SKU: "SCARCE", Missing: 2}}; err != nil || !slices.Equal(read.Shortages, want) {
		t.Errorf("%v were short, %v; want %v", read.Shortages, err, want)
	}
}

func TestDemoOrdersEndAsExpected(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := shop().Six(t.Context(), &out); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	for _, undo := range []string{"↩ CloseOrder", "↩ CancelShipment", "↩ VoidPayment", "↩ ReleaseStock",
		"↩ RejectOrder"} {
		if n := strings.Count(out.String(), undo); n != 4 {
			t.Errorf("%s is printed %d times, want once for each of the 4 failed orders\n%s", undo, n, out.String())
		}
	}
}

func TestACustomerCancelsAnOrderThatWaitsForTheCarrier(t *testing.T) {
	t.Parallel()
	sell(t, "CANCEL", 700, 5)
	r := order("CANCEL", 2, "pm_card_visa")
	r.ShippingAddress.PostalCode = "99999" // the carrier never answers
	o := place(t, customerOf(t), r)
	eventually(t, 30*time.Second, "the saga waits for the carrier", func() error {
		s, err := customerOf(t).Shipment(t.Context(), o.OrderID)
		if err != nil {
			return err
		}
		if s.Status != "REQUESTED" {
			return fmt.Errorf("the shipment is %s", s.Status)
		}
		return nil
	})
	wantStock(t, "CANCEL", client.Stock{SKU: "CANCEL", OnHand: 5, Reserved: 2, Available: 3})
	for range 2 { // the second one is a repeat
		if _, err := customerOf(t).CancelOrder(t.Context(), "", o.OrderID, ""); err != nil {
			t.Fatal(err)
		}
	}
	wantFinal(t, o, client.Cancelled, "CANCELLED_BY_CUSTOMER")
	wantStock(t, "CANCEL", client.Stock{SKU: "CANCEL", OnHand: 5, Available: 5})
	for _, c := range ledger(t, o.OrderID) {
		if c.Status != "VOIDED" || c.Captured {
			t.Errorf("the provider still has %+v", c)
		}
	}
	eventually(t, 30*time.Second, "the saga ends too", func() error {
		tl, err := saga(t.Context(), o.OrderID)
		if err != nil {
			return err
		}
		for _, e := range tl.Executions {
			if e.Outcome != "SUCCEEDED" {
				return fmt.Errorf("%s is %s", e.Machine, e.Outcome)
			}
		}
		return nil
	})
}

func TestAConfirmedOrderCannotBeCancelled(t *testing.T) {
	t.Parallel()
	o := place(t, customerOf(t), order("CUP", 1, "pm_card_visa"))
	wantFinal(t, o, client.Confirmed, "")
	_, err := customerOf(t).CancelOrder(t.Context(), "", o.OrderID, "")
	wantProblem(t, err, http.StatusConflict, "OrderNotCancellable")
}

// Two hundred orders (fewer on a slow target), eight at a time, with too little stock for all.
func TestConcurrentOrdersAddUp(t *testing.T) {
	const parallel, each = 8, 2
	orders := e2e.Rush(stack.Emulator.Target)
	stocked := orders*3/2 + 1 // for three quarters of them; a fifth has its card declined
	sell(t, "RUSH", 1000, stocked)
	methods := []string{"pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_visa_chargeDeclined"}
	begin := time.Now()
	placed := make([]client.Order, orders)
	spread(orders, parallel, func(i int) {
		var err error
		c := clientOf(fmt.Sprintf("rush%d", i%24), "")
		placed[i], err = c.PlaceOrder(context.Background(), fmt.Sprintf("rush-%d", i),
			order("RUSH", each, methods[i%len(methods)]))
		if err != nil {
			t.Errorf("order %d: %v", i, err)
		}
	})
	t.Logf("%d orders placed in %s", orders, time.Since(begin).Round(time.Millisecond))
	patient := operator()
	patient.Poll = time.Second // polling loads the emulator as much as orders do
	ended := map[string]int{}
	var confirmed int
	var lock sync.Mutex
	spread(orders, parallel, func(i int) {
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
		defer cancel()
		o, err := patient.WaitFinal(ctx, placed[i].OrderID, nil)
		lock.Lock()
		defer lock.Unlock()
		if err != nil {
			t.Errorf("order %s: %v", placed[i].OrderID, err)
		}
		ended[strings.TrimSpace(o.Status+" "+o.Why())]++
		if o.Status == client.Confirmed {
			confirmed++
		}
	})
	t.Logf("all final after %s: %v", time.Since(begin).Round(time.Millisecond), ended)

	wantStock(t, "RUSH",
		client.Stock{SKU: "RUSH", OnHand: stocked - each*confirmed, Shipped: each * confirmed,
			Available: stocked - each*confirmed})
	var captured int64
	for _, o := range placed {
		live := 0
		for _, c := range ledger(t, o.OrderID) {
			switch {
			case c.Captured:
				captured += c.Amount.Amount
				live++
			case c.Status == "AUTHORIZED":
				t.Errorf("order %s: money is still held", o.OrderID)
			}
		}
		if live > 1 {
			t.Errorf("order %s was charged %d times", o.OrderID, live)
		}
	}
	if want := int64(confirmed) * each * 1000; captured != want {
		t.Errorf("%d captured for %d confirmed orders, want %d", captured, confirmed, want)
	}
	if confirmed == 0 || len(ended) == 1 {
		t.Errorf("the orders did not end in different ways: %v", ended)
	}
	wantDeadLetterQueuesEmpty(t)
}

func TestASummaryServesWhatItCanGet(t *testing.T) {
	t.Parallel()
	o := place(t, customerOf(t), order("CUP", 1, "pm_card_visa_chargeDeclined"))
	wantFinal(t, o, client.Rejected, "PAYMENT_DECLINED")
	summary, err := customerOf(t).Summary(t.Context(), o.OrderID)
	if err != nil {
		t.Fatal(err)
	}
	if status := field(t, summary.Order, "status"); status != client.Rejected {
		t.Errorf("the order part is %s", summary.Order)
	}
	if e := client.PartFailed(summary.Shipment); e == nil {
		t.Errorf("an unpaid order has a shipment: %s", summary.Shipment)
	}
}

func place(t *testing.T, c *client.Client, r client.OrderRequest) client.Order {
	t.Helper()
	o, err := c.PlaceOrder(t.Context(), "", r)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// sell puts a new product up for sale, and waits until orders has its price.
func sell(t *testing.T, sku string, cents int64, stock int) {
	t.Helper()
	if err := shop().Sell(t.Context(), sku, "Test product", cents, stock); err != nil {
		t.Fatal(err)
	}
	r := order(sku, 1, "pm_card_visa_chargeDeclined") // leaves nothing behind
	eventually(t, 30*time.Second, "the price of "+sku+" is known to orders", func() error {
		buyer := clientOf("first-"+strings.ToLower(sku), "") // one per product, since declines are limited
		o, err := buyer.PlaceOrder(t.Context(), "price-"+sku, r)
		if err != nil {
			return err
		}
		_, err = buyer.WaitFinal(t.Context(), o.OrderID, nil)
		return err
	})
}

func wantFinal(t *testing.T, o client.Order, status, reason string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	got, err := operator().WaitFinal(ctx, o.OrderID, nil)
	if err != nil || got.Status != status || got.Why() != reason {
		t.Fatalf("order %s ended %s %s (%v), want %s %s", o.OrderID, got.Status, got.Why(), err, status, reason)
	}
}

func wantStock(t *testing.T, sku string, want client.Stock) {
	t.Helper()
	if got, err := operator().GetStock(t.Context(), sku); err != nil || got != want {
		t.Errorf("stock of %s is %+v (%v), want %+v", sku, got, err, want)
	}
}

type charge struct {
	ID       string      `json:"id"`
	Status   string      `json:"status"`
	Amount   money.Money `json:"amount"`
	Captured bool        `json:"captured"`
}

func ledger(t *testing.T, orderID string) []charge {
	t.Helper()
	var out struct{ Charges []charge }
	get(t, stack.Outputs["SandboxUrl"]+"/ledger?reference="+orderID, &out)
	return out.Charges
}

// inbox returns the subjects of a user's e-mails about an order.
func inbox(t *testing.T, to, orderID string) []string {
	t.Helper()
	mails, err := stack.Emulator.Inbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var subjects []string
	for _, m := range mails {
		if len(m.To) == 1 && m.To[0] == to && strings.Contains(m.Subject+m.Text, orderID) {
			subjects = append(subjects, m.Subject)
		}
	}
	return subjects
}

func get(t *testing.T, url string, out any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", url, res.StatusCode, b, err)
	}
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatalf("%s: %v in %s", url, err, b)
	}
}

func field(t *testing.T, document json.RawMessage, name string) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(document, &fields); err != nil {
		t.Fatalf("%v in %s", err, document)
	}
	s, _ := fields[name].(string)
	return s
}

// eventually retries until there is no error; what describes the condition.
func eventually(t *testing.T, patience time.Duration, what string, look func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := look()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s: %v", patience, what, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// spread calls do for 0 to n-1 with limited concurrency.
func spread(n, parallel int, do func(i int)) {
	_ = concurrent.Do(n, parallel, func(i int) error { do(i); return nil })
}
