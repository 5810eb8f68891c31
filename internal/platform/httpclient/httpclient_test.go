package httpclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/platform/tracing"
)

const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// serve starts a dependency and returns a client that makes one attempt.
func serve(t *testing.T, handle http.HandlerFunc) *httpclient.Client {
	t.Helper()
	return httpclient.New(config(t, handle))
}

func config(t *testing.T, handle http.HandlerFunc) httpclient.Config {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return httpclient.Config{
		Dependency: "teapot", Endpoints: registry.Fixed{"teapot": server.URL}, Clock: clock.System{},
		Timeout: 5 * time.Second, Retry: resilience.Policy{Attempts: 1},
	}
}

// get makes a call and returns the decoded response.
func get(t *testing.T, c *httpclient.Client) (answer struct{ Cups int }, err error) {
	t.Helper()
	return answer, c.Do(t.Context(), httpclient.Request{Method: http.MethodGet, Path: "/pots"}, &answer)
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestResponseIsDecoded(t *testing.T) {
	for _, status := range []int{200, 201, 202} {
		c := serve(t, answering(status, `{"cups":3}`))
		if got, err := get(t, c); err != nil || got.Cups != 3 {
			t.Errorf("%d: %+v, %v", status, got, err)
		}
	}
	c := serve(t, answering(204, ""))
	if err := c.Do(t.Context(), httpclient.Request{Method: http.MethodPost}, nil); err != nil {
		t.Errorf("response not decoded: %v", err)
	}
}

func TestRequestHasItsHeadersAndBody(t *testing.T) {
	var got *http.Request
	var body []byte
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r; body, _ = io.ReadAll(r.Body) })
	err := c.Do(tracing.With(t.Context(), trace), httpclient.Request{
		Method: http.MethodPost, Path: "/pots", IdempotencyKey: "k-1", Authorization: "Bearer x",
		Body: map[string]int{"cups": 3},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Idempotency-Key": "k-1", "Authorization": "Bearer x",
		"traceparent": trace, "Content-Type": "application/json"} {
		if got.Header.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if got.Method != http.MethodPost || got.URL.Path != "/pots" || string(body) != `{"cups":3}` {
		t.Errorf("%s %s %s", got.Method, got.URL.Path, body)
	}
	if err := c.Do(t.Context(), httpclient.Request{Method: http.MethodGet}, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Idempotency-Key", "Authorization", "traceparent", "Content-Type"} {
		if v, ok := got.Header[http.CanonicalHeaderKey(name)]; ok {
			t.Errorf("%s = %q was sent, want none", name, v)
		}
	}
}

func TestRefusalIsAStatusErrorWithTheBody(t *testing.T) {
	for _, status := range []int{400, 401, 402, 404, 409, 422} {
		c := serve(t, answering(status, `{"code":"no"}`))
		_, err := get(t, c)
		var refused *httpclient.StatusError
		if !errors.As(err, &refused) || refused.Status != status || string(refused.Body) != `{"code":"no"}` {
			t.Errorf("%d: %v", status, err)
		}
		var f *fault.Error
		if errors.As(err, &f) {
			t.Errorf("%d: %v has the kind %d; the caller decides what a refusal means", status, err, f.Kind)
		}
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var followed bool
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if followed = r.URL.Path == "/elsewhere"; !followed {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}
	})
	_, err := get(t, c)
	var refused *httpclient.StatusError
	if followed || !errors.As(err, &refused) || refused.Status != http.StatusTemporaryRedirect {
		t.Errorf("followed: %v, error %v", followed, err)
	}
}

func TestTemporaryFailuresAreTransient(t *testing.T) {
	hijack := func(write string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, write)
			_ = conn.Close()
		}
	}
	for name, handle := range map[string]http.HandlerFunc{
		"408":        answering(http.StatusRequestTimeout, ""),
		"425":        answering(http.StatusTooEarly, ""),
		"429":        answering(http.StatusTooManyRequests, ""),
		"500":        answering(http.StatusInternalServerError, "stack trace"),
		"503":        answering(http.StatusServiceUnavailable, ""),
		"reset":      hijack(""),
		"not HTTP":   hijack("220 ESMTP\r\n"),
		"truncated":  hijack("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"cups\":"),
		"not JSON":   answering(200, "<html>"),
		"empty":      answering(200, ""),
		"wrong type": answering(200, `{"cups":"many"}`),
		"oversized":  answering(200, `{"cups":3,"pad":"`+strings.Repeat("x", 1<<20)+`"}`),
	} {
		c := serve(t, handle)
		_, err := get(t, c)
		wantTransient(t, name, err)
	}
	down := config(t, nil)
	down.Transport = unreachable{}
	_, err := get(t, httpclient.New(down))
	wantTransient(t, "unreachable", err)
}

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}

func TestTimeoutCoversTheWholeResponse(t *testing.T) {
	for name, first := range map[string]string{"no answer": "", "half an answer": `{"cups":`} {
		end := make(chan struct{})
		slow := config(t, func(w http.ResponseWriter, _ *http.Request) {
			if first != "" {
				_, _ = io.WriteString(w, first)
				_ = http.NewResponseController(w).Flush()
			}
			<-end
		})
		slow.Timeout = 50 * time.Millisecond
		_, err := get(t, httpclient.New(slow))
		close(end)
		wantTransient(t, name, err)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want a deadline", name, err)
		}
	}
}

func TestUnencodableRequestIsADefect(t *testing.T) {
	for name, r := range map[string]httpclient.Request{
		"address": {Method: http.MethodGet, Path: "/\x7f"},
		"body":    {Method: http.MethodPost, Body: json.RawMessage("{")},
	} {
		c := serve(t, answering(200, "{}"))
		if err := c.Do(t.Context(), r, nil); fault.KindOf(err) != fault.Internal {
			t.Errorf("%s: %v, want an internal error", name, err)
		}
	}
}

// wantTransient also checks that the fault's detail has nothing that the dependency sent.
func wantTransient(t *testing.T, name string, err error) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Transient || f.Detail != "teapot did not respond correctly" {
		t.Errorf("%s: %v, want a transient fault", name, err)
	}
}
