// Package httpclient is the only way to call another service by HTTP. It limits the time of a call
// and the size of the response, classifies errors, and uses package resilience to retry and to
// break the circuit to a dependency that is down.
//
//	bulkhead → for each attempt: circuit → endpoint → request under its own timeout
//
// A call never takes longer than what is left of the invocation. If a wait before a retry does not
// fit, the call fails and its error says how long to wait.
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
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/resilience"
)

// Endpoints knows where a dependency is.
type Endpoints interface {
	// Pick returns the base URL for one attempt, without a trailing slash. Call done with the
	// outcome: failed if it is the endpoint's fault.
	Pick(ctx context.Context, name string) (base string, done func(failed bool), err error)
}

// Config configures a client.
type Config struct {
	// Dependency is the dependency's name in the registry and in errors.
	Dependency string
	Endpoints  Endpoints
	Clock      clock.Clock
	// Timeout bounds one attempt, from connecting to the last byte.
	Timeout time.Duration
	// Retry is the retry policy; zero means resilience.DefaultPolicy.
	Retry resilience.Policy
	// Margin is the time reserved for what follows the call, such as saving its outcome; 0 means
	// DefaultMargin.
	Margin time.Duration
	// Refuses reports, by the body of a 429 or 503, whether the dependency refuses this one request
	// on purpose. Then the answer is final and says nothing against the dependency. nil: every 429
	// is throttling, and every 503 a failure.
	Refuses func(status int, body []byte) bool
	// Concurrency is how many calls may run at once; 0 means DefaultConcurrency. In Lambda it is
	// never reached, see resilience.Bulkhead.
	Concurrency int
	// Breaker is nil if the caller chooses the dependency, which then has no circuit.
	Breaker *resilience.Breaker
	// Probe, if not zero, is a request without side effects that probes a half-open circuit; the
	// response must be JSON. Without a Probe the next call is the probe.
	Probe Request

	// Transport, Sleep and Random may be nil. The default Transport is shared by the process.
	Transport http.RoundTripper
	Sleep     func(ctx context.Context, d time.Duration) error
	Random    func() float64
}

// Defaults of Config.
const (
	DefaultConcurrency = 16
	DefaultMargin      = 500 * time.Millisecond
)

// Client calls one dependency. Make one per process: it holds the retry budget and the bulkhead.
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

// Request is a call. A call that changes something must have an IdempotencyKey, because the caller
// may repeat it. Without one the client does not retry it.
type Request struct {
	Method string
	// Path is appended to the base URL. It begins with a slash and may have a query.
	Path           string
	IdempotencyKey string
	// Authorization, if not empty, is the header's value.
	Authorization string
	Header        http.Header
	// Body is sent as JSON; if it is nil, Form is sent as a form.
	Body any
	Form url.Values

	attempt int // from 1; 0 for a probe
}

// name identifies a call to the circuit. All attempts at a call have the same name.
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

// Do makes the call and decodes a 2xx response into out, unless out is nil. It fails with
//   - *StatusError, unwrapped, if the dependency refused: 300 to 499 except 408, 425 and 429;
//   - a fault of kind Transient for network errors, timeouts, 408, 425, 429, 5xx and unreadable
//     responses, after all attempts;
//   - resilience.ErrOpen if the circuit is open or this call opened it: do not retry soon;
//   - resilience.ErrFull if too many calls are running.
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
		if err := c.guarded(ctx, r, out); err == nil || !c.waitToRetry(ctx, r, n, err) {
			return err
		}
	}
}

// Down reports whether the circuit of the dependency is not closed: calls are refused, or the next
// one is a probe.
func (c *Client) Down(ctx context.Context) bool {
	return c.c.Breaker != nil && !c.c.Breaker.Closed(ctx)
}

// waitToRetry waits for the next attempt and reports whether to make it.
func (c *Client) waitToRetry(ctx context.Context, r Request, n int, err error) bool {
	if fault.KindOf(err) != fault.Transient || final(err) || ctx.Err() != nil ||
		n >= c.c.Retry.Attempts || !r.repeatable() {
		return false
	}
	wait := c.c.Retry.Wait(n+1, c.c.Random(), fault.From(err).RetryAfter)
	if left, bounded := c.remaining(ctx); bounded && wait >= left {
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

// final reports whether the dependency refused. A StatusError wrapped in a fault is transient.
func final(err error) bool {
	_, ok := err.(*StatusError) //nolint:errorlint // see above
	return ok
}

// remaining is the time that remains for a call, if ctx has a deadline.
func (c *Client) remaining(ctx context.Context) (time.Duration, bool) {
	left, bounded := deadline.Left(ctx)
	return left - c.c.Margin, bounded
}

// guarded makes one attempt if the circuit admits it.
func (c *Client) guarded(ctx context.Context, r Request, out any) error {
	if c.c.Breaker == nil {
		_, err := c.attempt(ctx, r, out)
		return err
	}
	admission, err := c.c.Breaker.Admit(ctx)
	c.observeCircuit(ctx, admission, err)
	if err != nil {
		return err
	}
	if admission.Probe && c.c.Probe.Path != "" {
		var answer json.RawMessage // an HTML maintenance page may be a 200
		if err := c.counted(ctx, admission, c.c.Probe, &answer); err != nil && !final(err) {
			return err
		}
		return c.guarded(ctx, r, out) // the circuit is closed now, unless another process opened it again
	}
	return c.counted(ctx, admission, r, out)
}

// counted makes one attempt and reports it to the circuit. If that opens it, the error is ErrOpen.
func (c *Client) counted(ctx context.Context, admission resilience.Admission, r Request, out any) error {
	conclusive, err := c.attempt(ctx, r, out)
	switch {
	case err == nil || final(err):
		admission.Succeeded(ctx)
		return err
	case !conclusive:
		admission.Abandoned(ctx)
		return err
	}
	admission.Failed(ctx, r.name())
	err = c.c.Breaker.Refused(err)
	if errors.Is(err, resilience.ErrOpen) {
		c.observeCircuit(ctx, admission, err)
	}
	return err
}

// noRedirect keeps a token from following a redirect. An API that redirects is misconfigured.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// transient returns the fault of a dependency that did not answer as expected.
func transient(dependency string, err error) *fault.Error {
	return fault.New(fault.Transient, "DependencyUnavailable", "%s did not respond correctly",
		dependency).Because(err)
}
