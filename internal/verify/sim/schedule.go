package sim

import (
	"slices"
	"time"
)

// epoch is the start of every world.
var epoch = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// schedule is the world's only source of time: it runs planned actions one at a time, by time, then
// in the order of planning.
type schedule struct {
	now time.Time
	due []entry // in the order of running
	// open counts planned actions, except recurring ones such as sweeps.
	open int
}

type entry struct {
	at      time.Time
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
	i, _ := slices.BinarySearchFunc(s.due, e.at, func(other entry, at time.Time) int {
		if other.at.After(at) {
			return 1
		}
		return -1 // what was planned earlier for the same time runs earlier
	})
	s.due = slices.Insert(s.due, i, e)
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
	e := s.due[0]
	s.due = s.due[1:]
	if !e.recurs {
		s.open--
	}
	s.now = e.at
	e.perform()
}
