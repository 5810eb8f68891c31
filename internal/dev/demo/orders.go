package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/ops/timeline"
	"orderflow/internal/platform/concurrent"
)

// One places an order, waits until it is confirmed, and prints the steps of its saga.
func (s Shop) One(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	o, err := s.place(ctx, request("MUG-BLUE", 2, good, berlin))
	if err != nil {
		return err
	}
	if o, err = s.Customer.WaitFinal(ctx, o.OrderID, nil); err != nil {
		return fmt.Errorf("%w: see `orderflow saga show %s`", err, o.OrderID)
	}
	saga, err := s.Saga(ctx, o.OrderID)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "order %s of %s is %s\n", o.OrderID, o.Total, o.Status)
	if o.Status != client.Confirmed {
		err = fmt.Errorf("the order ended %s (%s)", o.Status, o.Why())
	}
	return errors.Join(saga.Write(w), err)
}

// story is an order and its expected outcome.
type story struct {
	name       string
	order      client.OrderRequest
	wantStatus string
	wantReason string
}

// stories each have their own product, so that their effects on stock can be distinguished.
var stories = []story{
	{"goes well", request("MUG-BLUE", 2, good, berlin), client.Confirmed, ""},
	{"card is declined", request("SHIRT-M", 1, "pm_card_visa_chargeDeclined", berlin), client.Rejected,
		"PAYMENT_DECLINED"},
	{"is out of stock", request("LAMP-RARE", 2, good, berlin), client.Rejected, "OUT_OF_STOCK"},
	{"carrier refuses", request("POSTER-A2", 3, good, refused), client.Rejected, "SHIPMENT_REFUSED"},
	{"provider times out, but charged", request("TEAPOT", 1, "sandbox_timeout", berlin), client.Rejected, "TIMED_OUT"},
	{"provider is flaky", request("NOTEBOOK", 4, "sandbox_flaky", berlin), client.Confirmed, ""},
}

// ending is the outcome of a story.
type ending struct {
	order         client.Order
	before, after client.Stock
	charges       []Charge
	saga          timeline.Timeline
	err           error
}

// Six places six orders at once, five of them with a problem, and prints the outcome of order,
// money and stock, and the steps of each saga. It fails if one did not end as expected.
func (s Shop) Six(ctx context.Context, w io.Writer) error {
	const budget = 3 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	if err := s.Stock(ctx); err != nil {
		return err
	}
	fmt.Fprintf(w,
		"Six orders are in progress; the slowest takes about a minute, waiting for the payment provider.\n")
	endings := make([]ending, len(stories))
	var line sync.Mutex
	_ = concurrent.Do(len(stories), len(stories), func(i int) error {
		endings[i] = s.play(ctx, stories[i])
		line.Lock()
		defer line.Unlock()
		fmt.Fprintf(w, "  %-32s %s\n", stories[i].name, endings[i].outcome())
		return nil
	})
	var wrong []error
	for i, st := range stories {
		if err := endings[i].check(st); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", st.name, err))
		}
	}
	report(w, endings)
	return errors.Join(wrong...)
}

// play plays one story to its end.
func (s Shop) play(ctx context.Context, st story) (e ending) {
	var errs [6]error
	sku := st.order.Items[0].SKU
	e.before, errs[0] = s.stock(ctx, sku)
	if e.order, errs[1] = s.place(ctx, st.order); errs[1] == nil {
		id := e.order.OrderID
		e.order, errs[2] = s.Customer.WaitFinal(ctx, id, nil)
		e.after, errs[3] = s.stock(ctx, sku)
		e.charges, errs[4] = s.Ledger(ctx, id)
		e.saga, errs[5] = s.Saga(ctx, id)
	}
	e.err = errors.Join(errs[:]...)
	return e
}

func (e ending) outcome() string {
	if e.err != nil {
		return e.err.Error()
	}
	return strings.TrimSpace(e.order.Status + " " + e.order.Why())
}

// check compares an ending with its story: the order's state, the stock, and the money at the
// provider.
func (e ending) check(st story) error {
	if e.err != nil {
		return e.err
	}
	if e.order.Status != st.wantStatus || e.order.Why() != st.wantReason {
		return fmt.Errorf("the order ended %s, not %s", e.outcome(), strings.TrimSpace(st.wantStatus+" "+st.wantReason))
	}
	want := e.before
	captured := 0
	if st.wantStatus == client.Confirmed {
		n := st.order.Items[0].Quantity
		want.OnHand, want.Shipped, want.Available, captured = want.OnHand-n, want.Shipped+n, want.Available-n, 1
	}
	if e.after != want {
		return fmt.Errorf("stock is %+v, not %+v", e.after, want)
	}
	for _, c := range e.charges {
		switch {
		case c.Captured && c.Amount == e.order.Total:
			captured--
		case c.Live():
			return fmt.Errorf("the provider still holds %s %s", c.Amount, c.Status)
		}
	}
	if captured != 0 {
		return errors.New("the provider's ledger must show one capture of the total if the order is confirmed, or none")
	}
	return nil
}

func report(w io.Writer, endings []ending) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nTHE ORDER\tENDED\tMONEY, BY THE PROVIDER'S LEDGER\tSTOCK: ON HAND/RESERVED/SHIPPED")
	for i, e := range endings {
		var all []string
		for _, c := range e.charges {
			all = append(all, c.Amount.String()+" "+c.Status)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s %d/%d/%d → %d/%d/%d\n", stories[i].name, e.outcome(),
			cmp.Or(strings.Join(all, ", "), "nothing"), e.before.SKU,
			e.before.OnHand, e.before.Reserved, e.before.Shipped, e.after.OnHand, e.after.Reserved, e.after.Shipped)
	}
	_ = table.Flush()
	for i, e := range endings {
		fmt.Fprintf(w, "\n%s: ", stories[i].name)
		_ = e.saga.Write(w)
	}
}
