package prove

import (
	"cmp"
	"slices"
)

// function is the model of a step function: read its barrier, call the third party, if any, and
// commit. Anything else may happen in between.
type function struct {
	name   string
	mark   step   // its barrier, or noStep
	undoes []step // steps that it compensates
	// read may refuse before the call.
	read func(w *World) outcome
	// call calls the third party; nil without one.
	call func(w *World) outcome
	// ready reports whether the records that decide the commit are as they were read; nil means
	// always.
	ready func(w *World) bool
	// commit changes our records, in one transaction with the barrier's.
	commit func(w *World, c *commit) outcome
}

// commit is the input and output of a transaction.
type commit struct {
	token int8 // of AwaitShipment or AwaitPayment
	asked bool // the provider answered that the customer must act
	did   func(step) bool
	wake  *wake // the published event with a resume token
}

type wake struct {
	shipment shipment
	token    int8
}

// outcome is the answer of an invocation: an error name, the JSON of its result, or nothing yet.
type outcome struct{ err, result string }

var (
	unfinished = outcome{}
	ok         = outcome{result: "{}"}
)

func fails(name string) outcome { return outcome{err: name} }

func (o outcome) over() bool { return o != unfinished }

// functions lists the models. Messages carry an index into it.
var functions = []function{
	{name: "ReserveStock", mark: reserveStock, commit: func(w *World, _ *commit) outcome {
		switch {
		case w.Reservation != unreserved:
			return fails("Transient") // loses every race on the version
		case w.Available < 1:
			return fails("OutOfStock")
		}
		w.Available, w.Reserved, w.Reservation = w.Available-1, w.Reserved+1, reserved
		return ok
	}},
	{name: "CommitStock", mark: commitStock, commit: func(w *World, _ *commit) outcome {
		switch w.Reservation {
		case unreserved:
			return fails("ReservationNotFound")
		case reserved:
			w.Reserved, w.Shipped, w.Reservation = w.Reserved-1, w.Shipped+1, committed
			return ok
		}
		return fails("NotReserved")
	}},
	{name: "ReleaseStock", mark: releaseStock, undoes: []step{commitStock, reserveStock},
		commit: func(w *World, c *commit) outcome {
			if !c.did(reserveStock) {
				return ok
			}
			switch w.Reservation {
			case reserved:
				w.Reserved, w.Available = w.Reserved-1, w.Available+1
			case committed:
				w.Shipped, w.Available = w.Shipped-1, w.Available+1
			}
			w.Reservation = released
			return ok
		}},
	{name: "AuthorizePayment", mark: authorizePayment, call: authorize,
		ready: func(w *World) bool { return w.Payment == unpaid || w.Payment == actionRequired },
		commit: func(w *World, c *commit) outcome {
			c.endAction(w)
			switch {
			case c.asked: // and the saga has waited
				w.Payment, w.Refusal = declined, abandoned
				return fails("PaymentAbandoned")
			case w.AuthKey == saidNo, w.Answer == saidNo:
				w.Payment, w.Refusal = declined, byProvider
				return fails("PaymentDeclined")
			}
			w.Payment = authorized
			return ok
		}},
	{name: "AwaitPayment", mark: noStep, commit: func(w *World, c *commit) outcome {
		switch {
		case w.Payment == unpaid:
			return fails("PaymentNotFound")
		case w.waits():
			w.PayToken = c.token
		default:
			c.wake = &wake{unshipped, c.token}
		}
		return ok
	}},
	{
		name: "CapturePayment", mark: capturePayment, read: func(w *World) outcome {
			if w.Payment != authorized {
				return fails("PaymentNotAuthorized")
			}
			return unfinished
		}, call: func(w *World) outcome {
			switch {
			case w.Voided:
				return fails("PaymentVoided")
			case w.Charge == unpaid:
				return fails("NoCharge")
			}
			w.Charge = captured
			return unfinished
		}, ready: func(w *World) bool { return w.Payment == authorized }, commit: func(w *World, _ *commit) outcome {
			w.Payment = captured
			return ok
		},
	},
	{name: "VoidPayment", mark: voidPayment, undoes: []step{capturePayment, authorizePayment, askCustomer},
		call: func(w *World) outcome {
			w.Voided = true
			switch w.Charge {
			case authorized:
				w.Charge = voided
			case captured:
				w.Charge = refunded
			}
			return unfinished
		}, commit: func(w *World, c *commit) outcome {
			if w.Charge != unpaid || w.Payment == actionRequired {
				c.endAction(w)
				w.Payment = cmp.Or(w.Charge, voided)
			}
			return ok
		}},
	{name: "ArrangeShipment", mark: arrangeShipment, call: func(w *World) outcome {
		if w.BookKey == unasked {
			w.BookKey = agreed
			if w.Cancelled {
				w.BookKey = barredThere
			} else {
				w.Booked = true
			}
		}
		if w.BookKey == barredThere {
			return fails("ShipmentCancelled")
		}
		return unfinished
	}, ready: func(w *World) bool { return w.Shipment == unshipped }, commit: func(w *World, _ *commit) outcome {
		w.Shipment = requested
		return ok
	}},
	{name: "AwaitShipment", mark: noStep, commit: func(w *World, c *commit) outcome {
		if w.Shipment == unshipped {
			return fails("ShipmentNotFound")
		}
		w.Token = c.token
		if w.Shipment != requested {
			c.emit(w)
		}
		return ok
	}},
	{name: "CancelShipment", mark: cancelShipment, undoes: []step{arrangeShipment}, call: func(w *World) outcome {
		w.Cancelled = true
		return unfinished
	}, commit: func(w *World, c *commit) outcome {
		if w.Shipment == unshipped && !w.Booked || w.Shipment == refused {
			return ok
		}
		w.Shipment = shipmentCancelled
		c.emit(w)
		return ok
	}},
	{name: "ConfirmOrder", mark: confirmOrder, commit: func(w *World, _ *commit) outcome {
		switch {
		case w.Closed:
			return fails("OrderClosed")
		case w.Order != pending:
			return fails("ForbiddenTransition")
		}
		w.Order = confirmed
		return ok
	}},
	{name: "CloseOrder", mark: closeOrder, undoes: []step{confirmOrder}, commit: func(w *World, c *commit) outcome {
		w.SaidConfirmed = c.did(confirmOrder) || w.Order == confirmed
		w.Closed = w.Closed || !w.SaidConfirmed
		return w.closed()
	}},
	{name: "RejectOrder", mark: noStep, commit: func(w *World, _ *commit) outcome {
		switch {
		case w.Order.final():
		case w.CancelRequested:
			w.Order, w.Closed = cancelled, true
		default:
			w.Order, w.Closed = rejected, true
		}
		return ok
	}},
	{name: "FlagOrder", mark: noStep, commit: func(w *World, _ *commit) outcome {
		if w.Order == pending {
			w.Order, w.Closed = needsAttention, true
		}
		return ok
	}},
}

