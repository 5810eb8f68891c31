package sim

import (
	"os"
	"path/filepath"
	"strings"

	"orderflow/internal/fulfilment"
	"orderflow/internal/host/wiring"
	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/cfn"
)

// Definitions are the parts of the system that are not code: state machines, queues and schedules.
type Definitions struct {
	machines map[fulfilment.Machine]*asl.Machine
	*wiring.Wiring
	// brokers are the stacks of the services with brokers, which are optional, and rebuild is the
	// machine of one of them.
	brokers *wiring.Wiring
	rebuild *asl.Machine
}

// children are the Express children of the other machines.
var children = []fulfilment.Machine{"prepare-order", "settle-order", "undo-order"}

// rebuildReports is the name of reporting's machine.
const rebuildReports = "rebuild-reports"

// parse reads a machine of the repository at root, changed by a mutant.
func parse(root, name string, m Mutant) (*asl.Machine, error) {
	b, err := os.ReadFile(filepath.Join(root, "statemachines", name+".asl.json")) //nolint:gosec // our own file
	if err != nil {
		return nil, err
	}
	text := strings.NewReplacer(m.edit...).Replace(string(b))
	// ${ReserveStockFunction} is the function reserve-stock, ${CompensateOrderArn} the machine
	// compensate-order.
	target := func(name string) string {
		return casing.Kebab(strings.TrimSuffix(strings.TrimSuffix(name, "Function"), "Arn"))
	}
	return asl.Parse(asl.Substitute([]byte(text), target))
}

// Load reads the definitions of the repository at root, changed by a mutant.
func Load(root string, m Mutant) (d *Definitions, err error) {
	d = &Definitions{machines: map[fulfilment.Machine]*asl.Machine{}}
	for _, name := range append(children, fulfilment.FulfilOrder, fulfilment.CompensateOrder) {
		if d.machines[name], err = parse(root, string(name), m); err != nil {
			return nil, err
		}
	}
	if d.rebuild, err = parse(root, rebuildReports, m); err != nil {
		return nil, err
	}
	shop, err := cfn.Load(filepath.Join(root, "template.yaml"), core, nil)
	if err != nil {
		return nil, err
	}
	var own []*cfn.Stack
	for _, service := range []string{"reporting", "warehouse"} {
		file := filepath.Join(root, "stacks", service, "template.yaml")
		stack, err := cfn.Load(file, core+"-"+service, ownParameters[service])
		if err != nil {
			return nil, err
		}
		own = append(own, stack)
	}
	if d.Wiring, err = wiring.Read(core, shop); err != nil {
		return nil, err
	}
	d.brokers, err = wiring.Read(core, own...)
	return d, err
}

// core is the name of the core's stack.
const core = "shop"

// ownParameters are those of the stacks of their own.
var ownParameters = map[string]map[string]string{
	"reporting": {"Core": core, "KafkaBrokers": "kafka:9092", "KafkaSecret": "secret"},
	"warehouse": {"Core": core, "RabbitMqUrl": "amqps://rabbitmq", "RabbitMqSecret": "secret", "RabbitMqBroker": "b"},
}
