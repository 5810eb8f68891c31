package repair

import (
	"context"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/resilience"
)

// ProcessCircuits are the circuits of a service in the core as one process, which keeps them
// wherever it keeps everything. It answers for them beside the calls of AWS.
type ProcessCircuits struct {
	API     awsapi.Client
	Service string
}

// circuitCall is what a call says; see package cloud of the host.
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

func (p ProcessCircuits) call(ctx context.Context, operation string, in circuitCall, out any) error {
	return p.API.JSON(ctx, "orderflow", "Orderflow_Circuits."+operation, in, out)
}
