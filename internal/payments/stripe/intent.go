package stripe

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/platform/money"
)

// Statuses of an intent; see https://docs.stripe.com/payments/paymentintents/lifecycle.
const (
	requiresPaymentMethod = "requires_payment_method"
	requiresConfirmation  = "requires_confirmation"
	requiresAction        = "requires_action"
	requiresCapture       = "requires_capture"
	processing            = "processing"
	succeeded             = "succeeded"
	canceled              = "canceled"
)

// metadataOrder is the metadata key of the order's id.
const metadataOrder = "order_id"

// intent is a PaymentIntent, reduced to what is used. It omits the client secret on purpose.
type intent struct {
	ID       string            `json:"id"`
	Status   string            `json:"status"`
	Amount   int64             `json:"amount"`
	Currency string            `json:"currency"`
	Created  int64             `json:"created"`
	Metadata map[string]string `json:"metadata"`
	// LatestCharge is null until the first confirmation. Every request expands it.
	LatestCharge *struct {
		// Paid is true once the amount was held, even if it was released; false for a decline.
		Paid bool `json:"paid"`
		// Refunded is true after a full refund. AmountRefunded is the sum of all refunds.
		Refunded       bool  `json:"refunded"`
		AmountRefunded int64 `json:"amount_refunded"`
		Disputed       bool  `json:"disputed"`
	} `json:"latest_charge"`
	LastPaymentError *refusal `json:"last_payment_error"`
	NextAction       *struct {
		RedirectToURL struct {
			URL string `json:"url"`
		} `json:"redirect_to_url"`
	} `json:"next_action"`
}

// page returns where the customer authenticates, or "".
func (i intent) page() string {
	if i.NextAction == nil || !payments.IsPage(i.NextAction.RedirectToURL.URL) {
		return ""
	}
	return i.NextAction.RedirectToURL.URL
}

// expanded makes Stripe include the whole charge in its response.
const expanded = "latest_charge"

func (i intent) reference() string { return i.Metadata[metadataOrder] }

// untouched reports whether the intent was never confirmed.
func (i intent) untouched() bool {
	return (i.Status == requiresPaymentMethod || i.Status == requiresConfirmation) && i.LastPaymentError == nil
}

// failed reports whether the confirmation was declined.
func (i intent) failed() bool { return i.Status == requiresPaymentMethod && i.LastPaymentError != nil }

// charge converts the intent; held is false if it never held money and thus is not a charge. An
// amount that we cannot have requested is left out.
func (i intent) charge() (c payments.Charge, held bool) {
	amount, _ := fromStripe(i.Currency, i.Amount)
	c = payments.Charge{ID: i.ID, Reference: i.reference(), Amount: amount}
	last := i.LatestCharge
	switch {
	case i.Status == requiresCapture:
		c.Status = payments.ChargeAuthorized
	case i.Status == succeeded && last != nil && last.Refunded:
		c.Status, c.Refunded = payments.ChargeRefunded, c.Amount.Amount
	case i.Status == succeeded:
		c.Status = payments.ChargeCaptured
		if last != nil {
			refunded, _ := fromStripe(i.Currency, last.AmountRefunded)
			c.Refunded = refunded.Amount
		}
	case i.Status == canceled && last != nil && last.Paid:
		c.Status = payments.ChargeVoided
	default:
		return payments.Charge{}, false
	}
	return c, true
}

func (i intent) entry() payments.LedgerEntry {
	c, _ := i.charge()
	return payments.LedgerEntry{Charge: c, CreatedAt: time.Unix(i.Created, 0).UTC()}
}

// amountOf encodes money in Stripe's unit, with the currency in lower case.
func amountOf(m money.Money) (url.Values, error) {
	amount, err := toStripe(m)
	return url.Values{"amount": {strconv.FormatInt(amount, 10)}, "currency": {strings.ToLower(m.Currency)}}, err
}
