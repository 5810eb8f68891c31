// Package stranglertest has both shops in memory, with calls whose answers get lost, for tests and
// for the proof.
package stranglertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/resilience"
)

// Fate is the outcome of a call.
type Fate int

// The fates.
const (
	// Answered: the call is answered.
	Answered Fate = iota
	// Lost: the call takes effect, but its answer is lost.
	Lost
	// Late: nobody answers, and the call takes effect at the next Deliver, if ever.
	Late
)

// ErrNoAnswer is the error of a call that is not answered.
var ErrNoAnswer = errors.New("no answer")

// Shops are both shops. Each has one order for a customer's request: the old shop for ever, the new
// side for idempotency.Retention.
type Shops struct {
	Clock clock.Clock
	// Fate decides on the calls of a side by their route; nil answers all.
	Fate func(side strangler.Side, r strangler.Route) Fate
	// Open says that the circuit to the new side refuses calls.
	Open bool
	// Probe decides on a read while the circuit is open: whether it is the probe and closes it.
	Probe func() bool
	// All are all orders, oldest first.
	All []Placed
	// Catalog are the new side's products, by SKU. OldProducts are the old side's, by id.
	Catalog     []gateway.Product
	OldProducts []strangler.Product

	late []func()
}

// Placed is an order of one of the shops.
type Placed struct {
	Side                strangler.Side
	Customer, RequestID string
	Content             string // of the request
	At                  time.Time
	Old                 strangler.Order
	New                 gateway.Order
}

// Address returns the order's id in the old interface.
func (p Placed) Address() string {
	if p.Side == strangler.OldSide {
		return p.Old.OrderID
	}
	id, _ := strangler.OrderID(p.New.OrderID) // made by numbered
	return id
}

// Cancelled reports whether the order is cancelled.
func (p Placed) Cancelled() bool {
	return p.Old.State == strangler.StateCancelled || p.New.Status == "CANCELLED"
}

// Clone returns a copy in which nothing is late.
func (s *Shops) Clone() *Shops {
	c := *s
	c.All, c.late = slices.Clone(s.All), nil
	return &c
}

// Waiting reports whether calls are late.
func (s *Shops) Waiting() bool { return len(s.late) > 0 }

// Deliver lets the oldest late call take effect.
func (s *Shops) Deliver() {
	call := s.late[0]
	s.late = s.late[1:]
	call()
}

// Drop forgets the oldest late call: it takes no effect.
func (s *Shops) Drop() { s.late = s.late[1:] }

// do makes a call of a side.
func do[T any](s *Shops, side strangler.Side, r strangler.Route, call func() (T, error)) (T, error) {
	var none T
	fate := Answered
	if s.Fate != nil {
		fate = s.Fate(side, r)
	}
	switch fate {
	case Lost:
		_, _ = call()
		return none, ErrNoAnswer
	case Late:
		if r == strangler.PlaceOrder || r == strangler.CancelOrder {
			s.late = append(s.late, func() { _, _ = call() })
		}
		return none, ErrNoAnswer
	}
	return call()
}

// find returns the index of a customer's order, or -1.
func (s *Shops) find(side strangler.Side, customer string, is func(Placed) bool) int {
	return slices.IndexFunc(s.All, func(p Placed) bool { return p.Side == side && p.Customer == customer && is(p) })
}

// of returns the orders of a customer, newest first.
func (s *Shops) of(side strangler.Side, customer string) (all []Placed) {
	for _, p := range slices.Backward(s.All) {
		if p.Side == side && p.Customer == customer {
			all = append(all, p)
		}
	}
	return all
}

// Old returns the old shop.
func (s *Shops) Old() strangler.OldShop { return oldShop{s} }

type oldShop struct{ *Shops }

func refuse(status int, code string) error {
	return &strangler.Refusal{Status: status, Code: code, Text: code}
}

func (s oldShop) Products(_ context.Context, _ string, page int) (strangler.ProductPage, error) {
	return do(s.Shops, strangler.OldSide, strangler.ListProducts, func() (strangler.ProductPage, error) {
		products, next := paged(s.OldProducts, page)
		return strangler.ProductPage{Products: products, NextPage: next}, nil
	})
}

