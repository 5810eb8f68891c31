package sim

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"orderflow/internal/fulfilment"
	"orderflow/internal/orders"
)

// shift is how long the sweeps run before their results are checked. Reconciliation skips charges
// younger than three hours.
const shift = 4 * time.Hour

// runSchedules invokes functions by their schedules.
func (w *World) runSchedules(schedules []rota) {
	for _, s := range schedules {
		if w.mutant.withoutRecovery {
			continue
		}
		w.every(s.every, func() {
			w.invoke(s.function, "", s.input, func(out []byte, err error) { w.swept(s.function, out, err) })
		})
	}
}

// swept checks the result of a sweep. Reconciliation must find only voids that the provider lost
// and refunds made there by hand, each reported once.
func (w *World) swept(function string, out []byte, err error) {
	var found struct{ Overdue, Voided, Flagged int }
	if err == nil {
		_ = json.Unmarshal(out, &found) // a relay answers nothing
	}
	if found.Overdue > 0 {
		w.reach(function + " found something overdue")
	}
	if w.reconciled += found.Voided; found.Voided > 0 {
		w.reach("reconciliation refunded a charge")
	}
	if err != nil && strings.Contains(err.Error(), "ChargesUnreconciled") {
		w.flagged++
		w.reach("reconciliation reported a refund")
	}
	if lost := len(w.parties.forgotten); w.reconciled > lost || w.flagged > w.refunds {
		w.violate("reconciliation finds no faults of ours", "",
			"it voided %d charges, the provider lost %d; it reported %d times, for %d refunds",
			w.reconciled, lost, w.flagged, w.refunds)
	}
}

// settle lets everything in progress end and runs sweeps and the operator's part until nothing
// changes. It reports whether that happened by the deadline.
func (w *World) settle(deadline time.Time) bool {
	for w.now.Before(deadline) {
		before := w.changes
		if !w.rest(deadline) {
			return false
		}
		w.pass(w.now.Add(shift))
		if !w.rest(deadline) {
			return false
		}
		w.stranded()
		w.repair()
		w.pass(w.now.Add(shift))
		if w.changes == before {
			return true
		}
	}
	return false
}

// stranded checks, after the sweeps and before the operator's part, that the operator can see every
// order that is stuck: it needs attention, or a message about it is in a dead-letter queue.
// Otherwise a customer's cancellation would be accepted and nothing would happen.
func (w *World) stranded() {
	deadLetters := map[string]bool{}
	for _, q := range w.queues {
		for _, m := range q.dead {
			deadLetters[m.about] = true
		}
	}
	for _, id := range w.history.orders() {
		if o := w.order(id); o.Status == orders.StatusPending && !deadLetters[id] {
			w.violate("a stuck order is visible to operators", id, "nothing works on it, but it is still PENDING")
		}
	}
}

// repair is the operator's part: it redrives dead messages and retries the compensation of orders
// that are not final or that recovery gave up.
func (w *World) repair() {
	given := map[string]bool{}
	for _, m := range w.queues["recover-fulfilment"].dead {
		given[m.about] = true
	}
	for _, name := range w.consumers {
		w.changes += w.queues[name].redrive()
	}
	if w.mutant.withoutRecovery {
		return
	}
	for _, id := range w.history.orders() {
		if w.order(id).Status.Final() && !given[id] {
			continue
		}
		w.retry(id)
	}
}

// retry has an operator start the next compensation of an order.
func (w *World) retry(id string) {
	service := fulfilment.New(w.engine)
	name, err := service.RetryCompensation(context.Background(), id, "simulation", "the order is not final")
	if err == nil {
		w.note(id, "an operator retries its compensation: %s", name)
		w.reach("an operator retried a compensation")
	}
}
