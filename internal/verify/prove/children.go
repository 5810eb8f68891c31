package prove

import (
	"bytes"
	"encoding/json"
	"strings"

	"orderflow/internal/platform/asl"
)

// An Express child is a message: its execution, and the invocation for which it waits. It reports
// at once when its steps are over. It runs at least once. A child that its parent, the saga or the
// compensation, has given up on may continue or not. A lost child, and one whose report is lost or
// late, count as given up.

// startChild starts a child at once: if the start is refused, or its answer is lost, the saga
// continues as if it had given up on the child.
func (x *search) startChild(s *State, e asl.StartExecution) {
	key := answer{text: e.MachineARN + string(e.Input)}
	run, known := x.runs.answers[key]
	if !known {
		// Attempts differ only in their token, which the message has.
		input := strings.ReplaceAll(string(e.Input), e.Token, "token")
		run = x.number(x.machines[e.MachineARN].Start(orderID, []byte(input)))
		x.runs.answers[key] = run
	}
	m, _ := x.childAt(run, x.token(e.Token))
	s.put(m)
}

// childAt returns the message of a child. Its steps are over if it waits for none.
func (x *search) childAt(run int32, token int8) (m message, over bool) {
	m = message{kind: ofChild, run: run, invocation: invocation{token: token}}
	e, step := x.runs.all[run].Next().(asl.Invoke)
	if step {
		m.fn, _ = functionNamed(e.Function) // Load checked the name
		m.waited = bytes.Contains(e.Payload, []byte(`"waited":true`))
	}
	return m, !step
}

// answerChild gives the outcome of a step to the child at i, and fails the following steps that
// fail until their retries are exhausted.
func (x *search) answerChild(s *State, i int, o outcome) {
	m, over := s.messages[i], false
	for again := true; again && !over; o = fails(transient) {
		m, over = x.childAt(x.answered(m.run, o.text(), o.give), m.token)
		parent, _ := x.parent(s, m)
		again = parent == ofUndo && s.Failing&(1<<m.fn) != 0
	}
	if over {
		s.drop(i)
		x.report(s, m)
		return
	}
	s.messages[i] = m
	s.sort()
}

// parent returns the parent of the child in a message. ok is false if nobody waits for it.
func (x *search) parent(s *State, m message) (k kind, ok bool) {
	for _, k := range []kind{ofSaga, ofUndo} {
		if m.kind == ofChild && m.token == x.childAwaited(s, k) {
			return k, true
		}
	}
	return nothing, false
}

// stale reports whether a message is a child for which nobody waits.
func (x *search) stale(s *State, m message) bool {
	_, awaited := x.parent(s, m)
	return m.kind == ofChild && !awaited
}

// childAwaited returns the token of the child for which an execution waits, or -1.
func (x *search) childAwaited(s *State, k kind) int8 {
	if *s.run(k) == 0 {
		return -1
	}
	if e, ok := x.run(s, k).Next().(asl.StartExecution); ok && e.Callback {
		return x.token(e.Token)
	}
	return -1
}

// child adds what a child's invocation may do.
func (n *successors) child(i int, m message) {
	out, woken, after := n.advanced(i, m)
	n.add(func(s *State) {
		*s = after
		if out.over() {
			n.x.answerChild(s, i, out)
		} else {
			s.sort()
		}
		s.deliver(woken)
	}, "%s%s", m, progress{m.phase, out})
	if parent, awaited := n.x.parent(n.from, m); awaited { // else its faults make no difference
		n.faultyChild(i, m, parent)
	}
}

// report answers the task of a child's parent, if it still waits. If the only failed steps are
// those that fail until the retries are exhausted, the retries are exhausted.
func (x *search) report(s *State, m message) {
	k, awaited := x.parent(s, m)
	if !awaited {
		return
	}
	e, _ := x.runs.all[m.run].Next().(asl.AnswerTask)
	before := x.run(s, k).State()
	if k == ofUndo && e.Error != "" && x.failing(s, e) {
		x.giveUp(s, k, e.Error)
		return
	}
	x.reply(s, k, outcome{e.Error, string(e.Output)})
	s.Lost = e.Error == throttled && x.run(s, k).State() != before
}

