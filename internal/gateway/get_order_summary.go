package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"

	"orderflow/internal/platform/fault"
)

// Summary is an order with its parts from all services.
type Summary struct {
	Order        Part `json:"order"`
	Payment      Part `json:"payment"`
	Reservations Part `json:"reservations"`
	Shipment     Part `json:"shipment"`
}

// Part is a service's unchanged answer, or the reason why it is missing.
type Part struct {
	Answer json.RawMessage
	Err    *PartError
}

// PartError is why a part is missing, as in a problem document.
type PartError struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// MarshalJSON returns the answer, or {"error": …} if it is missing.
func (p Part) MarshalJSON() ([]byte, error) {
	if p.Err != nil {
		return json.Marshal(struct {
			Error *PartError `json:"error"`
		}{p.Err})
	}
	return p.Answer, nil
}

// GetOrderSummary calls all services concurrently with the caller's Authorization header. A part
// that is not available is an error entry. If orders does not know the order or the caller, the
// summary fails with the same error. If orders fails, that is an entry like any other, because
// every service checks the caller itself. If all fail, the error is ErrUnavailable.
func (s *Service) GetOrderSummary(ctx context.Context, orderID, authorization string) (Summary, error) {
	ctx, cancel := bounded(ctx, SummaryTimeout)
	defer cancel()
	var answers [len(SummaryBackends)]json.RawMessage
	var errs [len(SummaryBackends)]error
	var wg sync.WaitGroup
	for i, b := range SummaryBackends {
		wg.Go(func() {
			answers[i], errs[i] = s.backends.Get(ctx, b, orderID, authorization)
			if b == Orders && decisive(errs[i]) {
				cancel() // the other parts are not needed
			}
		})
	}
	wg.Wait()
	if decisive(errs[0]) {
		return Summary{}, errs[0]
	}
	var parts [len(SummaryBackends)]Part
	failed := 0
	for i, b := range SummaryBackends {
		if errs[i] == nil {
			parts[i] = Part{Answer: answers[i]}
			continue
		}
		missing := explain(string(b), errs[i])
		parts[i] = Part{Err: &missing}
		if !refused(errs[i]) {
			failed++
			slog.WarnContext(ctx, "a part of the summary is missing", "service", string(b), "error", errs[i].Error())
		}
	}
	if failed == len(SummaryBackends) {
		return Summary{}, ErrUnavailable.Because(errors.Join(errs[:]...))
	}
	return Summary{Order: parts[0], Payment: parts[1], Reservations: parts[2], Shipment: parts[3]}, nil
}

// decisive reports whether an error of orders is the error of the summary.
func decisive(err error) bool {
	k := fault.KindOf(err)
	return err != nil && (k == fault.NotFound || k == fault.Unauthenticated)
}
