// Package httpclient is the one way to call something outside by HTTP. It bounds the time
// of a call and the size of its answer, and tells what an error means: a fault that is
// worth a retry, or a final answer.
package httpclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/tracing"
)

// maxBody bounds the answer that is read, in bytes.
const maxBody = 1 << 20

// Client calls one dependency.
type Client struct {
	// Dependency is its name in errors.
	Dependency string
	// Timeout bounds one call, from connecting to the last byte.
	Timeout time.Duration
	// Transport is http.DefaultTransport where nil.
	Transport http.RoundTripper
}

// Request is a call. Calls that change something must carry an IdempotencyKey, since
// whoever calls may call again.
type Request struct {
	Method         string
	URL            string
	IdempotencyKey string
	// Authorization is passed on as it is, where not empty.
	Authorization string
	// Body is sent as JSON, where not nil.
	Body any
}

// StatusError is an answer of 300 to 499 except 408, 425 and 429: the other side has decided.
type StatusError struct {
	Dependency string
	Status     int
	Body       []byte
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d", e.Dependency, e.Status)
}

// Do sends the request and decodes a 2xx answer into out, unless out is nil. Network
// errors, timeouts, 408, 425, 429 and 5xx come back as fault.Transient, other statuses as *StatusError.
func (c *Client) Do(ctx context.Context, r Request, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := c.request(ctx, r)
	if err != nil {
		return err
	}
	res, err := (&http.Client{Transport: c.Transport, CheckRedirect: noRedirect}).Do(req)
	if err != nil {
		return c.transient(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return c.transient(err)
	}
	if len(b) > maxBody {
		return c.transient(fmt.Errorf("answer larger than %d bytes", maxBody))
	}
	switch s := res.StatusCode; {
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly, s == http.StatusTooManyRequests, s >= 500:
		return c.transient(&StatusError{c.Dependency, s, b})
	case s >= 300:
		return &StatusError{c.Dependency, s, b}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return c.transient(fmt.Errorf("unreadable answer: %w", err))
	}
	return nil
}

func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	var body io.Reader
	if r.Body != nil {
		b, err := json.Marshal(r.Body)
		if err != nil {
			return nil, fault.New(fault.Internal, "UnencodableRequest", "the request to %s cannot be encoded", c.Dependency).Because(err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, body)
	if err != nil {
		return nil, fault.New(fault.Internal, "InvalidURL", "the address of %s is invalid", c.Dependency).Because(err)
	}
	for name, v := range map[string]string{
		"Idempotency-Key": r.IdempotencyKey, "Authorization": r.Authorization, "traceparent": tracing.Parent(ctx),
	} {
		if v != "" {
			req.Header.Set(name, v)
		}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

func (c *Client) transient(err error) error {
	return fault.New(fault.Transient, "DependencyUnavailable", "%s does not answer as it should", c.Dependency).Because(err)
}

// noRedirect: an API that redirects is misconfigured, and a token must not follow.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
