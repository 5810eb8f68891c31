package sim

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"orderflow/internal/fulfilment"
	"orderflow/internal/platform/casing"
	"orderflow/internal/verify/asl"
)

// Definitions are the parts of the system that are not code: state machines, queues and schedules.
type Definitions struct {
	machines map[fulfilment.Machine]*asl.Machine
	wiring   *wiring
}

// Load reads the definitions of the repository at root, changed by a mutant.
func Load(root string, m Mutant) (*Definitions, error) {
	d := &Definitions{machines: map[fulfilment.Machine]*asl.Machine{}}
	for _, name := range []fulfilment.Machine{fulfilment.FulfilOrder, fulfilment.CompensateOrder} {
		file := filepath.Join(root, "statemachines", string(name)+".asl.json")
		b, err := os.ReadFile(file) //nolint:gosec // our own file
		if err != nil {
			return nil, err
		}
		text := strings.NewReplacer(m.edit...).Replace(string(b))
		// ${ReserveStockFunction} is the function reserve-stock, ${CompensateOrderArn} the machine
		// compensate-order.
		target := func(name string) string {
			return casing.Kebab(strings.TrimSuffix(strings.TrimSuffix(name, "Function"), "Arn"))
		}
		if d.machines[name], err = asl.Parse(asl.Substitute([]byte(text), target)); err != nil {
			return nil, err
		}
	}
	var err error
	d.wiring, err = readWiring(root)
	return d, err
}

// patience is the virtual time in which the world must come to rest, longer than any execution with
// its recovery.
const patience = 48 * time.Hour

// Run runs one seed.
func Run(seed uint64, o Options, d *Definitions, m Mutant) (*Report, *Timeline, error) {
	w := newWorld(seed, o, d, m)
	w.calm = true
	w.stockUp()
	w.rest(epoch.Add(time.Hour))

	w.calm = false
	if w.strikes(noSlot) {
		w.slots = 4 + w.IntN(6)
	}
	w.planVisits()
	w.runSchedules(d.wiring.schedules)
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
	return w.report, &Timeline{lines: w.lines, Digest: w.hash.Sum64()}, nil
}
