package prove

import "orderflow/internal/platform/asl"

// World is what the services and the third parties have stored about the order. It is a plain,
// comparable value.
type World struct {
	Available, Reserved, Shipped int8 // units of the one product; the order wants one
	Reservation                  reservation

	Payment payment // our record
	Charge  payment // the provider's record
	Voided  bool    // the provider's tombstone
	AuthKey reply   // the provider's answer for AuthorizePayment's key
	Refusal refusal // what AuthorizePayment recorded

	Asked    bool  // the provider waits, or waited, for the customer
	Answer   reply // the customer's answer to it
	Noticed  bool  // its notice was received
	Ended    bool  // our record: the customer need not act any more
	PayToken int8  // the payment's resume token

	Shipment  shipment // our record
	Token     int8     // its resume token
	Booked    bool     // the carrier has a shipment
	Cancelled bool     // the carrier's tombstone
	BookKey   reply    // the carrier's answer for ArrangeShipment's key
	Called    bool     // the carrier's callback was received

	Order           order
	Closed          bool
	CancelRequested bool
	SaidConfirmed   bool // what CloseOrder answered first

	Marks [numSteps]mark // the barriers' records

	// Initial conditions: no stock; the decisions of the third parties; the customer must act.
	Empty, Declines, Refuses, Asks bool
}

type (
	reservation uint8
	payment     uint8
	shipment    uint8
	order       uint8
	reply       uint8
	refusal     uint8
	mark        uint8
	step        uint8
)

const (
	unreserved reservation = iota
	reserved
	committed
	released
)

const (
	unpaid payment = iota
	authorized
	captured
	declined
	voided
	refunded
	actionRequired
)

const (
	unrefused refusal = iota
	byProvider
	abandoned
)

const (
	unshipped shipment = iota
	requested
	booked
	refused
	shipmentCancelled
)

const (
	pending order = iota
	confirmed
	rejected
	cancelled
	needsAttention
)

// Answers that a third party stores by idempotency key.
const (
	unasked reply = iota
	agreed
	saidNo
	barredThere
)

// A mark is a barrier's record of a step: none, done, or barred by its undo.
const (
	unmarked mark = iota
	done
	barred
)

// The steps that have a barrier.
const (
	reserveStock step = iota
	commitStock
	releaseStock
	authorizePayment
	askCustomer // a part of it
	capturePayment
	voidPayment
	arrangeShipment
	cancelShipment
	confirmOrder
	closeOrder
	numSteps
	noStep = numSteps
)

func (o order) final() bool { return o == confirmed || o == rejected || o == cancelled }

// invariant must hold whenever the system is at rest. undo is the compensation that ensures it; if
// its retries were exhausted, an operator must.
type invariant struct {
	name  string
	undo  string
	holds func(w *World) bool
}

var invariants = []invariant{
	{"money is captured if and only if the order is CONFIRMED, else not held", "VoidPayment", func(w *World) bool {
		return (w.Charge == captured) == (w.Order == confirmed) && w.Charge != authorized
	}},
	{"the carrier ships if and only if the order is CONFIRMED", "CancelShipment", func(w *World) bool {
		return w.ships() == (w.Order == confirmed)
	}},
	{"stock is shipped if and only if the order is CONFIRMED, never reserved", "ReleaseStock", func(w *World) bool {
		return w.Reserved == 0 && (w.Shipped == 1) == (w.Order == confirmed)
	}},
	{"the customer of a final order need not act", "VoidPayment", func(w *World) bool {
		return !w.Order.final() || w.Payment != actionRequired
	}},
	{"the order is final", "RejectOrder", func(w *World) bool { return w.Order.final() }},
}

func (w *World) ships() bool { return w.Booked && !w.Cancelled && !w.Refuses }

// always must hold in every state.
var always = []invariant{
	{name: "stock is conserved and never negative", holds: func(w *World) bool {
		return w.Available >= 0 && w.Reserved >= 0 && w.Shipped >= 0 && w.Available+w.Reserved+w.Shipped == w.stocked()
	}},
	{name: "a payment recorded as captured was captured", holds: func(w *World) bool {
		return w.Payment != captured || w.Charge == captured || w.Charge == refunded
	}},
	{name: "money is captured only after the carrier has booked", holds: func(w *World) bool {
		wasBooked := w.Called && !w.Refuses && (w.Shipment == booked || w.Shipment == shipmentCancelled)
		return w.Charge != captured || wasBooked
	}},
}

func (w *World) stocked() int8 {
	if w.Empty {
		return 0
	}
	return stock
}

const stock = 2

// violated returns the name of a violated invariant, or "".
func (x *search) violated(s *State) string {
	for _, i := range always {
		if !i.holds(&s.World) {
			return i.name
		}
	}
	if s.Lost {
		return "a throttled call is retried"
	}
	if !x.atRest(s) {
		return ""
	}
	for _, i := range invariants {
		if !i.holds(&s.World) && !x.excused(s, i.undo) {
			return i.name
		}
	}
	if s.World.Order == needsAttention && s.Exhausted == 0 {
		return "an order is flagged only if a compensation was exhausted"
	}
	return ""
}

// excused reports whether an invariant may be violated: the retries of its compensation were
// exhausted and an operator was alerted. After CloseOrder failed nothing may be undone, so it
// excuses all.
func (x *search) excused(s *State, undo string) bool {
	fn, _ := functionNamed(undo)
	closing, _ := functionNamed("CloseOrder")
	flagging, _ := functionNamed("FlagOrder")
	alerted := s.World.Order == needsAttention
	if s.Undo != 0 && s.Exhausted&(1<<flagging) != 0 {
		end, over := x.end(s, ofUndo)
		alerted = alerted || over && end.Status == asl.Failed // failed executions have an alarm
	}
	if undo == "RejectOrder" {
		return alerted && s.Exhausted != 0
	}
	return alerted && s.Exhausted&(1<<fn|1<<closing) != 0
}

// waits reports whether the customer has to act, according to our records.
func (w *World) waits() bool { return w.Payment == actionRequired && !w.Ended }

// happening is something that third parties or the customer may do at any time, or not at all. do
// returns the event that wakes the saga.
type happening struct {
	name string
	can  func(w *World) bool
	do   func(w *World) *wake
}

var happenings = []happening{
	{"the carrier calls back", func(w *World) bool {
		return w.Booked && !w.Called && w.Shipment != unshipped
	}, calledBack},
	{"the customer authenticates", (*World).canAct, func(w *World) *wake {
		w.Answer, w.Charge = agreed, authorized
		return nil
	}},
	{"the customer fails to authenticate", (*World).canAct, func(w *World) *wake {
		w.Answer = saidNo
		return nil
	}},
	{"the notice of the customer's answer arrives", func(w *World) bool { return w.Answer != unasked && !w.Noticed },
		func(w *World) *wake {
			w.Noticed = true
			if !w.waits() {
				return nil
			}
			var c commit
			c.endAction(w)
			w.Ended = true
			return c.wake
		}},
}

// canAct reports whether the customer can act: they know the page, and the provider waits for them.
func (w *World) canAct() bool {
	return w.Marks[askCustomer] == done && w.Answer == unasked && !w.Voided
}
