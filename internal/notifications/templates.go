package notifications

import "strings"

// Kind is what a mail tells.
type Kind string

// The kinds of mails. An order has at most one of each.
const (
	Confirmed      Kind = "confirmed"
	Rejected       Kind = "rejected"
	Cancelled      Kind = "cancelled"
	NeedsAttention Kind = "needs-attention"
)

// ends are the kinds that tell how an order ended. An order ends once, so there is at most one of them.
var ends = []Kind{Confirmed, Rejected, Cancelled}

// OvertakenBy lists the kinds after which there is nothing left to say by this one.
func (k Kind) OvertakenBy() []Kind {
	if k == NeedsAttention {
		return ends
	}
	return nil
}

// WaitsFor lists the kinds that must not be under way when this one is sent, since they would come after it.
func (k Kind) WaitsFor() []Kind {
	if k == NeedsAttention {
		return nil
	}
	return []Kind{NeedsAttention}
}

// subjects are seen on lock screens and in logs of mail servers, so they say nothing of the person or the order.
var subjects = map[Kind]string{
	Confirmed:      "Your order is confirmed",
	Rejected:       "We could not fulfil your order",
	Cancelled:      "Your order is cancelled",
	NeedsAttention: "We are looking into your order",
}

// texts have the places of the facts in braces. Package text/template would do more, but its use of reflection
// keeps all methods of the AWS clients in the function, which makes it half as large again.
var texts = map[Kind]string{
	Confirmed: `good news: your order {order} over {total} is paid and confirmed.
The carrier is about to collect it.
{tracking}`,
	Rejected: `we are sorry: we could not fulfil your order {order} over {total}.
{why}

You do not pay for it. If any money was held or charged, you get it back.
`,
	Cancelled: `your order {order} over {total} is cancelled.
{why}

You do not pay for it. If any money was held or charged, you get it back.
`,
	NeedsAttention: `something went wrong with your order {order} over {total}, and we are putting it right by hand.
There is nothing that you need to do.
`,
}

const (
	greeting = "Hello,\n\n"
	farewell = "\nKind regards,\nyour Orderflow shop\n"
)

// reasons say why an order was rejected or cancelled, for the reason codes that a customer can make sense of.
var reasons = map[string]string{
	"OUT_OF_STOCK":     "Some of it is no longer in stock.",
	"PAYMENT_DECLINED": "The payment was declined. Please try another payment method.",
	"PAYMENT_VOIDED":   "The payment provider cancelled the payment. Please try again, or use another payment method.",
	"SHIPMENT_REFUSED": "The carrier does not deliver to the address that you gave.",
	"TIMED_OUT":        "It took too long to arrange. Please try again.",

	"CANCELLED_BY_CUSTOMER": "We cancelled it as you asked.",
	"CANCELLED_BY_OPERATOR": "Our staff cancelled it. If you did not expect this, please contact us.",
}

// facts is what a text may say. Reason is a code; Tracking may be empty.
type facts struct{ Order, Total, Reason, Tracking string }

// write makes the mail of a kind, without its address.
func write(kind Kind, f facts) Mail {
	why, ok := reasons[f.Reason]
	if !ok {
		why = "Something went wrong on our side. Please try again."
	}
	tracking := ""
	if f.Tracking != "" {
		tracking = "Your tracking number is " + f.Tracking + ".\n"
	}
	text := strings.NewReplacer("{order}", f.Order, "{total}", f.Total, "{why}", why, "{tracking}", tracking).Replace(texts[kind])
	return Mail{Subject: subjects[kind], Text: greeting + text + farewell}
}