// mustAct is what the provider answers while it waits for the customer.
const mustAct = "the customer must act"

// authorize calls the provider, which repeats the stored answer of a key. While the customer must
// act, and if they fail to, it has no stored answer.
func authorize(w *World) outcome {
	if w.Asks && w.AuthKey == unasked && !w.Voided && w.Answer != agreed {
		w.Asked = true
		if w.Answer == saidNo {
			return unfinished
		}
		return fails(mustAct)
	}
	if w.AuthKey == unasked {
		switch {
		case w.Voided:
			w.AuthKey = barredThere
		case w.Declines:
			w.AuthKey = saidNo
		default:
			w.AuthKey = agreed
			if w.Charge == unpaid {
				w.Charge = authorized
			}
		}
	}
	if w.AuthKey == barredThere {
		return fails("PaymentVoided")
	}
	return unfinished
}

// ask records that the customer must act, unless that is recorded or barred.
func ask(w *World, broken Breakage) outcome {
	if w.Marks[askCustomer] == barred && broken != NoBarrier {
		return fails("StepCompensated")
	}
	if w.Marks[askCustomer] == unmarked && w.Payment == unpaid {
		w.Payment, w.Marks[askCustomer] = actionRequired, done
	}
	return fails("PaymentActionRequired")
}

// endAction publishes that the customer no longer has to act, if they had to. Only an event with a
// token matters.
func (c *commit) endAction(w *World) {
	if w.waits() && w.PayToken != 0 {
		c.wake = &wake{unshipped, w.PayToken}
	}
	w.PayToken, w.Ended = 0, false
}

func (w *World) closed() outcome {
	if w.SaidConfirmed {
		return outcome{result: `{"confirmed":true}`}
	}
	return outcome{result: `{"confirmed":false}`}
}

// emit publishes the shipment's event, which takes the token with it. Only one with a token
// matters.
func (c *commit) emit(w *World) {
	if w.Token != 0 {
		c.wake = &wake{w.Shipment, w.Token}
		w.Token = 0
	}
}

