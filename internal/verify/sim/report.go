package sim

import (
	"fmt"
	"io"
	"maps"
	"strings"
)

// Violation is a promise that was broken.
type Violation struct {
	Seed      uint64
	Invariant string
	Order     string // "" if it is not about one order
	Text      string
}

// Report is the sum of runs.
type Report struct {
	Seeds, Orders int
	Faults        map[Fault]int
	Paths         map[string]int
	Violations    []Violation
}

func newReport() *Report { return &Report{Faults: map[Fault]int{}, Paths: map[string]int{}} }

// Add adds another report. It returns true.
func (r *Report) Add(other *Report) bool {
	r.Seeds += other.Seeds
	r.Orders += other.Orders
	for kind, n := range other.Faults {
		r.Faults[kind] += n
	}
	for path, n := range other.Paths {
		r.Paths[path] += n
	}
	r.Violations = append(r.Violations, other.Violations...)
	return true
}

// Injected counts the faults of all kinds.
func (r *Report) Injected() (n int) {
	for count := range maps.Values(r.Faults) {
		n += count
	}
	return n
}

// Print writes the report for people.
func (r *Report) Print(out io.Writer) {
	fmt.Fprintf(out, "faults injected: %d\n", r.Injected())
	for _, kind := range Faults() {
		fmt.Fprintf(out, "  %7d  %s\n", r.Faults[kind], kind)
	}
	fmt.Fprintln(out, "reached:")
	for _, path := range sortedKeys(r.Paths) {
		fmt.Fprintf(out, "  %7d  %s\n", r.Paths[path], path)
	}
	for _, v := range r.Violations[:min(len(r.Violations), 20)] {
		fmt.Fprintf(out, "VIOLATION seed %d, order %s: %s: %s\n", v.Seed, v.Order, v.Invariant, v.Text)
	}
	fmt.Fprintf(out, "%d seeds, %d orders, %d faults, %d violations\n",
		r.Seeds, r.Orders, r.Injected(), len(r.Violations))
}

// faultsStop is the timeline's entry between the phases.
const faultsStop = "the faults stop"

// Timeline is what happened in a run, in order.
type Timeline struct {
	lines  []line
	Digest uint64 // equal for equal runs
}

// Print writes the lines of one order, or all lines if order is "".
func (t *Timeline) Print(out io.Writer, order string) {
	for _, l := range t.lines {
		switch {
		case order == "":
			fmt.Fprintf(out, "%10.3fs  %-26s  %s\n", l.at.Seconds(), l.order, l.text)
		case l.order == order, l.text == faultsStop, strings.Contains(l.text, order):
			fmt.Fprintf(out, "%10.3fs  %s\n", l.at.Seconds(), l.text)
		}
	}
}
