package sim

import (
	"maps"
	"time"

	"orderflow/internal/verify/sim/broker"
)

// brokers are what the services with stacks of their own need: Kafka for reporting and RabbitMQ for
// the warehouse. A run has them if Options.Brokers is set.
type brokers struct {
	w                 *World
	log               *broker.Log
	logSources        []*logSource
	logDownUntil      time.Time
	exchange          *broker.Exchange
	messageSources    []*messageSource
	exchangeDownUntil time.Time
}

const (
	partitions  = 3
	virtualHost = "orderflow"
	pickJobs    = "warehouse.pick-jobs"
	goods       = "orderflow.warehouse-messages"
)

// newBrokers adds the brokers, and their faults, to the world.
func newBrokers(w *World, topics []string) *brokers {
	maps.Copy(w.odds, newFate(newChance(w.seed+2), brokerOdds, nil).odds)
	b := &brokers{w: w, log: broker.NewLog(partitions, topics...), exchange: broker.NewExchange()}
	for queue, patterns := range map[string][]string{
		pickJobs: {"pick.#"}, goods: {"goods.#", "stock.#", "order.#"},
	} {
		for _, p := range patterns {
			b.exchange.Bind(queue, p)
		}
	}
	return b
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
