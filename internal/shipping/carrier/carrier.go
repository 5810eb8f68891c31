// Package carrier is the carrier over HTTP.
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

// New returns the carrier. The caller says where it is and how it is guarded.
func New(c httpclient.Config) Carrier {
	c.Dependency, c.Timeout = Name, Timeout
	c.Probe = httpclient.Request{Method: http.MethodGet, Path: "/shipments?reference=probe"}
	return Carrier{client: httpclient.New(c)}
}

// shipment is the carrier's form of shipping.Consignment. Its status is not looked at: callbacks tell.
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
		return shipping.Consignment{}, booking(err)
	}
	if out.ID == "" || out.Reference != b.Reference {
		return shipping.Consignment{}, unreadable("a shipment without id, or of another reference")
	}
	return shipping.Consignment(out), nil
}

// Cancel cancels the reference.
func (c Carrier) Cancel(ctx context.Context, reference, key string) (shipping.Consignment, bool, error) {
	var out struct {
		Shipment json.RawMessage `json:"shipment"` // null is an answer; a field that is not there is none
	}
	if err := c.post(ctx, "/shipments/"+url.PathEscape(reference)+"/cancel", key, nil, &out); err != nil {
		return shipping.Consignment{}, false, defect(err)
	}
	var sh *shipment
	if err := json.Unmarshal(out.Shipment, &sh); err != nil || sh != nil && sh.ID == "" {
		return shipping.Consignment{}, false, unreadable("a cancellation that says nothing of a shipment")
	}
	if sh == nil {
		return shipping.Consignment{}, false, nil
	}
	return shipping.Consignment(*sh), true, nil
}

func (c Carrier) post(ctx context.Context, path, key string, body, out any) error {
	return c.client.Do(ctx, httpclient.Request{Method: http.MethodPost, Path: path, IdempotencyKey: key, Body: body}, out)
}

// about are the statuses by which a carrier refuses what it is asked to ship. All others say that it does not take our request,
// whatever is in it: who asks, how, or where.
var about = []int{
	http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusUnprocessableEntity,
	http.StatusUnavailableForLegalReasons,
}

// booking tells what the carrier's final no to a booking means.
func booking(err error) error {
	status, final := err.(*httpclient.StatusError) //nolint:errorlint // the bare error is final; wrapped in a fault it is transient
	if !final || !slices.Contains(about, status.Status) {
		return defect(err)
	}
	var problem struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(status.Body, &problem) // without a code it is still a no
	switch problem.Code {
	case "reference_cancelled":
		return shipping.ErrReferenceCancelled.Because(status)
	case "idempotency_key_reused":
		return defect(err)
	}
	return shipping.ErrRefused.Because(status)
}

// defect makes the carrier's final no a fault of ours, to be looked at by an operator.
func defect(err error) error {
	if status, final := err.(*httpclient.StatusError); final { //nolint:errorlint // see above
		return fault.New(fault.Internal, "CarrierRefused", "the carrier does not take our request").Because(status)
	}
	return err
}

// unreadable: an answer of success that cannot be believed. Nobody knows what happened, so it is transient.
func unreadable(what string) error {
	return fault.New(fault.Transient, "DependencyUnavailable", "%s answered with %s", Name, what)
}
