package prove

import (
	"cmp"
	"fmt"
	"slices"

	"orderflow/internal/platform/asl"
)

// State is the whole state of a run except its number of faults. It is a plain value.
type State struct {
	World     World
	Saga      int32  // the execution of fulfil-order
	Undo      int32  // the latest execution of compensate-order; 0: none
	Attempt   uint8  // its number
	Exhausted uint16 // functions of the compensation whose retries were exhausted, one bit each
	Failing   uint16 // those that fail until the latest compensation gives up
	Lost      bool   // a throttled call was not retried
	count     uint8
	messages  [maxMessages]message
}

const maxMessages = 8

type message struct {
	kind kind
	run  int32 // ofChild: the execution; its invocation has the token to which it reports
	invocation
	wake wake
}

type kind uint8

const (
	nothing    kind = iota
	ofSaga          // an invocation that the saga waits for
	ofUndo          // an invocation that the compensation waits for
	ofChild         // an Express child, and the invocation for which it waits
	zombie          // an invocation that nobody waits for; it may never continue
	wakeUp          // an event with a resume token
	cancelling      // the event of the customer's cancellation
	sagaEnded       // the event that an execution failed or was aborted
	undoEnded
)

func (s *State) each() []message { return s.messages[:s.count] }

// put adds a message. Messages are sorted, so their order does not distinguish states.
func (s *State) put(m message) {
	if int(s.count) == maxMessages {
		panic("prove: more than 8 messages in progress")
	}
	s.messages[s.count] = m
	s.count++
	s.sort()
}

func (s *State) drop(i int) {
	s.count--
	s.messages[i] = s.messages[s.count]
	s.messages[s.count] = message{}
	s.sort()
}

func (s *State) sort() {
	slices.SortFunc(s.each(), func(a, b message) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.fn, b.fn), cmp.Compare(a.phase, b.phase),
			cmp.Compare(a.seen, b.seen), cmp.Compare(a.run, b.run), cmp.Compare(a.token, b.token),
			compareBool(a.waited, b.waited), compareBool(a.asked, b.asked),
			cmp.Compare(a.wake.shipment, b.wake.shipment), cmp.Compare(a.wake.token, b.wake.token))
	})
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// find returns the index of the only message of a kind, or -1.
func (s *State) find(k kind) int {
	return slices.IndexFunc(s.each(), func(m message) bool { return m.kind == k })
}

func (s *State) deliver(w *wake) {
	if w != nil {
		s.put(message{kind: wakeUp, wake: *w})
	}
}

// run returns the number of the execution that waits for messages of kind k.
func (s *State) run(k kind) *int32 {
	if k == ofSaga {
		return &s.Saga
	}
	return &s.Undo
}

// abandon makes the invocation that an execution waits for, if any, one that nobody waits for.
func (s *State) abandon(k kind) {
	if i := s.find(k); i >= 0 {
		s.messages[i].kind = zombie
		s.sort()
	}
}

// setRun replaces an execution by its next state and sends what that waits for.
func (x *search) setRun(s *State, k kind, run int32) {
	if i := s.find(k); i >= 0 {
		s.drop(i)
	}
	*s.run(k) = run
	switch e := x.run(s, k).Next().(type) {
	case asl.Invoke:
		fn, _ := functionNamed(e.Function) // Load checked the name
		v := invocation{fn: fn}
		if e.Callback {
			v.token = x.token(e.Token)
		}
		s.put(message{kind: k, invocation: v})
	case asl.StartExecution:
		if e.Callback {
			x.startChild(s, e)
		}
	case asl.Done:
		if e.Status != asl.Succeeded {
			s.put(message{kind: map[kind]kind{ofSaga: sagaEnded, ofUndo: undoEnded}[k]})
		}
	}
}

// atRest reports whether nothing more happens on its own. Zombies and children that nobody waits
// for may remain, since they may never continue.
func (x *search) atRest(s *State) bool {
	for _, m := range s.each() {
		if m.kind != zombie && !x.stale(s, m) {
			return false
		}
	}
	return x.over(s, ofSaga) && (s.Undo == 0 || x.over(s, ofUndo))
}

func (x *search) over(s *State, k kind) bool {
	_, over := x.end(s, k)
	return over
}

func (m message) String() string {
	f := functions[m.fn].name
	return [...]string{
		ofSaga: f, ofUndo: f, ofChild: f, zombie: "the zombie of " + f,
		wakeUp:     fmt.Sprintf("the event with token %d", m.wake.token),
		cancelling: "the event of the customer's cancellation",
		sagaEnded:  "the event of the saga's unplanned end", undoEnded: "the event of the compensation's unplanned end",
	}[m.kind]
}

// reduce removes from a state what can no longer make a difference, so that more states are equal.
// Each rule rests on something permanent: a barrier's mark stays, nothing waits again for a used or
// expired token, a final order stays final, a closed one is never confirmed.
func (x *search) reduce(s *State) {
	if x.opts.Plain || x.opts.Breakage != Sound {
		return
	}
	x.replays(s)
	awaited, waiting := int8(0), !x.over(s, ofSaga) && x.waitAhead[x.run(s, ofSaga).State()]
	if call, ok := x.awaited(s, ofSaga); ok {
		awaited = x.token(call.Token)
	}
	if !waiting {
		s.World.Token, s.World.PayToken = 0, 0
	}
	for i := 0; i < int(s.count); {
		m := s.messages[i]
		stale := x.stale(s, m)
		next, over := m, false
		if stale {
			next, over = x.forward(m, &s.World)
		}
		switch {
		case over:
			s.drop(i)
		case next != m:
			s.messages[i] = next
			s.sort()
			i = 0
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
	case "AwaitShipment", "AwaitPayment":
		return !waiting
	case "RejectOrder":
		return w.Order.final()
	case "FlagOrder":
		return w.Order != pending
	case "ConfirmOrder":
		return w.Closed || w.Order != pending
	}
	if m.phase == uncalled && !f.ineffective(w) {
		return false
	}
	return w.Marks[f.mark] != unmarked
}

// ineffective reports whether calling the third party has no effect any more.
func (f *function) ineffective(w *World) bool {
	switch f.name {
	case "AuthorizePayment":
		return w.AuthKey != unasked || w.Asked
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
