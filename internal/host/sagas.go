package host

import (
	"context"
	"encoding/json"
	"errors"

	"orderflow/internal/fulfilment"
	"orderflow/internal/platform/workflow"
)

// sagas is fulfilment's engine in this process; see fulfilment.Engine.
type sagas struct{ *workflow.Engine }

// Start starts an execution.
func (s sagas) Start(ctx context.Context, machine fulfilment.Machine, name string, input json.RawMessage) error {
	return known(s.Engine.Start(ctx, string(machine), name, input))
}

// Input returns an execution's input.
func (s sagas) Input(ctx context.Context, machine fulfilment.Machine, name string) (json.RawMessage, error) {
	x, err := s.Execution(ctx, machine, name)
	return x.Input, err
}

// Execution returns an execution.
func (s sagas) Execution(
	ctx context.Context, machine fulfilment.Machine, name string,
) (fulfilment.Execution, error) {
	x, err := s.Describe(ctx, string(machine), name)
	return fulfilment.Execution{Status: fulfilment.Status(x.Status), Error: x.Error, Input: x.Input}, known(err)
}

// Succeed ends a waiting task.
func (s sagas) Succeed(ctx context.Context, token string, output json.RawMessage) error {
	return known(s.Engine.Succeed(ctx, token, output))
}

// Fail ends a waiting task.
func (s sagas) Fail(ctx context.Context, token, errorName, cause string) error {
	return known(s.Engine.Fail(ctx, token, errorName, cause))
}

// known translates the engine's errors to fulfilment's.
func known(err error) error {
	switch {
	case errors.Is(err, workflow.ErrExists):
		return fulfilment.ErrExists.Because(err)
	case errors.Is(err, workflow.ErrNone):
		return fulfilment.ErrNoExecution.Because(err)
	case errors.Is(err, workflow.ErrStaleToken):
		return fulfilment.ErrStaleToken.Because(err)
	}
	return err
}
