package prove

import "slices"

// function is a step function in the abstract: read its barrier, call the third party if it has one, commit. Between these three
// anything else may happen.
type function struct {
	name   string
	mark   step   // its barrier, or noStep
	undoes []step // what it is the compensation of
	// read may refuse before anything is called.
	read func(w *World) outcome
	// call asks the third party; nil where there is none.
	call func(w *World) outcome
	// ready tells whether the records that the commit is decided on are as they were read; nil for always.
	ready func(w *World) bool
	// commit changes our own records, in one transaction with the barrier's. undone tells which of undoes were not done.
	commit func(w *World, c *commit) outcome
}

// commit is what a transaction works with.
type commit struct {
	token int8 // of AwaitShipment
	did   func(step) bool
	wake  *wake // an event that carries a resume token
}

type wake struct {
	shipment shipment
	token    int8
}

// outcome is what an invocation answers: an error name, or the JSON of its result, or nothing yet.
type outcome struct{ err, result string }

var (
	goOn = outcome{}
	ok   = outcome{result: "{}"}
)

func fails(name string) outcome { return outcome{err: name} }

func (o outcome) over() bool { return o != goOn }

// functions is the table of what each function does and undoes. An index into it is what a message carries.
var functions = []function{
	{name: "ReserveStock", mark: reserveStock, commit: func(w *World, _ *commit) outcome {
		switch {
		case w.Reservation != unreserved:
			return fails("Transient") // loses every race for the version
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
	{name: "ReleaseStock", mark: releaseStock, undoes: []step{commitStock, reserveStock}, commit: func(w *World, c *commit) outcome {
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
	{name: "AuthorizePayment", mark: authorizePayment, call: authorize, ready: func(w *World) bool { return w.Payment == unpaid }, commit: func(w *World, _ *commit) outcome {
		if w.AuthKey == saidNo {
			w.Payment = declined
			return fails("PaymentDeclined")
		}
		w.Payment = authorized
		return ok
	}},
	{
		name: "CapturePayment", mark: capturePayment, read: func(w *World) outcome {
			if w.Payment != authorized {
				return fails("PaymentNotAuthorized")
			}
			return goOn
		}, call: func(w *World) outcome {
			switch {
			case w.Voided:
				return fails("PaymentVoided")
			case w.Charge == unpaid:
				return fails("NoCharge")
			}
			w.Charge = captured
			return goOn
		}, ready: func(w *World) bool { return w.Payment == authorized }, commit: func(w *World, _ *commit) outcome {
			w.Payment = captured
			return ok
		},
	},
	{name: "VoidPayment", mark: voidPayment, undoes: []step{capturePayment, authorizePayment}, call: func(w *World) outcome {
		w.Voided = true
		switch w.Charge {
		case authorized:
			w.Charge = voided
		case captured:
			w.Charge = refunded
		}
		return goOn
	}, commit: func(w *World, _ *commit) outcome {
		if w.Charge != unpaid {
			w.Payment = w.Charge
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
		return goOn
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
		return goOn
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

// authorize asks the provider, which repeats its first answer to the same key.
func authorize(w *World) outcome {
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
	return goOn
}

func (w *World) closed() outcome {
	if w.SaidConfirmed {
		return outcome{result: `{"confirmed":true}`}
	}
	return outcome{result: `{"confirmed":false}`}
}

// emit publishes the shipment's event, of which only one with a token matters.
func (c *commit) emit(w *World) {
	if w.Token != 0 {
		c.wake = &wake{w.Shipment, w.Token}
	}
}

// calledBack is the carrier's callback, which changes something only while nothing was decided.
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
	return uint8(max(i, 0)), i >= 0 //nolint:gosec // the table has 13
}
