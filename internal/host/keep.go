package host

import (
	"context"

	"orderflow/internal/host/delivery"
	deliveryMemory "orderflow/internal/host/delivery/memory"
	"orderflow/internal/host/records"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/workflow"
	workflowMemory "orderflow/internal/platform/workflow/memory"
	"orderflow/sandbox/carrier"
	carrierMemory "orderflow/sandbox/carrier/memory"
	"orderflow/sandbox/legacy"
	legacyMemory "orderflow/sandbox/legacy/memory"
	"orderflow/sandbox/provider"
	providerMemory "orderflow/sandbox/provider/memory"
)

// kept is everything that a host keeps, in memory or in tables.
type kept struct {
	stores   Stores
	journal  workflow.Journal
	messages delivery.Store
	ledgers  ledgers
	records  records.Store
	// feeds returns the feeds that hand the stores' events to their relays.
	feeds func(h *Host) []feed
	// topic returns a service's topic.
	topic func(delivery.Topic) Topic
	// lasting says whether it outlives the process.
	lasting bool
}

// ledgers are the third parties' ledgers.
type ledgers struct {
	charges   provider.Store
	shipments carrier.Store
	shop      legacy.Store
}

// feed hands written events to the relay of their service, while run runs.
type feed interface {
	run(ctx context.Context)
	// left is the number of events known to be waiting for the relay, or 1 if there may be some.
	left(ctx context.Context) int
	// aside is the number of events that wait for a sweep.
	aside(ctx context.Context) int
}

// inMemory keeps everything in memory, and drops the oldest finished orders.
func inMemory(keep int, c clock.Clock) (*kept, *forgetter) {
	stores, logs := memoryStores(c)
	charges, shipments := providerMemory.New(c), carrierMemory.New(c)
	forget := &forgetter{keep: keep, clock: c}
	for _, log := range logs {
		forget.logs = append(forget.logs, log)
	}
	forget.logs = append(forget.logs, charges.Log, shipments.Log)
	return &kept{
		stores: stores, journal: workflowMemory.Lasting(2*keep, remembered), messages: deliveryMemory.New(),
		ledgers: ledgers{charges, shipments, legacyMemory.New(c)}, records: &records.Memory{},
		feeds: func(h *Host) (all []feed) {
			for service, log := range logs {
				all = append(all, newStream(service, log, h.Invoke))
			}
			return all
		},
		topic: func(t delivery.Topic) Topic { return topic{t, forget} },
	}, forget
}
