package sim

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"orderflow/internal/fulfilment"
	"orderflow/internal/platform/casing"
	"orderflow/internal/verify/asl"
)

// Definitions are what the system is made of beside code: the state machines and the template's queues.
type Definitions struct {
	machines map[fulfilment.Machine]*asl.Machine
	wiring   *wiring
}

var placeholder = regexp.MustCompile(`\$\{(\w+)\}`)

// Load reads the definitions of the repository at root, as a mutant alters them.
func Load(root string, m Mutant) (*Definitions, error) {
	d := &Definitions{machines: map[fulfilment.Machine]*asl.Machine{}}
	for _, name := range []fulfilment.Machine{fulfilment.FulfilOrder, fulfilment.CompensateOrder} {
		b, err := os.ReadFile(filepath.Join(root, "statemachines", string(name)+".asl.json")) //nolint:gosec // of the repository
		if err != nil {
			return nil, err
		}
		text := strings.NewReplacer(m.edit...).Replace(string(b))
		// ${ReserveStockFunction} is the function reserve-stock, ${CompensateOrderArn} the machine compensate-order.
		names := map[string]string{}
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			names[m[1]] = casing.Kebab(regexp.MustCompile(`(Function|Arn)$`).ReplaceAllString(m[1], ""))
		}
		if d.machines[name], err = asl.Parse([]byte(text), names); err != nil {
			return nil, err
		}
	}
	var err error
	d.wiring, err = readWiring(root)
	return d, err
}

// patience bounds the virtual time in which the world must come to rest: the longest an execution may take, with its
// recovery, and then some.
const patience = 48 * time.Hour

// Run plays one seed.
func Run(seed uint64, o Options, d *Definitions, m Mutant) (*Report, *Timeline, error) {
	w := newWorld(seed, o, d, m)
	w.calm = true
	w.stockUp()
	w.rest(epoch.Add(time.Hour))

	w.calm = false
	if w.strikes(noSlot) {
		w.slots = 4 + w.IntN(6)
	}
	w.comeAndGo()
	w.keepRotas(d.wiring.schedules)
	w.pass(w.now.Add(o.Duration + time.Minute))

	w.calm, w.slots = true, 0
	w.note("", faultsStop)
	if stopped := w.now; !w.settle(stopped.Add(patience)) {
		w.violate("the world comes to rest", "", "something still moves %s after the faults stopped", w.now.Sub(stopped))
	}
	w.probe()
	w.check()
	w.report.Seeds, w.report.Orders = 1, len(w.history.orders())
	for kind, n := range w.Count {
		w.report.Faults[kind] += n
	}
	return w.report, &Timeline{lines: w.lines, Digest: w.hash.Sum64()}, nil
}
