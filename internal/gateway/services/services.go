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
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/resilience"
)

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

// Services implements gateway.Backends and gateway.Watched.
type Services struct {
	work, look map[gateway.Backend]*httpclient.Client
}

// New returns the services. The caller says where each is and how it is guarded.
func New(to func(dependency string) httpclient.Config) Services {
	s := Services{work: map[gateway.Backend]*httpclient.Client{}, look: map[gateway.Backend]*httpclient.Client{}}
	for _, b := range gateway.Serving {
		c := to(string(b))
		c.Dependency, c.Timeout, c.Margin = string(b), gateway.SummaryTimeout, margin
		if c.Retry == (resilience.Policy{}) {
			c.Retry = again
		}
		if paths[b] != "" {
			s.work[b] = httpclient.New(c)
		}
		// A service that is not ready answers 503 to whoever asks for its health. That must open no circuit, or anybody could keep
		// orders from a service that does most of its work; nor must an open one hide how the service is.
		c.Breaker, c.Retry = nil, resilience.Policy{Attempts: 1}
		s.look[b] = httpclient.New(c)
	}
	return s
}

// Get asks b for its part of the order.
func (s Services) Get(ctx context.Context, b gateway.Backend, orderID, authorization string) (json.RawMessage, error) {
	var part json.RawMessage
	if err := ask(ctx, s.work[b], paths[b]+url.PathEscape(orderID), authorization, &part); err != nil {
		return nil, decided(err)
	}
	var of struct {
		OrderID string `json:"orderId"`
	}
	// The parts are put together unread, so at least nothing of another order may get in.
	if err := json.Unmarshal(part, &of); err != nil || of.OrderID != orderID {
		return nil, wrong(b).Because(err)
	}
	return part, nil
}

// Ready asks b anonymously whether it is ready.
func (s Services) Ready(ctx context.Context, b gateway.Backend) error {
	var says health.Public
	if err := ask(ctx, s.look[b], "/health/"+string(b), "", &says); err != nil {
		return err
	}
	if says.Status != health.Pass {
		return wrong(b)
	}
	return nil
}

// Inspect asks b for the parts of its health.
func (s Services) Inspect(ctx context.Context, b gateway.Backend, authorization string) (health.Report, error) {
	var says struct {
		ServiceID gateway.Backend `json:"serviceId"`
		health.Report
	}
	if err := ask(ctx, s.look[b], "/v1/health/"+string(b), authorization, &says); err != nil {
		return health.Report{}, decided(err)
	}
	known := says.Status == health.Pass || says.Status == health.Warn || says.Status == health.Fail
	if says.ServiceID != b || !known || says.Checks == nil {
		return health.Report{}, wrong(b)
	}
	return says.Report, nil
}

// wrong: an answer of success that is none.
func wrong(b gateway.Backend) *fault.Error {
	return fault.New(fault.Internal, "WrongAnswer", "%s answered about something else", b)
}

func ask(ctx context.Context, c *httpclient.Client, path, authorization string, out any) error {
	return c.Do(ctx, httpclient.Request{Method: http.MethodGet, Path: path, Authorization: authorization}, out)
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
