package host

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/catalog"
	catalogHandler "orderflow/internal/catalog/handler"
	"orderflow/internal/fulfilment"
	fulfilmentHandler "orderflow/internal/fulfilment/handler"
	"orderflow/internal/gateway"
	"orderflow/internal/gateway/graph"
	graphHandler "orderflow/internal/gateway/graph/handler"
	gatewayHandler "orderflow/internal/gateway/handler"
	"orderflow/internal/gateway/oldshop"
	"orderflow/internal/gateway/rpc"
	rpcHandler "orderflow/internal/gateway/rpc/handler"
	"orderflow/internal/gateway/services"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/host/wiring"
	"orderflow/internal/inventory"
	inventoryHandler "orderflow/internal/inventory/handler"
	"orderflow/internal/notifications"
	notificationsHandler "orderflow/internal/notifications/handler"
	"orderflow/internal/orders"
	ordersHandler "orderflow/internal/orders/handler"
	"orderflow/internal/payments"
	paymentsHandler "orderflow/internal/payments/handler"
	"orderflow/internal/payments/provider"
	"orderflow/internal/payments/stripe"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/outbound"
	"orderflow/internal/platform/outbox"
	"orderflow/internal/platform/readiness"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/platform/signature"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/carrier"
	shippingHandler "orderflow/internal/shipping/handler"
	"orderflow/internal/shipping/webhook"
)

// Key reads a secret.
type Key func(context.Context) ([]byte, error)

// Value is the same; see oldshop.Key.
func (k Key) Value(ctx context.Context) ([]byte, error) { return k(ctx) }

// present checks that a secret can be read.
func (k Key) present(ctx context.Context) error {
	_, err := k(ctx)
	return err
}

// Keys are the secrets of the core.
type Keys struct{ CarrierWebhook, PaymentWebhook, ProductExport, LegacyShop Key }

// named returns the secrets by their names on AWS.
func (k Keys) named() map[string]func(context.Context) ([]byte, error) {
	return map[string]func(context.Context) ([]byte, error){
		stage + "carrier-webhook": k.CarrierWebhook, stage + "payment-webhook": k.PaymentWebhook,
		stage + "product-export": k.ProductExport, stage + "legacy-shop": k.LegacyShop,
	}
}

// Outside is what the functions use besides their stores.
type Outside struct {
	Sagas  fulfilment.Engine
	Topic  func(service string) Topic
	Mailer notifications.Mailer
	Keys   Keys
	// Calls configures the calls of a service.
	Calls func(env *function.Env, service string, log resilience.CircuitLog) outbound.Caller
	// Addresses finds services and third parties, without a cache.
	Addresses readiness.Registry
	// Routes reads the strangler's table of routes, which costs nothing here. Shadows takes the
	// answers to compare.
	Routes  func(context.Context) (string, error)
	Shadows strangler.Shadows
}

// concurrency limits the concurrent calls of a dependency. An invocation makes one at a time, but
// all invocations run in this process.
const concurrency = 512

// Topic is a service's topic.
type Topic interface {
	outbox.Topic
	readiness.Reacher
}

// compose builds every function of the core by its handler package; by service and name.
func compose(
	env *function.Env, stack *cfn.Stack, s Stores, out Outside,
) (map[string]map[string]function.Handler, error) {
	limits, err := limits(stack)
	if err != nil {
		return nil, err
	}
	c, source := env.Clock, env.IDs
	calls := func(service string) func(string) httpclient.Config {
		to := out.Calls(env, service, s.Logs[service]).To
		return func(dependency string) httpclient.Config {
			c := to(dependency)
			c.Concurrency = concurrency
			return c
		}
	}
	paymentWebhook := signature.Verifier{Scheme: stripe.Signatures, Secret: out.Keys.PaymentWebhook, Clock: c}
	carrierWebhook := signature.Verifier{Scheme: webhook.Signatures, Secret: out.Keys.CarrierWebhook, Clock: c}
	all := map[string]map[string]function.Handler{
		"catalog":   catalogHandler.Handlers(catalog.New(s.Catalog, c, source), out.Keys.ProductExport),
		"inventory": inventoryHandler.Handlers(inventory.New(s.Inventory, c, source)),
		"orders": ordersHandler.Handlers(orders.New(ordersHandler.Observed(s.Orders), c, source).Limited(limits).
			TrackedAt(stack.Parameter("TrackingUrl"))),
		"payments": paymentsHandler.Handlers(
			payments.New(s.Payments, provider.New(calls("payments")(provider.Name)), c, source), paymentWebhook),
		"shipping": shippingHandler.Handlers(
			shipping.New(s.Shipping, carrier.New(calls("shipping")(carrier.Name)), c, source), carrierWebhook),
		"notifications": notificationsHandler.Handlers(notifications.New(s.Notifications, out.Mailer, c, source)),
		"fulfilment":    fulfilmentHandler.Handlers(fulfilment.New(out.Sagas)),
		"gateway":       composeGateway(env, stack, s, out, calls("gateway")),
	}
	for service, check := range composeChecks(env, s, out) {
		all[service]["check-"+service] = check
	}
	for service, log := range s.Logs {
		all[service]["relay-"+service+"-events"] = outbox.RelayAndSweep(out.Topic(service), log, c)
	}
	return all, nil
}

