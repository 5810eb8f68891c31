package sim

import "iter"

// coroutine runs invocations, one at a time. They share it because their stacks would all have to
// grow to the same size.
type coroutine struct {
	run func() // the next invocation
	// next continues until the invocation waits, and returns a function that arranges for it to
	// resume. It returns nil at the invocation's end.
	next  func() (arrange func(resume func()), more bool)
	yield func(arrange func(resume func())) bool
	stop  func()
}

// coroutine returns an idle coroutine that will run an invocation.
func (w *World) coroutine(run func()) *coroutine {
	if last := len(w.idle) - 1; last >= 0 {
		c := w.idle[last]
		w.idle, c.run = w.idle[:last], run
		return c
	}
	c := &coroutine{run: run}
	c.next, c.stop = iter.Pull(func(yield func(func(func())) bool) {
		c.yield = yield
		for c.run(); yield(nil); c.run() {
		}
	})
	w.coroutines = append(w.coroutines, c)
	return c
}

// close ends all coroutines with the invocations that they run.
func (w *World) close() {
	for _, c := range w.coroutines {
		c.stop()
	}
}
