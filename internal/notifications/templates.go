package notifications

import (
	"maps"
	"slices"
	"strings"

	orders "orderflow/internal/orders/contract"
)

// Kind is the kind of a mail.
type Kind string

// The kinds of mails. An order gets at most one of each.
const (
	Confirmed      Kind = "confirmed"
	Rejected       Kind = "rejected"
	Cancelled      Kind = "cancelled"
	NeedsAttention Kind = "needs-attention"
)

// Kinds are all kinds, sorted.
func Kinds() []Kind { return slices.Sorted(maps.Keys(subjects)) }

// ends are the kinds about an order's end. An order gets at most one of them.
var ends = []Kind{Confirmed, Rejected, Cancelled}

// OvertakenBy lists the kinds that make this one obsolete.
func (k Kind) OvertakenBy() []Kind {
	if k == NeedsAttention {
		return ends
	}
	return nil
}

// WaitsFor lists the kinds that must not be in SENDING when this one is sent, or they would arrive
// after it.
func (k Kind) WaitsFor() []Kind {
	if k == NeedsAttention {
		return nil
	}
	return []Kind{NeedsAttention}
}

// subjects are visible on lock screens and in mail servers' logs, so they contain no personal or
// order data.
var subjects = map[Kind]string{
	Confirmed:      "Your order is confirmed",
	Rejected:       "We could not fulfil your order",
	Cancelled:      "Your order is cancelled",
	NeedsAttention: "We are looking into your order",
}

// texts have placeholders in braces. Package text/template would do, but its reflection defeats
// dead-code elimination of the AWS clients and makes the function 50 % larger.
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

// facts are the values of a text's placeholders. Reason is a code; Tracking may be empty.
type facts struct{ Order, Total, Reason, Tracking string }

// render returns a kind's mail without an address.
func render(kind Kind, f facts) Mail {
	tracking := ""
	if f.Tracking != "" {
		tracking = "Your tracking number is " + f.Tracking + ".\n"
	}
	why := orders.Explain(f.Reason, "en")
	values := strings.NewReplacer("{order}", f.Order, "{total}", f.Total, "{why}", why, "{tracking}", tracking)
	return Mail{Subject: subjects[kind], Text: greeting + values.Replace(texts[kind]) + farewell}
}