func paged[T any](all []T, page int) ([]T, *string) {
	from := min((page-1)*strangler.PageSize, len(all))
	to := min(from+strangler.PageSize, len(all))
	if to == len(all) {
		return slices.Clone(all[from:to]), nil
	}
	next := strconv.Itoa(page + 1)
	return slices.Clone(all[from:to]), &next
}

func (s oldShop) Product(_ context.Context, _, productID string) (strangler.Product, error) {
	return do(s.Shops, strangler.OldSide, strangler.ReadProduct, func() (strangler.Product, error) {
		i := slices.IndexFunc(s.OldProducts, func(p strangler.Product) bool { return p.ProductID == productID })
		if i < 0 {
			return strangler.Product{}, refuse(404, "no_such_product")
		}
		return s.OldProducts[i], nil
	})
}

func (s oldShop) PlaceOrder(_ context.Context, customer string, in strangler.Placement) (strangler.Order, error) {
	return do(s.Shops, strangler.OldSide, strangler.PlaceOrder, func() (strangler.Order, error) {
		content := text(in)
		i := s.find(strangler.OldSide, customer, func(p Placed) bool { return p.RequestID == in.RequestID })
		if i >= 0 {
			if s.All[i].Content != content {
				return strangler.Order{}, refuse(409, "request_id_used")
			}
			return s.All[i].Old, nil
		}
		o := strangler.Order{
			OrderID: strconv.Itoa(100001 + len(s.All)), State: strangler.StatePaid, Total: "19.99", Currency: "EUR",
			PlacedAt: s.Clock.Now().UTC().Format(strangler.TimeFormat),
		}
		for _, l := range in.Lines {
			if !slices.ContainsFunc(s.OldProducts,
				func(p strangler.Product) bool { return p.ProductID == l.ProductID }) {
				return strangler.Order{}, refuse(404, "no_such_product")
			}
			o.Lines = append(o.Lines, strangler.Line{ProductID: l.ProductID, Qty: l.Qty, Price: "19.99"})
		}
		s.All = append(s.All, Placed{
			Side: strangler.OldSide, Customer: customer, RequestID: in.RequestID, Content: content, At: s.Clock.Now(),
			Old: o,
		})
		return o, nil
	})
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // in a test
	}
	return string(b)
}

func (s oldShop) Order(_ context.Context, customer, orderID string) (strangler.Order, error) {
	return do(s.Shops, strangler.OldSide, strangler.ReadOrder, func() (strangler.Order, error) {
		i := s.find(strangler.OldSide, customer, func(p Placed) bool { return p.Old.OrderID == orderID })
		if i < 0 {
			return strangler.Order{}, refuse(404, "no_such_order")
		}
		return s.All[i].Old, nil
	})
}

func (s oldShop) Orders(_ context.Context, customer string, page int) (strangler.OrderPage, error) {
	return do(s.Shops, strangler.OldSide, strangler.ListOrders, func() (strangler.OrderPage, error) {
		found, next := paged(s.of(strangler.OldSide, customer), page)
		orders := []strangler.Order{}
		for _, p := range found {
			orders = append(orders, p.Old)
		}
		return strangler.OrderPage{Orders: orders, NextPage: next}, nil
	})
}

func (s oldShop) CancelOrder(
	_ context.Context, customer, orderID string, in strangler.Cancellation,
) (strangler.Order, error) {
	return do(s.Shops, strangler.OldSide, strangler.CancelOrder, func() (strangler.Order, error) {
		i := s.find(strangler.OldSide, customer, func(p Placed) bool { return p.Old.OrderID == orderID })
		if i < 0 {
			return strangler.Order{}, refuse(404, "no_such_order")
		}
		o := &s.All[i].Old
		o.State, o.CancelNote = strangler.StateCancelled, &in.Note
		return *o, nil
	})
}

// New returns the new side. The customer's id follows "Bearer " in the caller's header.
func (s *Shops) New() strangler.NewShop { return newShop{s} }

type newShop struct{ *Shops }

func customerOf(as gateway.Caller) string { return strings.TrimPrefix(as.Authorization, "Bearer ") }

