package orders

import (
	"context"
	"errors"
	"time"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// Limits are per customer. They prevent attackers from reserving all stock with orders that are
// never paid, and from testing stolen cards.
type Limits struct {
	// Open is the number of a customer's orders that are not final. NEEDS_ATTENTION is not final.
	Open int
	// Declines is the number of a customer's orders that count as declined within an hour; see
	// CountsAsDecline.
	Declines int
}

// DefaultLimits are the defaults of the template's parameters.
var DefaultLimits = Limits{Open: 20, Declines: 10}

const (
	// declineWindow is how long a decline counts.
	declineWindow = time.Hour
	// retryOpen is the Retry-After for too many open orders, about as long as an order takes.
	retryOpen = 30 * time.Second
)

var (
	// ErrAtLimit is a store's error for a customer at a limit.
	ErrAtLimit = errors.New("the customer is at a limit")
	// ErrTooManyOrders: the customer is at the limit of open orders.
	ErrTooManyOrders = fault.New(fault.Limited, "TooManyOpenOrders", "you have too many orders in progress")
	// ErrTooManyDeclines: the customer is at the limit of declines.
	ErrTooManyDeclines = fault.New(fault.Limited, "TooManyDeclinedPayments",
		"too many of your orders were declined or cancelled within the last hour; nothing was ordered. "+
			"Please try again later")
)

// Tally is what counts against a customer's limits.
type Tally struct {
	// Open is the sorted ids of the orders that are not final. Orders older than the tally are
	// missing.
	Open []string
	// Declines are the times of declines, newest first, at least all of the last hour.
	Declines []time.Time
}

// Declined returns the declines with one more and without those that no longer count.
func (t Tally) Declined(at time.Time) []time.Time {
	at = at.UTC().Truncate(time.Millisecond) // the stores' precision
	recent := []time.Time{at}
	for _, d := range t.Declines {
		if d.After(at.Add(-declineWindow)) {
			recent = append(recent, d)
		}
	}
	return recent
}

// Over reports whether nothing counts against the customer since a time.
func (t Tally) Over(since time.Time) bool {
	return len(t.Open) == 0 && (len(t.Declines) == 0 || t.Declines[0].Before(since.Add(-declineWindow)))
}

// Since returns the time after which declines count now.
func (l Limits) Since(now time.Time) time.Time { return now.Add(-declineWindow) }

// wait returns the time until the customer is below the limit of declines; 0 if it is.
func (t Tally) wait(l Limits, now time.Time) time.Duration {
	if len(t.Declines) < l.Declines {
		return 0
	}
	return max(0, t.Declines[l.Declines-1].Sub(l.Since(now)))
}

// CountsAsDecline reports whether the order ended as declined. A cancellation by the customer
// counts as well: it may have overtaken a decline, so card testers could hide declines by
// cancelling. An abandoned payment also counts, since it kept stock from others.
func (o Order) CountsAsDecline() bool {
	switch o.Reason {
	case ReasonPaymentDeclined, ReasonPaymentAbandoned, ReasonCancelledByCustomer:
		return o.Status.Final()
	}
	return false
}

// place writes a new order unless its customer is at a limit.
func (s *Service) place(ctx context.Context, o Order, with commit.With) error {
	err := s.store.PlaceOrder(ctx, o, s.limits, with)
	if !errors.Is(err, ErrAtLimit) {
		return err
	}
	tally, err := s.store.Tally(ctx, o.CustomerID)
	if err != nil {
		return err
	}
	if wait := tally.wait(s.limits, o.CreatedAt); wait > 0 {
		return ErrTooManyDeclines.After(wait)
	}
	if len(tally.Open) >= s.limits.Open {
		if err := s.uncountFinal(ctx, o.CustomerID, tally.Open); err != nil {
			return err
		}
	}
	return fault.ErrLostRace // the customer is below the limits by now: try again
}

// uncountFinal removes final orders from the customer's open ones, or fails with ErrTooManyOrders
// if there are none. They exist only if a version without the tally ended orders, during a release
// or after a rollback.
func (s *Service) uncountFinal(ctx context.Context, customerID string, open []string) error {
	found, err := s.store.OrdersByID(ctx, open)
	if err != nil {
		return err
	}
	var final []string
	for _, o := range found {
		if o.Status.Final() {
			final = append(final, o.OrderID)
		}
	}
	if len(final) == 0 {
		return ErrTooManyOrders.Detailf("you have %d orders in progress, the limit for one customer; "+
			"nothing was ordered. Wait until one of them is done, or cancel one", len(open)).After(retryOpen)
	}
	return s.store.Uncount(ctx, customerID, final)
}
