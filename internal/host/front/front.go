// Package front is to a process what API Gateway is to functions on AWS: it routes a request by the
// contract, verifies its token, limits rate and size, hands it to the operation's function as the
// same event, and sends the function's answer. Its own answers are those that the contract defines
// for API Gateway (x-amazon-apigateway-gateway-responses). Functions check every request again, as
// they do on AWS.
package front

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/api"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpapi"
)

// preflights is the function that answers OPTIONS for the whole API.
const preflights = "check-liveness"

// maxBody is the size of the largest request. API Gateway accepts more, but functions do not.
// Functions of another protocol refuse larger bodies themselves, in that protocol.
func (t target) maxBody() int64 {
	if t.opaque {
		return 2 * httpapi.MaxBody
	}
	return httpapi.MaxBody
}

// Tokens verifies bearer tokens; see package bearer.
type Tokens interface {
	Verify(ctx context.Context, authorization []string) (map[string]any, error)
}

// Options configure a Front.
type Options struct {
	// Invoke runs a function.
	Invoke func(ctx context.Context, function string, payload []byte) ([]byte, error)
	Tokens Tokens
	// Settings are the API's; see Read.
	Settings Settings
	// AnyOrigin says that pages of any origin may read the front's own answers.
	AnyOrigin bool
	Clock     clock.Clock
}

// Front serves the contract.
type Front struct {
	Options
	routes  routes
	own     map[string]answer
	buckets map[method]*bucket
}

// New returns a front of the contract.
func New(o Options) (*Front, error) {
	f := &Front{Options: o, routes: routes{}, buckets: map[method]*bucket{}}
	all, err := api.Operations()
	if err != nil {
		return nil, err
	}
	for _, op := range all {
		f.routes.add(op)
	}
	for m, limit := range o.Settings.Limits {
		f.buckets[m] = newBucket(limit, o.Clock)
	}
	f.own, err = readAnswers(api.Spec(), o.AnyOrigin)
	return f, err
}

// ServeHTTP answers a request.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	w.Header().Set("x-amzn-RequestId", id)
	if refused := f.serve(w, r, id); refused != "" {
		f.own[refused].write(w, r, id)
	}
}

// Unavailable asks the client to repeat the request in a moment, at another process.
func (f *Front) Unavailable(w http.ResponseWriter, r *http.Request) {
	f.own[integrationFailed].write(w, r, requestID())
}

// serve answers a request, or returns the kind of answer to send instead.
func (f *Front) serve(w http.ResponseWriter, r *http.Request, id string) (refused string) {
	to, found := f.routes.find(r.Method, r.URL.Path)
	if !found {
		return missing
	}
	if !f.admits(method{to.path, r.Method}) {
		return throttled
	}
	in := events.APIGatewayProxyRequest{
		Resource: to.path, Path: r.URL.Path, HTTPMethod: r.Method, PathParameters: to.values,
		MultiValueQueryStringParameters: r.URL.Query(), MultiValueHeaders: r.Header,
	}
	in.RequestContext.RequestID, in.RequestContext.ResourcePath, in.RequestContext.HTTPMethod = id, to.path, r.Method
	in.RequestContext.Identity.SourceIP, _, _ = net.SplitHostPort(r.RemoteAddr)
	if !to.public {
		claims, err := f.Tokens.Verify(r.Context(), r.Header.Values("Authorization"))
		if err != nil {
			slog.DebugContext(r.Context(), "bearer token not accepted", "error", err.Error())
			if fault.KindOf(err) == fault.Unauthenticated {
				return unauthorized
			}
			return integrationFailed
		}
		in.RequestContext.Authorizer = map[string]any{"claims": claims}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, to.maxBody()))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return tooLargeBody
	}
	if err != nil {
		return badRequest
	}
	if in.Body = string(body); f.binary(r.Header.Get("Content-Type")) {
		in.Body, in.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return f.invoke(w, r, to.function, in)
}

// invoke answers with the answer of a function.
func (f *Front) invoke(w http.ResponseWriter, r *http.Request, function string, in events.APIGatewayProxyRequest,
) (refused string) {
	payload, err := json.Marshal(in)
	if err != nil {
		return badRequest
	}
	out, err := f.Invoke(r.Context(), function, payload)
	var res events.APIGatewayProxyResponse
	if err == nil {
		err = json.Unmarshal(out, &res)
	}
	if err != nil || res.StatusCode == 0 {
		if errors.Is(err, context.DeadlineExceeded) {
			return integrationLate
		}
		return integrationFailed
	}
	body := []byte(res.Body)
	if res.IsBase64Encoded {
		if body, err = base64.StdEncoding.DecodeString(res.Body); err != nil {
			return integrationFailed
		}
	}
	for name, v := range res.Headers {
		w.Header().Set(name, v)
	}
	for name, values := range res.MultiValueHeaders {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if len(body) == 0 && w.Header().Get("Content-Type") == "" { // or net/http would set one
		w.Header()["Content-Type"] = nil
	}
	w.WriteHeader(res.StatusCode)
	_, _ = w.Write(body)
	return ""
}

// binary reports whether bodies of a media type are handed over in base64.
func (f *Front) binary(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	return slices.Contains(f.Settings.Binary, media)
}

// routes are the contract's paths, split at slashes, by number of parts.
type routes map[int][]*resource

// resource is a path with the operations of its methods.
type resource struct {
	path      string
	parts     []string
	functions map[string]*api.Operation
}

// target is where a request goes.
type target struct {
	path, function string
	public, opaque bool
	values         map[string]string
}

func split(path string) []string { return strings.Split(path, "/") }

func (r routes) add(op *api.Operation) {
	parts := split(op.Path)
	i := slices.IndexFunc(r[len(parts)], func(known *resource) bool { return known.path == op.Path })
	if i < 0 {
		i = len(r[len(parts)])
		r[len(parts)] = append(r[len(parts)], &resource{op.Path, parts, map[string]*api.Operation{}})
	}
	r[len(parts)][i].functions[op.Method] = op
}

// find returns the target of a request. Of two matching paths, the one with more fixed parts wins.
// A trailing slash is ignored.
func (r routes) find(verb, path string) (to target, found bool) {
	parts := split(strings.TrimSuffix(path, "/"))
	var best *resource
	fixed := -1
	for _, candidate := range r[len(parts)] {
		if n := candidate.matches(parts); n > fixed {
			best, fixed = candidate, n
		}
	}
	if best == nil {
		return to, false
	}
	to = target{path: best.path, values: map[string]string{}}
	for i, part := range best.parts {
		if name, ok := parameter(part); ok {
			to.values[name] = parts[i]
		}
	}
	if verb == http.MethodOptions {
		to.function, to.public = preflights, true
		return to, true
	}
	if verb == http.MethodHead { // every GET has one
		verb = http.MethodGet
	}
	op := best.functions[verb]
	if op == nil {
		return to, false
	}
	to.function, to.public, to.opaque = op.Function, op.Public, op.Opaque
	return to, true
}

// matches returns the number of fixed parts that match, -1 if one does not.
func (c *resource) matches(parts []string) (fixed int) {
	for i, part := range c.parts {
		_, variable := parameter(part)
		switch {
		case variable && parts[i] != "" && utf8.ValidString(parts[i]):
		case part == parts[i] && !variable:
			fixed++
		default:
			return -1
		}
	}
	return fixed
}

func parameter(part string) (name string, ok bool) {
	name, ok = strings.CutPrefix(part, "{")
	return strings.TrimSuffix(name, "}"), ok
}
