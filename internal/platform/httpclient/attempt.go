package httpclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/tracing"
)

// TimeoutHeader says how many milliseconds we wait for the response.
const TimeoutHeader = "X-Request-Timeout-Ms"

// maxBody is the size limit of a response body, in bytes.
const maxBody = 1 << 20

// longestWait is the longest Retry-After that is honoured.
const longestWait = 5 * time.Minute

// errHeader is the caller's mistake. net/http would refuse to send it, which looks like a failure
// of the dependency.
var errHeader = fault.New(fault.Invalid, "InvalidRequest", "a header cannot be sent")

// StatusError is a response other than 2xx. Unwrapped it is final: the dependency refused.
type StatusError struct {
	Dependency string
	Status     int
	Body       []byte
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d", e.Dependency, e.Status)
}

// attempt makes one request within its timeout and the caller's remaining time. conclusive is false
// if the outcome says nothing about the dependency: the request was not sent, the caller went away,
// or the attempt had much less than its timeout.
func (c *Client) attempt(caller context.Context, r Request, out any) (conclusive bool, err error) {
	timeout := c.c.Timeout
	if left, bounded := c.remaining(caller); bounded {
		timeout = min(timeout, left)
	}
	// A client may have chosen the deadline. If it shortens the attempt even a little, an expired
	// attempt is inconclusive.
	cut := timeout < c.c.Timeout && deadline.Chosen(caller)
	if timeout <= 0 {
		return false, transient(c.c.Dependency, noTimeLeft(cut))
	}
	base, done, err := c.c.Endpoints.Pick(caller, c.c.Dependency)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(caller, timeout)
	defer cancel()
	ctx, span := c.span(ctx, r)
	req, err := c.request(ctx, base, r, timeout)
	if err != nil {
		done(false)
		tracing.End(span, err)
		return false, err
	}
	err = c.exchange(req, out)
	tooShort := (cut || timeout < c.c.Timeout/2) && expired(ctx, err)
	if cut && tooShort && !final(err) {
		err = transient(c.c.Dependency, errors.Join(deadline.ErrChosen, err))
	}
	conclusive = err == nil || final(err) || !tooShort && !errors.Is(caller.Err(), context.Canceled)
	done(conclusive && err != nil && !final(err))
	endSpan(span, err)
	return conclusive, err
}

// noTimeLeft is the error of an attempt without time left.
func noTimeLeft(chosen bool) error {
	if chosen {
		return deadline.ErrChosen
	}
	return context.DeadlineExceeded
}

// expired reports whether the attempt timed out, here or at the dependency.
func expired(ctx context.Context, err error) bool {
	var answer *StatusError
	return errors.Is(ctx.Err(), context.DeadlineExceeded) ||
		errors.As(err, &answer) && answer.Status == http.StatusRequestTimeout
}

// exchange sends the request, and reads and classifies the response.
func (c *Client) exchange(req *http.Request, out any) error {
	res, err := c.http.Do(req)
	if err != nil {
		return transient(c.c.Dependency, err)
	}
	defer func() { _ = res.Body.Close() }()
	var b []byte
	if res.ContentLength <= maxBody {
		if b, err = io.ReadAll(io.LimitReader(res.Body, maxBody+1)); err != nil {
			return transient(c.c.Dependency, err)
		}
	}
	if res.ContentLength > maxBody || len(b) > maxBody {
		return transient(c.c.Dependency, fmt.Errorf("response larger than %d bytes", maxBody))
	}
	switch s := res.StatusCode; {
	case (s == http.StatusTooManyRequests || s == http.StatusServiceUnavailable) &&
		c.c.Refuses != nil && c.c.Refuses(s, b):
		return &StatusError{c.c.Dependency, s, b}
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly, s == http.StatusTooManyRequests, s >= 500:
		wait := c.retryAfter(res.Header.Get("Retry-After"))
		return transient(c.c.Dependency, &StatusError{c.c.Dependency, s, b}).After(wait)
	case s >= 300:
		return &StatusError{c.c.Dependency, s, b}
	}
	tracing.Annotate(req.Context(), tracing.KeyStatus.Int(res.StatusCode))
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return transient(c.c.Dependency, fmt.Errorf("unreadable response: %w", err))
	}
	return nil
}

// retryAfter parses the header Retry-After: seconds or a time (RFC 9110, 10.2.3).
func (c *Client) retryAfter(v string) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(v); err == nil {
		wait = time.Duration(min(seconds, int(longestWait.Seconds()))) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		wait = at.Sub(c.c.Clock.Now())
	}
	return min(max(wait, 0), longestWait)
}

func (c *Client) request(ctx context.Context, base string, r Request, timeout time.Duration) (*http.Request, error) {
	var body io.Reader
	var contentType string
	switch {
	case r.Body != nil:
		b, err := json.Marshal(r.Body)
		if err != nil {
			return nil, fault.New(fault.Internal, "UnencodableRequest",
				"the request to %s cannot be encoded", c.c.Dependency).Because(err)
		}
		body, contentType = bytes.NewReader(b), "application/json"
	case r.Form != nil:
		body, contentType = strings.NewReader(r.Form.Encode()), "application/x-www-form-urlencoded"
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, base+r.Path, body)
	if err != nil {
		return nil, fault.New(fault.Internal, "InvalidURL", "the address of %s is invalid", c.c.Dependency).Because(err)
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	for name, v := range map[string]string{
		"Idempotency-Key": r.IdempotencyKey, "Authorization": r.Authorization, "Content-Type": contentType,
		TimeoutHeader: strconv.FormatInt(timeout.Milliseconds(), 10),
	} {
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) { // as net/http decides
			return nil, errHeader.Detailf("the header %s has control characters", name)
		}
		if v != "" {
			req.Header.Set(name, v)
		}
	}
	tracing.Inject(ctx, req.Header)
	return req, nil
}
