package fulfilment

import (
	"context"
	"encoding/json"

	"orderflow/internal/platform/fault"
)

var (
	// ErrInFlight: an execution for the order is still running.
	ErrInFlight = fault.New(fault.Conflict, "SagaRunning", "the order's saga or its compensation is still running")
	// ErrAtRest: the order's saga ended as planned, with nothing left to undo.
	ErrAtRest = fault.New(fault.Conflict, "NothingToRetry", "the order's saga ended as it should; there is nothing to retry")

	errUnsigned = fault.New(fault.Invalid, "Unsigned", "an operator says who they are and why they do it")
)

// RetryCompensation starts the next attempt to undo an order for an operator, and returns the execution's name. What
// earlier attempts undid stays undone once. It fails with ErrInFlight, ErrAtRest, ErrNoExecution, or
// ErrExists if somebody else has started the same attempt meanwhile.
func (s *Service) RetryCompensation(ctx context.Context, orderID, operator, why string) (string, error) {
	if operator == "" || why == "" {
		return "", errUnsigned
	}
	last, n, err := s.latest(ctx, orderID)
	if err != nil {
		return "", err
	}
	input := last.Input
	if n == 0 {
		if last, err = s.engine.Execution(ctx, FulfilOrder, orderID); err != nil {
			return "", err
		}
		if input, err = undoingOf(last); err != nil {
			return "", err
		}
	}
	switch last.Status {
	case Running:
		return "", ErrInFlight
	case Succeeded:
		return "", ErrAtRest
	}
	if input, err = signed(input, operator, why); err != nil {
		return "", err
	}
	name := attempt(orderID, n+1)
	return name, s.engine.Start(ctx, CompensateOrder, name, input)
}

// signed puts into an input who starts the execution and why; the execution keeps it. It is to undo the order, also where the
// last one was to give it up.
func signed(input json.RawMessage, operator, why string) (json.RawMessage, error) {
	return passOn(input, by{Operator: operator, Why: why}, forOneAttempt...)
}

// by tells what is so of one attempt only, and not passed on to the next.
type by struct {
	// Operator and Why tell who started it by hand, and for what reason.
	Operator string `json:"operator,omitempty"`
	Why      string `json:"why,omitempty"`
	// Failures say what could not be done. Given at the start, they have the machine undo nothing and leave the
	// order to an operator.
	Failures map[string]string `json:"failures,omitempty"`
}

var forOneAttempt = []string{"operator", "why", "failures"}
