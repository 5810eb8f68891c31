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

// stripeMock is Stripe's own stateless server: it holds every request to Stripe's OpenAPI document, and answers with
// an example. It is a program of its own and no dependency, since its module has old ones and 22 MB of documents.
const stripeMock = "github.com/stripe/stripe-mock"

// endpoints are those that the adapter calls; the suite must make them all.
var endpoints = []string{
	"GET /v1/disputes", "GET /v1/payment_intents", "GET /v1/payment_intents/search", "GET /v1/payment_intents/{intent}",
	"POST /v1/payment_intents", "POST /v1/payment_intents/{intent}/cancel", "POST /v1/payment_intents/{intent}/capture",
	"POST /v1/payment_intents/{intent}/confirm", "POST /v1/refunds",
}

// TestStripesOwnDocumentAgrees runs the suite while every request also goes to stripe-mock: it must be one that Stripe's document
// allows, and what our fake answers must have the form of Stripe's example.
func TestStripesOwnDocumentAgrees(t *testing.T) {
	mock := startMock(t)
	both := &both{t: t, mock: mock, seen: map[string]int{}}
	open := func(t *testing.T) (*stripetest.Server, payments.Provider) {
		c := clock.At(start)
		server := stripetest.New(c.Now)
		server.Searchable = true
		web := httptest.NewServer(server)
		t.Cleanup(web.Close)
		key := func(context.Context) ([]byte, error) { return []byte(stripetest.Key), nil }
		config := httpclient.Config{Endpoints: registry.Fixed{stripe.Name: web.URL}, Clock: c, Retry: resilience.Policy{Attempts: 1}, Transport: both}
		return server, stripe.New(config, key, &ids.Sequence{})
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
	if _, _, err := p.Find(t.Context(), about(held.ID)); err != nil {
		t.Error(err)
	}
	if got := slices.Sorted(maps.Keys(both.seen)); !slices.Equal(got, endpoints) {
		t.Errorf("the suite made the calls\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(endpoints, "\n"))
	}
}

// both sends a request to our fake and to stripe-mock, and compares.
type both struct {
	t    *testing.T
	mock string
	mu   sync.Mutex
	seen map[string]int
}

var intentID = regexp.MustCompile(`^/v1/payment_intents/(pi_|no_)[^/]*`)

// RoundTrip is part of http.RoundTripper.
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
		b.t.Errorf("stripe-mock refuses %s %s: %s", call, body, example)
	} else if ours.StatusCode == http.StatusOK {
		var got, want any
		_, _ = json.Unmarshal(answer, &got), json.Unmarshal(example, &want)
		for _, d := range differences(call, got, want) {
			b.t.Error(d)
		}
	}
	return ours, nil
}

// differences tells what got has that want has not, or of another type. null is any type, and of a list the first counts.
func differences(at string, got, want any) []string {
	if got == nil || want == nil {
		return nil
	}
	switch g := got.(type) {
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is an object with us, and %T with Stripe", at, want)}
		}
		var all []string
		for name, v := range g {
			if other, ok := w[name]; !ok && !strings.HasSuffix(at, ".metadata") && !strings.HasSuffix(at, ".last_payment_error") { // of which the example has next to nothing
				all = append(all, at+"."+name+" is not known to Stripe")
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
		return []string{at + " is a " + g + " with us, and a " + w + " with Stripe"}
	}
	return nil
}

// startMock builds stripe-mock once for a repository, runs it until the test ends, and returns its base URL.
func startMock(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(root, ".build", "stripe-mock")
	// Built each time, which takes a moment where nothing has changed: so it is of the version that is pinned now.
	build := exec.CommandContext(t.Context(), "go", "build", "-C", filepath.Join(root, "tools", "stripe-mock"), "-o", program, stripeMock)
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
		_ = server.Process.Kill() // it may have ended
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
		t.Fatal("stripe-mock does not say where it listens")
		return ""
	}
}
