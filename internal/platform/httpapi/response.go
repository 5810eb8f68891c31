package httpapi

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/jcs"
)

// OK answers 200 with a body.
func OK(body any) Response { return Response{Status: http.StatusOK, Body: body} }

// Accepted answers 202 with a body: the work continues, and location is where to poll, see Member.
func Accepted(location string, body any) Response {
	return Response{Status: http.StatusAccepted, Body: body, Header: map[string]string{"Location": location}}
}

// Member returns a reference to member id of the requested collection, relative to the request's
// URI (RFC 3986, 5.2). A reference from the root would lose the stage or a domain's base path.
func (r *Request) Member(id string) string {
	collection := r.path[strings.LastIndex(r.path, "/")+1:] // empty if the path ends with a slash
	if collection == "" {
		return id
	}
	return collection + "/" + id
}

// with adds headers.
func (res Response) with(header map[string]string) Response {
	if len(header) > 0 {
		all := maps.Clone(header)
		maps.Copy(all, res.Header)
		res.Header = all
	}
	return res
}

// After says when to poll for the outcome of an accepted request.
func (res Response) After(d time.Duration) Response {
	return res.with(map[string]string{"Retry-After": strconv.Itoa(int(d.Seconds()))})
}

// Cached lets anybody cache the response for a time. Errors are never cached.
func (res Response) Cached(d time.Duration) Response {
	return res.with(map[string]string{"Cache-Control": "public, max-age=" + strconv.Itoa(int(d.Seconds()))})
}

// Replayed marks a replayed response.
func (res Response) Replayed(yes bool) Response {
	if yes {
		if res.Header == nil {
			res.Header = map[string]string{}
		}
		res.Header[replayed] = "true"
	}
	return res
}

// Idempotency identifies the request for package idempotency. The client's key is scoped to the
// caller and the operation. Two requests are the same if their operation, parameters and canonical
// body are equal.
func (r *Request) Idempotency() idempotency.Request {
	path, query := map[string]any{}, map[string]any{}
	for name, v := range r.Path {
		path[name] = v
	}
	for name, values := range r.Query {
		query[name] = strings.Join(values, ",") // the contract allows each parameter once
	}
	return idempotency.Request{
		Scope: r.Caller.Subject + "#" + r.operation, Key: r.Header.Get("Idempotency-Key"),
		Hash:     idempotency.Hash([]byte(r.operation), jcs.Append(nil, path), jcs.Append(nil, query), r.Body),
		Formerly: r.formerly,
	}
}
