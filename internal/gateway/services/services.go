// Package services asks the services by HTTP, at the addresses that the registry knows.
package services

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/resilience"
)

// nowhere has the form of an order's id and is none.
const nowhere = "00000000000000000000000000"

// paths is where each service tells what it knows of an order, by the contract.
var paths = map[gateway.Backend]string{
	gateway.Orders:    "/v1/orders/",
	gateway.Payments:  "/v1/payments/order/",
	gateway.Inventory: "/v1/reservations/order/",
	gateway.Shipping:  "/v1/shipments/order/",
}

// again is short: the caller waits for the whole.
var again = resilience.Policy{Attempts: 2, Base: 100 * time.Millisecond, Max: 100 * time.Millisecond}

// margin is small since gateway bounds the time of its calls itself.
const margin = 10 * time.Millisecond

// Services implements gateway.Backends.
type Services map[gateway.Backend]*httpclient.Client

// New returns the services. The caller says where each is and how it is guarded.
func New(to func(dependency string) httpclient.Config) Services {
	s := Services{}
	for b := range paths {
		c := to(string(b))
		c.Dependency, c.Timeout, c.Margin = string(b), gateway.SummaryTimeout, margin
		if c.Retry == (resilience.Policy{}) {
			c.Retry = again
		}
		s[b] = httpclient.New(c)
	}
	return s
}

// Get asks b for its part of the order.
func (s Services) Get(ctx context.Context, b gateway.Backend, orderID, authorization string) (json.RawMessage, error) {
	var part json.RawMessage
	if err := s.ask(ctx, b, orderID, authorization, &part); err != nil {
		return nil, decided(err)
	}
	var of struct {
		OrderID string `json:"orderId"`
	}
	// The parts are put together unread, so at least nothing of another order may get in.
	if err := json.Unmarshal(part, &of); err != nil || of.OrderID != orderID {
		return nil, fault.New(fault.Internal, "WrongAnswer", "%s answered about something else", b).Because(err)
	}
	return part, nil
}

// Ping asks b anonymously, which must be refused: that takes no credentials, changes nothing and still
// shows that the address is right and the API behind it guarded.
func (s Services) Ping(ctx context.Context, b gateway.Backend) error {
	err := s.ask(ctx, b, nowhere, "", nil)
	var refused *httpclient.StatusError
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		return nil
	case err == nil:
		return fault.New(fault.Internal, "Unguarded", "%s answers anonymous callers", b)
	}
	return err
}

func (s Services) ask(ctx context.Context, b gateway.Backend, orderID, authorization string, out any) error {
	return s[b].Do(ctx, httpclient.Request{
		Method: http.MethodGet, Path: paths[b] + url.PathEscape(orderID), Authorization: authorization,
	}, out)
}

var kinds = map[int]fault.Kind{
	http.StatusNotFound:     fault.NotFound,
	http.StatusUnauthorized: fault.Unauthenticated,
	http.StatusForbidden:    fault.Forbidden,
}

// code is the form of a problem's code. A bound within the expression would cost every start a tenth of a millisecond.
var code = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)

const longestCode = 64

// decided turns a service's no into the fault that it stands for, in the service's own words; other errors stay.
func decided(err error) error {
	var no *httpclient.StatusError
	if !errors.As(err, &no) {
		return err
	}
	kind, ok := kinds[no.Status]
	if !ok {
		return err
	}
	var problem struct{ Code, Detail string }
	if json.Unmarshal(no.Body, &problem) != nil || len(problem.Code) > longestCode || !code.MatchString(problem.Code) {
		problem.Code = map[fault.Kind]string{
			fault.NotFound: "NotFound", fault.Unauthenticated: "Unauthenticated", fault.Forbidden: "Forbidden",
		}[kind]
	}
	if problem.Detail == "" {
		problem.Detail = http.StatusText(no.Status)
	}
	return fault.New(kind, problem.Code, "%s", problem.Detail).Because(err)
}
