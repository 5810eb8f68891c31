package prove

import (
	"fmt"

	"orderflow/internal/verify/asl"
)

// successor is a possible next state and the event that leads to it.
type successor struct {
	state State
	fault bool
	label func() string // evaluated only for the reported path
}

type successors struct {
	x    *search
	from *State
	list []successor
	free int // how many happen by themselves
}

// add adds the successor that change makes.
func (n *successors) add(label func() string, change func(*State)) {
	n.free++
	n.make(false, label, change)
}

// fault is add for a fault.
func (n *successors) fault(label func() string, change func(*State)) { n.make(true, label, change) }

// chance is add for what need not happen.
func (n *successors) chance(label func() string, change func(*State)) { n.make(false, label, change) }

func (n *successors) make(fault bool, label func() string, change func(*State)) {
	s := *n.from
	change(&s)
	n.x.reduce(&s)
	n.list = append(n.list, successor{s, fault, label})
}

// after lists everything that can happen in a state.
func (x *search) after(from *State) *successors {
	n := &successors{x: x, from: from, list: x.spare[:0]}
	for i, m := range from.each() {
		if i > 0 && m == from.messages[i-1] {
			continue // identical
		}
		switch m.kind {
		case ofSaga, ofUndo:
			n.invocation(i, m)
			n.faulty(i, m)
		case zombie:
			n.invocation(i, m)
		default:
			n.add(func() string { return m.String() + " arrives" }, func(s *State) {
				s.drop(i)
				x.deliver(s, m)
			})
		}
	}
	n.executions()
	n.outside()
	x.spare = n.list
	return n
}

// invocation adds the next phase of an invocation.
func (n *successors) invocation(i int, m message) {
	out, woken, s := n.advanced(i, m)
	label := func() string { return m.String() + n.progress(m, out) }
	n.add(label, func(to *State) {
		*to = s
		to.deliver(woken)
		switch {
		case !out.over():
		case m.kind == zombie:
			to.drop(i)
		case out.err != "":
			n.x.setRun(to, m.kind, n.x.runs.fail(*to.run(m.kind), out.err))
		case n.x.waits(*to.run(m.kind)):
			to.drop(i) // whoever has the token answers
		default:
			n.x.setRun(to, m.kind, n.x.runs.succeed(*to.run(m.kind), out.result))
		}
		to.sort()
	})
}

// advanced returns the state after the next phase of the message at i, which is kept.
func (n *successors) advanced(i int, m message) (outcome, *wake, State) {
	s := *n.from
	v := m.invocation
	out, woken := v.advance(&s.World, n.x.opts.Breakage)
	s.messages[i].invocation = v
	return out, woken, s
}

// faulty adds the faults of an invocation that an execution waits for.
func (n *successors) faulty(i int, m message) {
	run := *n.from.run(m.kind)
	n.fault(func() string { return m.String() + " dies " + m.phase.String() }, func(s *State) {
		n.x.setRun(s, m.kind, n.x.runs.fail(run, "Lambda.Unknown"))
	})
	n.fault(func() string { return m.String() + " times out " + m.phase.String() + " and may run on" }, func(s *State) {
		s.messages[i].kind = zombie
		s.sort()
		n.x.setRun(s, m.kind, n.x.runs.fail(run, "States.Timeout"))
	})
	if m.phase == unread {
		n.fault(func() string { return m.String() + " finds no free slot and does not begin" }, func(s *State) {
			after := n.x.runs.fail(run, throttled)
			s.Lost = n.x.runs.all[after].State() != n.x.runs.all[run].State()
			n.x.setRun(s, m.kind, after)
		})
		n.fault(func() string { return m.String() + " finds no free slot until its retries are exhausted" },
			func(s *State) {
				s.exhaust(m)
				n.x.setRun(s, m.kind, n.x.runs.giveUp(run, throttled))
			})
		n.fault(func() string { return m.String() + " is delivered twice" }, func(s *State) {
			twin := m
			twin.kind = zombie
			s.put(twin)
		})
		n.fault(func() string { return m.String() + " fails until its retries are exhausted" }, func(s *State) {
			s.exhaust(m)
			n.x.setRun(s, m.kind, n.x.runs.giveUp(run, "Transient"))
		})
	}
	out, woken, after := n.advanced(i, m)
	if !out.over() {
		return
	}
	n.fault(func() string { return m.String() + n.progress(m, out) + ", but the answer is lost" }, func(s *State) {
		*s = after
		s.deliver(woken)
		n.x.setRun(s, m.kind, n.x.runs.fail(run, "Lambda.Unknown"))
	})
	n.fault(func() string {
		return m.String() + n.progress(m, out) +
			", but the answer is lost, and it fails until its retries are exhausted"
	}, func(s *State) {
		*s = after
		s.deliver(woken)
		s.exhaust(m)
		n.x.setRun(s, m.kind, n.x.runs.giveUp(run, "Transient"))
	})
}

