// Package provider calls the payment provider over HTTP.
package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/money"
)

// Name is the provider's name in the registry.
const Name = "payment-provider"

// Timeout bounds one attempt, unless the configuration says otherwise.
const Timeout = 3 * time.Second

// maxCode bounds a decline code, in bytes; it is shown to the customer.
const maxCode = 64

// Provider implements payments.Provider.
type Provider struct{ client *httpclient.Client }

// New returns a provider. c has its address, retries and circuit breaker.
func New(c httpclient.Config) Provider {
	c.Dependency, c.Timeout = Name, cmp.Or(c.Timeout, Timeout)
	c.Probe = httpclient.Request{Method: http.MethodGet, Path: "/ledger?limit=1"}
	return Provider{client: httpclient.New(c)}
}

// charge is a charge in the provider's responses.
type charge struct {
	ID        string      `json:"id"`
	Reference string      `json:"reference"`
	Status    string      `json:"status"`
	Amount    money.Money `json:"amount"`
	Dispute   string      `json:"dispute"`
	// RefundedAmount is the sum of all refunds.
	RefundedAmount money.Money `json:"refundedAmount"`
	// NextAction is what the customer must do, in status ACTION_REQUIRED.
	NextAction struct {
		URL string `json:"url"`
	} `json:"nextAction"`
}

func (c charge) domain() payments.Charge {
	out := payments.Charge{
		ID: c.ID, Reference: c.Reference, Status: payments.ChargeStatus(c.Status),
		Amount: c.Amount, Refunded: c.RefundedAmount.Amount,
	}
	if out.Status == payments.ChargeRefunded { // the provider may omit the amount
		out.Refunded = out.Amount.Amount
	}
	return out
}

// held reports whether the charge holds or has held money of an order. The ledger may have others:
// without a reference, or in a status that we do not know.
func (c charge) held() bool {
	switch payments.ChargeStatus(c.Status) {
	case payments.ChargeAuthorized, payments.ChargeCaptured, payments.ChargeVoided, payments.ChargeRefunded:
		return c.Reference != ""
	}
	return false
}

// dispute is the state of the dispute. An unknown state counts as open.
func (c charge) dispute() payments.Dispute {
	switch d := payments.Dispute(c.Dispute); d {
	case "", payments.DisputeWon, payments.DisputeLost:
		return d
	}
	return payments.DisputeOpen
}

// Authorize posts a charge.
func (p Provider) Authorize(ctx context.Context, a payments.Authorization) (payments.Charge, error) {
	var out charge
	err := p.post(ctx, "/charges", a.IdempotencyKey, struct {
		Reference     string      `json:"reference"`
		Amount        money.Money `json:"amount"`
		PaymentMethod string      `json:"paymentMethod"`
	}{a.Reference, a.Amount, a.PaymentMethod}, &out)
	if err != nil {
		return payments.Charge{}, err
	}
	switch c := out.domain(); {
	case c.ID == "" || c.Reference != a.Reference:
		return payments.Charge{}, unreadable("a charge without an id, or of another reference")
	case c.Live():
		return c, nil
	case c.Status == payments.ChargeActionRequired && payments.IsPage(out.NextAction.URL):
		return payments.Charge{}, &payments.ActionRequired{URL: out.NextAction.URL}
	case c.Status == payments.ChargeVoided || c.Status == payments.ChargeRefunded:
		// The replayed response has the current charge.
		return payments.Charge{}, payments.ErrReferenceVoided
	}
	return payments.Charge{}, unreadable("a charge in an unknown status")
}

// Capture captures the charge.
func (p Provider) Capture(ctx context.Context, s payments.Subject) (payments.Charge, error) {
	var out charge
	path := "/charges/" + url.PathEscape(s.Reference) + "/capture"
	if err := p.post(ctx, path, s.IdempotencyKey, nil, &out); err != nil {
		return payments.Charge{}, err
	}
	if out.ID == "" {
		return payments.Charge{}, unreadable("a capture without a charge")
	}
	c := out.domain()
	c.Status = payments.ChargeCaptured // a 200 means captured, whatever the status
	return c, nil
}

// Void voids the reference.
func (p Provider) Void(ctx context.Context, s payments.Subject) (payments.Charge, bool, error) {
	var out struct {
		Charge json.RawMessage `json:"charge"` // null means no charge; a missing field is an error
	}
	path := "/charges/" + url.PathEscape(s.Reference) + "/void"
	if err := p.post(ctx, path, s.IdempotencyKey, nil, &out); err != nil {
		return payments.Charge{}, false, err
	}
	var c *charge
	if err := json.Unmarshal(out.Charge, &c); err != nil {
		return payments.Charge{}, false, unreadable("a void without a charge field")
	}
	if c == nil {
		return payments.Charge{}, false, nil
	}
	if s := payments.ChargeStatus(c.Status); c.ID == "" || s != payments.ChargeVoided && s != payments.ChargeRefunded {
		return payments.Charge{}, false, unreadable("a void that left a live charge")
	}
	return c.domain(), true, nil
}

