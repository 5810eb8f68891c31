package projection

import (
	"errors"
	"fmt"
	"iter"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/verify/choices"
)

// threads run functions concurrently: one at a time, and another may continue before every read and
// write of the store. Which one does, and which calls fail, are the choices of a run.
type threads struct {
	*choices.Choices
	memdb.Open
	all      []*thread
	running  *thread
	switches int // how often another one may continue although the running one could
	faults   int // how many calls may fail
	failed   int
	path     []string
}

type thread struct {
	name   string
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	over   bool
}

// killed is panicked with to unwind a coroutine.
type killed struct{}

// start adds a thread, which does nothing before run.
func (t *threads) start(name string, do func() error) {
	th := &thread{name: name}
	th.resume, th.stop = iter.Pull(func(yield func(struct{}) bool) {
		th.yield = yield
		defer func() {
			switch p := recover().(type) {
			case nil, killed:
			default:
				panic(p)
			}
		}()
		if !yield(struct{}{}) {
			return
		}
		if err := do(); err != nil {
			t.did("%s: %v", name, err)
		}
	})
	th.resume()
	t.all = append(t.all, th)
}

func (t *threads) did(format string, args ...any) { t.path = append(t.path, fmt.Sprintf(format, args...)) }

// run runs all threads to their ends.
func (t *threads) run() {
	var last *thread
	for {
		ready := t.ready(last)
		if len(ready) == 0 {
			t.all = nil
			return
		}
		next := ready[t.Pick(len(ready))]
		if next != last {
			if last != nil && !last.over {
				t.switches--
			}
			t.did("%s continues", next.name)
		}
		last, t.running = next, next
		_, more := next.resume()
		next.over = !more
		t.running = nil
	}
}

// ready returns the threads that may continue, the last one first.
func (t *threads) ready(last *thread) (all []*thread) {
	if last != nil && !last.over {
		all = append(all, last)
		if t.switches == 0 {
			return all
		}
	}
	for _, th := range t.all {
		if !th.over && th != last {
			all = append(all, th)
		}
	}
	return all
}

// point lets another thread continue.
func (t *threads) point() {
	if th := t.running; th != nil && !th.yield(struct{}{}) {
		panic(killed{})
	}
}

// fault picks one of n faults, or 0 for none.
func (t *threads) fault(n int) int {
	if t.running == nil || t.faults == 0 {
		return 0
	}
	f := t.Pick(n + 1)
	if f > 0 {
		t.faults--
		t.failed++
	}
	return f
}

var errStore = errors.New("the store does not answer")

// Look is part of memdb.Gate.
func (t *threads) Look() { t.point() }

// Find is part of memdb.Gate.
func (t *threads) Find() error {
	t.point()
	return nil
}

// Commit is part of memdb.Gate: the write may be refused, its answer may be lost, or the process may
// end after it.
func (t *threads) Commit(with commit.With, write func(commit.With) error) error {
	t.point()
	switch t.fault(3) {
	case 1:
		t.did("%s: a write is refused", t.running.name)
		return errStore
	case 2:
		err := write(with)
		t.did("%s: a write's answer is lost: %v", t.running.name, err)
		return errors.Join(err, errStore)
	case 3:
		err := write(with)
		t.did("%s: the process ends after a write: %v", t.running.name, err)
		panic(killed{})
	}
	return write(with)
}