// failing reports whether all steps that a report of failure names fail until the retries are
// exhausted.
func (x *search) failing(s *State, e asl.AnswerTask) bool {
	failures := map[string]string{}
	first, _, _ := strings.Cut(e.Cause, "\n")
	if json.Unmarshal([]byte(first), &failures) != nil {
		return false
	}
	for step := range failures {
		if fn, _ := functionNamed(step); s.Failing&(1<<fn) == 0 {
			return false
		}
	}
	return true
}

// faultyChild adds the faults of a child's invocation; see faulty.
func (n *successors) faultyChild(i int, m message, parent kind) {
	x := n.x
	failWith := func(name string) func(*State) {
		return func(s *State) { x.answerChild(s, i, fails(name)) }
	}
	exhausts := func(s *State, name string) {
		if parent == ofUndo { // the other undos go on
			s.Exhausted, s.Failing = s.Exhausted|1<<m.fn, s.Failing|1<<m.fn
			failWith(name)(s)
			return
		}
		s.drop(i)
		x.giveUp(s, parent, name)
	}
	n.fault(failWith(died), "%s dies %s", m, m.phase)
	n.fault(func(s *State) {
		twin := m
		twin.kind, twin.run, twin.token = zombie, 0, 0
		failWith(asl.ErrTimeout)(s)
		s.put(twin)
	}, "%s times out %s and may run on", m, m.phase)
	if m.phase == unread {
		n.fault(failWith(throttled), "%s finds no free slot and does not begin", m)
		n.fault(func(s *State) { exhausts(s, throttled) }, "%s finds no free slot until the retries are exhausted", m)
		n.fault(func(s *State) {
			twin := m
			twin.kind, twin.run, twin.token = zombie, 0, 0
			s.put(twin)
		}, "%s is delivered twice", m)
		n.fault(func(s *State) { exhausts(s, transient) }, "%s fails until the retries are exhausted", m)
	}
	if run := x.runs.all[m.run]; m.phase == unread && run.State() == run.Machine().StartAt {
		n.fault(func(s *State) { s.put(m) }, "the child with %s runs twice", m)
	}
	out, woken, after := n.advanced(i, m)
	if !out.over() {
		return
	}
	n.fault(func(s *State) {
		*s = after
		failWith(died)(s)
		s.deliver(woken)
	}, "%s%s, but the answer is lost", m, progress{m.phase, out})
	n.fault(func(s *State) {
		*s = after
		exhausts(s, transient)
		s.deliver(woken)
	}, "%s%s, but the answer is lost, and it fails until the retries are exhausted", m, progress{m.phase, out})
}

// giveUpChild adds that an execution waits for its child without an answer.
func (n *successors) giveUpChild(k kind, e asl.StartExecution) {
	n.fault(func(s *State) { n.x.fail(s, k, asl.ErrTimeout) }, "%s gives up its child, which may run on", e.State)
}

// replays lets awaited children continue past steps that answer from their records. A fault there
// has the same consequences as a fault at the step's own effect.
func (x *search) replays(s *State) {
	for i := 0; i < int(s.count); i++ {
		m := s.messages[i]
		if m.kind != ofChild || m.phase != unread || x.stale(s, m) {
			continue
		}
		if out := functions[m.fn].replay(&s.World, Sound); out.over() {
			x.answerChild(s, i, out)
			i = -1
		}
	}
}

// forward advances a child for which nobody waits past the steps that can no longer change
// anything. Its token does not matter. over says that the child cannot change anything at all.
func (x *search) forward(m message, w *World) (_ message, over bool) {
	m.token = 0
	for m.spent(w, false) {
		out := functions[m.fn].replay(w, Sound)
		if !out.over() { // it has no barrier, or its order is final
			out = ok
		}
		if m, over = x.childAt(x.answered(m.run, out.text(), out.give), 0); over {
			break
		}
	}
	return m, over
}
