package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"text/tabwriter"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/client"
	"orderflow/internal/ops/timeline"
	"orderflow/internal/platform/concurrent"
)

// moveFacts are the results of both moves.
type moveFacts struct {
	stages  []moveStage
	ended   time.Time // of the last stage: no more orders are placed
	placed  map[string]kind
	refused []error
	by      int // orders that were placed at the process's API
	orders  []movedOrder
	parked  []string
	running int // executions
	// stocked and left are the product's stock before and after.
	stocked, left client.Stock
}

// movedOrder is an order in its customer's list, and what belongs to it.
type movedOrder struct {
	client.Order
	charges    []Charge
	parcels    []Parcel
	mails      []string // subjects
	executions int      // in Step Functions
}

// finalMail are the subjects of the mails about an order's end.
var finalMail = map[string]string{
	client.Confirmed: "Your order is confirmed", client.Rejected: "We could not fulfil your order",
}

// facts collects the results from the shop, from the books of the third parties and from Step
// Functions.
func (m *moves) facts(ctx context.Context) (f moveFacts, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	f = moveFacts{stages: m.stages, ended: m.ended, parked: m.parked, stocked: m.stocked}
	m.locked(func() { f.placed = maps.Clone(m.kinds) })
	_, f.refused = m.arrivals.results()
	m.arrivals.locked(func() { f.by = m.arrivals.there })
	listed, err := m.arrivals.listed(ctx)
	running, noRunning := m.Running(ctx, m.Machines()...)
	left, noStock := m.stock(ctx, m.sku)
	inbox, noMails := m.stack.Emulator.Inbox(ctx)
	if err := errors.Join(err, noRunning, noStock, noMails); err != nil {
		return f, err
	}
	f.running, f.left, f.orders = len(running), left, make([]movedOrder, len(listed))
	const atOnce = 8
	return f, concurrent.Do(len(listed), atOnce, func(i int) error {
		o := movedOrder{Order: listed[i]}
		for _, mail := range inbox {
			if strings.Contains(mail.Text, o.OrderID) {
				o.mails = append(o.mails, mail.Subject)
			}
		}
		var noCharges, noParcels error
		o.charges, noCharges = m.Ledger(ctx, o.OrderID)
		o.parcels, noParcels = m.Parcels(ctx, o.OrderID)
		saga, noSaga := m.Saga(ctx, o.OrderID)
		if errors.Is(noSaga, timeline.ErrNone) {
			noSaga = nil
		}
		o.executions = len(saga.Executions)
		f.orders[i] = o
		return errors.Join(noCharges, noParcels, noSaga)
	})
}

// live counts the charges that are held or captured, and those of them that are captured with the
// order's total.
func (o movedOrder) live() (all, paid int) {
	for _, c := range o.charges {
		if c.Live() && c.Status != "DECLINED" {
			all++
			if c.Captured && c.Amount == o.Total {
				paid++
			}
		}
	}
	return all, paid
}

// booked counts the order's booked shipments.
func (o movedOrder) booked() (n int) {
	for _, p := range o.parcels {
		if p.Status == "BOOKED" {
			n++
		}
	}
	return n
}

// told counts the mails about the order's end: those about its actual end, and those about another
// one.
func (o movedOrder) told() (rightly, wrongly int) {
	for status, subject := range finalMail {
		for _, mail := range o.mails {
			switch {
			case mail != subject:
			case status == o.Status:
				rightly++
			default:
				wrongly++
			}
		}
	}
	return rightly, wrongly
}

