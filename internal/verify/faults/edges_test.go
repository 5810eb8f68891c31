package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"orderflow/internal/dev/faultserver"
	"orderflow/internal/gateway"
	"orderflow/internal/gateway/graph"
	"orderflow/internal/gateway/rpc"
	"orderflow/internal/gateway/services"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
)

// late is the overrun of a deadline allowed on a busy machine.
const late = 500 * time.Millisecond

// breakable starts a server that can be broken, until the test ends.
func breakable(t *testing.T, h http.Handler) *faultserver.Server {
	t.Helper()
	s, err := faultserver.New(h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// guarded returns the configuration of an edge's clients of the dependencies at addresses, with
// circuits as package outbound makes them.
func guarded(t *testing.T, addresses registry.Fixed) func(dependency string) httpclient.Config {
	fastClock := fast{time.Now()}
	log, transport := memdb.NewLog(fastClock), httpclient.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return func(dependency string) httpclient.Config {
		return httpclient.Config{
			Dependency: dependency, Endpoints: addresses, Clock: clock.System{}, Transport: transport,
			Breaker: resilience.NewBreaker(dependency, log, settings, fastClock,
				envelope.Publisher{Service: "gateway", Clock: fastClock, IDs: ids.Random(fastClock)}),
		}
	}
}

// backends starts a server for each service, and returns the edges' client of them.
func backends(t *testing.T) (map[gateway.Backend]*faultserver.Server, services.Services) {
	servers, addresses := map[gateway.Backend]*faultserver.Server{}, registry.Fixed{}
	for _, b := range gateway.AllBackends {
		servers[b] = breakable(t, http.HandlerFunc(serveParts))
		addresses[string(b)] = servers[b].URL()
	}
	return servers, services.New(guarded(t, addresses))
}

var orders atomic.Int32

// newOrder returns the id of another order: the circuit counts failures of different requests.
func newOrder() string { return fmt.Sprintf("01KAQ5M3Z8V7D2X4C6B9N%05d", orders.Add(1)) }

// serveParts serves the part of the services' contract that shows orders, a page of which has two.
func serveParts(w http.ResponseWriter, r *http.Request) {
	const price = `{"currency":"EUR","amount":1999}`
	part := map[string]string{
		"orders": `{"orderId":%q,"status":"CONFIRMED","total":` + price + `,"items":[{"sku":"MUG","quantity":1,` +
			`"unitPrice":` + price + `}],"createdAt":"2026-11-23T09:00:00Z","updatedAt":"2026-11-23T09:00:04Z"}`,
		"payments":     `{"orderId":%q,"status":"CAPTURED","amount":` + price + `}`,
		"reservations": `{"orderId":%q,"status":"COMMITTED","items":[]}`,
		"shipments":    `{"orderId":%q,"status":"BOOKED"}`,
		"products":     `{"sku":%q,"name":"Mug, blue","price":` + price + `,"version":1}`,
	}
	path := strings.Split(r.URL.Path, "/") // "", "v1", kind, …, id
	kind := path[2]
	if len(path) > 3 {
		_, _ = fmt.Fprintf(w, part[kind], path[len(path)-1])
		return
	}
	wanted := strings.Split(r.FormValue("orderIds")+r.FormValue("skus"), ",")
	if kind == "orders" {
		wanted = []string{newOrder(), newOrder()}
	}
	for i, id := range wanted {
		wanted[i] = fmt.Sprintf(part[kind], id)
	}
	_, _ = fmt.Fprintf(w, `{%q:[%s]}`, kind, strings.Join(wanted, ","))
}

// A door asks an edge for orders with their parts. It fails unless all parts but the payments are
// there, and each missing payment has the code Unavailable.
type door func(ctx context.Context, s services.Services) (paid bool, err error)

func byGraphQL(ctx context.Context, s services.Services) (paid bool, err error) {
	out, _, err := graph.New(s, false).Serve(ctx, gateway.Caller{Authorization: "Bearer ada"}, graph.Request{
		Query: `{ orders { nodes { orderId payment { status } reservations { status } shipment { status }
			items { product { name } } } } }`,
	})
	if err != nil {
		return false, err
	}
	var page struct {
		Orders struct {
			Nodes []struct {
				Payment, Reservations, Shipment *struct{ Status string }
				Items                           []struct{ Product *struct{ Name string } }
			}
		}
	}
	err = json.Unmarshal(out.Data, &page)
	complete, missing := len(page.Orders.Nodes) == 2, 0
	for _, o := range page.Orders.Nodes {
		complete = complete && o.Reservations != nil && o.Shipment != nil && o.Items[0].Product != nil
		if o.Payment == nil {
			missing++
		}
	}
	for _, e := range out.Errors {
		ofPayment := strings.HasSuffix(e.Path.String(), ".payment")
		complete = complete && ofPayment && e.Extensions["code"] == gateway.Unavailable
	}
	if err != nil || !complete || missing != len(out.Errors) {
		return false, fmt.Errorf("%s %v %w", out.Data, out.Errors, err)
	}
	return missing == 0, nil
}

func byRPC(ctx context.Context, s services.Services) (paid bool, err error) {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/orderflow.v1.OrderService/GetOrderSummary",
		strings.NewReader(`{"orderId":"`+newOrder()+`"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	rpc.New(s, nil).ServeHTTP(w, r)
	var out struct {
		Order, Payment, Reservations, Shipment *struct{ Status string }
		PaymentError                           *struct{ Code string }
	}
	err = json.Unmarshal(w.Body.Bytes(), &out)
	complete := out.Order != nil && out.Reservations != nil && out.Shipment != nil
	explained := out.PaymentError != nil && out.PaymentError.Code == gateway.Unavailable
	if err != nil || w.Code != http.StatusOK || !complete || explained == (out.Payment != nil) {
		return false, fmt.Errorf("%d %s %w", w.Code, w.Body, err)
	}
	return out.Payment != nil, nil
}

// ask asks n times at once, each within a time, and reports whether any payment was there.
func ask(t *testing.T, d door, s services.Services, n int, within time.Duration) (paid bool) {
	t.Helper()
	some := make([]bool, n)
	err := concurrent.Do(n, n, func(i int) (err error) {
		began := time.Now()
		some[i], err = d(t.Context(), s)
		if took := time.Since(began); took > within+late {
			err = errors.Join(err, fmt.Errorf("took %s", took))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, p := range some {
		paid = paid || p
	}
	return paid
}

func TestEdgesServeTheRestWhilePaymentsAreDown(t *testing.T) {
	doors := map[string]door{"GraphQL": byGraphQL, "RPC": byRPC}
	for _, f := range append(dead, faultserver.Reset, faultserver.Truncated, faultserver.Garbage, faultserver.NotJSON) {
		for name, d := range doors {
			t.Run(name+", "+f.Name, func(t *testing.T) {
				t.Parallel()
				servers, s := backends(t)
				if !ask(t, d, s, 1, gateway.SummaryTimeout) {
					t.Fatal("no payment before the fault")
				}
				if err := servers[gateway.Payments].Set(f); err != nil {
					t.Fatal(err)
				}
				if ask(t, d, s, settings.Row, gateway.SummaryTimeout) {
					t.Error("a payment during the fault")
				}
				time.Sleep(time.Second/speed + 20*time.Millisecond) // a process caches the circuit for a second
				if ask(t, d, s, 3, 0) {                             // the open circuit costs no time
					t.Error("a payment of the open circuit")
				}
				if err := servers[gateway.Payments].Set(faultserver.None); err != nil {
					t.Fatal(err)
				}
				for began := time.Now(); !ask(t, d, s, 1, gateway.SummaryTimeout); time.Sleep(100 * time.Millisecond) {
					if time.Since(began) > 5*time.Second {
						t.Fatal("no payment after the fault")
					}
				}
			})
		}
	}
}
