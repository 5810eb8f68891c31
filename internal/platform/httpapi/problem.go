package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"

	"orderflow/api"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/redact"
)

// Problem is the body of every error response (RFC 9457).
type Problem struct {
	Type     string          `json:"type"`
	Title    string          `json:"title"`
	Status   int             `json:"status"`
	Detail   string          `json:"detail"`
	Instance string          `json:"instance,omitempty"`
	Code     string          `json:"code"`
	Errors   []api.Violation `json:"errors,omitempty"`
	// Members are extension members by name. They cannot replace the members above.
	Members map[string]any `json:"-"`
}

// MarshalJSON adds the extension members.
func (p Problem) MarshalJSON() ([]byte, error) {
	type plain Problem
	if len(p.Members) == 0 {
		return json.Marshal(plain(p))
	}
	b, err := json.Marshal(plain(p))
	if err != nil {
		return nil, err
	}
	all := maps.Clone(p.Members)
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

var status = map[fault.Kind]int{
	fault.Transient:       http.StatusServiceUnavailable,
	fault.Invalid:         http.StatusBadRequest,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.Refused:         http.StatusUnprocessableEntity,
	fault.Internal:        http.StatusInternalServerError,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.TimedOut:        http.StatusRequestTimeout,
	fault.Limited:         http.StatusTooManyRequests,
}

// retryAfter is the shortest Retry-After.
const retryAfter = 2 * time.Second

// problem turns an error into its response. Causes are logged, never sent.
func problem(ctx context.Context, instance string, err error) Response {
	var invalid *api.InvalidRequest
	p := Problem{Instance: redact.Text(instance)} // the caller may have put anything into the path
	wait := retryAfter
	if errors.As(err, &invalid) {
		p.Status, p.Code = http.StatusBadRequest, "InvalidRequest"
		p.Detail, p.Errors = "the request does not match the API's contract", invalid.Violations
	} else {
		e := fault.From(err)
		p.Status, p.Code, p.Detail = status[e.Kind], e.Code, e.Detail
		p.Members = e.Members
		wait = max(wait, e.RetryAfter)
	}
	p.Type = "https://orderflow.example/problems/" + p.Code
	p.Title = http.StatusText(p.Status)
	header := map[string]string{"Content-Type": "application/problem+json"}
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		header["Retry-After"] = strconv.Itoa(int(math.Ceil(wait.Seconds())))
	}
	switch {
	case p.Status == http.StatusServiceUnavailable:
		slog.ErrorContext(ctx, "request failed", "error", err.Error())
	case p.Status >= http.StatusInternalServerError:
		slog.ErrorContext(ctx, "request failed", "error", err.Error())
	}
	return Response{Status: p.Status, Header: header, Body: p}
}
