package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"orderflow/internal/platform/fault"
)

// Summary is an order and what every service knows of it.
type Summary struct {
	Order        Part `json:"order"`
	Payment      Part `json:"payment"`
	Reservations Part `json:"reservations"`
	Shipment     Part `json:"shipment"`
}

// Part is a service's answer as it is, or why there is none.
type Part struct {
	Answer json.RawMessage
	Err    *PartError
}

// PartError tells why a part is missing, in the words of a problem document.
type PartError struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// MarshalJSON gives the answer, or {"error": …} in its place.
func (p Part) MarshalJSON() ([]byte, error) {
	if p.Err != nil {
		return json.Marshal(struct {
			Error *PartError `json:"error"`
		}{p.Err})
	}
	return p.Answer, nil
}

// GetOrderSummary asks all services at once, with the caller's Authorization header. A part that
// cannot be had is an error entry and costs the caller nothing else. Only the order decides
// whether there is a summary at all: where orders says that there is no such order for this caller, or does
// not know the caller, so does the summary. That orders is out of order is an entry like any other: nobody sees more
// by it, since every service checks the caller. ErrNothing if no service could be asked.
func (s *Service) GetOrderSummary(ctx context.Context, orderID, authorization string) (Summary, error) {
	ctx, cancel := bounded(ctx, SummaryTimeout)
	defer cancel()
	var answers [len(Asked)]json.RawMessage
	var errs [len(Asked)]error
	var wg sync.WaitGroup
	for i, b := range Asked {
		wg.Go(func() {
			answers[i], errs[i] = s.backends.Get(ctx, b, orderID, authorization)
			if b == Orders && decisive(errs[i]) {
				cancel() // the other parts will not be shown
			}
		})
	}
	wg.Wait()
	if decisive(errs[0]) {
		return Summary{}, errs[0]
	}
	var parts [len(Asked)]Part
	failed := 0
	for i, b := range Asked {
		parts[i] = Part{Answer: answers[i], Err: entry(b, errs[i])}
		if errs[i] != nil && !answered(errs[i]) {
			failed++
			slog.WarnContext(ctx, "a part of the summary is missing", "service", string(b), "error", errs[i].Error())
		}
	}
	if failed == len(Asked) {
		return Summary{}, ErrNothing.Because(errors.Join(errs[:]...))
	}
	return Summary{Order: parts[0], Payment: parts[1], Reservations: parts[2], Shipment: parts[3]}, nil
}

// decisive reports whether the orders service's error is the answer to the whole question.
func decisive(err error) bool {
	k := fault.KindOf(err)
	return err != nil && (k == fault.NotFound || k == fault.Unauthenticated)
}

// answered reports whether the error is a service's decision and no failure.
func answered(err error) bool {
	k := fault.KindOf(err)
	return k == fault.NotFound || k == fault.Unauthenticated || k == fault.Forbidden
}

// entry tells the caller why b's part is missing, without its cause.
func entry(b Backend, err error) *PartError {
	switch {
	case err == nil:
		return nil
	case answered(err):
		f := fault.From(err)
		return &PartError{Code: f.Code, Detail: f.Detail}
	case errors.Is(err, context.DeadlineExceeded):
		return &PartError{Code: "Unavailable", Detail: fmt.Sprintf("%s did not answer in time", b)}
	}
	return &PartError{Code: "Unavailable", Detail: fmt.Sprintf("%s cannot be asked at the moment", b)}
}
