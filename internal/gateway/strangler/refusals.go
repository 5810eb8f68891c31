package strangler

import (
	"net/http"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/fault"
)

var (
	errNoOrder   = &Refusal{http.StatusNotFound, "no_such_order", "there is no such order"}
	errNoProduct = &Refusal{http.StatusNotFound, "no_such_product", "there is no such product"}
	errReused    = &Refusal{http.StatusConflict, "request_id_used", "this request_id was used for another order"}
	errTooOld    = &Refusal{http.StatusConflict, "request_too_old",
		"the outcome of this request is no longer known; see your orders before you order again"}
)

func badRequest(text string) *Refusal {
	return &Refusal{http.StatusBadRequest, "invalid_request", text}
}

// refusal translates a refusal of the new side. missing is what a 404 means. Any other error is
// returned as it is.
func refusal(err error, missing *Refusal) error {
	f := fault.From(err)
	switch {
	case err == nil:
		return nil
	case f.Kind == fault.NotFound:
		return missing
	case f.Code == "UnknownSku":
		return errNoProduct
	case f.Code == "IdempotencyKeyReused":
		return errReused
	case f.Kind == fault.Limited && f.Code != gateway.Throttled:
		return &Refusal{http.StatusConflict, "limit_reached", f.Detail}
	case f.Kind == fault.Conflict:
		return &Refusal{http.StatusConflict, "not_cancellable", f.Detail}
	case f.Kind == fault.Unauthenticated, f.Kind == fault.Forbidden:
		return &Refusal{http.StatusUnauthorized, "unauthorized", f.Detail}
	case f.Kind == fault.Invalid, f.Kind == fault.TooLarge, f.Kind == fault.Refused:
		return badRequest(f.Detail)
	}
	return err
}