// Find searches the ledger.
func (p Provider) Find(ctx context.Context, s payments.Subject) (payments.Charge, bool, error) {
	query := url.Values{"charge": {s.ChargeID}}
	if s.ChargeID == "" {
		query = url.Values{"reference": {s.Reference}}
	}
	var out struct {
		Charges []charge `json:"charges"`
	}
	switch err := p.get(ctx, "/ledger?"+query.Encode(), &out); {
	case impossible(err):
		return payments.Charge{}, false, nil
	case err != nil:
		return payments.Charge{}, false, err
	}
	for _, c := range out.Charges {
		if !c.held() && (c.Reference == "" || c.Status != string(payments.ChargeActionRequired)) {
			continue
		}
		if c.ID == "" {
			return payments.Charge{}, false, unreadable("a charge without an id")
		}
		if c.ID == s.ChargeID || s.ChargeID == "" && c.Reference == s.Reference {
			found := c.domain()
			found.Dispute = c.dispute()
			return found, true, nil
		}
	}
	return payments.Charge{}, false, nil
}

// Ledger gets a page of the ledger.
func (p Provider) Ledger(ctx context.Context, cursor string) ([]payments.LedgerEntry, string, error) {
	query := url.Values{"limit": {"100"}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	var out struct {
		Charges []struct {
			charge
			CreatedAt time.Time `json:"createdAt"`
		} `json:"charges"`
		Cursor string `json:"cursor"`
	}
	if err := p.get(ctx, "/ledger?"+query.Encode(), &out); err != nil {
		return nil, "", err
	}
	page := make([]payments.LedgerEntry, 0, len(out.Charges))
	for _, c := range out.Charges {
		if !c.held() {
			continue
		}
		if c.ID == "" || c.CreatedAt.IsZero() {
			return nil, "", unreadable("a charge without an id or time")
		}
		page = append(page, payments.LedgerEntry{Charge: c.domain(), CreatedAt: c.CreatedAt})
	}
	return page, out.Cursor, nil
}

func (p Provider) get(ctx context.Context, path string, out any) error {
	return p.client.Do(ctx, httpclient.Request{Method: http.MethodGet, Path: path}, out)
}

func (p Provider) post(ctx context.Context, path, key string, body, out any) error {
	r := httpclient.Request{Method: http.MethodPost, Path: path, IdempotencyKey: key, Body: body}
	err := p.client.Do(ctx, r, out)
	if status, ok := err.(*httpclient.StatusError); ok { //nolint:errorlint // only the bare error is final
		return refusal(status)
	}
	return err
}

// unreadable is the error for a 2xx response that makes no sense. The outcome is unknown, so it is
// transient.
func unreadable(what string) error {
	return fault.New(fault.Transient, "DependencyUnavailable", "%s returned %s", Name, what)
}

// notInCode reports whether r cannot be in a decline code, which is visible ASCII without spaces.
func notInCode(r rune) bool { return r <= ' ' || r > '~' }

// impossible reports whether the provider refuses the reference itself, which thus has no charge. A
// notice about a foreign charge may have any reference.
func impossible(err error) bool {
	status, ok := err.(*httpclient.StatusError) //nolint:errorlint // only the bare error is final
	return ok && status.Status == http.StatusBadRequest && code(status) == "invalid_reference"
}

// code returns the code of a refusal, or "".
func code(s *httpclient.StatusError) string {
	var problem struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(s.Body, &problem) // the code is optional
	return problem.Code
}

// refusal returns the error for the provider's final refusal.
func refusal(s *httpclient.StatusError) error {
	switch s.Status {
	case http.StatusPaymentRequired:
		reason := code(s)
		if reason == "" || len(reason) > maxCode || strings.ContainsFunc(reason, notInCode) {
			reason = "declined"
		}
		return &payments.Declined{Code: reason}
	case http.StatusConflict:
		return payments.ErrReferenceVoided.Because(s)
	case http.StatusNotFound:
		return payments.ErrNoCharge.Because(s)
	}
	return fault.New(fault.Internal, "PaymentProviderRefused", "the payment provider rejected our request").
		Because(s)
}
