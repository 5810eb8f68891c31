package sim

import "orderflow/internal/verify/asl"

// paths must be reached over many seeds, or the absence of violations means little. The same holds
// for every state of both machines, a retry of every task and every fault; see Missing.
var paths = []string{
	"order CONFIRMED ", "order CANCELLED CANCELLED_BY_CUSTOMER", "order CANCELLED CANCELLED_BY_OPERATOR",
	"order REJECTED OUT_OF_STOCK", "order REJECTED PAYMENT_DECLINED",
	"order REJECTED SHIPMENT_REFUSED", "order REJECTED TIMED_OUT", "order REJECTED INTERNAL",

	"fulfil-order ended SUCCEEDED", "fulfil-order ended ABORTED", "fulfil-order ended TIMED_OUT",
	"compensate-order ended SUCCEEDED", "compensate-order ended FAILED", "compensate-order ended ABORTED",
	"compensate-order ended TIMED_OUT",
	"fulfil-order was started twice, and ran once", "compensate-order was started twice, and ran once",

	"null compensation of ReserveStock", "null compensation of AuthorizePayment",
	"null compensation of ArrangeShipment",
	"null compensation of CapturePayment", "null compensation of CommitStock", "null compensation of ConfirmOrder",
	"dangling: reserve-stock was refused after its undo", "dangling: authorize-payment was refused after its undo",
	"dangling: arrange-shipment was refused after its undo", "dangling: capture-payment was refused after its undo",
	"dangling: commit-stock was refused after its undo", "dangling: confirm-order was refused after its undo",

	"a late duplicate was answered with the first result", "a lost race was decided again", "a zombie ran to its end",
	"a message was received again", "a batch failed in part", "a message ended in a dead-letter queue",
	"a customer was refused: TooManyOpenOrders", "a customer was refused: TooManyDeclinedPayments",
	"a stream's record was retried", "a stream's batch was halved", "a stream gave up on an event",
	"an answer came for a stale token", "a cancellation came too late", "a mail was sent again after a crash",
	"the carrier called again", "the payment provider repeated a notice", "a notice led to a refund",
	"the provider charged, but answered 500",
	"an older version wrote an item of a newer one", "a saga got a field of a newer version",
	"circuit CLOSED > OPEN", "circuit OPEN > HALF_OPEN", "circuit HALF_OPEN > OPEN", "circuit HALF_OPEN > CLOSED",
	"a burst found no free slot",
	"fulfil-order waited for a circuit", "compensate-order waited for a circuit",
	"sweep-orders found something overdue", "sweep-reservations found something overdue",
	"a part was refunded at the provider", "a confirmed order was refunded at the provider",
	"reconciliation reported a refund",
	"reconciliation refunded a charge", "an operator retried a compensation", "recovery gave up a compensation",
	"a free order CONFIRMED", "a free order REJECTED",
}

// Missing lists the required paths that were not reached.
func (r *Report) Missing(d *Definitions) (missing []string) {
	must := append([]string(nil), paths...)
	for _, name := range sortedKeys(d.machines) {
		states := d.machines[name].States
		for _, state := range sortedKeys(states) {
			must = append(must, string(name)+" "+state)
			if states[state].Type == asl.Task {
				must = append(must, "retried: "+state)
			}
		}
	}
	for _, path := range must {
		if r.Paths[path] == 0 {
			missing = append(missing, path)
		}
	}
	for _, kind := range Faults() {
		if r.Faults[kind] == 0 {
			missing = append(missing, "the fault "+string(kind))
		}
	}
	return missing
}
