package faults

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"orderflow/internal/dev/faultserver"
	"orderflow/internal/payments"
	"orderflow/internal/payments/provider"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
)

const (
	attempt  = 200 * time.Millisecond  // limit of an attempt
	deadline = 1200 * time.Millisecond // limit of a call
	margin   = 20 * time.Millisecond   // reserve of that
	slack    = 200 * time.Millisecond  // overrun of a deadline allowed on a busy machine

	// elsewhere is the target of redirects, which no client may follow.
	elsewhere = "/elsewhere"
	// speed is the factor by which the circuits' clock is faster than the machine's.
	speed = 10
	// processes is the number of processes that a world begins with.
	processes = 3
)

// settings are the real ones, except the first open time of a circuit.
var settings = func() resilience.Settings {
	s := resilience.DefaultSettings
	s.OpenFor = 10 * time.Second // of the fast clock
	return s
}()

// fast is the circuits' clock.
type fast struct{ began time.Time }

func (f fast) Now() time.Time { return f.began.Add(time.Since(f.began) * speed).UTC() }

// retry is the real policy, a hundred times faster.
var retry = resilience.Policy{
	Attempts: resilience.DefaultPolicy.Attempts, Base: resilience.DefaultPolicy.Base / 100,
	Max: resilience.DefaultPolicy.Max / 100,
}

// world is a provider and the processes that call it.
type world struct {
	server       *faultserver.Server
	names        *names
	url          string
	clock        fast
	log          *memdb.Log
	sent, probes atomic.Int64 // requests of all processes: of calls, and probes of a half-open circuit
	processes    []*process
}

// process is one process of a function: an adapter with its own client and connections.
type process struct {
	provider.Provider
	transport *http.Transport
}

func newWorld(s Scenario) (w *world, err error) {
	w = &world{clock: fast{time.Now()}}
	w.log = memdb.NewLog(w.clock)
	start := faultserver.New
	if s.TLS {
		start = faultserver.NewTLS
	}
	if w.server, err = start(http.HandlerFunc(charge)); err != nil {
		return nil, err
	}
	w.url = w.server.URL()
	if s.Names != nameKnown {
		if w.names, err = newNames(); err != nil {
			w.server.Close()
			return nil, err
		}
		w.url = strings.Replace(w.url, "127.0.0.1", host, 1)
	}
	for range processes {
		w.process(func(*httpclient.Config) {})
	}
	return w, nil
}

// charge is the healthy provider.
func charge(w http.ResponseWriter, r *http.Request) {
	var in struct{ Reference string }
	if r.Method == http.MethodPost {
		_ = json.NewDecoder(r.Body).Decode(&in) // the test of the adapter checks the request
		w.WriteHeader(http.StatusCreated)
	}
	_, _ = fmt.Fprintf(w, `{"id":"ch_1","reference":%q,"status":"AUTHORIZED"}`, in.Reference)
}

func (w *world) close() {
	for _, p := range w.processes {
		p.transport.CloseIdleConnections()
	}
	w.server.Close()
	if w.names != nil {
		w.names.close()
	}
}

// process starts another process, which ends with the world.
func (w *world) process(edit func(*httpclient.Config)) *process {
	t := httpclient.NewTransport()
	t.Proxy = nil
	if roots := w.server.Roots(); roots != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	if w.names != nil {
		t.DialContext = (&net.Dialer{Timeout: attempt, Resolver: w.names.resolver()}).DialContext
	}
	c := httpclient.Config{
		Endpoints: registry.Fixed{provider.Name: w.url}, Clock: clock.System{}, Timeout: attempt, Retry: retry,
		Margin: margin, Transport: counting{t, w},
		Breaker: resilience.NewBreaker(provider.Name, w.log, settings, w.clock,
			envelope.Publisher{Service: "payments", Clock: w.clock, IDs: ids.Random(w.clock)}),
	}
	edit(&c)
	p := &process{provider.New(c), t}
	w.processes = append(w.processes, p)
	return p
}

// counting counts a process's requests.
type counting struct {
	http.RoundTripper
	w *world
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Path, "/ledger") {
		c.w.probes.Add(1)
	} else {
		c.w.sent.Add(1)
	}
	return c.RoundTripper.RoundTrip(r)
}

// set starts or ends the scenario's fault.
func (w *world) set(s Scenario, broken bool) error {
	f, n := s.Fault, s.Names
	if !broken {
		f, n = faultserver.None, nameKnown
	}
	if w.names != nil {
		w.names.fault.Store(n)
		w.server.DropConnections() // open connections need no lookup
	}
	return w.server.Set(f)
}

// outcome is a caller's result and its time.
type outcome struct {
	err  error
	took time.Duration
}

// authorize makes one call with the given key and deadline.
func (p *process) authorize(ctx context.Context, key string, within time.Duration) outcome {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	began := time.Now()
	_, err := p.Authorize(ctx, payments.Authorization{
		Reference: key, IdempotencyKey: key, Amount: money.Money{Currency: "EUR", Amount: 1000},
		PaymentMethod: "pm_card",
	})
	return outcome{err, time.Since(began)}
}