// guarded makes a call through the circuit.
func guarded[T any](s newShop, r strangler.Route, call func() (T, error)) (T, error) {
	read := r != strangler.PlaceOrder && r != strangler.CancelOrder
	if s.Open && read && s.Probe != nil && s.Probe() {
		s.Open = false
	}
	if s.Open {
		var none T
		return none, resilience.ErrOpen
	}
	return do(s.Shops, strangler.NewSide, r, call)
}

func (s newShop) Down(context.Context, gateway.Backend) bool { return s.Open }

func (s newShop) Products(
	_ context.Context, _ gateway.Caller, list gateway.ProductList,
) (gateway.ProductPage, error) {
	return guarded(s, strangler.ListProducts, func() (gateway.ProductPage, error) {
		var page gateway.ProductPage
		after, limit := list.After+list.Cursor, list.Limit
		for _, p := range s.Catalog {
			switch {
			case p.SKU <= after:
			case len(page.Products) == limit:
				cursor := page.Products[limit-1].SKU
				page.Cursor = &cursor
				return page, nil
			default:
				page.Products = append(page.Products, p)
			}
		}
		return page, nil
	})
}

func (s newShop) Product(_ context.Context, _ gateway.Caller, sku string) (gateway.Product, error) {
	return guarded(s, strangler.ReadProduct, func() (gateway.Product, error) {
		i := slices.IndexFunc(s.Catalog, func(p gateway.Product) bool { return p.SKU == sku })
		if i < 0 {
			return gateway.Product{}, fault.New(fault.NotFound, "ProductNotFound", "there is no such product")
		}
		return s.Catalog[i], nil
	})
}

// numbered returns an id that sorts by n.
func numbered(n int, at time.Time) string {
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(at)) // tests are long before the end of time
	id[14], id[15] = byte(n>>8), byte(n)
	return id.String()
}

func (s newShop) PlaceOrder(_ context.Context, as gateway.Caller, in gateway.OrderRequest) (gateway.Order, error) {
	return guarded(s, strangler.PlaceOrder, func() (gateway.Order, error) {
		content, now := text(in), s.Clock.Now()
		i := s.find(strangler.NewSide, customerOf(as), func(p Placed) bool {
			return as.IdempotencyKey != "" && p.RequestID == as.IdempotencyKey && now.Sub(p.At) < idempotency.Retention
		})
		if i >= 0 {
			if s.All[i].Content != content {
				return gateway.Order{}, idempotency.ErrKeyReused
			}
			return s.All[i].New, nil
		}
		o := gateway.Order{
			OrderID: numbered(len(s.All)+1, now), Status: "PENDING", CreatedAt: now.UTC().Format(time.RFC3339Nano),
			Total: money.Money{Currency: "EUR", Amount: 1999}, PaymentMethod: in.PaymentMethod,
		}
		for _, l := range in.Items {
			if !slices.ContainsFunc(s.Catalog, func(p gateway.Product) bool { return p.SKU == l.SKU }) {
				return gateway.Order{}, fault.New(fault.Refused, "UnknownSku", "a line has an unknown SKU")
			}
			o.Items = append(o.Items, gateway.OrderLine{SKU: l.SKU, Quantity: l.Quantity, UnitPrice: o.Total})
		}
		s.All = append(s.All, Placed{
			Side: strangler.NewSide, Customer: customerOf(as), RequestID: as.IdempotencyKey, Content: content,
			At: now, New: o,
		})
		return o, nil
	})
}

var errNoOrder = fault.New(fault.NotFound, "OrderNotFound", "there is no such order")

func (s newShop) Order(_ context.Context, as gateway.Caller, orderID string) (gateway.Order, error) {
	return guarded(s, strangler.ReadOrder, func() (gateway.Order, error) {
		i := s.find(strangler.NewSide, customerOf(as), func(p Placed) bool { return p.New.OrderID == orderID })
		if i < 0 {
			return gateway.Order{}, errNoOrder
		}
		return s.All[i].New, nil
	})
}

