// Package carrier is a stand-in for a carrier. It accepts a booking at once, decides it later and
// sends the decision in a signed callback. A reference has at most one shipment, ever. Once it is
// cancelled it gets none, even if the booking arrives after the cancellation.
//
// Postal code 00000 is refused by the callback, 00001 at once; 99999 is never decided.
package carrier

import (
	"context"
	"net/http"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/sandbox/web"
)

// ErrCancelled says that the reference was cancelled.
var ErrCancelled = &web.Error{
	Status: http.StatusConflict, Code: "reference_cancelled", Message: "this reference was cancelled",
}

// Store keeps the shipments.
type Store interface {
	idempotency.Log
	// Entry returns the entry of a reference, read consistently, or one of version 0 if there is
	// none.
	Entry(ctx context.Context, reference string) (Entry, error)
	// Write replaces the entry. It returns fault.ErrLostRace unless e is the version after the
	// stored one. If due is not nil, it stores the due callback in the same transaction.
	Write(ctx context.Context, e Entry, due *Due, with commit.With) error
	// Record commits with, without a change of an entry.
	Record(ctx context.Context, with commit.With) error
	// Due returns the due callback of a reference; ok is false if there is none or it has expired.
	Due(ctx context.Context, reference string) (due Due, ok bool, err error)
}

// Carrier books and cancels shipments.
type Carrier struct {
	store Store
	clock clock.Clock
	ids   ids.Source
}

// New returns a carrier over its store.
func New(store Store, c clock.Clock, source ids.Source) *Carrier {
	return &Carrier{store: store, clock: c, ids: source}
}

// Request is a request for a shipment.
type Request struct {
	Reference string  `json:"reference"`
	Address   Address `json:"address"`
	Items     []Item  `json:"items"`
}

// Address is the destination. Line2, Region and PostalCode are optional.
type Address struct {
	Name       string `json:"name"`
	Line1      string `json:"line1"`
	Line2      string `json:"line2"`
	City       string `json:"city"`
	Region     string `json:"region"`
	PostalCode string `json:"postalCode"`
	Country    string `json:"country"`
}

// Item is a quantity of a product in the parcel.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// Book accepts a booking and stores its due callback. The same idempotency key gets the recorded
// result, and another key for the same reference gets the existing shipment.
func (c *Carrier) Book(ctx context.Context, key idempotency.Request, in Request, traceParent string) (Shipment, error) {
	s, _, err := idempotency.Do(ctx, c.store, key, func(ctx context.Context, once idempotency.Once) (Shipment, error) {
		e, err := c.store.Entry(ctx, in.Reference)
		switch {
		case err != nil:
			return Shipment{}, err
		case e.Cancelled:
			return Shipment{}, ErrCancelled
		case e.Shipment != nil:
			return *e.Shipment, c.store.Record(ctx, commit.With{Reply: once.Returning(*e.Shipment)})
		}
		id := idPrefix + c.ids.New()
		s := Shipment{ID: id, Reference: in.Reference, Status: StatusRequested, CreatedAt: c.clock.Now()}
		e.Version++
		e.Shipment, e.PostalCode = &s, in.Address.PostalCode
		due := Due{Reference: in.Reference, TraceParent: traceParent}
		return s, c.store.Write(ctx, e, &due, commit.With{Reply: once.Returning(s)})
	})
	return s, err
}

// Cancel cancels the shipment and closes the reference. It returns nil if nothing was booked; later
// bookings are refused.
func (c *Carrier) Cancel(ctx context.Context, reference string) (*Shipment, error) {
	e, err := c.change(ctx, reference, func(e *Entry) {
		e.Cancelled = true
		if e.Shipment != nil {
			s := *e.Shipment
			s.Status = StatusCancelled
			e.Shipment = &s
		}
	})
	return e.Shipment, err
}

// Shipments returns the shipments of a reference, one or none.
func (c *Carrier) Shipments(ctx context.Context, reference string) ([]Shipment, error) {
	e, err := c.store.Entry(ctx, reference)
	if err != nil || e.Shipment == nil {
		return []Shipment{}, err
	}
	return []Shipment{*e.Shipment}, nil
}

// Decide decides a booking, once, and returns its callback. It returns nil if the shipment is
// cancelled, its callback was accepted, or it is never decided.
func (c *Carrier) Decide(ctx context.Context, reference string) (*Callback, error) {
	e, err := c.change(ctx, reference, func(e *Entry) {
		if e.Shipment != nil && e.Shipment.Status == StatusRequested && e.PostalCode != postalSilent {
			s := e.Shipment.decided(e.PostalCode)
			e.Shipment = &s
		}
	})
	if err != nil || e.Shipment == nil || e.Cancelled || e.Answered || e.Shipment.Status == StatusRequested {
		return nil, err
	}
	callback := e.Shipment.callback()
	return &callback, nil
}

// Answered records that the client has accepted the callback.
func (c *Carrier) Answered(ctx context.Context, reference string) error {
	_, err := c.change(ctx, reference, func(e *Entry) { e.Answered = true })
	return err
}

// change changes an entry, and writes it only if it differs.
func (c *Carrier) change(ctx context.Context, reference string, apply func(*Entry)) (Entry, error) {
	return fault.RetryLostRace(func() (Entry, error) {
		before, err := c.store.Entry(ctx, reference)
		if err != nil {
			return Entry{}, err
		}
		after := before
		apply(&after)
		same := after.Shipment == before.Shipment || *after.Shipment == *before.Shipment
		if same && after.Cancelled == before.Cancelled && after.Answered == before.Answered {
			return before, nil
		}
		after.Version++
		return after, c.store.Write(ctx, after, nil, commit.With{})
	})
}