// limits are the parameters of place-order.
func limits(stack *cfn.Stack) (l orders.Limits, err error) {
	if l.Open, err = strconv.Atoi(stack.Parameter("MaxOpenOrders")); err == nil {
		l.Declines, err = strconv.Atoi(stack.Parameter("MaxDeclinesPerHour"))
	}
	return l, err
}

func composeGateway(
	env *function.Env, stack *cfn.Stack, s Stores, out Outside, calls func(string) httpclient.Config,
) map[string]function.Handler {
	backends := services.New(calls)
	var circuits []health.Check
	for _, b := range gateway.SummaryBackends {
		circuits = append(circuits, resilience.Health(s.Logs["gateway"], string(b)))
	}
	monitor := gatewayHandler.LegacyMonitor{}
	routes := strangler.NewSource(out.Routes, env.Clock, monitor).Uncached()
	all := gatewayHandler.Handlers(
		gateway.New(backends),
		gateway.NewHealth(backends, env.Clock, health.New(env.Clock, circuits...)),
		strangler.NewRouter(oldshop.New(calls(oldshop.Name), out.Keys.LegacyShop), backends, routes,
			s.Placements, out.Shadows, env.Clock, monitor),
		strangler.NewComparison(routes,
			services.NewExports(calls(string(gateway.Catalog)), out.Keys.ProductExport)),
	)
	all["serve-graphql"] = graphHandler.Serve(graph.New(backends, stack.Parameter("Introspection") == "on"))
	all["serve-rpc"] = rpcHandler.Serve(rpc.New(backends, nil))
	return all
}

// composeChecks builds check-… of every service with an API, by service.
func composeChecks(env *function.Env, s Stores, out Outside) map[string]function.Handler {
	needs := map[string][]health.Check{
		"catalog": nil, "inventory": nil, "orders": nil,
		"payments": {
			readiness.Address(out.Addresses, provider.Name), resilience.Health(s.Logs["payments"], provider.Name),
			readiness.Secret("payment-webhook", out.Keys.PaymentWebhook.present),
		},
		"shipping": {
			readiness.Address(out.Addresses, carrier.Name), resilience.Health(s.Logs["shipping"], carrier.Name),
			readiness.Secret("carrier-webhook", out.Keys.CarrierWebhook.present),
		},
	}
	all := map[string]function.Handler{}
	for service, own := range needs {
		checks := append([]health.Check{readiness.Table(s.Logs[service]), readiness.Topic(out.Topic(service))}, own...)
		all[service] = readiness.Handle(service, health.New(env.Clock, checks...))
	}
	return all
}

// start makes the functions ready to be invoked, as function.Start does, each with the timeout and
// the reserved concurrency that the template declares.
func start(
	metrics io.Writer, env *function.Env, declared *wiring.Wiring,
	composed map[string]map[string]function.Handler,
) (map[string]function.Handler, error) {
	all := map[string]function.Handler{}
	for service, handlers := range composed {
		for name, h := range handlers {
			timeout, ok := declared.Timeouts[name]
			if !ok {
				continue // notifications publishes nothing: the template declares no relay
			}
			ready, err := function.Compose(metrics, env, service, name,
				func(*function.Env) function.Handler { return h })
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			all[name] = bounded(name, timeout, ready)
			if n := declared.Reserved[name]; n > 0 {
				all[name] = reserved(n, all[name])
			}
		}
	}
	for name := range declared.Timeouts {
		if all[name] == nil {
			return nil, fmt.Errorf("no package composes the function %s", name)
		}
	}
	return all, nil
}

// errThrottled is Lambda's error for an invocation beyond the function's reserved concurrency.
var errThrottled = messages.InvokeResponse_Error{Type: "Lambda.TooManyRequestsException", Message: "Rate Exceeded."}

// reserved refuses invocations while n are in progress. State machines and queues retry them.
func reserved(n int, next function.Handler) function.HandlerFunc {
	room := resilience.NewBulkhead(n)
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		leave, err := room.Enter()
		if err != nil {
			return nil, errThrottled
		}
		defer leave()
		return next.Invoke(ctx, payload)
	}
}

// bounded ends an invocation at the function's timeout. As on AWS, a caller that goes away does not
// stop it. A panic ends only its invocation.
func bounded(name string, timeout time.Duration, next function.Handler) function.HandlerFunc {
	return func(ctx context.Context, payload []byte) (out []byte, err error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				slog.ErrorContext(ctx, "function panicked", "invoked", name, "panic", fmt.Sprint(p),
					"stack", string(debug.Stack()))
				err = fmt.Errorf("%s panicked", name)
			}
		}()
		return next.Invoke(ctx, payload)
	}
}