// calledBack is the carrier's callback. It has no effect once the shipment is decided.
func calledBack(w *World) *wake {
	w.Called = true
	if w.Shipment != requested {
		return nil
	}
	w.Shipment = booked
	if w.Refuses {
		w.Shipment = refused
	}
	var c commit
	c.emit(w)
	return c.wake
}

func functionNamed(name string) (uint8, bool) {
	i := slices.IndexFunc(functions, func(f function) bool { return f.name == name })
	return uint8(max(i, 0)), i >= 0 //nolint:gosec // the table has 14 entries
}

// Breakage is a deliberate defect, which the search must find.
type Breakage uint8

// The defects.
const (
	Sound           Breakage = iota
	NoBarrier                // records are written, but duplicates and late steps are not refused
	OnlyFinished             // an undo skips steps that are not recorded as done
	NoNullRecord             // an undo does not bar steps that were not done
	NoConfirmedStop          // CloseOrder always answers "not confirmed"
)

type invocation struct {
	fn    uint8
	phase phase
	seen  uint8 // marks of the steps it undoes, as read
	token int8
	// waited says that the saga has waited for the customer; asked is the provider's answer.
	waited, asked bool
}

type phase uint8

const (
	unread phase = iota
	uncalled
	uncommitted
)

// advance runs the next phase of an invocation.
func (v *invocation) advance(w *World, broken Breakage) (out outcome, woken *wake) {
	f := &functions[v.fn]
	switch v.phase {
	case unread:
		if out := f.replay(w, broken); out.over() {
			return out, nil
		}
		if f.read != nil {
			if out := f.read(w); out.over() {
				return out, nil
			}
		}
		v.seen = f.marks(w)
		if f.call != nil {
			v.phase = uncalled
			return unfinished, nil
		}
	case uncalled:
		v.phase = uncommitted
		if broken == OnlyFinished && len(f.undoes) > 0 && !f.anyDone(w) {
			return unfinished, nil
		}
		out := f.call(w)
		if v.asked = out.err == mustAct; v.asked {
			out = unfinished
		}
		if v.asked && !v.waited && w.Marks[askCustomer] != unmarked { // nothing to write
			return cmp.Or(f.replay(w, broken), ask(w, broken)), nil
		}
		return out, nil
	}
	return v.commit(f, w, broken)
}

// commit applies the change and the barrier's records, or starts again after a lost race.
func (v *invocation) commit(f *function, w *World, broken Breakage) (outcome, *wake) {
	if f.ready != nil && !f.ready(w) && broken == NoBarrier {
		return fails("Transient"), nil // without the barrier it would lose this race every time
	}
	if f.replay(w, broken).over() || v.seen != f.marks(w) || f.ready != nil && !f.ready(w) {
		v.phase, v.asked = unread, false
		return unfinished, nil
	}
	if v.asked && !v.waited {
		return ask(w, broken), nil
	}
	c := commit{token: v.token, asked: v.asked, did: func(s step) bool { return w.Marks[s] == done }}
	next := *w
	out := f.commit(&next, &c)
	if out.err != "" && next.Refusal == w.Refusal { // a refusal is recorded; other errors change nothing
		return out, nil
	}
	if f.mark != noStep {
		next.Marks[f.mark] = done
		for _, s := range f.undoes {
			if next.Marks[s] == unmarked && broken != NoNullRecord {
				next.Marks[s] = barred
			}
		}
	}
	*w = next
	if broken == NoConfirmedStop && out.result == `{"confirmed":true}` {
		out.result = `{"confirmed":false}`
	}
	return out, c.wake
}

// replay returns the answer of a function that already ran, or was undone before it ran.
func (f *function) replay(w *World, broken Breakage) outcome {
	if f.mark == noStep || broken == NoBarrier {
		return unfinished
	}
	switch w.Marks[f.mark] {
	case unmarked:
		return unfinished
	case barred:
		return fails("StepCompensated")
	}
	switch {
	case f.mark == closeOrder && broken != NoConfirmedStop:
		return w.closed()
	case f.mark == closeOrder:
		return outcome{result: `{"confirmed":false}`}
	case f.mark == authorizePayment && w.Refusal == byProvider:
		return fails("PaymentDeclined")
	case f.mark == authorizePayment && w.Refusal == abandoned:
		return fails("PaymentAbandoned")
	}
	return ok
}

// marks packs the records of the steps that the function undoes.
func (f *function) marks(w *World) (packed uint8) {
	for _, s := range f.undoes {
		packed = packed<<2 | uint8(w.Marks[s])
	}
	return packed
}

func (f *function) anyDone(w *World) bool {
	for _, s := range f.undoes {
		if w.Marks[s] == done {
			return true
		}
	}
	return false
}
