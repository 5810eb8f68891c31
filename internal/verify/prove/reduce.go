package prove

// reduce removes from a state what cannot make a difference any more, so more states are equal.
// Each rule rests on something permanent: a barrier's mark stays, nothing waits again for a used or
// expired token, a final order stays final, a closed one is never confirmed.
func (x *search) reduce(s *State) {
	if x.opts.Plain || x.opts.Breakage != Sound {
		return
	}
	awaited, waiting := int8(0), !x.over(s, ofSaga) && x.waitAhead[x.run(s, ofSaga).State()]
	if call, ok := x.awaited(s, ofSaga); ok {
		awaited = x.token(call.Token)
	}
	if !waiting {
		s.World.Token = 0
	}
	for i := 0; i < int(s.count); {
		m := s.messages[i]
		switch {
		case m.kind == wakeUp && m.wake.token != awaited, m.kind == zombie && m.spent(&s.World, waiting):
			s.drop(i)
		default:
			i++
		}
	}
}

// spent reports whether a zombie cannot change anything any more.
func (m message) spent(w *World, waiting bool) bool {
	f := &functions[m.fn]
	switch f.name {
	case "AwaitShipment":
		return !waiting
	case "RejectOrder":
		return w.Order.final()
	case "FlagOrder":
		return w.Order != pending
	case "ConfirmOrder":
		return w.Closed || w.Order != pending
	}
	if m.phase == uncalled && !f.moot(w) {
		return false
	}
	return w.Marks[f.mark] != unmarked
}

// moot reports whether calling the third party has no effect any more.
func (f *function) moot(w *World) bool {
	switch f.name {
	case "AuthorizePayment":
		return w.AuthKey != unasked
	case "CapturePayment":
		return w.Voided || w.Charge == captured
	case "VoidPayment":
		return w.Voided
	case "ArrangeShipment":
		return w.BookKey != unasked
	case "CancelShipment":
		return w.Cancelled
	}
	return true
}
