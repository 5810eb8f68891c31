// Package services calls the services by HTTP at their addresses in the registry.
package services

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/jsonschema"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/resilience"
)

// paths are the paths of an order's calls, without the order's id.
var paths = map[gateway.Backend]string{
	gateway.Orders:    "/v1/orders/",
	gateway.Payments:  "/v1/payments/order/",
	gateway.Inventory: "/v1/reservations/order/",
	gateway.Shipping:  "/v1/shipments/order/",
}

// retry waits only briefly, because the caller waits for the whole summary.
var retry = resilience.Policy{Attempts: 2, Base: 100 * time.Millisecond, Max: 100 * time.Millisecond}

// margin is small because package gateway limits the time of its calls.
const margin = 10 * time.Millisecond

// Services implements gateway.Backends, gateway.HealthBackends and gateway.Shop.
type Services struct {
	calls, health map[gateway.Backend]*httpclient.Client
}

// New returns the services with a client configuration for each.
func New(to func(dependency string) httpclient.Config) Services {
	s := Services{calls: map[gateway.Backend]*httpclient.Client{}, health: map[gateway.Backend]*httpclient.Client{}}
	for _, b := range gateway.AllBackends {
		c := to(string(b))
		c.Dependency, c.Timeout, c.Margin = string(b), gateway.SummaryTimeout, margin
		if c.Retry == (resilience.Policy{}) {
			c.Retry = retry
		}
		c.Refuses = refusesCaller
		s.calls[b] = httpclient.New(c)
		// Health calls do not use the circuit. A service that is not ready answers them with 503,
		// so anybody could open the circuit of a service that mostly works. Also, an open circuit
		// would hide the service's health.
		c.Breaker, c.Retry = nil, resilience.Policy{Attempts: 1}
		s.health[b] = httpclient.New(c)
	}
	return s
}

// Get gets b's part of the order.
func (s Services) Get(ctx context.Context, b gateway.Backend, orderID, authorization string) (json.RawMessage, error) {
	var part json.RawMessage
	if err := get(ctx, s.calls[b], paths[b]+url.PathEscape(orderID), authorization, &part); err != nil {
		return nil, toFault(err, chosenForCaller)
	}
	var header struct {
		OrderID string `json:"orderId"`
	}
	// Parts are not checked further, but must be of the right order.
	if err := json.Unmarshal(part, &header); err != nil || header.OrderID != orderID {
		return nil, wrongAnswer(b).Because(err)
	}
	return part, nil
}

// Ready gets b's readiness without a token.
func (s Services) Ready(ctx context.Context, b gateway.Backend) error {
	var readiness health.Public
	if err := get(ctx, s.health[b], "/health/"+string(b), "", &readiness); err != nil {
		return err
	}
	if readiness.Status != health.Pass {
		return wrongAnswer(b)
	}
	return nil
}

// Inspect gets b's health report.
func (s Services) Inspect(ctx context.Context, b gateway.Backend, authorization string) (health.Report, error) {
	var answer struct {
		ServiceID gateway.Backend `json:"serviceId"`
		health.Report
	}
	if err := get(ctx, s.health[b], "/v1/health/"+string(b), authorization, &answer); err != nil {
		return health.Report{}, toFault(err, chosenForCaller)
	}
	known := answer.Status == health.Pass || answer.Status == health.Warn || answer.Status == health.Fail
	if answer.ServiceID != b || !known || answer.Checks == nil {
		return health.Report{}, wrongAnswer(b)
	}
	return answer.Report, nil
}

// wrongAnswer is the error of a 200 with the wrong content.
func wrongAnswer(b gateway.Backend) *fault.Error {
	return fault.New(fault.Internal, "WrongAnswer", "%s sent an unexpected answer", b)
}

func get(ctx context.Context, c *httpclient.Client, path, authorization string, out any) error {
	return c.Do(ctx, httpclient.Request{Method: http.MethodGet, Path: path, Authorization: authorization}, out)
}

// refusesCaller distinguishes a service's 429 for a customer's limits from API Gateway's
// throttling, which concerns everybody, and a 503 that an operator has caused from a failure.
func refusesCaller(status int, body []byte) bool {
	var problem struct{ Code string }
	switch {
	case json.Unmarshal(body, &problem) != nil:
		return false
	case status == http.StatusServiceUnavailable:
		return problem.Code == gateway.OrdersStopped
	}
	return problem.Code != "" && problem.Code != gateway.Throttled
}

// chosenForCaller has the refusals of a request that the gateway made up: only these concern the
// caller.
var chosenForCaller = map[int]fault.Kind{
	http.StatusUnauthorized: fault.Unauthenticated,
	http.StatusForbidden:    fault.Forbidden,
	http.StatusNotFound:     fault.NotFound,
}

// chosenByCaller has the refusals of a request with the caller's own values.
var chosenByCaller = map[int]fault.Kind{
	http.StatusBadRequest:            fault.Invalid,
	http.StatusUnauthorized:          fault.Unauthenticated,
	http.StatusForbidden:             fault.Forbidden,
	http.StatusNotFound:              fault.NotFound,
	http.StatusConflict:              fault.Conflict,
	http.StatusRequestEntityTooLarge: fault.TooLarge,
	http.StatusUnprocessableEntity:   fault.Refused,
	http.StatusTooManyRequests:       fault.Limited,
	http.StatusServiceUnavailable:    fault.Unavailable, // only if it is on purpose
}

// code matches a problem's code. A length limit in the expression would cost 0.1 ms at every start.
var code = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)

const maxCode = 64

// toFault turns a service's refusal with one of the statuses of kinds into a fault with the
// service's code and detail. It returns other errors unchanged.
func toFault(err error, kinds map[int]fault.Kind) error {
	var refusal *httpclient.StatusError
	if !errors.As(err, &refusal) {
		return err
	}
	kind, ok := kinds[refusal.Status]
	if !ok || kind == fault.Unavailable && !refusesCaller(refusal.Status, refusal.Body) {
		return err
	}
	var problem struct {
		Code, Detail string
		Errors       []jsonschema.Violation
		Total        *money.Money // with TotalChanged
	}
	if json.Unmarshal(refusal.Body, &problem) != nil || len(problem.Code) > maxCode || !code.MatchString(problem.Code) {
		problem.Code = strings.ReplaceAll(http.StatusText(refusal.Status), " ", "")
		if kind == fault.Unauthenticated {
			problem.Code = "Unauthenticated"
		}
	}
	if problem.Detail == "" {
		problem.Detail = http.StatusText(refusal.Status)
	}
	wait := fault.From(err).RetryAfter
	if len(problem.Errors) > 0 {
		err = errors.Join(err, &jsonschema.Invalid{Violations: problem.Errors})
	}
	out := fault.New(kind, problem.Code, "%s", problem.Detail).Because(err).After(wait)
	if problem.Total != nil {
		out = out.With("total", *problem.Total)
	}
	return out
}
