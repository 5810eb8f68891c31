package gateway

import (
	"context"
	"errors"

	"orderflow/internal/platform/fault"
)

// Unavailable is the code of a part that a service failed to give.
const Unavailable = "Unavailable"

// Explain tells the caller of an edge why a part is missing: the refusal of a service in its own
// words, or that it failed, without the cause.
func Explain(err error) PartError {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Unauthenticated, fault.Forbidden, fault.NotFound, fault.Conflict, fault.TooLarge,
		fault.Refused, fault.Limited:
		f := fault.From(err)
		return PartError{Code: f.Code, Detail: f.Detail}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return PartError{Code: Unavailable, Detail: "the service did not answer in time; try again"}
	}
	return PartError{Code: Unavailable, Detail: "the service cannot be asked at the moment; try again"}
}
