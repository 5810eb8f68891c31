package sim

import "time"

// epoch is the start of every world.
var epoch = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// schedule is the world's only source of time: it runs planned actions one at a time, by time, then
// in the order of planning.
type schedule struct {
	now     time.Time
	due     agenda
	planned int // number of actions so far
	// open counts planned actions, except recurring ones such as sweeps.
	open int
}

type entry struct {
	at      time.Time
	number  int
	recurs  bool
	perform func()
}

// agenda is a binary heap of entries in the order of running. Package container/heap would do, but
// its calls through an interface took 2 % of a run.
type agenda []entry

func (a agenda) before(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].number < a[j].number
	}
	return a[i].at.Before(a[j].at)
}

func (a *agenda) push(e entry) {
	*a = append(*a, e)
	h := *a
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.before(i, parent) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func (a *agenda) pop() entry {
	h := *a
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], entry{}
	h = h[:last]
	*a = h
	for i := 0; ; {
		child := 2*i + 1
		if child+1 < last && h.before(child+1, child) {
			child++
		}
		if child >= last || !h.before(child, i) {
			return first
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// Now is the virtual time; see clock.Clock.
func (s *schedule) Now() time.Time { return s.now }

// after plans perform in d from now.
func (s *schedule) after(d time.Duration, perform func()) {
	s.open++
	s.plan(entry{at: s.now.Add(d), perform: perform})
}

// every plans perform each d, for ever. Such actions do not prevent rest.
func (s *schedule) every(d time.Duration, perform func()) {
	s.plan(entry{at: s.now.Add(d), recurs: true, perform: func() {
		perform()
		s.every(d, perform)
	}})
}

// idly plans perform in d from now, but does not prevent rest. It is for actions that wait for
// something that happens only at rest, such as the operator's part.
func (s *schedule) idly(d time.Duration, perform func()) {
	s.plan(entry{at: s.now.Add(d), recurs: true, perform: perform})
}

func (s *schedule) plan(e entry) {
	s.planned++
	e.number = s.planned
	s.due.push(e)
}

// rest runs until only recurring actions are left. It returns false if that is not reached by the
// deadline.
func (s *schedule) rest(deadline time.Time) bool {
	for s.open > 0 {
		if s.due[0].at.After(deadline) {
			return false
		}
		s.runNext()
	}
	return true
}

// pass runs everything that is due before a time.
func (s *schedule) pass(until time.Time) {
	for len(s.due) > 0 && !s.due[0].at.After(until) {
		s.runNext()
	}
	s.now = until
}

func (s *schedule) runNext() {
	e := s.due.pop()
	if !e.recurs {
		s.open--
	}
	s.now = e.at
	e.perform()
}
