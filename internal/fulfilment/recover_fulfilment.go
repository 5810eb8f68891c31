package fulfilment

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"orderflow/internal/platform/fault"
)

var (
	// ErrExhausted: neither the order's compensation nor leaving the order to an operator
	// succeeded.
	ErrExhausted = fault.New(fault.Conflict, "CompensationExhausted",
		"the compensation ended unplanned %d times; an operator must look at the order", 2*attempts)
	// ErrNeverStarted: stock is held for an order without a saga.
	ErrNeverStarted = fault.New(fault.Conflict, "SagaUnknown",
		"the order has no saga; an operator must look at the order")
)

// Reason codes of orders that were not compensated by their own saga.
const (
	timedOut = "TIMED_OUT"
	internal = "INTERNAL"
)

// RecoverFulfilment handles the end of an execution of either machine. If it was not planned, the
// order is compensated, or left to an operator after too many attempts. RecoverFulfilment fails
// with ErrExhausted if that also fails too often.
func (s *Service) RecoverFulfilment(ctx context.Context, execution string) error {
	return s.recover(ctx, orderOf(execution), nil)
}

// recover starts the execution that an order lacks, if any. It may be called at any time and any
// number of times: it reads the order's executions, and their names let only one of several callers
// succeed.
//
//	compensation runs or ended as planned   nothing
//	compensation ended unplanned            next attempt; after five, leave it to an operator
//	saga runs or ended as planned           nothing
//	saga ended unplanned                    compensation
//	no saga                                 start
func (s *Service) recover(ctx context.Context, orderID string, start func() error) error {
	last, n, err := s.latest(ctx, orderID)
	switch {
	case err != nil:
		return err
	case n > 0 && (last.Status == Running || last.Planned()):
		return nil
	case n >= 2*attempts:
		return ErrExhausted
	case n > 0:
		input, err := automaticInput(last.Input, n >= attempts)
		if err != nil {
			return err
		}
		return s.compensate(ctx, orderID, n+1, input)
	}
	saga, err := s.engine.Execution(ctx, FulfilOrder, orderID)
	switch {
	case errors.Is(err, ErrNoExecution) && start != nil:
		slog.WarnContext(ctx, "the order's saga was never started; starting it", "orderId", orderID)
		return start()
	case errors.Is(err, ErrNoExecution):
		return ErrNeverStarted
	case err != nil:
		return err
	case saga.Status == Running || saga.Planned():
		return nil
	}
	input, err := compensationOf(saga)
	if err != nil {
		return err
	}
	return s.compensate(ctx, orderID, 1, input)
}

func (s *Service) compensate(ctx context.Context, orderID string, n int, input json.RawMessage) error {
	slog.WarnContext(ctx, "an execution ended unplanned; starting compensation", "orderId", orderID, "attempt", n)
	return ignoreExists(s.engine.Start(ctx, CompensateOrder, attempt(orderID, n), input))
}

// automaticInput makes the next attempt's input from the last one's, which an operator may have
// started. If recovery gives up, the attempt leaves the order to an operator. Orders must be told:
// otherwise it would accept a cancellation that is never carried out, and nobody would deal with
// the held money.
func automaticInput(last json.RawMessage, giveUp bool) (json.RawMessage, error) {
	var next attemptFields
	if giveUp {
		next.Failures = map[string]string{string(CompensateOrder): ErrExhausted.Code}
	}
	return nextInput(last, next)
}

// compensationOf returns the input with which a saga that ended is compensated.
func compensationOf(saga Execution) (json.RawMessage, error) {
	var o order
	if err := json.Unmarshal(saga.Input, &o); err != nil {
		return nil, errUnreadable.Because(err)
	}
	reason := internal
	if saga.Status == TimedOut {
		reason = timedOut
	}
	return json.Marshal(compensation{
		OrderID: o.OrderID, CustomerID: o.CustomerID, Total: o.Total, Reason: reason, TraceParent: o.TraceParent,
	})
}
