// Package host runs the whole core in one process: every function of template.yaml, built by its
// own package and invoked in this process, behind the contract on one port. Three packages replace
// AWS and follow the same declarations: front is API Gateway, delivery is SNS, SQS and schedules,
// workflow is Step Functions. No service knows that it runs in one process.
package host

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"orderflow"
	"orderflow/internal/catalog"
	"orderflow/internal/gateway"
	"orderflow/internal/gateway/rpcserver"
	"orderflow/internal/gateway/services"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/host/cloud"
	"orderflow/internal/host/delivery"
	"orderflow/internal/host/front"
	"orderflow/internal/host/wiring"
	"orderflow/internal/inventory"
	inventoryContract "orderflow/internal/inventory/contract"
	"orderflow/internal/notifications"
	"orderflow/internal/orders"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/outbound"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/platform/workflow"
	"orderflow/sandbox/assortment"
)

// Name is the stack's name.
const Name = "orderflow"

// Options configure a host.
type Options struct {
	Tokens front.Tokens
	// Origins are those whose web pages may call the API.
	Origins []string
	// TrackingURL is the carrier's page, with {trackingNumber} for the shipment's; "" for none.
	TrackingURL string
	// Throttled says that the API applies the declared rate limits.
	Throttled bool
	// Reserved is how many invocations of each function that calls others may run at a time; 0 for
	// no limit.
	Reserved int
	// Key is the access key of operators' calls under /aws, and of calls of the sandbox.
	Key string
	// OpenSandbox says that everybody may call the sandbox.
	OpenSandbox bool
	// Keep is the number of finished orders that are kept, besides those of the last quarter of an
	// hour.
	Keep int
	// Outside are the addresses of third parties outside this process, by name.
	Outside map[string]string
	Metrics io.Writer
	Env     *function.Env
	// After plans the waits of sagas by Env's clock; the system's if nil. See workflow.Options.
	After func(d time.Duration, do func()) (stop func())
	// Tables keep everything; nil keeps it in memory.
	Tables *Tables
	// Lease is how long the process may be silent before another one takes over; 0 means 5 s.
	Lease time.Duration
	// Mailer sends mails; with nil, the sandbox keeps the latest ones.
	Mailer notifications.Mailer
	// Log is what is logged, for operators. It may be nil.
	Log *cloud.Lines
}

// Host is the core in one process.
type Host struct {
	front     *front.Front
	rpc       *rpcserver.Server
	sandbox   *sandbox
	engine    *workflow.Engine
	delivery  *delivery.Delivery
	feeds     []feed
	functions map[string]function.Handler
	cloud     *cloud.Cloud
	stocked   func(context.Context) error
	orders    orders.Store
	clock     clock.Clock
	forget    *forgetter // nil if nothing is forgotten
	lasting   bool       // the stores outlive the process
	open      bool       // the sandbox
	work      work
	driving   chan struct{} // closed when it first gets the lease
	once      sync.Once     // closes it
}

