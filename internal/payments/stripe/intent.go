package stripe

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/platform/money"
)

// What an intent's status says; see https://docs.stripe.com/payments/paymentintents/lifecycle.
const (
	requiresPaymentMethod = "requires_payment_method"
	requiresConfirmation  = "requires_confirmation"
	requiresAction        = "requires_action"
	requiresCapture       = "requires_capture"
	processing            = "processing"
	succeeded             = "succeeded"
	canceled              = "canceled"
)

// metadataOrder is the key of an intent's metadata that holds the order's id.
const metadataOrder = "order_id"

// intent is a PaymentIntent, as far as it is looked at. The customer's secret is left out on purpose.
type intent struct {
	ID       string            `json:"id"`
	Status   string            `json:"status"`
	Amount   int64             `json:"amount"`
	Currency string            `json:"currency"`
	Created  int64             `json:"created"`
	Metadata map[string]string `json:"metadata"`
	// LatestCharge is null until the first confirmation. Every request asks for it to be expanded.
	LatestCharge *struct {
		// Paid is true once the amount was held, whatever became of it; false for a decline.
		Paid bool `json:"paid"`
		// Refunded is true once all of it was given back, AmountRefunded as much as was.
		Refunded       bool  `json:"refunded"`
		AmountRefunded int64 `json:"amount_refunded"`
		Disputed       bool  `json:"disputed"`
	} `json:"latest_charge"`
	LastPaymentError *refusal `json:"last_payment_error"`
}

// expanded names the charge in a request, so that the answer has it in full.
const expanded = "latest_charge"

func (i intent) reference() string { return i.Metadata[metadataOrder] }

// untouched reports whether the intent was never confirmed.
func (i intent) untouched() bool {
	return (i.Status == requiresPaymentMethod || i.Status == requiresConfirmation) && i.LastPaymentError == nil
}

// failed reports whether the confirmation was declined.
func (i intent) failed() bool { return i.Status == requiresPaymentMethod && i.LastPaymentError != nil }

// charge returns the intent in our words; held is false where it never held money, and then it is no charge. An amount that we
// cannot have asked for is left out.
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

// amountOf writes money in Stripe's unit, and the code in lower case.
func amountOf(m money.Money) (url.Values, error) {
	amount, err := toStripe(m)
	return url.Values{"amount": {strconv.FormatInt(amount, 10)}, "currency": {strings.ToLower(m.Currency)}}, err
}