// broken returns the broken promises.
func (f moveFacts) broken() (all []error) {
	unless := func(ok bool, format string, args ...any) {
		if !ok {
			all = append(all, fmt.Errorf(format, args...))
		}
	}
	unless(len(f.refused) == 0, "%d orders were not accepted: %w", len(f.refused), errors.Join(f.refused...))
	unless(f.running == 0, "%d executions are still running", f.running)
	unless(len(f.parked) > 0, "the process parked no saga, so nobody had to resume one")
	unless(f.by > 0, "no order was placed at the process")
	listed := make([]client.Order, len(f.orders))
	executions := map[string]int{}
	shipped := 0
	for i, o := range f.orders {
		listed[i], executions[o.OrderID] = o.Order, o.executions
		k, known := f.placed[o.OrderID]
		if !known {
			continue
		}
		unless(o.Final(), "order %s is stuck: it is %s", o.OrderID, o.Status)
		unless(o.Status == k.status && o.Why() == k.reason || !o.Final(), "order %s ended %s %s, not %s %s", o.OrderID,
			o.Status, o.Why(), k.status, k.reason)
		paid := 0
		if o.Status == client.Confirmed {
			paid, shipped = 1, shipped+o.Items[0].Quantity
		}
		live, captured := o.live()
		unless(live == paid && captured == paid, "order %s of %s is %s, and the provider has %+v", o.OrderID, o.Total,
			o.Status, o.charges)
		unless(o.booked() == paid, "order %s is %s, and the carrier has %+v", o.OrderID, o.Status, o.parcels)
		rightly, wrongly := o.told()
		unless(rightly == 1 && wrongly == 0 || !o.Final(), "order %s is %s, and its customer got the mail %q",
			o.OrderID, o.Status, o.mails)
	}
	all = append(all, unaccounted(f.placed, listed)...)
	for _, id := range f.parked {
		unless(executions[id] > 0, "order %s was parked, and no function resumed it", id)
	}
	want := f.stocked
	want.OnHand, want.Available, want.Shipped = want.OnHand-shipped, want.Available-shipped, want.Shipped+shipped
	unless(f.left == want, "stock is %+v, not %+v", f.left, want)
	return all
}

func (f moveFacts) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nEVENTS GO TO\tFOR\tORDERS PLACED\tORDERS ENDED")
	for i, s := range f.stages {
		until, rest := f.ended, ""
		if i < len(f.stages)-1 {
			until = f.stages[i+1].began
		} else {
			rest = ", the last of them after no more were placed"
		}
		ended := 0
		for _, o := range f.orders {
			if o.Final() && !o.UpdatedAt.Before(s.began) && (o.UpdatedAt.Before(until) || rest != "") {
				ended++
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d%s\n", s.name, devstack.Seconds(until.Sub(s.began)), s.placed, ended, rest)
	}
	counts := map[string]int{}
	charges, parcels, mails, executions := 0, 0, 0, 0
	var longest time.Duration
	for _, o := range f.orders {
		counts[o.Status]++
		_, paid := o.live()
		rightly, wrongly := o.told()
		charges, parcels, mails = charges+paid, parcels+o.booked(), mails+rightly+wrongly
		executions += o.executions
		longest = max(longest, o.UpdatedAt.Sub(o.CreatedAt.Time))
	}
	row := func(what string, figure any, how string, args ...any) {
		fmt.Fprintf(t, "%s\t%v\t%s\n", what, figure, fmt.Sprintf(how, args...))
	}
	fmt.Fprintln(t)
	row("orders accepted", len(f.placed), "%d at the process; %d were not accepted", f.by, len(f.refused))
	row("  in their customers' lists", len(f.orders), "")
	for _, status := range []string{client.Confirmed, client.Rejected, client.Cancelled, client.NeedsAttention} {
		row("  "+status, counts[status], "")
	}
	row("  "+client.Pending, counts[client.Pending], "stuck, if there are any")
	row("longest wait for the end", devstack.Seconds(longest), "of an order, moves included")
	row("parked by the process", len(f.parked), "resumed by functions")
	row("executions in Step Functions", executions, "%d still run", f.running)
	row("captured charges", charges, "by the provider's ledger, each of an order's total")
	row("booked shipments", parcels, "by the carrier's books")
	row("mails about an order's end", mails, "")
	row("stock", f.left.OnHand, "on hand of %d, %d reserved, %d more shipped", f.stocked.OnHand, f.left.Reserved,
		f.left.Shipped-f.stocked.Shipped)
	row("broken promises", len(f.broken()), "lost, doubled or stuck orders, and the like")
	_ = t.Flush()
}
