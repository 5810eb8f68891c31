package prove

import "orderflow/internal/verify/asl"

// invariant is what must hold whenever the system is at rest. undo is the function of the compensation that sees to it:
// where that was exhausted, an operator has to.
type invariant struct {
	name  string
	undo  string
	holds func(w *World) bool
}

var invariants = []invariant{
	{"money is taken if and only if the order is CONFIRMED, and none is held otherwise", "VoidPayment", func(w *World) bool {
		return (w.Charge == captured) == (w.Order == confirmed) && w.Charge != authorized
	}},
	{"the carrier ships if and only if the order is CONFIRMED", "CancelShipment", func(w *World) bool {
		return w.ships() == (w.Order == confirmed)
	}},
	{"stock is shipped if and only if the order is CONFIRMED, and none is reserved otherwise", "ReleaseStock", func(w *World) bool {
		return w.Reserved == 0 && (w.Shipped == 1) == (w.Order == confirmed)
	}},
	{"the order is final", "RejectOrder", func(w *World) bool { return w.Order.final() }},
}

// ships tells whether the carrier will deliver.
func (w *World) ships() bool { return w.Booked && !w.Cancelled && !w.Refuses }

// always must hold in every state.
var always = []invariant{
	{name: "no unit appears or vanishes, and no bucket is negative", holds: func(w *World) bool {
		return w.Available >= 0 && w.Reserved >= 0 && w.Shipped >= 0 && w.Available+w.Reserved+w.Shipped == w.stocked()
	}},
	{name: "we never know of more than there is: what is written down as captured was charged", holds: func(w *World) bool {
		return w.Payment != captured || w.Charge == captured || w.Charge == refunded
	}},
	{name: "money is captured only after the carrier has booked", holds: func(w *World) bool {
		return w.Charge != captured || w.Called && !w.Refuses && (w.Shipment == booked || w.Shipment == shipmentCancelled)
	}},
}

// stocked is how many units there were.
func (w *World) stocked() int8 {
	if w.Empty {
		return 0
	}
	return stock
}

const stock = 2

// violated names what does not hold in a state; "" if all does.
func (x *search) violated(s *State) string {
	for _, i := range always {
		if !i.holds(&s.World) {
			return i.name
		}
	}
	if s.Lost {
		return "a call for which there was no slot is made again"
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

// excused tells whether an invariant may fail to hold: the function that sees to it failed until its retries were used
// up, and somebody was told. After CloseOrder failed nothing may be undone, so it excuses all.
func (x *search) excused(s *State, undo string) bool {
	fn, _ := functionNamed(undo)
	closing, _ := functionNamed("CloseOrder")
	flagging, _ := functionNamed("FlagOrder")
	told := s.World.Order == needsAttention
	if s.Undo != 0 && s.Exhausted&(1<<flagging) != 0 {
		end, over := x.runs.end(s.Undo)
		told = told || over && end.Status == asl.Failed // by the failed execution, of which an alarm tells
	}
	if undo == "RejectOrder" {
		return told && s.Exhausted != 0
	}
	return told && s.Exhausted&(1<<fn|1<<closing) != 0
}
