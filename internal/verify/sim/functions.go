package sim

import (
	"context"
	"maps"
	"time"

	"orderflow/internal/catalog"
	catalogHandler "orderflow/internal/catalog/handler"
	catalogMemory "orderflow/internal/catalog/memory"
	"orderflow/internal/fulfilment"
	fulfilmentHandler "orderflow/internal/fulfilment/handler"
	"orderflow/internal/inventory"
	inventoryHandler "orderflow/internal/inventory/handler"
	inventoryMemory "orderflow/internal/inventory/memory"
	"orderflow/internal/notifications"
	notificationsHandler "orderflow/internal/notifications/handler"
	notificationsMemory "orderflow/internal/notifications/memory"
	"orderflow/internal/orders"
	ordersHandler "orderflow/internal/orders/handler"
	ordersMemory "orderflow/internal/orders/memory"
	"orderflow/internal/payments"
	paymentsHandler "orderflow/internal/payments/handler"
	paymentsMemory "orderflow/internal/payments/memory"
	paymentsProvider "orderflow/internal/payments/provider"
	"orderflow/internal/payments/stripe"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/outbox"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/platform/signature"
	"orderflow/internal/shipping"
	shippingCarrier "orderflow/internal/shipping/carrier"
	shippingHandler "orderflow/internal/shipping/handler"
	shippingMemory "orderflow/internal/shipping/memory"
	"orderflow/internal/shipping/webhook"
	"orderflow/internal/warehouse/stockapi"
)

type stores struct {
	catalog       *catalogMemory.Store
	inventory     *inventoryMemory.Store
	notifications *notificationsMemory.Store
	orders        *ordersMemory.Store
	payments      *paymentsMemory.Store
	shipping      *shippingMemory.Store
}

// addresses is the registry: a service's host is its name.
var addresses = registry.Fixed{
	paymentsProvider.Name: "http://" + paymentsProvider.Name,
	shippingCarrier.Name:  "http://" + shippingCarrier.Name,
	"shipping":            "http://shipping",
	stockapi.Name:         "http://" + stockapi.Name,
}

// secret signs the callbacks of the carrier and the notices of the payment provider.
var secret = []byte("simulated")

// compose builds every function of the system as its handler package does, with in-memory stores.
func (w *World) compose() {
	w.stores = stores{
		catalog: catalogMemory.New(w), inventory: inventoryMemory.New(w), notifications: notificationsMemory.New(w),
		orders: ordersMemory.New(w), payments: paymentsMemory.New(w), shipping: shippingMemory.New(w),
	}
	w.logs = map[string]*memdb.Log{
		"catalog": w.stores.catalog.Log, "gateway": memdb.NewLog(w), "inventory": w.stores.inventory.Log,
		"notifications": w.stores.notifications.Log, "orders": w.stores.orders.Log, "payments": w.stores.payments.Log,
		"shipping": w.stores.shipping.Log,
	}
	if w.brokers != nil {
		maps.Copy(w.logs, w.brokers.open())
	}
	for service, log := range w.logs {
		log.Guard(gate{w, service})
		w.streams[service] = &stream{w: w, service: service}
		w.functions["relay-"+service+"-events"] = outbox.RelayAndSweep(topic{w, service, log}, log, w)
	}
	provider := paymentsProvider.New(w.calls("payments", paymentsProvider.Name, w.stores.payments))
	carrier := shippingCarrier.New(w.calls("shipping", shippingCarrier.Name, w.stores.shipping))

	w.stock = crowd{w.stores.inventory, w, newChance(w.seed + 2)}
	w.orders, w.mails, w.sagas = w.stores.orders, w.stores.notifications, w.engine
	if w.mutant.stores != nil {
		w.mutant.stores(w)
	}
	key := func(context.Context) ([]byte, error) { return secret, nil }
	all := []map[string]function.Handler{
		catalogHandler.Handlers(catalog.New(w.stores.catalog, w, w.ids), key),
		inventoryHandler.Handlers(inventory.New(w.stock, w, w.ids)),
		ordersHandler.Handlers(orders.New(w.orders, w, w.ids).Limited(limits)),
		paymentsHandler.Handlers(payments.New(w.stores.payments, provider, w, w.ids),
			signature.Verifier{Scheme: stripe.Signatures, Secret: key, Clock: w}),
		shippingHandler.Handlers(shipping.New(w.stores.shipping, carrier, w, w.ids),
			signature.Verifier{Scheme: webhook.Signatures, Secret: key, Clock: w}),
		notificationsHandler.Handlers(notifications.New(w.mails, mailer{w}, w, w.ids)),
		fulfilmentHandler.Handlers(fulfilment.New(w.sagas)),
	}
	if w.brokers != nil {
		all = append(all, w.brokers.compose()...)
	}
	for _, handlers := range all {
		maps.Copy(w.functions, handlers)
	}
	if w.mutant.functions != nil {
		w.mutant.functions(w)
	}
}

// calls configures a service's client of a third party; compare package outbound.
func (w *World) calls(service, dependency string, log resilience.CircuitLog) httpclient.Config {
	publisher := envelope.Publisher{Service: service, Clock: w, IDs: w.ids}
	return httpclient.Config{
		Endpoints: addresses, Clock: w, Transport: w.network, Random: w.ids.chance.Float64,
		Breaker: resilience.NewBreaker(dependency, log, resilience.DefaultSettings, w, publisher),
		Sleep: func(_ context.Context, d time.Duration) error {
			w.wait(d)
			return nil
		},
	}
}
