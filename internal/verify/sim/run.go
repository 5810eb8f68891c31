package sim

import "time"

// patience is the virtual time in which the world must come to rest, longer than any execution with
// its recovery.
const patience = 48 * time.Hour

// Run runs one seed.
func Run(seed uint64, o Options, d *Definitions, m Mutant) (*Report, *Timeline) {
	w := newWorld(seed, o, d, m)
	w.calm = true
	w.stockUp()
	w.rest(epoch.Add(time.Hour))

	w.calm = false
	if w.strikes(noSlot) {
		w.slots = 4 + w.IntN(6)
	}
	w.planVisits()
	w.runSchedules(d.schedules)
	w.pass(w.now.Add(o.Duration + time.Minute))

	w.calm, w.slots = true, 0
	w.note("", faultsStop)
	if stopped := w.now; !w.settle(stopped.Add(patience)) {
		w.violate("the world comes to rest", "", "something is still in progress %s after the faults stopped",
			w.now.Sub(stopped))
	}
	w.probe()
	w.check()
	w.report.Seeds, w.report.Orders = 1, len(w.history.orders())
	for kind, n := range w.Count {
		w.report.Faults[kind] += n
	}
	return w.report, &Timeline{lines: w.lines, Digest: w.hash.Sum64()}
}
