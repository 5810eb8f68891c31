package sim

import (
	"context"
	"maps"
	"time"

	"orderflow/internal/host/wiring"
	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/reporting"
	reportingHandler "orderflow/internal/reporting/handler"
	reportingMemory "orderflow/internal/reporting/memory"
	"orderflow/internal/verify/sim/broker"
	"orderflow/internal/warehouse"
	warehouseHandler "orderflow/internal/warehouse/handler"
	warehouseMemory "orderflow/internal/warehouse/memory"
	"orderflow/internal/warehouse/stockapi"
)

// brokers are what the services with stacks of their own need: Kafka for reporting and RabbitMQ for
// the warehouse. A run has them if Options.Brokers is set.
type brokers struct {
	w                 *World
	timeouts          map[string]time.Duration // by function
	log               *reportingMemory.Log
	logSources        []*logSource
	logDownUntil      time.Time
	exchange          *broker.Exchange
	messageSources    []*messageSource
	exchangeDownUntil time.Time
	shelves           *shelves
	warehouse         *warehouseMemory.Store
	goods             warehouse.Store // what the warehouse's functions use
	reports           *reportingMemory.Store
	projected         reporting.Store // what reporting's functions use
	rebuilds          *reporting.Rebuilds
	machine           *asl.Machine    // which rebuilds
	executions        map[string]bool // of machine, by name
	spoiled           map[place]bool  // records that cannot be understood or stored
	discarded         int             // records that the log's source gave up on, since the last rebuild
	lost              time.Time       // the time of the newest record that retention removed
}

const (
	virtualHost = "orderflow"
	pickJobs    = "warehouse.pick-jobs"
	fromShelves = "orderflow.warehouse-messages"
)

// topics are those of the log: one for each service that publishes.
var topics = []string{
	"orderflow.catalog.events", "orderflow.inventory.events", "orderflow.notifications.events",
	"orderflow.orders.events", "orderflow.payments.events", "orderflow.shipping.events",
}

// newBrokers adds the brokers, and their faults, to the world.
func newBrokers(w *World, d *Definitions) *brokers {
	maps.Copy(w.odds, newFate(newChance(w.seed+2), brokerOdds, nil).odds)
	b := &brokers{
		w: w, timeouts: d.brokers.Timeouts, log: reportingMemory.NewLog(w, topics...), exchange: broker.NewExchange(),
		spoiled: map[place]bool{}, machine: d.rebuild, executions: map[string]bool{},
	}
	w.addQueues(d.brokers.Queues)
	for _, s := range d.brokers.Topics {
		b.subscribe(s)
	}
	warehouse := wiring.Message{Function: "take-pick-jobs", Queue: pickJobs, Batch: 10}
	for _, s := range append(d.brokers.Messages, warehouse) {
		b.consume(s)
	}
	for queue, patterns := range map[string][]string{
		pickJobs: {"pick.#"}, fromShelves: {"goods.#", "stock.#", "order.#"},
	} {
		for _, p := range patterns {
			b.exchange.Bind(queue, p)
		}
	}
	b.shelves = newShelves(b)
	return b
}

// open makes the stores of the services.
func (b *brokers) open() map[string]*memdb.Log {
	b.warehouse = warehouseMemory.New(b.w)
	b.goods = b.warehouse
	b.reports = reportingMemory.New(b.w)
	b.projected = limited{b.reports}
	return map[string]*memdb.Log{"warehouse": b.warehouse.Log, "reporting": b.reports.Log}
}

// compose builds the functions of the services.
func (b *brokers) compose() []map[string]function.Handler {
	w := b.w
	stock := stockapi.New(w.calls("warehouse", stockapi.Name, b.warehouse), serviceUser{})
	projector := reporting.New(b.projected, w, nil)
	b.rebuilds = reporting.NewRebuilds(projector, kafka{b}, b)
	return []map[string]function.Handler{
		reportingHandler.Handlers(projector, kafka{b}), reportingHandler.RebuildHandlers(b.rebuilds),
		warehouseHandler.Handlers(warehouse.New(b.goods, pickJobBroker{b}, stock, w, w.ids)),
		{"take-pick-jobs": function.HandlerFunc(b.shelves.take)},
	}
}

// serviceUser is the warehouse's user in the core's user pool; see stockapi.Caller.
type serviceUser struct{}

func (serviceUser) Authorization(context.Context) (string, error) { return "Bearer " + operator, nil }

func (serviceUser) Forget() {}

// pickJobBroker is the adapter of RabbitMQ; see warehouse.Broker.
type pickJobBroker struct{ b *brokers }

// Publish sends a persistent, mandatory message.
func (p pickJobBroker) Publish(_ context.Context, kind, id string, body []byte) error {
	return p.b.publish(broker.Message{
		ID: id, Type: kind, RoutingKey: kind, ContentType: "application/json", Body: body,
		Persistent: !p.b.w.mutant.transient,
	})
}

// logDown reports whether Kafka does not answer.
func (b *brokers) logDown() bool {
	if b.w.strikes(logDown) {
		b.logDownUntil = b.w.now.Add(b.w.between(5*time.Second, 90*time.Second))
		b.w.note("", "Kafka is down until %s", b.logDownUntil.Sub(epoch))
	}
	return b.w.now.Before(b.logDownUntil)
}

// exchangeDown reports whether RabbitMQ does not answer. It may restart or lose a binding here.
func (b *brokers) exchangeDown() bool {
	switch w := b.w; {
	case w.strikes(exchangeDown):
		b.exchangeDownUntil = w.now.Add(w.between(5*time.Second, 90*time.Second))
		w.note("", "RabbitMQ restarts, until %s", b.exchangeDownUntil.Sub(epoch))
		b.exchange.Restart()
		for _, s := range b.messageSources {
			s.pollIn(b.exchangeDownUntil.Sub(w.now) + time.Second)
		}
	case w.strikes(unbound):
		w.note("", "the warehouse's queue is not bound")
		b.exchange.Unbind(pickJobs)
		w.after(w.between(time.Second, 30*time.Second), func() { b.exchange.Bind(pickJobs, "pick.#") })
	}
	return b.w.now.Before(b.exchangeDownUntil)
}