// throttled is the error of a call without a free slot, which is not attempted.
const throttled = "Lambda.TooManyRequestsException"

// exhaust records that the retries of a compensation were exhausted.
func (s *State) exhaust(m message) {
	if m.kind == ofUndo {
		s.Exhausted |= 1 << m.fn
	}
}

// executions adds timeouts of callbacks, starts of executions and aborts.
func (n *successors) executions() {
	for _, k := range []kind{ofSaga, ofUndo} {
		run := *n.from.run(k)
		if run == 0 || n.x.over(run) {
			continue
		}
		n.fault(func() string {
			return fmt.Sprintf("the execution of %s is aborted in %s", k, n.x.runs.all[run].State())
		}, func(s *State) {
			if i := s.find(k); i >= 0 {
				s.messages[i].kind = zombie
				s.sort()
			}
			n.x.setRun(s, k, n.x.runs.abort(run))
		})
		switch e := n.x.runs.all[run].Next().(type) {
		case asl.Invoke:
			if e.Callback {
				n.add(func() string { return e.State + " times out waiting for its token" }, func(s *State) {
					if i := s.find(k); i >= 0 {
						s.messages[i].kind = zombie
						s.sort()
					}
					n.x.setRun(s, k, n.x.runs.fail(run, asl.ErrTimeout))
				})
			}
		case asl.StartExecution:
			n.start(k, run, e)
		}
	}
}

// start adds the outcomes of starting another execution.
func (n *successors) start(k kind, run int32, e asl.StartExecution) {
	do := func(s *State) string {
		if s.Undo != 0 { // with the same input AWS answers success while it runs; both lead to the same
			return "StepFunctions.ExecutionAlreadyExistsException"
		}
		n.x.startUndo(s, 1, e.Name, e.Input)
		return ""
	}
	n.add(func() string { return e.State + " starts the compensation" }, func(s *State) {
		if name := do(s); name != "" {
			n.x.setRun(s, k, n.x.runs.fail(run, name))
			return
		}
		n.x.setRun(s, k, n.x.runs.succeed(run, `{}`))
	})
	n.fault(func() string { return e.State + " is refused once" }, func(s *State) {
		n.x.setRun(s, k, n.x.runs.fail(run, "StepFunctions.InternalServerError"))
	})
	n.fault(func() string { return e.State + " starts the compensation, but the answer is lost" }, func(s *State) {
		do(s)
		n.x.setRun(s, k, n.x.runs.fail(run, asl.ErrTimeout))
	})
	n.fault(func() string { return e.State + " fails until its retries are exhausted" }, func(s *State) {
		n.x.setRun(s, k, n.x.runs.giveUp(run, "Transient"))
	})
}

// outside adds the actions of the customer and the carrier.
func (n *successors) outside() {
	w := &n.from.World
	if w.Order == pending && !w.CancelRequested {
		n.chance(func() string { return "the customer cancels" }, func(s *State) {
			s.World.CancelRequested, s.World.Closed = true, true
			s.put(message{kind: cancelling})
		})
	}
	if w.Booked && !w.Called && w.Shipment != unshipped {
		n.chance(func() string { return "the carrier calls back" }, func(s *State) { s.deliver(calledBack(&s.World)) })
	}
}

// waits reports whether an execution waits for a token.
func (x *search) waits(run int32) bool {
	e, invokes := x.runs.all[run].Next().(asl.Invoke)
	return invokes && e.Callback
}

func (n *successors) progress(m message, out outcome) string {
	switch {
	case out.err != "":
		return " answers " + out.err
	case out.over():
		return " takes effect"
	case m.phase == unread:
		return " finds no record and runs"
	case m.phase == uncalled:
		return " calls its third party"
	}
	return " loses a race and starts again"
}

func (p phase) String() string {
	return [...]string{"before it began", "before its call", "before its commit"}[p]
}

func (k kind) String() string {
	if k == ofSaga {
		return "fulfil-order"
	}
	return "compensate-order"
}
