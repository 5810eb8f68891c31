package fulfilment

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"orderflow/internal/platform/fault"
)

var (
	// ErrExhausted: the order's compensation was started as often as may be without an operator, and it could not even be left to one.
	ErrExhausted = fault.New(fault.Conflict, "CompensationExhausted", "the compensation ended unplanned %d times; an operator has to look", 2*attempts)
	// ErrNeverStarted: something is held for an order of which no saga is known.
	ErrNeverStarted = fault.New(fault.Conflict, "SagaUnknown", "there is no saga of this order; an operator has to look")
)

// Reasons with which an order ends that was not undone by its own saga.
const (
	timedOut = "TIMED_OUT"
	internal = "INTERNAL"
)

// RecoverFulfilment is told that an execution of either machine ended, and brings the order to rest if that was not
// planned. If that was tried often enough, the order is left to an operator. It fails with ErrExhausted if that fails as often.
func (s *Service) RecoverFulfilment(ctx context.Context, execution string) error {
	return s.recover(ctx, orderOf(execution), nil)
}

// recover looks where the order stands and does what is missing, if anything is. It can be called at any time and any
// number of times: it decides on the executions as they are, and their names let only one of several callers through.
//
//	compensation runs, or ended as planned   nothing to do, or an operator's to do
//	compensation ended otherwise             its next attempt; after five of them, one that leaves the order to an operator
//	saga runs, or ended as planned           nothing to do
//	saga ended otherwise                     compensation
//	neither was ever started                 start
func (s *Service) recover(ctx context.Context, orderID string, start func() error) error {
	undo, n, err := s.latest(ctx, orderID)
	switch {
	case err != nil:
		return err
	case n > 0 && (undo.Status == Running || undo.Planned()):
		return nil
	case n >= 2*attempts:
		return ErrExhausted
	case n > 0:
		input, err := unsigned(undo.Input, n >= attempts)
		if err != nil {
			return err
		}
		return s.compensate(ctx, orderID, n+1, input)
	}
	saga, err := s.engine.Execution(ctx, FulfilOrder, orderID)
	switch {
	case errors.Is(err, ErrNoExecution) && start != nil:
		slog.WarnContext(ctx, "the saga of this order was never started", "orderId", orderID)
		return start()
	case errors.Is(err, ErrNoExecution):
		return ErrNeverStarted
	case err != nil:
		return err
	case saga.Status == Running || saga.Planned():
		return nil
	}
	input, err := undoingOf(saga)
	if err != nil {
		return err
	}
	return s.compensate(ctx, orderID, 1, input)
}

// compensate starts an attempt; that somebody else has started it is as good.
func (s *Service) compensate(ctx context.Context, orderID string, n int, input json.RawMessage) error {
	slog.WarnContext(ctx, "compensation is started for an execution that ended unplanned", "orderId", orderID, "attempt", n)
	if err := s.engine.Start(ctx, CompensateOrder, attempt(orderID, n), input); !errors.Is(err, ErrExists) {
		return err
	}
	return nil
}

// unsigned makes the input of the next attempt from that of the last, which an operator may have started, but not this one. If
// recovery has given up, the attempt is to leave the order to an operator: orders has to know, or it would go on to take a
// cancellation that nobody carries out, and nobody would look at the money that is held.
func unsigned(last json.RawMessage, givenUp bool) (json.RawMessage, error) {
	var next by
	if givenUp {
		next.Failures = map[string]string{string(CompensateOrder): ErrExhausted.Code}
	}
	return passOn(last, next, forOneAttempt...)
}

// undoingOf makes the input of the compensation from the saga that ended.
func undoingOf(saga Execution) (json.RawMessage, error) {
	var o order
	if err := json.Unmarshal(saga.Input, &o); err != nil {
		return nil, errUnreadable.Because(err)
	}
	u := undoing{OrderID: o.OrderID, CustomerID: o.CustomerID, Total: o.Total, Reason: internal, TraceParent: o.TraceParent}
	if saga.Status == TimedOut {
		u.Reason = timedOut
	}
	return json.Marshal(u)
}
