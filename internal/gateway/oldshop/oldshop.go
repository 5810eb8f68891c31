// Package oldshop calls the old shop by HTTP at its address in the registry.
package oldshop

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/resilience"
)

// Name is the old shop's name in the registry.
const Name = "legacy-shop"

// The headers by which the old shop knows who calls and for whom. It trusts any caller that has the
// key.
const (
	headerKey      = "X-Shop-Key"
	headerCustomer = "X-Shop-Customer"
)

const (
	// timeout bounds one attempt. Package strangler bounds the whole call.
	timeout = gateway.SummaryTimeout
	margin  = 10 * time.Millisecond
)

// retry waits only briefly, because an old client waits for the answer.
var retry = resilience.Policy{Attempts: 2, Base: 100 * time.Millisecond, Max: 100 * time.Millisecond}

// Key returns the key with which we authenticate at the old shop.
type Key interface {
	Value(ctx context.Context) ([]byte, error)
}

// Shop implements strangler.OldShop.
type Shop struct {
	client *httpclient.Client
	key    Key
}

var _ strangler.OldShop = Shop{}

// New returns the old shop. c has its address and circuit breaker.
func New(c httpclient.Config, key Key) Shop {
	c.Dependency, c.Timeout, c.Margin = Name, timeout, margin
	if c.Retry == (resilience.Policy{}) {
		c.Retry = retry
	}
	return Shop{client: httpclient.New(c), key: key}
}

// Products implements strangler.OldShop.
func (s Shop) Products(ctx context.Context, customer string, page int) (strangler.ProductPage, error) {
	found, err := get[strangler.ProductPage](ctx, s, customer, "/legacy/products?page="+strconv.Itoa(page))
	return found, sound(err, found.Products != nil)
}

// Product implements strangler.OldShop.
func (s Shop) Product(ctx context.Context, customer, productID string) (strangler.Product, error) {
	p, err := get[strangler.Product](ctx, s, customer, "/legacy/products/"+url.PathEscape(productID))
	return p, sound(err, p.ProductID == productID)
}

// PlaceOrder implements strangler.OldShop. The RequestID makes it safe to repeat.
func (s Shop) PlaceOrder(ctx context.Context, customer string, in strangler.Placement) (strangler.Order, error) {
	o, err := call[strangler.Order](ctx, s, customer, httpclient.Request{
		Method: http.MethodPost, Path: "/legacy/orders", IdempotencyKey: in.RequestID, Body: in,
	})
	return o, sound(err, owns(o.OrderID))
}

// Order implements strangler.OldShop.
func (s Shop) Order(ctx context.Context, customer, id string) (strangler.Order, error) {
	o, err := get[strangler.Order](ctx, s, customer, "/legacy/orders/"+url.PathEscape(id))
	return o, sound(err, o.OrderID == id)
}

// Orders implements strangler.OldShop.
func (s Shop) Orders(ctx context.Context, customer string, page int) (strangler.OrderPage, error) {
	found, err := get[strangler.OrderPage](ctx, s, customer, "/legacy/orders?page="+strconv.Itoa(page))
	ofOthers := func(o strangler.Order) bool { return !owns(o.OrderID) }
	return found, sound(err, found.Orders != nil && !slices.ContainsFunc(found.Orders, ofOthers))
}

// CancelOrder implements strangler.OldShop. It is not retried: nothing in the old interface says
// that it may be.
func (s Shop) CancelOrder(
	ctx context.Context, customer, id string, in strangler.Cancellation,
) (strangler.Order, error) {
	o, err := call[strangler.Order](ctx, s, customer, httpclient.Request{
		Method: http.MethodPost, Path: "/legacy/orders/" + url.PathEscape(id) + "/cancel", Body: in,
	})
	return o, sound(err, o.OrderID == id)
}

func get[T any](ctx context.Context, s Shop, customer, path string) (T, error) {
	return call[T](ctx, s, customer, httpclient.Request{Method: http.MethodGet, Path: path})
}

func call[T any](ctx context.Context, s Shop, customer string, r httpclient.Request) (out T, err error) {
	key, err := s.key.Value(ctx)
	if err != nil {
		return out, err
	}
	r.Header = http.Header{headerKey: {string(key)}, headerCustomer: {customer}}
	return out, refusal(s.client.Do(ctx, r, &out))
}

// refusals are the statuses by which the old shop refuses a request because of its content. Any
// other 4xx is our own fault: our key, or an address that moved.
var refusals = []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict}

// refusal turns the old shop's final refusal into a strangler.Refusal, or into an internal fault,
// which alerts an operator, if it is not about the client's request.
func refusal(err error) error {
	status, final := err.(*httpclient.StatusError) //nolint:errorlint // only the bare error is final
	if !final {
		return err
	}
	var body strangler.ErrorBody
	known := slices.Contains(refusals, status.Status) && json.Unmarshal(status.Body, &body) == nil
	if !known || body.Error.Code == "" {
		return fault.New(fault.Internal, "OldShopRefused", "the old shop rejected our request").Because(status)
	}
	return &strangler.Refusal{Status: status.Status, Code: body.Error.Code, Text: body.Error.Text}
}

// owns reports whether an order has an id of the old shop. With any other id it would belong to the
// new side.
func owns(orderID string) bool {
	owner, _, ok := strangler.OwnerOf(orderID)
	return ok && owner == strangler.OldSide
}

// sound returns an error for an invalid answer. The effect of a write is then unknown.
func sound(err error, ok bool) error {
	if err == nil && !ok {
		return fault.New(fault.Transient, "DependencyUnavailable", "%s sent an unexpected answer", Name)
	}
	return err
}
