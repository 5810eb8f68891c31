// Package strangler serves the old shop's interface, route by route from the old shop or from the
// services, until nothing needs the old shop (ADR 48; Fowler, "Strangler Fig Application").
//
// Old clients keep their addresses under /legacy. A table of routes says which side serves them. An
// order belongs to the side that placed it, which its id shows: see OwnerOf. translate.go is the
// anti-corruption layer between the old interface and the services' contract.
package strangler

import (
	"context"
	"fmt"
	"time"

	"orderflow/internal/gateway"
)

// PageSize is the number of products or orders on a page of the old interface.
const PageSize = 20

// The types of the old interface. Ids are digits, money is decimal text.
type (
	// Product is a product.
	Product struct {
		ProductID string `json:"product_id"`
		ArticleNo string `json:"article_no"`
		Title     string `json:"title"`
		Price     string `json:"price"`
		Currency  string `json:"currency"`
	}
	// ProductPage is a page of products. NextPage is nil on the last one.
	ProductPage struct {
		Products []Product `json:"products"`
		NextPage *string   `json:"next_page"`
	}
	// Placement is a request to place an order. RequestID is unique for the customer.
	Placement struct {
		RequestID string        `json:"request_id"`
		Lines     []RequestLine `json:"lines"`
		ShipTo    Address       `json:"ship_to"`
		PayToken  string        `json:"pay_token"`
	}
	// RequestLine is a line of a Placement.
	RequestLine struct {
		ProductID string `json:"product_id"`
		Qty       int    `json:"qty"`
	}
	// Address is where an order is shipped to.
	Address struct {
		FullName    string `json:"full_name"`
		Street      string `json:"street"`
		Town        string `json:"town"`
		Zip         string `json:"zip"`
		CountryCode string `json:"country_code"`
	}
	// Order is an order.
	Order struct {
		OrderID    string  `json:"order_id"`
		State      State   `json:"state"`
		Lines      []Line  `json:"lines"`
		Total      string  `json:"total"`
		Currency   string  `json:"currency"`
		PlacedAt   string  `json:"placed_at"`
		CancelNote *string `json:"cancel_note"`
	}
	// Line is a line of an order; Price is for one piece.
	Line struct {
		ProductID string `json:"product_id"`
		Qty       int    `json:"qty"`
		Price     string `json:"price"`
	}
	// OrderPage is a page of orders, newest first. NextPage is nil on the last one.
	OrderPage struct {
		Orders   []Order `json:"orders"`
		NextPage *string `json:"next_page"`
	}
	// Cancellation is a request to cancel an order.
	Cancellation struct {
		Note string `json:"note"`
	}
	// ErrorBody is the body of an error.
	ErrorBody struct {
		Error struct {
			Code string `json:"code"`
			Text string `json:"text"`
		} `json:"error"`
	}
)

// State is the state of an order.
type State string

// The states.
const (
	StateNew       State = "new"
	StatePaid      State = "paid"
	StateShipped   State = "shipped"
	StateCancelled State = "cancelled"
	StateFailed    State = "failed"
)

// TimeFormat is the format of PlacedAt, in UTC.
const TimeFormat = "2006-01-02 15:04:05"

// Refusal is an error answer of the old interface: the request was understood and had no effect.
type Refusal struct {
	Status     int
	Code, Text string
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Code, r.Text) }

// Caller is a verified caller.
type Caller struct {
	// Customer is the customer's id.
	Customer string
	// Authorization is the caller's own header.
	Authorization string
}

// OldShop is the old shop. If it refuses, the error is a *Refusal with its answer; any other error
// is a failure, after which the effect of a write is unknown. The same RequestID of a customer
// places one order, however often it is sent.
type OldShop interface {
	Products(ctx context.Context, customer string, page int) (ProductPage, error)
	Product(ctx context.Context, customer, productID string) (Product, error)
	PlaceOrder(ctx context.Context, customer string, in Placement) (Order, error)
	Order(ctx context.Context, customer, orderID string) (Order, error)
	Orders(ctx context.Context, customer string, page int) (OrderPage, error)
	CancelOrder(ctx context.Context, customer, orderID string, in Cancellation) (Order, error)
}

// NewShop is the new side: what the router uses of the services' HTTP contract. It makes one order
// of an idempotency key for idempotency.Retention.
type NewShop interface {
	Products(ctx context.Context, as gateway.Caller, list gateway.ProductList) (gateway.ProductPage, error)
	Product(ctx context.Context, as gateway.Caller, sku string) (gateway.Product, error)
	PlaceOrder(ctx context.Context, as gateway.Caller, in gateway.OrderRequest) (gateway.Order, error)
	Order(ctx context.Context, as gateway.Caller, orderID string) (gateway.Order, error)
	Orders(ctx context.Context, as gateway.Caller, list gateway.OrderList) (gateway.OrderPage, error)
	CancelOrder(ctx context.Context, as gateway.Caller, orderID string, in gateway.CancelRequest) (gateway.Order, error)
	// Down reports whether the circuit of a service refuses calls now.
	Down(ctx context.Context, b gateway.Backend) bool
}

// Routes has the table of routes.
type Routes interface {
	// Current returns the table in use. It never fails: a bad table does not replace a good one.
	Current(ctx context.Context) Table
}

// Decision is the side that a request to place an order was first sent to.
type Decision struct {
	Side Side
	At   time.Time
	// Products has the SKUs under which the request was sent to the new side, as Table.translation
	// writes them: a retry must use the same SKUs, whatever the table says by then.
	Products string
}

// Remembered is how long a decision is kept, and so how long a request_id places only one order.
const Remembered = 90 * 24 * time.Hour

// Placements keeps decisions, so that a repeated request goes to the same side whatever the table
// says by then.
type Placements interface {
	// Decide records d for the customer's request unless it has a decision, and returns the
	// recorded one.
	Decide(ctx context.Context, customer, requestID string, d Decision) (Decision, error)
}

// Shadowed is an answer of the old shop that is to be compared with the new side's.
type Shadowed struct {
	Route Route `json:"route"`
	// Answer is the old shop's answer, a Product or a ProductPage. Products are the same for every
	// customer: it holds no personal data.
	Answer any `json:"answer"`
}

// Shadows takes answers to compare.
type Shadows interface {
	// Enqueue hands an answer over. The implementation reports failures, not the caller.
	Enqueue(ctx context.Context, s Shadowed)
}

// Monitor receives the events that operators should know about.
type Monitor interface {
	// FellBack: the old shop served a request because the new side failed.
	FellBack(ctx context.Context, r Route)
	// BadTable: the table of routes could not be read or is invalid.
	BadTable(ctx context.Context)
}
