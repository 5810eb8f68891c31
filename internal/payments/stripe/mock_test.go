package stripe_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/payments/providertest"
	"orderflow/internal/payments/stripe"
	"orderflow/internal/payments/stripe/stripetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
)

// stripeMock is Stripe's own stateless server: it validates requests against Stripe's OpenAPI
// document and responds with examples. It is built separately, since its module has old
// dependencies and 22 MB of documents.
const stripeMock = "github.com/stripe/stripe-mock"

// endpoints are those that the adapter uses; the suite must call them all.
var endpoints = []string{
	"GET /v1/disputes", "GET /v1/payment_intents", "GET /v1/payment_intents/search", "GET /v1/payment_intents/{intent}",
	"POST /v1/payment_intents", "POST /v1/payment_intents/{intent}/cancel", "POST /v1/payment_intents/{intent}/capture",
	"POST /v1/payment_intents/{intent}/confirm", "POST /v1/refunds",
}

// TestFakeAgreesWithStripesOpenAPIDocument runs the suite and sends every request to stripe-mock,
// too: Stripe's document must allow the request, and our fake's response must have the form of
// Stripe's example.
func TestFakeAgreesWithStripesOpenAPIDocument(t *testing.T) {
	mock := startMock(t)
	both := &both{t: t, mock: mock, seen: map[string]int{}}
	open := func(t *testing.T) (*stripetest.Server, payments.Provider) {
		c := clock.At(start)
		server := stripetest.New(c.Now)
		server.Searchable = true
		web := httptest.NewServer(server)
		t.Cleanup(web.Close)
		key := func(context.Context) ([]byte, error) { return []byte(stripetest.Key), nil }
		config := httpclient.Config{
			Endpoints: registry.Fixed{stripe.Name: web.URL}, Clock: c, Retry: resilience.Policy{Attempts: 1},
			Transport: both,
		}
		return server, stripe.New(config, key, &ids.Sequence{}, "https://shop.example/checkout")
	}
	providertest.Run(t, func(t *testing.T) (payments.Provider, providertest.Dashboard) {
		server, p := open(t)
		return p, server
	})
	server, p := open(t)
	held, err := p.Authorize(t.Context(), authorization("pm_card_visa"))
	if err != nil {
		t.Fatal(err)
	}
	server.Dispute(held.ID, "needs_response")
	if _, _, err := p.Find(t.Context(), subject(held.ID)); err != nil {
		t.Error(err)
	}
	if got := slices.Sorted(maps.Keys(both.seen)); !slices.Equal(got, endpoints) {
		t.Errorf("the suite called\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(endpoints, "\n"))
	}
}

// both sends a request to our fake and to stripe-mock and compares the responses.
type both struct {
	t    *testing.T
	mock string
	mu   sync.Mutex
	seen map[string]int
}

var intentID = regexp.MustCompile(`^/v1/payment_intents/(pi_|no_)[^/]*`)

// RoundTrip implements http.RoundTripper.
func (b *both) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	twin, err := http.NewRequestWithContext(r.Context(), r.Method, b.mock+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	twin.Header = r.Header.Clone()
	r.Body = io.NopCloser(bytes.NewReader(body))
	ours, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer, _ := io.ReadAll(ours.Body)
	_ = ours.Body.Close()
	ours.Body = io.NopCloser(bytes.NewReader(answer))
	theirs, err := http.DefaultTransport.RoundTrip(twin)
	if err != nil {
		return nil, err
	}
	defer func() { _ = theirs.Body.Close() }()
	example, _ := io.ReadAll(theirs.Body)
	call := r.Method + " " + intentID.ReplaceAllString(r.URL.Path, "/v1/payment_intents/{intent}")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen[call]++
	if theirs.StatusCode != http.StatusOK {
		b.t.Errorf("stripe-mock rejects %s %s: %s", call, body, example)
	} else if ours.StatusCode == http.StatusOK {
		var got, want any
		_, _ = json.Unmarshal(answer, &got), json.Unmarshal(example, &want)
		for _, d := range differences(call, got, want) {
			b.t.Error(d)
		}
	}
	return ours, nil
}

// differences lists members of got that want lacks or has with another type. null matches any type;
// only the first item of a list is compared.
func differences(at string, got, want any) []string {
	if got == nil || want == nil {
		return nil
	}
	switch g := got.(type) {
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is an object here, %T at Stripe", at, want)}
		}
		var all []string
		// The examples of these are almost empty.
		open := strings.HasSuffix(at, ".metadata") || strings.HasSuffix(at, ".last_payment_error") ||
			strings.HasSuffix(at, ".next_action")
		for name, v := range g {
			if other, ok := w[name]; !ok && !open {
				all = append(all, at+"."+name+" is unknown to Stripe")
			} else {
				all = append(all, differences(at+"."+name, v, other)...)
			}
		}
		return all
	case []any:
		if w, ok := want.([]any); ok && len(g) > 0 && len(w) > 0 {
			return differences(at+"[0]", g[0], w[0])
		}
		return nil
	}
	if g, w := fmt.Sprintf("%T", got), fmt.Sprintf("%T", want); g != w {
		return []string{at + " is a " + g + " here, a " + w + " at Stripe"}
	}
	return nil
}

// startMock builds stripe-mock, runs it until the test ends, and returns its base URL.
func startMock(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(root, ".build", "stripe-mock")
	// Built each time, so it has the pinned version. Without changes that is fast.
	module := filepath.Join(root, "tools", "stripe-mock")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", module, "-o", program, stripeMock)
	build.Env = append(os.Environ(), "GOFLAGS=-mod=readonly")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	server := exec.CommandContext(t.Context(), program, "-http-addr", "127.0.0.1:")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill() // it may have exited
		_ = server.Wait()
	})
	address := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, after, ok := strings.Cut(lines.Text(), "address: "); ok {
				address <- after
			}
		}
	}()
	select {
	case a := <-address:
		return "http://" + a
	case <-time.After(20 * time.Second):
		t.Fatal("stripe-mock did not report its address")
		return ""
	}
}
