// Package carrier is a stand-in for a carrier. A booking is taken at once and decided later,
// which the client learns by a signed callback. There is at most one shipment for a
// reference, ever; and once the reference is cancelled there will be none, even if the
// booking comes later than the cancellation.
//
// Postal code 00000 is refused by the callback, 00001 at once; for 99999 the carrier never decides.
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
var ErrCancelled = &web.Error{Status: http.StatusConflict, Code: "reference_cancelled", Message: "this reference was cancelled"}

// Store keeps the shipments.
type Store interface {
	idempotency.Log
	// Entry returns what is kept of a reference, read consistently; one of version 0 where that is nothing.
	Entry(ctx context.Context, reference string) (Entry, error)
	// Write replaces the entry, which must be one version after what is stored, else fault.ErrLostRace.
	// With a due the callback is asked for in the same transaction.
	Write(ctx context.Context, e Entry, due *Due, with commit.With) error
	// Record writes only what comes with a change, where there is nothing to change.
	Record(ctx context.Context, with commit.With) error
	// Due returns the callback asked for of a reference; ok is false where there is none, or it is long ago.
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

// Request asks for a shipment.
type Request struct {
	Reference string  `json:"reference"`
	Address   Address `json:"address"`
	Items     []Item  `json:"items"`
}

// Address is where to. Line2, Region and PostalCode are empty where there is none.
type Address struct {
	Name       string `json:"name"`
	Line1      string `json:"line1"`
	Line2      string `json:"line2"`
	City       string `json:"city"`
	Region     string `json:"region"`
	PostalCode string `json:"postalCode"`
	Country    string `json:"country"`
}

// Item is what is in the parcel.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// Book takes a booking and asks for its callback. The same idempotency key gets the same answer,
// and another key for the same reference the shipment that is there.
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
		s := Shipment{ID: idPrefix + c.ids.New(), Reference: in.Reference, Status: StatusRequested, CreatedAt: c.clock.Now()}
		e.Version++
		e.Shipment, e.PostalCode = &s, in.Address.PostalCode
		due := Due{Reference: in.Reference, TraceParent: traceParent}
		return s, c.store.Write(ctx, e, &due, commit.With{Reply: once.Returning(s)})
	})
	return s, err
}

// Cancel calls the shipment off and shuts the reference. Where nothing was booked it returns
// nil, and nothing will be.
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

// Shipments returns the shipments of a reference: one or none.
func (c *Carrier) Shipments(ctx context.Context, reference string) ([]Shipment, error) {
	e, err := c.store.Entry(ctx, reference)
	if err != nil || e.Shipment == nil {
		return []Shipment{}, err
	}
	return []Shipment{*e.Shipment}, nil
}

// Decide decides a booking, once, and returns the callback that is due; nil where none is: for a
// shipment that is cancelled, whose callback was taken, or that is never decided.
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

// Answered notes that the client has taken the callback.
func (c *Carrier) Answered(ctx context.Context, reference string) error {
	_, err := c.change(ctx, reference, func(e *Entry) { e.Answered = true })
	return err
}

// change applies one change to an entry, and writes it only if it is one.
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
