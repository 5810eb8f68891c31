// Package carrier calls the carrier over HTTP.
package carrier

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/contract"
)

// Name is the carrier's name in the registry.
const Name = "carrier"

// Timeout bounds one call.
const Timeout = 3 * time.Second

// Carrier implements shipping.Carrier.
type Carrier struct{ client *httpclient.Client }

// New returns a carrier. c has its address, retries and circuit breaker.
func New(c httpclient.Config) Carrier {
	c.Dependency, c.Timeout = Name, Timeout
	c.Probe = httpclient.Request{Method: http.MethodGet, Path: "/shipments?reference=probe"}
	return Carrier{client: httpclient.New(c)}
}

// shipment is a shipment in the carrier's responses. Its status is ignored; callbacks report it.
type shipment struct {
	ID        string `json:"id"`
	Reference string `json:"reference"`
}

// Book posts a shipment.
func (c Carrier) Book(ctx context.Context, b shipping.Booking) (shipping.Consignment, error) {
	var out shipment
	err := c.post(ctx, "/shipments", b.IdempotencyKey, struct {
		Reference string           `json:"reference"`
		Address   contract.Address `json:"address"`
		Items     []contract.Line  `json:"items"`
	}{b.Reference, b.Address, b.Items}, &out)
	if err != nil {
		return shipping.Consignment{}, bookingError(err)
	}
	if out.ID == "" || out.Reference != b.Reference {
		return shipping.Consignment{}, unreadable("a shipment without an id, or of another reference")
	}
	return shipping.Consignment(out), nil
}

// Cancel cancels the reference.
func (c Carrier) Cancel(ctx context.Context, reference, key string) (shipping.Consignment, bool, error) {
	var out struct {
		Shipment json.RawMessage `json:"shipment"` // null means no shipment; a missing field is an error
	}
	if err := c.post(ctx, "/shipments/"+url.PathEscape(reference)+"/cancel", key, nil, &out); err != nil {
		return shipping.Consignment{}, false, defect(err)
	}
	var sh *shipment
	if err := json.Unmarshal(out.Shipment, &sh); err != nil || sh != nil && sh.ID == "" {
		return shipping.Consignment{}, false, unreadable("a cancellation without a shipment field")
	}
	if sh == nil {
		return shipping.Consignment{}, false, nil
	}
	return shipping.Consignment(*sh), true, nil
}

func (c Carrier) post(ctx context.Context, path, key string, body, out any) error {
	r := httpclient.Request{Method: http.MethodPost, Path: path, IdempotencyKey: key, Body: body}
	return c.client.Do(ctx, r, out)
}

// refusals are the statuses by which a carrier refuses a booking because of its content. Any other
// 4xx rejects the request itself, such as its credentials, method or address.
var refusals = []int{
	http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusUnprocessableEntity,
	http.StatusUnavailableForLegalReasons,
}

// bookingError returns the error for the carrier's final refusal of a booking.
func bookingError(err error) error {
	status, final := err.(*httpclient.StatusError) //nolint:errorlint // only the bare error is final
	if !final || !slices.Contains(refusals, status.Status) {
		return defect(err)
	}
	var problem struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(status.Body, &problem) // the code is optional
	switch problem.Code {
	case "reference_cancelled":
		return shipping.ErrReferenceCancelled.Because(status)
	case "idempotency_key_reused":
		return defect(err)
	}
	return shipping.ErrRefused.Because(status)
}

// defect turns the carrier's final refusal into an internal fault, which alerts an operator.
func defect(err error) error {
	if status, final := err.(*httpclient.StatusError); final { //nolint:errorlint // see above
		return fault.New(fault.Internal, "CarrierRefused", "the carrier rejected our request").Because(status)
	}
	return err
}

// unreadable is the error for a 2xx response that makes no sense. The outcome is unknown, so it is
// transient.
func unreadable(what string) error {
	return fault.New(fault.Transient, "DependencyUnavailable", "%s returned %s", Name, what)
}
