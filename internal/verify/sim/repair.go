package sim

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"orderflow/internal/fulfilment"
	"orderflow/internal/orders"
)

// shift is how long the sweeps are left alone before it is looked whether they found anything. Reconciliation does
// not look at charges younger than three hours.
const shift = 4 * time.Hour

// keepRotas has the schedules call their functions.
func (w *World) keepRotas(schedules []rota) {
	for _, s := range schedules {
		if w.mutant.withoutRecovery {
			continue
		}
		w.every(s.every, func() {
			w.invoke(s.function, "", s.input, func(out []byte, err error) { w.swept(s.function, out, err) })
		})
	}
}

// swept looks at what a sweep found. The protocol alone must leave reconciliation nothing to find, but for what the
// provider itself has lost, and what somebody has refunded there: of that it tells once.
func (w *World) swept(function string, out []byte, err error) {
	var found struct{ Overdue, Voided, Flagged int }
	if err == nil {
		_ = json.Unmarshal(out, &found) // a relay answers nothing
	}
	if found.Overdue > 0 {
		w.reach(function + " found something overdue")
	}
	if w.reconciled += found.Voided; found.Voided > 0 {
		w.reach("reconciliation gave a charge back")
	}
	if err != nil && strings.Contains(err.Error(), "ChargesUnreconciled") {
		w.flagged++
		w.reach("reconciliation told of a refund")
	}
	if lost := len(w.parties.forgotten); w.reconciled > lost || w.flagged > w.refunds {
		w.violate("reconciliation finds nothing of our making", "", "it gave back %d charges, the provider lost %d; it told an operator %d times, of %d refunds",
			w.reconciled, lost, w.flagged, w.refunds)
	}
}

// settle lets what was begun come to its end, has an operator do what the runbooks say and the sweeps what
// they are for, until none of them finds anything any more. It reports whether that was so by the deadline.
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

// stranded looks, when the sweeps have had their time and before the operator comes, whether the operator can see all that waits
// for them: an order is at rest, or it says that it needs attention, or a message about it is parked. Else a customer could go on to
// cancel it, be told that this is accepted, and nothing would happen.
func (w *World) stranded() {
	parked := map[string]bool{}
	for _, q := range w.queues {
		for _, m := range q.dead {
			parked[m.about] = true
		}
	}
	for _, id := range w.history.orders() {
		if o := w.order(id); o.Status == orders.StatusPending && !parked[id] {
			w.violate("what waits for an operator says so", id, "nothing works on it any more, and it is still PENDING")
		}
	}
}

// repair is the operator's part: orders that are not at rest, or that recovery has given up on, are undone anew, and dead
// messages are put back.
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
	if name, err := fulfilment.New(w.engine).RetryCompensation(context.Background(), id, "simulation", "the order is not at rest"); err == nil {
		w.note(id, "an operator retries its compensation: %s", name)
		w.reach("an operator retried a compensation")
	}
}
