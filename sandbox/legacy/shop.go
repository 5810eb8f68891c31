// Package legacy is the shop that Orderflow replaces: a monolith with customers, products and
// orders of its own. It uses snake case, numbers its orders, writes money as decimal text and has
// other states than Orderflow. It trusts its callers: a key authenticates them, and they name the
// customer.
//
// An order is paid as it is placed, or fails. Payment token pm_card_visa is accepted, all others
// are declined. A new customer finds three earlier orders.
package legacy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/sandbox/web"
)

// The refusals of the shop.
var (
	ErrNoOrder     = &web.Error{Status: http.StatusNotFound, Code: "no_such_order", Message: "no such order"}
	ErrNoProduct   = &web.Error{Status: http.StatusNotFound, Code: "no_such_product", Message: "no such product"}
	ErrRequestUsed = &web.Error{
		Status: http.StatusConflict, Code: "request_id_used", Message: "this request_id was used for another order",
	}
	ErrNotCancellable = &web.Error{
		Status: http.StatusConflict, Code: "not_cancellable", Message: "a shipped or failed order cannot be cancelled",
	}
)

// State is the state of an order.
type State string

// An order is StatePaid or StateFailed at once. Only earlier orders are StateNew or StateShipped.
// New and paid orders can be cancelled.
const (
	StateNew       State = "new"
	StatePaid      State = "paid"
	StateShipped   State = "shipped"
	StateCancelled State = "cancelled"
	StateFailed    State = "failed"
)

// Order is an order. The address is not kept: nothing is ever shipped.
type Order struct {
	Customer   string
	Number     int64
	State      State
	Lines      []Line
	PlacedAt   time.Time
	CancelNote string
	// Version counts the changes; 0 if the order was never written.
	Version int64
}

// Line is a quantity of a product at the price of when it was ordered.
type Line struct {
	ProductID string
	Quantity  int
	Cents     int64
}

// Identity returns the id and version that it is stored under; see commit.Aggregate. Ids of a
// customer's orders sort by number.
func (o Order) Identity() (id string, version int64) {
	return fmt.Sprintf("%s#%015d", o.Customer, o.Number), o.Version
}

// FirstNumber is the number of the first order.
const FirstNumber = 100001

// total is the sum of the lines in cents.
func (o Order) total() (cents int64) {
	for _, l := range o.Lines {
		cents += int64(l.Quantity) * l.Cents
	}
	return cents
}

// Store keeps the customers and their orders.
type Store interface {
	// Numbers takes n numbers that nobody has taken before, and returns the first. Numbers grow.
	Numbers(ctx context.Context, n int64) (first int64, err error)
	// Known reports whether a customer has been welcomed.
	Known(ctx context.Context, customer string) (bool, error)
	// Welcome stores a customer with their earlier orders, or returns fault.ErrLostRace if the
	// customer is known.
	Welcome(ctx context.Context, customer string, before []Order) error
	// Order returns an order of a customer, read consistently, or ErrNoOrder.
	Order(ctx context.Context, customer string, number int64) (Order, error)
	// Orders returns the newest orders of a customer, at most limit, newest first.
	Orders(ctx context.Context, customer string, limit int) ([]Order, error)
	// Receipt returns the receipt of a customer's request; ok is false if there is none.
	Receipt(ctx context.Context, customer, requestID string) (r Receipt, ok bool, err error)
	// Place stores an order and the receipt of its request, or returns fault.ErrLostRace if the
	// request has one.
	Place(ctx context.Context, o Order, r Receipt) error
	// Write replaces an order. It returns fault.ErrLostRace unless o is the version after the
	// stored one.
	Write(ctx context.Context, o Order) error
}

// Receipt says which order a request has placed. It is kept forever.
type Receipt struct {
	RequestID string
	// Hash is the digest of the request.
	Hash   string
	Number int64
}

// Shop is the shop.
type Shop struct {
	store Store
	clock clock.Clock
}

// New returns a shop over its store.
func New(store Store, c clock.Clock) *Shop { return &Shop{store: store, clock: c} }

// Request is what a customer orders. The customer chooses the id of the request: a request that is
// sent twice places one order.
type Request struct {
	RequestID string        `json:"request_id"`
	Lines     []RequestLine `json:"lines"`
	ShipTo    Address       `json:"ship_to"`
	PayToken  string        `json:"pay_token"`
}

