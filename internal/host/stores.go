package host

import (
	"orderflow/internal/catalog"
	catalogMemory "orderflow/internal/catalog/memory"
	"orderflow/internal/gateway/strangler"
	stranglerMemory "orderflow/internal/gateway/strangler/memory"
	"orderflow/internal/inventory"
	inventoryMemory "orderflow/internal/inventory/memory"
	"orderflow/internal/notifications"
	notificationsMemory "orderflow/internal/notifications/memory"
	"orderflow/internal/orders"
	ordersMemory "orderflow/internal/orders/memory"
	"orderflow/internal/payments"
	paymentsMemory "orderflow/internal/payments/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/outbox"
	"orderflow/internal/platform/readiness"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/shipping"
	shippingMemory "orderflow/internal/shipping/memory"
)

// Log is what the platform keeps in a service's table.
type Log interface {
	outbox.Swept
	resilience.CircuitLog
	readiness.Reacher
}

// Stores are the stores of all services, and their logs by service.
type Stores struct {
	Catalog       catalog.Store
	Inventory     inventory.Store
	Notifications notifications.Store
	Orders        orders.Store
	Payments      payments.Store
	Placements    strangler.Placements
	Shipping      shipping.Store
	Logs          map[string]Log
}

// memoryStores returns empty stores, and their logs by service.
func memoryStores(c clock.Clock) (Stores, map[string]*memdb.Log) {
	s := struct {
		catalog       *catalogMemory.Store
		inventory     *inventoryMemory.Store
		notifications *notificationsMemory.Store
		orders        *ordersMemory.Store
		payments      *paymentsMemory.Store
		placements    *stranglerMemory.Placements
		shipping      *shippingMemory.Store
	}{
		catalogMemory.New(c), inventoryMemory.New(c), notificationsMemory.New(c), ordersMemory.New(c),
		paymentsMemory.New(c), stranglerMemory.New(c), shippingMemory.New(c),
	}
	logs := map[string]*memdb.Log{
		"catalog": s.catalog.Log, "gateway": s.placements.Log, "inventory": s.inventory.Log,
		"notifications": s.notifications.Log, "orders": s.orders.Log, "payments": s.payments.Log,
		"shipping": s.shipping.Log,
	}
	all := Stores{
		Catalog: s.catalog, Inventory: s.inventory, Notifications: s.notifications, Orders: s.orders,
		Payments: s.payments, Placements: s.placements, Shipping: s.shipping, Logs: map[string]Log{},
	}
	for service, log := range logs {
		all.Logs[service] = log
	}
	return all, logs
}
