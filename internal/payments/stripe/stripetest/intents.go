package stripetest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// intent is a PaymentIntent.
type intent struct {
	id, status, currency string
	amount, created      int64
	metadata             map[string]string
	returnURL            string
	failure              map[string]any // last_payment_error
	charge               *charge
}

// charge is a payment attempt.
type charge struct {
	id                                 string
	paid, captured, refunded, disputed bool
	amountRefunded                     int64
}

// declines maps test payment methods to the code and decline code of their decline.
var declines = map[string][2]string{
	"pm_card_visa_chargeDeclined":                  {"card_declined", "generic_decline"},
	"pm_card_visa_chargeDeclinedInsufficientFunds": {"card_declined", "insufficient_funds"},
	"pm_card_visa_chargeDeclinedFraudulent":        {"card_declined", "fraudulent"},
	"pm_card_visa_chargeDeclinedExpiredCard":       {"expired_card", ""},
}

// Payment methods that need the customer's authentication. With error_on_requires_action the first
// is declined at once; the second ignores it.
const (
	authenticationRequired = "pm_card_authenticationRequired"
	actionRequired         = "pm_card_threeDSecure2Required"
)

func (s *Server) create(form url.Values) (int, any, bool) {
	amount, err := strconv.ParseInt(form.Get("amount"), 10, 64)
	switch {
	case err != nil || amount < 1:
		return invalid("", "parameter_invalid_integer", "Invalid positive integer")
	case form.Get("currency") == s.refused:
		return invalid("currency", "", "Invalid currency")
	case amount < 50:
		return invalid("", "amount_too_small", "Amount must be at least €0.50")
	case form.Get("currency") != strings.ToLower(form.Get("currency")) || form.Get("capture_method") != "manual":
		return invalid("", "parameter_invalid", "this server supports lower-case currencies and manual capture only")
	}
	i := &intent{
		id: fmt.Sprintf("pi_%d", len(s.intents)+1), status: "requires_payment_method",
		currency: form.Get("currency"), amount: amount, created: s.now().Unix(), metadata: map[string]string{},
	}
	for name := range form {
		if key, ok := strings.CutPrefix(name, "metadata["); ok {
			i.metadata[strings.TrimSuffix(key, "]")] = form.Get(name)
		}
	}
	s.intents = append(s.intents, i)
	return http.StatusOK, s.view(i, expands(form, "latest_charge")), true
}

// update confirms, captures or cancels.
func (s *Server) update(what string, i *intent, form url.Values) (int, any, bool) {
	open := slices.Contains([]string{"requires_payment_method", "requires_confirmation", "requires_action"}, i.status)
	switch {
	case what == "confirm" && open:
		if status, body, refused := s.confirm(i, form); refused {
			return status, body, status != http.StatusBadRequest
		}
	case what == "capture" && i.status == "requires_capture":
		i.status, i.charge.captured = "succeeded", true
	case what == "cancel" && (open || i.status == "requires_capture"):
		if i.status == "requires_capture" {
			i.charge.refunded, i.charge.amountRefunded = true, i.amount // Stripe releases a hold by a refund
		}
		i.status = "canceled"
	default:
		status, body := problem(http.StatusBadRequest, invalidRequest, "payment_intent_unexpected_state",
			"You cannot "+what+" this PaymentIntent because it has a status of "+i.status)
		body.(map[string]any)["error"].(map[string]any)["payment_intent"] = s.view(i, false)
		return status, body, true
	}
	return http.StatusOK, s.view(i, expands(form, "latest_charge")), true
}

