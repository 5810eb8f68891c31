package sim

import (
	"container/heap"
	"time"
)

// epoch is the start of every world.
var epoch = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// schedule is the world's only source of time: it runs planned actions one at a time, by time, then
// in the order of planning.
type schedule struct {
	now    time.Time
	due    agenda
	counts int
	// open counts planned actions, except recurring ones such as sweeps.
	open int
}

type entry struct {
	at      time.Time
	seq     int
	recurs  bool
	perform func()
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
	s.counts++
	e.seq = s.counts
	heap.Push(&s.due, e)
}

// rest runs until only recurring actions are left. It returns false if that is not reached by the
// deadline.
func (s *schedule) rest(deadline time.Time) bool {
	for s.open > 0 {
		if s.due[0].at.After(deadline) {
			return false
		}
		s.happen()
	}
	return true
}

// pass runs everything that is due before a time.
func (s *schedule) pass(until time.Time) {
	for len(s.due) > 0 && !s.due[0].at.After(until) {
		s.happen()
	}
	s.now = until
}

func (s *schedule) happen() {
	e := heap.Pop(&s.due).(entry)
	if !e.recurs {
		s.open--
	}
	s.now = e.at
	e.perform()
}

// agenda is a heap by time, then by order of planning.
type agenda []entry

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].seq < a[j].seq
	}
	return a[i].at.Before(a[j].at)
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(e any)   { *a = append(*a, e.(entry)) }
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	old[len(old)-1] = entry{}
	*a = old[:len(old)-1]
	return last
}
