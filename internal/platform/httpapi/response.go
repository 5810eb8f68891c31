package httpapi

import (
	"net/http"

	"orderflow/internal/platform/idempotency"
)

// OK answers 200 with a body.
func OK(body any) Response { return Response{Status: http.StatusOK, Body: body} }

// Accepted answers 202 with a body: the work goes on, and location tells where to look.
func Accepted(location string, body any) Response {
	return Response{Status: http.StatusAccepted, Body: body, Header: map[string]string{"Location": location}}
}

// Replayed marks an answer that repeats an earlier one.
func (res Response) Replayed(yes bool) Response {
	if yes {
		if res.Header == nil {
			res.Header = map[string]string{}
		}
		res.Header[replayed] = "true"
	}
	return res
}

// Idempotency identifies the request for package idempotency: the key that the client
// sent is the caller's own, for this operation on this path.
func (r *Request) Idempotency() idempotency.Request {
	return idempotency.Request{
		Scope: r.Caller.Subject + "#" + r.operation,
		Key:   r.Header.Get("Idempotency-Key"),
		Hash:  idempotency.Hash([]byte(r.path), r.Body),
	}
}
