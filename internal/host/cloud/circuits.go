package cloud

import (
	"context"
	"encoding/json"
	"errors"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/resilience"
)

// circuitsTarget begins the targets of the calls about circuits. On AWS, circuits are in tables
// that operators read themselves; here a process may keep them in memory.
const circuitsTarget = "Orderflow_Circuits"

// lostRace is the code of an error that stands for fault.ErrLostRace.
const lostRace = "LostRace"

// circuitCall is what a call about a circuit says.
type circuitCall struct {
	Service, Dependency string
	Circuit             resilience.Circuit `json:",omitzero"`
	Events              []envelope.Event   `json:",omitempty"`
}

// circuits answers the calls about circuits: GetCircuit and PutCircuit.
func (c *Cloud) circuits(ctx context.Context, operation string, body []byte) (any, error) {
	var in circuitCall
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, refuse("SerializationException", "the body cannot be read")
	}
	log := c.Circuits[in.Service]
	if log == nil {
		return nil, refuse("ResourceNotFoundException", "there is no service %s with circuits", in.Service)
	}
	switch operation {
	case "GetCircuit":
		return log.Circuit(ctx, in.Dependency)
	case "PutCircuit":
		err := log.SaveCircuit(ctx, in.Dependency, in.Circuit, commit.With{Events: in.Events})
		if errors.Is(err, fault.ErrLostRace) {
			err = refuse(lostRace, "the circuit of %s has changed", in.Dependency)
		}
		return struct{}{}, err
	}
	return nil, unavailable(operation)
}
