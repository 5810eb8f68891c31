package repair

import (
	"context"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/orders"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/resilience"
)

// Process is the core as one process. Besides AWS's calls it answers calls for what operators read
// and write in tables on AWS, since it may keep that in memory; see package cloud of the host.
type Process struct{ API awsapi.Client }

func (p Process) call(ctx context.Context, operation string, in, out any) error {
	return p.API.JSON(ctx, "orderflow", "Orderflow_Stores."+operation, in, out)
}

// Intake returns whether new orders are taken; see orders.IntakeStore.
func (p Process) Intake(ctx context.Context) (i orders.Intake, err error) {
	err = p.call(ctx, "GetIntake", struct{}{}, &i)
	return i, err
}

// SaveIntake writes whether new orders are taken; see orders.IntakeStore.
func (p Process) SaveIntake(ctx context.Context, i orders.Intake) error {
	return p.call(ctx, "PutIntake", i, nil)
}

// ProcessCircuits are the circuits of a service in a process.
type ProcessCircuits struct {
	Process
	Service string
}

// circuitCall is the body of a call; see package cloud of the host.
type circuitCall struct {
	Service, Dependency string
	Circuit             resilience.Circuit `json:",omitzero"`
	Events              []envelope.Event   `json:",omitempty"`
}

// Circuit returns the circuit of a dependency; see resilience.CircuitLog.
func (p ProcessCircuits) Circuit(ctx context.Context, dependency string) (c resilience.Circuit, err error) {
	err = p.call(ctx, "GetCircuit", circuitCall{Service: p.Service, Dependency: dependency}, &c)
	return c, err
}

// SaveCircuit writes a circuit's next version; see resilience.CircuitLog.
func (p ProcessCircuits) SaveCircuit(
	ctx context.Context, dependency string, c resilience.Circuit, with commit.With,
) error {
	err := p.call(ctx, "PutCircuit", circuitCall{p.Service, dependency, c, with.Events}, nil)
	if awsapi.Failed(err, "LostRace") {
		return fault.ErrLostRace
	}
	return err
}
