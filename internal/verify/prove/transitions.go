package prove

import "orderflow/internal/platform/asl"

// successor is a possible next state and the event that leads to it.
type successor struct {
	state  State
	fault  bool
	format string // with args, words for the event
	args   []any
}

type successors struct {
	x    *search
	from *State
	list []successor
	free int // number of successors that happen by themselves
}

// add adds the successor that change makes.
func (n *successors) add(change func(*State), format string, args ...any) {
	n.free++
	n.make(false, change, format, args)
}

// fault is add for a fault.
func (n *successors) fault(change func(*State), format string, args ...any) {
	n.make(true, change, format, args)
}

// make adds a successor that need not happen.
func (n *successors) make(fault bool, change func(*State), format string, args []any) {
	s := *n.from
	change(&s)
	n.x.reduce(&s)
	n.list = append(n.list, successor{s, fault, format, args})
}

// next lists everything that can happen in a state.
func (x *search) next(from *State) *successors {
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
		case ofChild:
			n.child(i, m)
		default:
			n.add(func(s *State) {
				s.drop(i)
				x.deliver(s, m)
			}, "%s arrives", m)
		}
	}
	n.executions()
	n.outside()
	x.spare = n.list
	return n
}

func (n *successors) invocation(i int, m message) {
	out, woken, after := n.advanced(i, m)
	n.add(func(s *State) {
		*s = after
		s.deliver(woken)
		switch {
		case !out.over():
		case m.kind == zombie:
			s.drop(i)
		case out.err != "":
			n.x.fail(s, m.kind, out.err)
		default:
			if _, waits := n.x.awaited(s, m.kind); waits {
				s.drop(i) // whoever has the token answers
			} else {
				n.x.succeed(s, m.kind, out.result)
			}
		}
		s.sort()
	}, "%s%s", m, progress{m.phase, out})
}

// advanced returns the state after the next phase of the message at i, which is kept.
func (n *successors) advanced(i int, m message) (outcome, *wake, State) {
	s := *n.from
	v := m.invocation
	out, woken := v.advance(&s.World, n.x.opts.Breakage)
	s.messages[i].invocation = v
	return out, woken, s
}

// Errors of calls: one not attempted because no slot is free, one that ended without an answer, one
// that may succeed later.
const (
	throttled = "Lambda.TooManyRequestsException"
	died      = "Lambda.Unknown"
	transient = "Transient"
)

func (n *successors) faulty(i int, m message) {
	n.fault(func(s *State) { n.x.fail(s, m.kind, died) }, "%s dies %s", m, m.phase)
	n.fault(func(s *State) {
		s.abandon(m.kind)
		n.x.fail(s, m.kind, asl.ErrTimeout)
	}, "%s times out %s and may run on", m, m.phase)
	if m.phase == unread {
		n.fault(func(s *State) {
			n.x.fail(s, m.kind, throttled)
			s.Lost = n.x.run(s, m.kind).State() != n.x.run(n.from, m.kind).State()
		}, "%s finds no free slot and does not begin", m)
		n.fault(func(s *State) { n.x.exhaust(s, m, throttled) },
			"%s finds no free slot until its retries are exhausted", m)
		n.fault(func(s *State) {
			twin := m
			twin.kind = zombie
			s.put(twin)
		}, "%s is delivered twice", m)
		n.fault(func(s *State) { n.x.exhaust(s, m, transient) }, "%s fails until its retries are exhausted", m)
	}
	out, woken, after := n.advanced(i, m)
	if !out.over() {
		return
	}
	n.fault(func(s *State) {
		*s = after
		s.deliver(woken)
		n.x.fail(s, m.kind, died)
	}, "%s%s, but the answer is lost", m, progress{m.phase, out})
	n.fault(func(s *State) {
		*s = after
		s.deliver(woken)
		n.x.exhaust(s, m, transient)
	}, "%s%s, but the answer is lost, and it fails until its retries are exhausted", m, progress{m.phase, out})
}

// exhaust lets a call fail until its retries are exhausted, and records this for a compensation.
func (x *search) exhaust(s *State, m message, name string) {
	if m.kind == ofUndo {
		s.Exhausted |= 1 << m.fn
	}
	x.giveUp(s, m.kind, name)
}

// executions adds timeouts of callbacks, starts of executions and aborts.
func (n *successors) executions() {
	for _, k := range []kind{ofSaga, ofUndo} {
		if *n.from.run(k) == 0 || n.x.over(n.from, k) {
			continue
		}
		run := n.x.run(n.from, k)
		n.fault(func(s *State) {
			s.abandon(k)
			n.x.abort(s, k)
		}, "the execution of %s is aborted in %s", k, run.State())
		switch e := run.Next().(type) {
		case asl.Invoke:
			if e.Callback {
				n.add(func(s *State) {
					s.abandon(k)
					n.x.fail(s, k, asl.ErrTimeout)
				}, "%s times out waiting for its token", e.State)
			}
		case asl.StartExecution:
			if e.Callback {
				n.giveUpChild(k, e)
			} else {
				n.start(k, e)
			}
		}
	}
}

func (n *successors) start(k kind, e asl.StartExecution) {
	do := func(s *State) (started bool) {
		if started = s.Undo == 0; started {
			s.Attempt = 1
			n.x.start(s, ofUndo, e.Name, e.Input)
		}
		return started
	}
	n.add(func(s *State) {
		if do(s) {
			n.x.succeed(s, k, `{}`)
		} else { // with the same input AWS answers success while it runs; both lead to the same
			n.x.fail(s, k, "StepFunctions.ExecutionAlreadyExistsException")
		}
	}, "%s starts the compensation", e.State)
	n.fault(func(s *State) { n.x.fail(s, k, "StepFunctions.InternalServerError") }, "%s is refused once", e.State)
	n.fault(func(s *State) {
		do(s)
		n.x.fail(s, k, asl.ErrTimeout)
	}, "%s starts the compensation, but the answer is lost", e.State)
	n.fault(func(s *State) { n.x.giveUp(s, k, transient) }, "%s fails until its retries are exhausted", e.State)
}

func (n *successors) outside() {
	w := &n.from.World
	if w.Order == pending && !w.CancelRequested {
		n.make(false, func(s *State) {
			s.World.CancelRequested, s.World.Closed = true, true
			s.put(message{kind: cancelling})
		}, "the customer cancels", nil)
	}
	for _, h := range happenings {
		if h.can(w) {
			n.make(false, func(s *State) { s.deliver(h.do(&s.World)) }, h.name, nil)
		}
	}
}

// progress is what an invocation did in a phase.
type progress struct {
	phase
	outcome
}

func (p progress) String() string {
	switch {
	case p.err != "":
		return " answers " + p.err
	case p.over():
		return " takes effect"
	case p.phase == unread:
		return " finds no record and runs"
	case p.phase == uncalled:
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
