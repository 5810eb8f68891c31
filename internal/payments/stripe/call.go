package stripe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"orderflow/internal/payments"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
)

const intents = "/v1/payment_intents"

// intent reads an intent.
func (p Provider) intent(ctx context.Context, id string) (intent, error) {
	var out intent
	err := p.get(ctx, intents+"/"+url.PathEscape(id)+"?"+url.Values{"expand[]": {expanded}}.Encode(), &out)
	if err == nil && out.ID != id {
		err = unreadable("another intent")
	}
	return out, err
}

// change posts to an intent and returns the response.
func (p Provider) change(ctx context.Context, path, key string, form url.Values) (intent, error) {
	sent := url.Values{"expand[]": {expanded}}
	for name, v := range form {
		sent[name] = v
	}
	var out intent
	err := p.post(ctx, path, key, sent, &out)
	if err == nil && (out.ID == "" || out.Status == "") {
		err = unreadable("no intent")
	}
	return out, err
}

func (p Provider) get(ctx context.Context, path string, out any) error {
	return p.call(ctx, httpclient.Request{Method: http.MethodGet}, path, out)
}

func (p Provider) post(ctx context.Context, path, key string, form url.Values, out any) error {
	return p.call(ctx, httpclient.Request{Method: http.MethodPost, IdempotencyKey: key, Form: form}, path, out)
}

func (p Provider) call(ctx context.Context, r httpclient.Request, path string, out any) error {
	key, err := p.key(ctx)
	if err != nil {
		return err
	}
	r.Path, r.Authorization = path, "Bearer "+string(bytes.TrimSpace(key))
	r.Header = http.Header{"Stripe-Version": {Version}}
	return parseRefusal(p.client.Do(ctx, r, out))
}

// refusal is Stripe's final refusal. Its message is dropped, since it may contain personal data.
type refusal struct {
	status      int
	Type        string `json:"type"`
	Code        string `json:"code"`
	DeclineCode string `json:"decline_code"`
	Param       string `json:"param"`
}

func (r *refusal) Error() string { return "stripe refused: " + r.Type + " " + r.Code }

// ofAmount reports whether Stripe refused the amount or its currency.
func (r *refusal) ofAmount() bool { return r.Param == "amount" || r.Param == "currency" }

// Is matches the refusals that the adapter expects to the errors below.
func (r *refusal) Is(target error) bool {
	switch target {
	case errState:
		return r.Code == "payment_intent_unexpected_state"
	case errMissing:
		return r.Code == "resource_missing" && r.status == http.StatusNotFound
	case errRefunded:
		return r.Code == "charge_already_refunded"
	case errAmount:
		return r.Code == "amount_too_small" || r.Code == "amount_too_large" || r.ofAmount()
	}
	return false
}

var (
	errState    = errors.New("the intent is in the wrong state")
	errMissing  = errors.New("there is no such intent")
	errRefunded = errors.New("already refunded")
	errAmount   = errors.New("the amount or currency cannot be charged")
)

// parseRefusal returns a refusal for a final status. 409 means that two requests for the same
// intent or key collided.
func parseRefusal(err error) error {
	status, ok := err.(*httpclient.StatusError) //nolint:errorlint // only the bare error is final
	switch {
	case !ok:
		return err
	case status.Status == http.StatusConflict:
		return unreadable("a conflict of two requests")
	}
	var body struct {
		Error refusal `json:"error"`
	}
	_ = json.Unmarshal(status.Body, &body) // the body is optional
	body.Error.status = status.Status
	return &body.Error
}

// answered5xx reports whether Stripe itself responded with a 5xx.
func answered5xx(err error) bool {
	var status *httpclient.StatusError
	return errors.As(err, &status) && status.Status >= http.StatusInternalServerError
}

// classify gives an error that the adapter did not handle its kind. A refused card is a decline.
// Everything else is our defect, such as an invalid API key or parameters that differ from an
// earlier request's.
func classify(err error) error {
	var no *refusal
	switch {
	case errors.Is(err, errUnit):
		return &payments.Declined{Code: codeNotChargeable}
	case !errors.As(err, &no):
		return err
	case no.Type == "card_error", no.Is(errAmount), no.Param == "payment_method":
		return &payments.Declined{Code: no.declineCode()}
	}
	return refused("status %d %s", no.status, cleanCode(no.Code)).Because(no)
}

// unreadable is the error for a response that makes no sense. The outcome is unknown, so it is
// transient.
func unreadable(what string) error {
	return fault.New(fault.Transient, "DependencyUnavailable", "%s returned %s", Name, what)
}

func refused(why string, args ...any) *fault.Error {
	const rejected = "the payment provider rejected our request: "
	return fault.New(fault.Internal, "PaymentProviderRefused", rejected+why, args...)
}

// discreet are decline codes that must not be shown to the customer, who may be a thief; see
// https://docs.stripe.com/declines/codes.
var discreet = map[string]bool{
	"fraudulent": true, "lost_card": true, "stolen_card": true, "merchant_blacklist": true, "pickup_card": true,
}

// declineCode is the reason that may be shown to the customer.
func (r *refusal) declineCode() string {
	code := r.DeclineCode
	switch {
	case r.Type != "card_error" && r.Param == "payment_method":
		return "payment_method_invalid"
	case r.Type != "card_error" && r.ofAmount() && !strings.HasPrefix(r.Code, "amount_"):
		return codeNotChargeable
	case code == "" || code == "generic_decline" || discreet[code]:
		code = r.Code
	}
	if code = cleanCode(code); code == "" {
		code = "card_declined"
	}
	return code
}

// cleanCode returns "" for anything that cannot be one of Stripe's codes.
func cleanCode(code string) string {
	if len(code) > 64 {
		return ""
	}
	for _, c := range code {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return ""
		}
	}
	return code
}