func (s *Server) confirm(i *intent, form url.Values) (status int, body any, refused bool) {
	method := form.Get("payment_method")
	why, no := declines[method]
	switch {
	case method == authenticationRequired && form.Get("error_on_requires_action") != "true", method == actionRequired:
		i.status, i.returnURL = "requires_action", form.Get("return_url")
		return 0, nil, false
	case method == authenticationRequired:
		why, no = [2]string{"authentication_required", "authentication_required"}, true
	case !strings.HasPrefix(method, "pm_card_"):
		status, body, _ = invalid("payment_method", "resource_missing", "No such PaymentMethod")
		return status, body, true
	}
	i.charge = &charge{id: "ch_of_" + i.id, paid: !no}
	if !no {
		i.status, i.failure = "requires_capture", nil
		if method == "pm_card_createDispute" {
			s.disputes[i.id], i.charge.disputed = []string{"needs_response"}, true
		}
		return 0, nil, false
	}
	i.status = "requires_payment_method"
	i.failure = map[string]any{"type": "card_error", "code": why[0], "message": "Your card was not taken."}
	if why[1] != "" {
		i.failure["decline_code"] = why[1]
	}
	e := map[string]any{"payment_intent": s.view(i, false)}
	for name, v := range i.failure {
		e[name] = v
	}
	return http.StatusPaymentRequired, map[string]any{"error": e}, true
}

// Authenticate lets the customer of a reference authenticate, or fail to.
func (s *Server) Authenticate(reference string, succeeds bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.intents {
		switch {
		case i.metadata["order_id"] != reference || i.status != "requires_action":
		case succeeds:
			i.status, i.charge = "requires_capture", &charge{id: "ch_of_" + i.id, paid: true}
		default:
			i.status = "requires_payment_method"
			i.failure = map[string]any{"type": "invalid_request_error", "code": "payment_intent_authentication_failure"}
		}
	}
}

func (s *Server) refund(form url.Values) (int, any, bool) {
	i := s.find(form.Get("payment_intent"))
	code, why := "", ""
	switch {
	case i == nil:
		code, why = "resource_missing", "No such payment_intent"
	case i.charge != nil && i.charge.refunded:
		code, why = "charge_already_refunded", "Charge has already been refunded."
	case i.status != "succeeded":
		code, why = "payment_intent_unexpected_state", "This PaymentIntent does not have a successful charge to refund."
	case i.charge.disputed:
		code, why = "charge_disputed", "The charge has been charged back; cannot issue a refund."
	default:
		amount := i.amount - i.charge.amountRefunded // by default all that is left
		if asked := form.Get("amount"); asked != "" {
			n, err := strconv.ParseInt(asked, 10, 64)
			if err != nil || n < 1 || n > amount {
				return invalid("", "", "Refund amount is greater than unrefunded amount on charge")
			}
			amount = n
		}
		i.refund(amount)
		return http.StatusOK, map[string]any{
			"id": "re_of_" + i.id, "object": "refund", "status": "succeeded", "payment_intent": i.id,
			"amount": amount, "currency": i.currency,
		}, true
	}
	status, body := problem(http.StatusBadRequest, invalidRequest, code, why)
	return status, body, true
}

// refund makes a partial refund. The charge is refunded once nothing is left.
func (i *intent) refund(amount int64) {
	i.charge.amountRefunded += amount
	i.charge.refunded = i.charge.amountRefunded >= i.amount
}

// view is the intent in Stripe's responses.
func (s *Server) view(i *intent, expand bool) map[string]any {
	out := map[string]any{
		"id": i.id, "object": "payment_intent", "status": i.status, "amount": i.amount, "currency": i.currency,
		"created": i.created, "capture_method": "manual", "client_secret": i.id + "_secret_x", "latest_charge": nil,
		"last_payment_error": nil, "livemode": false, "payment_method_types": []string{"card"},
	}
	out["metadata"] = maps.Clone(i.metadata)
	if i.status == "requires_action" && i.returnURL != "" {
		out["next_action"] = map[string]any{"type": "redirect_to_url", "redirect_to_url": map[string]any{
			"url": "https://hooks.stripe.example/" + i.id, "return_url": i.returnURL,
		}}
	}
	if i.failure != nil {
		out["last_payment_error"] = i.failure
	}
	if c := i.charge; c != nil {
		out["latest_charge"] = c.id
		if expand {
			out["latest_charge"] = map[string]any{
				"id": c.id, "object": "charge", "paid": c.paid, "captured": c.captured,
				"refunded": c.refunded, "amount_refunded": c.amountRefunded, "disputed": c.disputed,
			}
		}
	}
	return out
}
