package gateway

import (
	"context"
	"errors"

	"orderflow/internal/platform/fault"
)

// Unavailable is the code of a part whose service failed.
const Unavailable = "Unavailable"

// Throttled is the code of API Gateway's own 429, which says nothing about the customer. A service
// that enforces a customer's limits has codes of its own.
const Throttled = "TooManyRequests"

// OrdersStopped is the code of orders' 503 after an operator has stopped the intake of orders. The
// service is healthy.
const OrdersStopped = "OrdersStopped"

// Explain tells the caller of an edge why a part is missing: the service's own refusal, or that it
// failed, without the cause.
func Explain(err error) PartError { return explain("the service", err) }

func explain(service string, err error) PartError {
	switch {
	case refused(err):
		f := fault.From(err)
		return PartError{Code: f.Code, Detail: f.Detail}
	case errors.Is(err, context.DeadlineExceeded):
		return PartError{Code: Unavailable, Detail: service + " did not answer in time"}
	}
	return PartError{Code: Unavailable, Detail: service + " is not available at the moment"}
}

// refused reports whether an error is a refusal, which concerns the caller, and not a failure.
func refused(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Unauthenticated, fault.Forbidden, fault.NotFound, fault.Conflict, fault.TooLarge,
		fault.Refused, fault.Limited:
		return true
	}
	return fault.From(err).Code == OrdersStopped
}
