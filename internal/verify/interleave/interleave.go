package interleave

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
)

// Bounds limit every run of a search.
type Bounds struct {
	// Switches is how often another thread may continue although the running one could.
	Switches int
	// Faults is how many calls may fail.
	Faults int
}

// Report is the result of a search.
type Report struct {
	Bounds
	Runs, Faulty int
	Took         time.Duration
	// Broken is the promise that a run broke, and Path the events of that run.
	Broken string
	Path   []string
}

// Search runs all runs of a program within bounds, and stops at the first whose error says that a
// promise was broken. now is the clock.
func Search(b Bounds, now func() time.Time, program func(*Run) error) Report {
	began, report := now(), Report{Bounds: b}
	for c := (&Choices{}); ; {
		r := &Run{Choices: c, left: b}
		err := program(r)
		report.Runs++
		if r.failed {
			report.Faulty++
		}
		if err != nil {
			report.Broken, report.Path = err.Error(), r.path
			break
		}
		if !c.Next() {
			break
		}
	}
	report.Took = now().Sub(began)
	return report
}

// Print writes the report as text.
func (r Report) Print(to io.Writer) {
	fmt.Fprintf(to, "switches up to     %d, faults up to %d\n", r.Switches, r.Faults)
	fmt.Fprintf(to, "runs               %d, of these with faults %d\n", r.Runs, r.Faulty)
	fmt.Fprintf(to, "seconds            %.1f\n", r.Took.Seconds())
	if r.Broken == "" {
		fmt.Fprintln(to, "broken             0")
		return
	}
	fmt.Fprintf(to, "broken             %s\n      %s\n", r.Broken, strings.Join(r.Path, "\n      "))
}

// Defect is a deliberate defect. Find searches for the promise that it breaks.
type Defect struct {
	Name string
	Find func() (broken string, runs int)
}

// Hunt searches for each defect. It reports whether all broke a promise.
func Hunt(to io.Writer, defects []Defect) bool {
	caught := 0
	for _, d := range defects {
		broken, runs := d.Find()
		if broken == "" {
			fmt.Fprintf(to, "SURVIVED  %s (%d runs)\n", d.Name, runs)
			continue
		}
		caught++
		fmt.Fprintf(to, "caught    %s\n          in %d runs: %s\n", d.Name, runs, broken)
	}
	fmt.Fprintf(to, "caught %d of %d\n", caught, len(defects))
	return caught == len(defects)
}

// Run is one run. Its threads run one at a time, and another may continue before every read and
// write of a store. Which one does, and which calls fail, are choices. It is the stores' gate; see
// memdb.Gate.
type Run struct {
	*Choices
	memdb.Open
	left    Bounds
	threads []*thread
	running *thread
	failed  bool
	path    []string
}

type thread struct {
	name   string
	resume func() (struct{}, bool)
	yield  func(struct{}) bool
	over   bool
}

// ended is panicked with to end a thread, as if its process had ended.
type ended struct{}

// Go adds a thread. It does nothing before Wait.
func (r *Run) Go(name string, do func() error) {
	t := &thread{name: name}
	t.resume, _ = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		defer func() {
			if p := recover(); p != nil && p != (ended{}) {
				panic(p)
			}
		}()
		yield(struct{}{})
		err := do()
		r.Did("%s ends: %v", name, err)
	})
	t.resume()
	r.threads = append(r.threads, t)
}

// Did adds a line to the path.
func (r *Run) Did(format string, args ...any) { r.path = append(r.path, fmt.Sprintf(format, args...)) }

// Quiet ends all faults.
func (r *Run) Quiet() { r.left.Faults = 0 }

// Wait runs all threads to their ends.
func (r *Run) Wait() {
	var last *thread
	for {
		ready := r.ready(last)
		if len(ready) == 0 {
			r.threads = nil
			return
		}
		next := ready[0]
		if len(ready) > 1 {
			next = ready[r.Pick(len(ready))]
		}
		if next != last {
			if last != nil && !last.over {
				r.left.Switches--
			}
			r.Did("%s continues", next.name)
		}
		last, r.running = next, next
		_, more := next.resume()
		next.over, r.running = !more, nil
	}
}

// ready returns the threads that may continue, the last one first.
func (r *Run) ready(last *thread) (all []*thread) {
	if last != nil && !last.over {
		all = append(all, last)
		if r.left.Switches == 0 {
			return all
		}
	}
	for _, t := range r.threads {
		if !t.over && t != last {
			all = append(all, t)
		}
	}
	return all
}

// Point lets another thread continue.
func (r *Run) Point() {
	if r.running != nil {
		r.running.yield(struct{}{})
	}
}

// Fault picks one of n faults of a thread's call, or 0 for none.
func (r *Run) Fault(n int) int {
	if r.running == nil || r.left.Faults == 0 {
		return 0
	}
	f := r.Pick(n + 1)
	if f > 0 {
		r.left.Faults--
		r.failed = true
	}
	return f
}

// ErrNoAnswer is the error of a failed call.
var ErrNoAnswer = errors.New("no answer")

// Look is part of memdb.Gate.
func (r *Run) Look() { r.Point() }

// Find is part of memdb.Gate. A failed read has no effect, so it does not need a run.
func (r *Run) Find() error {
	r.Point()
	return nil
}

// Commit is part of memdb.Gate: the write may be refused, its answer may be lost, or the process
// may end after it.
func (r *Run) Commit(with commit.With, write func(commit.With) error) error {
	r.Point()
	fault := r.Fault(3)
	if fault == 1 {
		r.Did("%s: a write is refused", r.running.name)
		return ErrNoAnswer
	}
	err := write(with)
	switch fault {
	case 2:
		r.Did("%s: the answer of a write is lost: %v", r.running.name, err)
		return errors.Join(err, ErrNoAnswer)
	case 3:
		r.Did("%s: the process ends after a write: %v", r.running.name, err)
		panic(ended{})
	}
	return err
}
