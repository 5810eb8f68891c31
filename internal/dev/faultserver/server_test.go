package faultserver_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"orderflow/internal/dev/faultserver"
)

func proxy(t *testing.T) *faultserver.Server {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Method+" "+r.URL.String()+" "+string(body))
	}))
	t.Cleanup(upstream.Close)
	s, err := faultserver.NewProxy(upstream.URL + "/base")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func post(t *testing.T, s *faultserver.Server) (answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+"/charges?a=1", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("Retry-After"), string(b)}, err
}

// answer is a response.
type answer struct {
	status           int
	retryAfter, body string
}

func set(t *testing.T, s *faultserver.Server, f faultserver.Fault) {
	t.Helper()
	if err := s.Set(f); err != nil {
		t.Fatal(err)
	}
}

func TestProxyPassesOnRequestsWithoutAFault(t *testing.T) {
	s := proxy(t)
	for _, f := range []faultserver.Fault{faultserver.None, faultserver.Latency(20 * time.Millisecond),
		faultserver.Hang.For(0)} {
		set(t, s, f)
		if a, err := post(t, s); err != nil || a.body != "POST /base/charges?a=1 body" {
			t.Errorf("%s: %q, %v", f.Name, a.body, err)
		}
	}
	if a := s.Arrivals(); s.Requests() != 3 || s.Connections() != 1 || a[1].Fault != "latency" ||
		a[0].Path != "/charges" || a[2].At.Before(a[0].At) {
		t.Errorf("%d connections, %+v", s.Connections(), a)
	}
}

func TestServerRecoversAtItsAddressAfterEveryFault(t *testing.T) {
	s := proxy(t)
	for _, f := range []faultserver.Fault{
		faultserver.Down, faultserver.Silent, faultserver.Hang, faultserver.Reset, faultserver.Truncated,
		faultserver.Garbage, faultserver.SlowBody(time.Millisecond),
	} {
		set(t, s, f)
		if a, err := post(t, s); err == nil {
			t.Errorf("%s: no error, but %q", f.Name, a.body)
		} else if f.Name == faultserver.Down.Name && !errors.Is(err, syscall.ECONNREFUSED) ||
			f.Name == faultserver.Reset.Name && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: %v", f.Name, err)
		}
		set(t, s, faultserver.None)
		if a, err := post(t, s); err != nil || a.body == "" {
			t.Errorf("after %s: %q, %v", f.Name, a.body, err)
		}
	}
}

func TestStatusHasItsRetryAfter(t *testing.T) {
	s := proxy(t)
	set(t, s, faultserver.Status(429, 3*time.Second).For(1))
	if a, err := post(t, s); err != nil || a.status != 429 || a.retryAfter != "3" {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := post(t, s); err != nil || a.status != 200 {
		t.Errorf("the second: %+v, %v", a, err)
	}
	set(t, s, faultserver.Status(500, 0))
	if a, err := post(t, s); err != nil || a.status != 500 || a.retryAfter != "" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestSilentConnectionStaysSilent(t *testing.T) {
	s := proxy(t)
	if _, err := post(t, s); err != nil {
		t.Fatal(err)
	}
	set(t, s, faultserver.Silent)
	set(t, s, faultserver.None)
	if _, err := post(t, s); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want no response on the old connection", err)
	}
	if _, err := post(t, s); err != nil || s.Connections() != 2 {
		t.Errorf("%v, %d connections; want a new one", err, s.Connections())
	}
}
