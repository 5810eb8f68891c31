package fulfilment

import (
	"context"
	"encoding/json"

	"orderflow/internal/platform/fault"
)

var (
	// ErrInFlight: the order's saga or compensation is running.
	ErrInFlight = fault.New(fault.Conflict, "SagaRunning", "the order's saga or its compensation is still running")
	// ErrAtRest: the order's saga or compensation succeeded, so there is nothing to undo.
	ErrAtRest = fault.New(fault.Conflict, "NothingToRetry", "the order's saga succeeded; there is nothing to retry")

	errUnsigned = fault.New(fault.Invalid, "Unsigned", "an operator must give their name and a reason")
)

// RetryCompensation starts the next attempt at compensating an order for an operator and returns
// the execution's name. Steps that are already undone are not undone again. RetryCompensation fails
// with ErrInFlight, ErrAtRest, ErrNoExecution, or ErrExists if another caller started the same
// attempt.
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
		if input, err = compensationOf(last); err != nil {
			return "", err
		}
	}
	switch last.Status {
	case Running:
		return "", ErrInFlight
	case Succeeded:
		return "", ErrAtRest
	}
	if input, err = nextInput(input, attemptFields{Operator: operator, Why: why}); err != nil {
		return "", err
	}
	name := attempt(orderID, n+1)
	return name, s.engine.Start(ctx, CompensateOrder, name, input)
}

// attemptFields are the fields of compensate-order's input that belong to one attempt only.
type attemptFields struct {
	// Operator and Why say who started the attempt by hand, and for what reason.
	Operator string `json:"operator,omitempty"`
	Why      string `json:"why,omitempty"`
	// Failures are undos that failed. If the input has any, the attempt undoes nothing and leaves
	// the order to an operator.
	Failures map[string]string `json:"failures,omitempty"`
}

// nextInput makes the next attempt's input from the last one's.
func nextInput(last json.RawMessage, own attemptFields) (json.RawMessage, error) {
	return deriveInput(last, own, "operator", "why", "failures")
}