// RequestLine is a line of a Request.
type RequestLine struct {
	ProductID string `json:"product_id"`
	Quantity  int    `json:"qty"`
}

// Address is where an order goes.
type Address struct {
	FullName    string `json:"full_name"`
	Street      string `json:"street"`
	Town        string `json:"town"`
	Zip         string `json:"zip"`
	CountryCode string `json:"country_code"`
}

// accepted is the only payment token that is accepted.
const accepted = "pm_card_visa"

// Place places an order. A repeated request gets its order in the current state.
func (s *Shop) Place(ctx context.Context, customer string, in Request) (Order, error) {
	content, err := json.Marshal(in)
	if err != nil {
		return Order{}, err
	}
	receipt := Receipt{RequestID: in.RequestID, Hash: idempotency.Hash(content)}
	return fault.RetryLostRace(func() (Order, error) {
		switch earlier, ok, err := s.store.Receipt(ctx, customer, in.RequestID); {
		case err != nil:
			return Order{}, err
		case ok && earlier.Hash != receipt.Hash:
			return Order{}, ErrRequestUsed
		case ok:
			return s.store.Order(ctx, customer, earlier.Number)
		}
		o, err := s.order(customer, in)
		if err != nil {
			return Order{}, err
		}
		if err := s.welcome(ctx, customer); err != nil {
			return Order{}, err
		}
		if o.Number, err = s.store.Numbers(ctx, 1); err != nil {
			return Order{}, err
		}
		receipt.Number = o.Number
		return o, s.store.Place(ctx, o, receipt)
	})
}

// order returns the order of a request, without a number.
func (s *Shop) order(customer string, in Request) (Order, error) {
	o := Order{Customer: customer, State: StateFailed, PlacedAt: s.clock.Now().UTC(), Version: 1}
	if in.PayToken == accepted {
		o.State = StatePaid
	}
	for _, l := range in.Lines {
		p, ok := productOf(l.ProductID)
		if !ok {
			return Order{}, web.Invalid("product " + l.ProductID + " is not for sale")
		}
		o.Lines = append(o.Lines, Line{ProductID: p.id, Quantity: l.Quantity, Cents: p.cents})
	}
	return o, nil
}

// Order returns an order of a customer.
func (s *Shop) Order(ctx context.Context, customer string, number int64) (Order, error) {
	return s.store.Order(ctx, customer, number)
}

// Orders returns a page of the customer's orders, newest first, and whether there are more. Like
// any SELECT with an OFFSET, it also reads all earlier pages.
func (s *Shop) Orders(ctx context.Context, customer string, page int) (orders []Order, more bool, err error) {
	if err := s.welcome(ctx, customer); err != nil {
		return nil, false, err
	}
	all, err := s.store.Orders(ctx, customer, page*perPage+1)
	if err != nil {
		return nil, false, err
	}
	orders, more = paged(all, page)
	return orders, more, nil
}

// Cancel cancels an order. Cancelling it again changes nothing, not even the note.
func (s *Shop) Cancel(ctx context.Context, customer string, number int64, note string) (Order, error) {
	return fault.RetryLostRace(func() (Order, error) {
		o, err := s.store.Order(ctx, customer, number)
		switch {
		case err != nil || o.State == StateCancelled:
			return o, err
		case o.State == StateShipped || o.State == StateFailed:
			return Order{}, ErrNotCancellable
		}
		o.State, o.CancelNote = StateCancelled, note
		o.Version++
		return o, s.store.Write(ctx, o)
	})
}

// welcome gives a new customer their earlier orders.
func (s *Shop) welcome(ctx context.Context, customer string) error {
	_, err := fault.RetryLostRace(func() (struct{}, error) {
		known, err := s.store.Known(ctx, customer)
		if err != nil || known {
			return struct{}{}, err
		}
		first, err := s.store.Numbers(ctx, int64(len(before)))
		if err != nil {
			return struct{}{}, err
		}
		orders := make([]Order, len(before))
		for i, o := range before {
			o.Customer, o.Number, o.Version = customer, first+int64(i), 1
			orders[i] = o
		}
		return struct{}{}, s.store.Welcome(ctx, customer, orders)
	})
	return err
}

// perPage is how many products or orders a page has.
const perPage = 20

// paged returns a page of all, which may end after it, and whether there are more.
func paged[T any](all []T, page int) (items []T, more bool) {
	start := min((page-1)*perPage, len(all))
	end := min(start+perPage, len(all))
	return all[start:end], end < len(all)
}
