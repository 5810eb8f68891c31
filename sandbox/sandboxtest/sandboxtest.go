// Package sandboxtest runs the sandbox's payment provider, carrier and old shop in memory, and lets
// tests act on the third parties' own sites.
package sandboxtest

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
)

// Config returns the configuration of a client that calls h, registered as name, without a network
// and without retries.
func Config(name string, h http.Handler) httpclient.Config {
	return httpclient.Config{
		Endpoints: registry.Fixed{name: "http://sandbox.test"}, Clock: clock.System{},
		Retry: resilience.Policy{Attempts: 1}, Transport: transport{h},
	}
}

// transport serves requests with a handler.
type transport struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Body == nil {
		r.Body = http.NoBody // as a server does
	}
	w := httptest.NewRecorder()
	t.ServeHTTP(w, r)
	return w.Result(), nil
}

// numbers is an ids.Source for short ids: charges are ch_1, ch_2 and so on.
type numbers struct{ last atomic.Int64 }

// New returns the next id.
func (n *numbers) New() string { return strconv.FormatInt(n.last.Add(1), 10) }

// must panics if the in-memory sandbox fails, which only a mistake in a test can cause.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