// New returns a host with the sandbox's third parties inside.
func New(ctx context.Context, o Options) (*Host, error) {
	template, err := cfn.Parse(orderflow.Template)
	if err != nil {
		return nil, err
	}
	stack, err := cfn.New(template, Name, map[string]string{
		"AllowedOrigins": strings.Join(o.Origins, ","), "TrackingUrl": o.TrackingURL,
		"ReservedConcurrency": strconv.Itoa(o.Reserved),
	})
	if err != nil {
		return nil, err
	}
	wired, err := wiring.Read(Name, stack)
	if err != nil {
		return nil, err
	}
	h := &Host{clock: o.Env.Clock, open: o.OpenSandbox, driving: make(chan struct{})}
	var all *kept
	if o.Tables == nil {
		all, h.forget = inMemory(o.Keep, o.Env.Clock)
	} else if all, err = inTables(ctx, *o.Tables, o.Env.Clock); err != nil {
		return nil, err
	}
	h.orders, h.lasting = all.stores.Orders, all.lasting
	drives := func() bool { return h.engine.Leads() }
	h.delivery = delivery.New(wired, h.Invoke, drives, all.messages, o.Env.Clock, o.Env.IDs)
	if err := h.openEngine(stack, all.journal, o); err != nil {
		return nil, err
	}
	keys := Keys{secret(), secret(), secret(), secret()}
	hosts := front.Inside{}
	h.cloud = &cloud.Cloud{Stack: Name, Key: o.Key, Engine: h.engine, Delivery: h.delivery, Clock: o.Env.Clock,
		Invoke: h.Invoke, Log: o.Log, Secrets: keys.named(), Records: all.records,
		Circuits: map[string]resilience.CircuitLog{}, Intake: all.stores.Orders}
	for service, log := range all.stores.Logs {
		h.cloud.Circuits[service] = log
	}
	at := register(&h.cloud.Parameters, o.Outside)
	h.sandbox = newSandbox(o.Env.Clock, o.Env.IDs, keys, hosts, at, all.ledgers, mailbox{all.records, o.Env.Clock})
	hosts["aws"] = h.cloud
	o.Env.Client = &http.Client{Transport: hosts}
	out := Outside{
		Sagas: sagas{h.engine}, Mailer: o.Mailer, Keys: keys, Addresses: at, Shadows: shadows{h.delivery},
		Topic: func(service string) Topic {
			return all.topic(delivery.Topic{Delivery: h.delivery, Service: service})
		},
		Calls: func(env *function.Env, service string, log resilience.CircuitLog) outbound.Caller {
			return outbound.Over(env, service, log, at, hosts)
		},
		Routes: h.readRoutes,
	}
	if out.Mailer == nil {
		out.Mailer = h.sandbox.mails
	}
	composed, err := compose(o.Env, stack, all.stores, out)
	if err != nil {
		return nil, err
	}
	if h.functions, err = start(o.Metrics, o.Env, wired, composed); err != nil {
		return nil, err
	}
	for name := range h.functions {
		if strings.HasPrefix(name, "relay-") {
			h.cloud.Relays = append(h.cloud.Relays, name)
		}
	}
	h.feeds = all.feeds(h)
	if err := h.openFront(ctx, stack, o, hosts, at, all.stores.Logs["gateway"]); err != nil {
		return nil, err
	}
	h.stocked = func(ctx context.Context) error { return stock(ctx, o.Env, all.stores) }
	return h, nil
}

// routes is the parameter with the strangler's table of routes.
const routes = stage + "legacy-routes"

func (h *Host) readRoutes(context.Context) (string, error) {
	text, found := h.cloud.Parameters.Value(routes)
	if !found {
		return "", strangler.ErrNoTable
	}
	return text, nil
}

func (h *Host) openEngine(stack *cfn.Stack, journal workflow.Journal, o Options) error {
	machines, err := wiring.Machines(stack, orderflow.Machines)
	if err != nil {
		return err
	}
	h.engine = workflow.New(workflow.Options{
		Machines: machines, Call: workflow.Blocking(h.Invoke), Journal: journal, Owner: rand.Text(), Lease: o.Lease,
		Clock: o.Env.Clock, After: o.After,
		Ended: func(ctx context.Context, x workflow.Execution) error {
			return h.delivery.Ended(ctx, x.Machine, x.Name, string(x.Status))
		},
	})
	return nil
}

// openFront opens the API, for clients and for the functions that call services, and native gRPC.
func (h *Host) openFront(
	ctx context.Context, stack *cfn.Stack, o Options, hosts front.Inside, at registered, circuits resilience.CircuitLog,
) error {
	settings, err := front.Read(stack)
	if err != nil {
		return err
	}
	if !o.Throttled {
		settings.Limits = nil
	}
	h.front, err = front.New(front.Options{Invoke: h.Invoke, Tokens: o.Tokens, Settings: settings,
		AnyOrigin: len(o.Origins) > 0, Clock: o.Env.Clock})
	if err != nil {
		return err
	}
	for _, b := range gateway.AllBackends {
		hosts[string(b)] = h.front
	}
	caller := outbound.Over(o.Env, "gateway", circuits, at, hosts)
	shop := services.New(func(dependency string) httpclient.Config {
		c := caller.To(dependency)
		c.Concurrency = rpcserver.Concurrency
		return c
	})
	h.rpc = rpcserver.New(ctx, shop, o.Env.Clock, func(context.Context) {}, true)
	return nil
}

// Invoke runs a function.
func (h *Host) Invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	f := h.functions[name]
	if f == nil {
		return nil, fmt.Errorf("no function %s", name)
	}
	defer h.work.begin()()
	return f.Invoke(ctx, payload)
}

