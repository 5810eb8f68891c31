package chaos

import (
	"fmt"

	"orderflow/internal/ops/client"
)

// news are the subjects of mails about a final state.
var news = map[string]string{
	client.Confirmed:      "Your order is confirmed",
	client.Rejected:       "We could not fulfil your order",
	client.Cancelled:      "Your order is cancelled",
	client.NeedsAttention: "We are looking into your order",
}

// deliveries is how often a message is delivered before it goes to the dead-letter queue.
const deliveries = 5

func told(o seen) string {
	counts := count(o.mails)
	for status, subject := range news {
		if n := counts[subject]; (n > 0) != (status == o.order.Status) {
			return fmt.Sprintf("it is %s, and there are %d mails %q", o.order.Status, n, subject)
		}
	}
	return ""
}

// more counts the duplicate mails.
func more(o seen) (n int) {
	for _, c := range count(o.mails) {
		n += c - 1
	}
	return n
}

func count(mails []string) map[string]int {
	counts := map[string]int{}
	for _, subject := range mails {
		counts[subject]++
	}
	return counts
}

// twice checks duplicate mails: as package notifications says, only a process that dies after the
// mail service accepted a mail, and before that is recorded, causes one.
func twice(f facts) (all []violation) {
	twice := 0
	for _, o := range f.orders {
		twice += more(o)
	}
	if killed := f.kills["notify-customer"]; twice > killed {
		all = append(all, violation{"a mail comes twice only where a notifier was killed", "",
			fmt.Sprintf("%d mails came once more, and %d processes were killed", twice, killed)})
	}
	return all
}

func givenUp(f facts) (all []violation) {
	for _, l := range f.letters {
		if f.kills[l.function] < deliveries {
			all = append(all,
				violation{"no message is in a dead-letter queue, unless its function was killed on every delivery", "",
					fmt.Sprintf("%s has %s", l.queue, l.body)})
		}
	}
	return all
}
