// Package httpclient is the only way to call another service by HTTP. It bounds the time of a call and the
// size of its answer, classifies errors, retries, and does not call what is down, with package resilience.
//
//	bulkhead → for each attempt: circuit → endpoint → request under its own timeout
//
// A call never takes longer than what is left of the invocation. A wait that does not fit is reported to the
// caller.
package httpclient

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/resilience"
)

// Endpoints knows where a dependency is.
type Endpoints interface {
	// Pick returns the base URL for one attempt, without a slash at its end. done reports the outcome: failed
	// if it is the endpoint's fault.
	Pick(ctx context.Context, name string) (base string, done func(failed bool), err error)
}

// Config is what a client is made from.
type Config struct {
	// Dependency is its name, in the registry and in errors.
	Dependency string
	Endpoints  Endpoints
	Clock      clock.Clock
	// Timeout bounds one attempt, from connecting to the last byte.
	Timeout time.Duration
	// Retry is resilience.DefaultPolicy if it is zero.
	Retry resilience.Policy
	// Margin is the time of the invocation that is kept for what follows the call, such as saving its
	// outcome; 0 is DefaultMargin.
	Margin time.Duration
	// Concurrency is how many calls may be under way at once; 0 is DefaultConcurrency. In Lambda it
	// is never reached, see resilience.Bulkhead.
	Concurrency int
	// Breaker is nil for a dependency that our caller chooses: no circuit can stand for it.
	Breaker *resilience.Breaker
	// Probe, if not zero, is a harmless request that probes a half-open circuit; the answer must be JSON.
	// Without one the next call is the probe.
	Probe Request

	// Transport, if nil, is one of NewTransport that the process shares. Sleep and Random, if nil, are the
	// machine's.
	Transport http.RoundTripper
	Sleep     func(ctx context.Context, d time.Duration) error
	Random    func() float64
}

// Defaults of Config.
const (
	DefaultConcurrency = 16
	DefaultMargin      = 500 * time.Millisecond
)

// Client calls one dependency. Make one per process: it has the connections, the retry budget and the
// bulkhead.
type Client struct {
	c        Config
	http     http.Client
	budget   *resilience.Budget
	bulkhead resilience.Bulkhead
}

// New returns a client.
func New(c Config) *Client {
	if c.Retry == (resilience.Policy{}) {
		c.Retry = resilience.DefaultPolicy
	}
	if c.Concurrency == 0 {
		c.Concurrency = DefaultConcurrency
	}
	if c.Margin == 0 {
		c.Margin = DefaultMargin
	}
	if c.Transport == nil {
		c.Transport = connections
	}
	if c.Sleep == nil {
		c.Sleep = clock.Sleep
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	return &Client{
		c: c, http: http.Client{Transport: c.Transport, CheckRedirect: noRedirect},
		budget: resilience.NewBudget(), bulkhead: resilience.NewBulkhead(c.Concurrency),
	}
}

// Request is a call. A call that changes something must carry an IdempotencyKey, because the caller may call
// again; without one it is never repeated here.
type Request struct {
	Method string
	// Path is appended to the base URL; it begins with a slash and may have a query.
	Path           string
	IdempotencyKey string
	// Authorization, if not empty, is passed on unchanged.
	Authorization string
	Header        http.Header
	// Body, if not nil, is sent as JSON; else Form as a form.
	Body any
	Form url.Values

	attempt int // counted from 1; 0 for a probe
}

// name identifies a call to the circuit: all attempts at the same thing have the same name.
func (r Request) name() string {
	if r.IdempotencyKey != "" {
		return r.IdempotencyKey
	}
	return r.Method + " " + r.Path
}

func (r Request) repeatable() bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	default:
		return r.IdempotencyKey != ""
	}
}

// Do makes the call and decodes a 2xx answer into out, unless out is nil. It fails with
//   - *StatusError, bare, if the other side has decided: 300 to 499 except 408, 425 and 429;
//   - a fault of kind Transient for network errors, timeouts, 408, 425, 429, 5xx and unreadable answers,
//     after all attempts;
//   - resilience.ErrOpen if the circuit is open, or opened by this call: repeating it soon is no use;
//   - resilience.ErrFull if too many calls are under way.
func (c *Client) Do(ctx context.Context, r Request, out any) error {
	leave, err := c.bulkhead.Enter()
	if err != nil {
		metrics.Count(ctx, metrics.BulkheadRejected, 1, metrics.Dependency(c.c.Dependency))
		return err
	}
	defer leave()
	c.budget.Called()
	for n := 1; ; n++ {
		r.attempt = n
		if err := c.guarded(ctx, r, out); err == nil || !c.again(ctx, r, n, err) {
			return err
		}
	}
}

// again waits for the next attempt, if there is to be one.
func (c *Client) again(ctx context.Context, r Request, n int, err error) bool {
	if fault.KindOf(err) != fault.Transient || final(err) || ctx.Err() != nil ||
		n >= c.c.Retry.Attempts || !r.repeatable() {
		return false
	}
	wait := c.c.Retry.Wait(n+1, c.c.Random(), fault.From(err).RetryAfter)
	if left, bounded := c.left(ctx); bounded && wait >= left {
		return false
	}
	if !c.budget.Spend() {
		metrics.Count(ctx, metrics.RetryBudgetExhausted, 1, metrics.Dependency(c.c.Dependency))
		return false
	}
	if c.c.Sleep(ctx, wait) != nil {
		return false
	}
	metrics.Count(ctx, metrics.Retries, 1, metrics.Dependency(c.c.Dependency))
	return true
}

// final reports whether the other side has decided. The bare error says so; wrapped in a fault it is transient.
func final(err error) bool {
	_, ok := err.(*StatusError) //nolint:errorlint // see above
	return ok
}

// left is how much time a call has, if the caller's time is bounded.
func (c *Client) left(ctx context.Context) (time.Duration, bool) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0, false
	}
	return deadline.Sub(c.c.Clock.Now()) - c.c.Margin, true
}

// guarded makes one attempt, if the circuit lets it through.
func (c *Client) guarded(ctx context.Context, r Request, out any) error {
	if c.c.Breaker == nil {
		_, err := c.attempt(ctx, r, out)
		return err
	}
	admission, err := c.c.Breaker.Admit(ctx)
	c.found(ctx, admission, err)
	if err != nil {
		return err
	}
	if admission.Probe && c.c.Probe.Path != "" {
		var answer json.RawMessage // a page that says "maintenance" is a 200, too
		if err := c.counted(ctx, admission, c.c.Probe, &answer); err != nil && !final(err) {
			return err
		}
		return c.guarded(ctx, r, out) // it is closed now, or another process has opened it again
	}
	return c.counted(ctx, admission, r, out)
}

// counted makes one attempt and reports its outcome to the circuit. It fails with ErrOpen if that opens the
// circuit.
func (c *Client) counted(ctx context.Context, admission resilience.Admission, r Request, out any) error {
	learned, err := c.attempt(ctx, r, out)
	switch {
	case err == nil || final(err):
		admission.Succeeded(ctx)
		return err
	case !learned:
		admission.Abandoned(ctx)
		return err
	}
	admission.Failed(ctx, r.name())
	err = c.c.Breaker.Refused(err)
	if errors.Is(err, resilience.ErrOpen) {
		c.found(ctx, admission, err)
	}
	return err
}

// noRedirect: an API that redirects is misconfigured, and a token must not follow.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// transient is the fault of a dependency that did not answer as it should.
func transient(dependency string, err error) *fault.Error {
	return fault.New(fault.Transient, "DependencyUnavailable", "%s does not answer as it should", dependency).Because(err)
}
