package prove

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

// invocation is a run of a function.
type invocation struct {
	fn    uint8
	phase phase
	seen  uint8 // marks of the steps it undoes, as read
	token int8
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
		return f.call(w), nil
	}
	return v.commit(f, w, broken)
}

// commit applies the change and the barrier's records, or starts again after a lost race.
func (v *invocation) commit(f *function, w *World, broken Breakage) (outcome, *wake) {
	if f.ready != nil && !f.ready(w) && broken == NoBarrier {
		return fails("Transient"), nil // without the barrier it would lose this race every time
	}
	if f.replay(w, broken).over() || v.seen != f.marks(w) || f.ready != nil && !f.ready(w) {
		v.phase = unread
		return unfinished, nil
	}
	c := commit{token: v.token, did: func(s step) bool { return w.Marks[s] == done }}
	next := *w
	out := f.commit(&next, &c)
	if out.err != "" && out.err != "PaymentDeclined" { // a decline is recorded; other errors change nothing
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
	case f.mark == authorizePayment && w.AuthKey == saidNo:
		return fails("PaymentDeclined")
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