// Run drives sagas, events and schedules until ctx ends.
func (h *Host) Run(ctx context.Context) { h.engine.Run(ctx, h.lead) }

// lead drives events and schedules until ctx ends and everything that it began has ended. The next
// term begins after that.
func (h *Host) lead(ctx context.Context) {
	h.once.Do(func() { close(h.driving) })
	var running sync.WaitGroup
	for _, f := range h.feeds {
		running.Go(func() { f.run(ctx) })
	}
	running.Go(func() { h.delivery.Run(ctx) })
	running.Wait()
}

// ServeHTTP serves the contract, native gRPC, the third parties under /sandbox and operators' calls
// under /aws.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case under("/aws", r):
		h.cloud.ServeHTTP(w, r)
	case under("/sandbox", r):
		h.serveSandbox(w, r)
	case !changes(r):
		h.serve(w, r)
	default:
		end, admitted := h.work.admit()
		if !admitted {
			h.front.Unavailable(w, r)
			return
		}
		defer end()
		h.serve(w, r)
	}
}

func (h *Host) serve(w http.ResponseWriter, r *http.Request) {
	if rpcserver.Serves(r.URL.Path) {
		h.rpc.ServeHTTP(w, r)
		return
	}
	h.front.ServeHTTP(w, r)
}

// sandboxKey is the header with the key for calls of the sandbox.
const sandboxKey = "X-Sandbox-Key"

// serveSandbox serves the third parties to holders of the key, since they refund charges.
func (h *Host) serveSandbox(w http.ResponseWriter, r *http.Request) {
	if !h.open && !h.cloud.Knows(r.Header.Get(sandboxKey)) {
		http.Error(w, "the header "+sandboxKey+" must have this process's key, which is in stack.json",
			http.StatusUnauthorized)
		return
	}
	http.StripPrefix("/sandbox", h.sandbox.public).ServeHTTP(w, r)
}

func under(path string, r *http.Request) bool {
	return r.URL.Path == path || strings.HasPrefix(r.URL.Path, path+"/")
}

// changes reports whether a request of the contract may start work. Third parties may still call
// back.
func changes(r *http.Request) bool {
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	return !safe && !strings.HasPrefix(r.URL.Path, "/v1/webhooks/")
}

// secret returns a new secret of this process.
func secret() Key {
	text := []byte(rand.Text())
	return func(context.Context) ([]byte, error) { return text, nil }
}

// shadows hands answers of the old shop to compare-legacy-reads; see strangler.Shadows.
type shadows struct{ *delivery.Delivery }

// Enqueue hands an answer over.
func (s shadows) Enqueue(ctx context.Context, answer strangler.Shadowed) {
	body, err := json.Marshal(answer)
	if err == nil {
		err = s.Send(ctx, "compare-legacy-reads", string(body))
	}
	if err != nil {
		slog.WarnContext(ctx, "an answer is not compared", "error", err.Error())
	}
}

// stocking bounds the wait for prices to reach orders.
const stocking = 10 * time.Second

// stock creates the products and stock of the sample shop, unless that was done before.
func stock(ctx context.Context, env *function.Env, s Stores) error {
	products, pieces := catalog.New(s.Catalog, env.Clock, env.IDs), inventory.New(s.Inventory, env.Clock, env.IDs)
	var skus []string
	for _, p := range assortment.Products {
		skus = append(skus, p.SKU)
		if _, err := pieces.GetStock(ctx, p.SKU); !errors.Is(err, inventory.ErrNoStock) {
			if err != nil {
				return err
			}
			continue
		}
		price := money.Money{Currency: "EUR", Amount: p.Cents}
		if _, err := products.PutProduct(ctx, p.SKU, catalog.Values{Name: p.Name, Price: price}); err != nil {
			return err
		}
		adjustment := inventory.Adjustment{AllowUnknownSKU: true, Adjusted: inventoryContract.Adjusted{
			SKU: p.SKU, Delta: p.Pieces, Reason: "for sale", By: "serve",
		}}
		if _, _, err := pieces.AdjustStock(ctx, idempotency.Request{}, adjustment); err != nil {
			return err
		}
	}
	return priced(ctx, s, skus)
}
