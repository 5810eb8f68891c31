package httpapi

import (
	"maps"
	"net/http"
	"strings"

	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/jcs"
)

// OK answers 200 with a body.
func OK(body any) Response { return Response{Status: http.StatusOK, Body: body} }

// Accepted answers 202 with a body: the work goes on, and location, such as of Member, tells where to look.
func Accepted(location string, body any) Response {
	return Response{Status: http.StatusAccepted, Body: body, Header: map[string]string{"Location": location}}
}

// Member refers to the member id of the collection that was asked for, relative to the request's own URI (RFC 3986, 5.2). A
// reference from the root would lose what stands before the API's paths: the stage, or the base path of a custom domain.
func (r *Request) Member(id string) string {
	collection := r.path[strings.LastIndex(r.path, "/")+1:] // empty behind a slash at the end
	if collection == "" {
		return id
	}
	return collection + "/" + id
}

// bodiless is the answer to HEAD: that to GET, without the body.
func (res Response) bodiless(yes bool) Response {
	res.unsaid = yes
	return res
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

// Idempotency identifies the request for package idempotency: the key that the client sent is the caller's own, for this
// operation. A request is the same if it says the same, however it is written: operation, parameters of the path and of the
// query, and body.
func (r *Request) Idempotency() idempotency.Request {
	path, query := map[string]any{}, map[string]any{}
	for name, v := range r.Path {
		path[name] = v
	}
	for name, values := range r.Query {
		query[name] = strings.Join(values, ",") // the contract lets each be given once
	}
	return idempotency.Request{
		Scope: r.Caller.Subject + "#" + r.operation, Key: r.Header.Get("Idempotency-Key"),
		Hash:     idempotency.Hash([]byte(r.operation), jcs.Append(nil, path), jcs.Append(nil, query), r.Body),
		Formerly: r.formerly,
	}
}
