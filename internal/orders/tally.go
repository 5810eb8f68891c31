package orders

import (
	"context"
	"errors"
	"time"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// Limits bound what one customer may have. They keep a stranger from reserving a whole shop with orders that are
// never paid, and from trying one card after the other.
type Limits struct {
	// Open is how many orders that are not final a customer may have. An order that needs attention is not final.
	Open int
	// Declines is how many of a customer's orders may count as declined within an hour; see CountsAsDecline.
	Declines int
}

// DefaultLimits are those of the template.
var DefaultLimits = Limits{Open: 20, Declines: 10}

const (
	// declineWindow is how long a decline counts.
	declineWindow = time.Hour
	// retryOpen is how long a customer with too many orders is asked to wait: about as long as an order takes.
	retryOpen = 30 * time.Second
)

var (
	// ErrAtLimit is what a store answers where a limit keeps an order from being placed.
	ErrAtLimit = errors.New("the customer is at a limit")
	// ErrTooManyOrders: the customer has as many orders under way as one may have.
	ErrTooManyOrders = fault.New(fault.Limited, "TooManyOpenOrders", "you have too many orders under way")
	// ErrTooManyDeclines: too many of the customer's orders counted as declined within the last hour.
	ErrTooManyDeclines = fault.New(fault.Limited, "TooManyDeclinedPayments",
		"too many of your orders were declined or cancelled within the last hour; nothing was ordered. Please try again later")
)

// Tally is what counts against a customer's limits.
type Tally struct {
	// Open holds the ids of the orders that are not final, sorted. Orders from before there was a tally are not in it.
	Open []string
	// Declines are the times of orders that count as declined, newest first, at least all of the last hour.
	Declines []time.Time
}

// Declined returns the tally's declines with one more, and without those that do not count any more.
func (t Tally) Declined(at time.Time) []time.Time {
	at = at.UTC().Truncate(time.Millisecond) // as stores keep it
	recent := []time.Time{at}
	for _, d := range t.Declines {
		if d.After(at.Add(-declineWindow)) {
			recent = append(recent, d)
		}
	}
	return recent
}

// Since is the time after which declines count at a time.
func (l Limits) Since(now time.Time) time.Time { return now.Add(-declineWindow) }

// wait returns how long it takes until the customer is below the limit of declines; 0 if that is so.
func (t Tally) wait(l Limits, now time.Time) time.Duration {
	if len(t.Declines) < l.Declines {
		return 0
	}
	return max(0, t.Declines[l.Declines-1].Sub(l.Since(now)))
}

// CountsAsDecline reports whether the order ended as declined. So does one that its customer cancelled: the cancellation may
// have overtaken the decline, and who tries cards would always cancel.
func (o Order) CountsAsDecline() bool {
	return o.Status.Final() && (o.Reason == ReasonPaymentDeclined || o.Reason == ReasonCancelledByCustomer)
}

// put writes a new order unless its customer is at a limit.
func (s *Service) put(ctx context.Context, o Order, with commit.With) error {
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
		if err := s.uncount(ctx, o.CustomerID, tally.Open); err != nil {
			return err
		}
	}
	return fault.ErrLostRace // what stood in the way is gone
}

// uncount gives back the places of orders that are final. There are none unless a version of this service ended orders that
// does not know the tally, as during a release or after a rollback. It fails with ErrTooManyOrders if there are none.
func (s *Service) uncount(ctx context.Context, customerID string, open []string) error {
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
		return ErrTooManyOrders.Detailf("you have %d orders under way, as many as one customer may have; nothing was ordered. Wait until one of them is done, or cancel one",
			len(open)).After(retryOpen)
	}
	return s.store.Uncount(ctx, customerID, final)
}
