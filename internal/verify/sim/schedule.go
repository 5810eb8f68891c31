package sim

import (
	"cmp"
	"container/heap"
	"time"
)

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

// agenda is a heap of entries in the order of running; see container/heap.
type agenda []*entry

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(e any)   { *a = append(*a, e.(*entry)) }

func (a agenda) Less(i, j int) bool {
	return cmp.Or(a[i].at.Compare(a[j].at), cmp.Compare(a[i].number, a[j].number)) < 0
}

func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	(*a)[last], *a = nil, (*a)[:last]
	return e
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

func (s *schedule) plan(e entry) {
	s.planned++
	e.number = s.planned
	heap.Push(&s.due, &e)
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
	e := heap.Pop(&s.due).(*entry)
	if !e.recurs {
		s.open--
	}
	s.now = e.at
	e.perform()
}