func (s newShop) Orders(_ context.Context, as gateway.Caller, list gateway.OrderList) (gateway.OrderPage, error) {
	return guarded(s, strangler.ListOrders, func() (gateway.OrderPage, error) {
		var page gateway.OrderPage
		after := list.After + list.Cursor
		for _, p := range s.of(strangler.NewSide, customerOf(as)) {
			switch {
			case after != "" && p.New.OrderID >= after:
			case len(page.Orders) == list.Limit:
				cursor := page.Orders[list.Limit-1].OrderID
				page.Cursor = &cursor
				return page, nil
			default:
				page.Orders = append(page.Orders, p.New)
			}
		}
		return page, nil
	})
}

func (s newShop) CancelOrder(
	_ context.Context, as gateway.Caller, orderID string, _ gateway.CancelRequest,
) (gateway.Order, error) {
	return guarded(s, strangler.CancelOrder, func() (gateway.Order, error) {
		i := s.find(strangler.NewSide, customerOf(as), func(p Placed) bool { return p.New.OrderID == orderID })
		if i < 0 {
			return gateway.Order{}, errNoOrder
		}
		o := &s.All[i].New
		reason := "CANCELLED_BY_CUSTOMER"
		o.Status, o.Reason = "CANCELLED", &reason
		return *o, nil
	})
}

// Example returns shops with products: 1001 is MUG-BLUE on both sides, 1002 is the old side's only,
// TEA the new side's only.
func Example(c clock.Clock) *Shops {
	price := money.Money{Currency: "EUR", Amount: 1999}
	return &Shops{
		Clock: c,
		Catalog: []gateway.Product{{SKU: "MUG-BLUE", Name: "Blue mug", Price: price},
			{SKU: "TEA", Name: "Tea", Price: price}},
		OldProducts: []strangler.Product{
			{ProductID: "1001", ArticleNo: "MUG-BLUE", Title: "Blue mug", Price: "19.99", Currency: "EUR"},
			{ProductID: "1002", ArticleNo: "TEAPOT", Title: "Teapot", Price: "19.99", Currency: "EUR"},
		},
	}
}

// Table is a table of routes that tests can change.
type Table struct{ strangler.Table }

// Current implements strangler.Routes.
func (t *Table) Current(context.Context) strangler.Table { return t.Table }

// Set sets all routes to a setting, but no route about orders to Shadow.
func (t *Table) Set(s strangler.Setting) {
	t.Table = strangler.AllLegacy()
	t.Products["1001"] = "MUG-BLUE"
	for _, r := range strangler.AllRoutes {
		t.Routes[r] = s
		if s.Mode == strangler.Shadow && r != strangler.ListProducts && r != strangler.ReadProduct {
			t.Routes[r] = strangler.Setting{Mode: strangler.Legacy}
		}
	}
}

// Told records what a router reports.
type Told struct {
	Fallbacks []strangler.Route
	BadTables int
	Shadowed  []strangler.Shadowed
}

// FellBack implements strangler.Monitor.
func (t *Told) FellBack(_ context.Context, r strangler.Route) { t.Fallbacks = append(t.Fallbacks, r) }

// BadTable implements strangler.Monitor.
func (t *Told) BadTable(context.Context) { t.BadTables++ }

// Enqueue implements strangler.Shadows.
func (t *Told) Enqueue(_ context.Context, s strangler.Shadowed) { t.Shadowed = append(t.Shadowed, s) }

// Settings are the settings that a table can have, each with its name.
var Settings = map[string]strangler.Setting{
	"legacy": {Mode: strangler.Legacy}, "shadow": {Mode: strangler.Shadow}, "split 0": {Mode: strangler.Split},
	"split 100": {Mode: strangler.Split, Weight: 100}, "new": {Mode: strangler.New},
}

// SettingNames are the names, sorted.
var SettingNames = slices.Sorted(maps.Keys(Settings))

// Order returns a request for one product.
func Order(requestID, productID string) strangler.Placement {
	return strangler.Placement{
		RequestID: requestID, PayToken: "pm_card_visa", Lines: []strangler.RequestLine{{ProductID: productID, Qty: 1}},
		ShipTo: strangler.Address{FullName: "Ada", Street: "1 Way", Town: "Berlin", Zip: "10115", CountryCode: "DE"},
	}
}

// As returns a caller.
func As(customer string) strangler.Caller {
	return strangler.Caller{Customer: customer, Authorization: fmt.Sprint("Bearer ", customer)}
}
