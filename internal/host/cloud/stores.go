package cloud

import (
	"context"
	"encoding/json"
	"errors"

	"orderflow/internal/orders"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/resilience"
)

// storesTarget is the prefix of the targets of calls for what operators read and write in tables on
// AWS. A process may keep it in memory.
const storesTarget = "Orderflow_Stores"

// lostRace is the code of an error that stands for fault.ErrLostRace.
const lostRace = "LostRace"

// stores answers the calls about circuits and about the intake of orders.
func (c *Cloud) stores(ctx context.Context, operation string, body []byte) (any, error) {
	switch operation {
	case "GetCircuit", "PutCircuit":
		return c.circuit(ctx, operation, body)
	case "GetIntake":
		return c.Intake.Intake(ctx)
	case "PutIntake":
		var in orders.Intake
		if json.Unmarshal(body, &in) != nil {
			return nil, errUnreadable
		}
		return struct{}{}, c.Intake.SaveIntake(ctx, in)
	}
	return nil, unavailable(operation)
}

// circuitCall is what a call about a circuit says.
type circuitCall struct {
	Service, Dependency string
	Circuit             resilience.Circuit `json:",omitzero"`
	Events              []envelope.Event   `json:",omitempty"`
}

// circuit reads or writes a circuit.
func (c *Cloud) circuit(ctx context.Context, operation string, body []byte) (any, error) {
	var in circuitCall
	if json.Unmarshal(body, &in) != nil {
		return nil, errUnreadable
	}
	log := c.Circuits[in.Service]
	if log == nil {
		return nil, refuse("ResourceNotFoundException", "there is no service %s with circuits", in.Service)
	}
	if operation == "GetCircuit" {
		return log.Circuit(ctx, in.Dependency)
	}
	err := log.SaveCircuit(ctx, in.Dependency, in.Circuit, commit.With{Events: in.Events})
	if errors.Is(err, fault.ErrLostRace) {
		err = refuse(lostRace, "the circuit of %s has changed", in.Dependency)
	}
	return struct{}{}, err
}
