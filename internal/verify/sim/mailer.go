package sim

import (
	"context"
	"slices"
	"strings"

	"github.com/oklog/ulid/v2"

	"orderflow/internal/notifications"
	"orderflow/internal/orders"
)

// mail is one that a customer has received.
type mail struct {
	order   string
	subject string
	// settled: it is on record as sent, so nobody may send it again.
	settled bool
}

// mailer is the mail service; see notifications.Mailer.
type mailer struct{ w *World }

// Send delivers a mail. What a customer may read twice is what the package promises and no more: a mail whose
// sender crashed, was suspended or heard no answer before the mail was on record.
func (m mailer) Send(_ context.Context, in notifications.Mail) error {
	w := m.w
	w.breathe()
	if w.strikes(mailRefused) {
		return fails(mailRefused)
	}
	sent := &mail{order: orderIn(in.Text), subject: in.Subject}
	if w.strikes(mailBounced) {
		w.history.bounced[sent.order] = true
		return notifications.ErrRefused
	}
	late := w.running.reply == nil // its claim is over
	if !late {
		w.contradicts(sent)
	}
	for _, before := range w.history.mails[sent.order] {
		switch {
		case before.subject != sent.subject:
		case before.settled && !late:
			w.violate("the customer is told once", sent.order, "again: %s", sent.subject)
		default:
			w.reach("a mail was sent again after a crash")
		}
	}
	w.note(sent.order, "mail: %s", sent.subject)
	w.history.mails[sent.order] = append(w.history.mails[sent.order], sent)
	w.crash(crashAfter)
	if w.strikes(mailUnheard) {
		return fails(mailUnheard)
	}
	w.running.mail = sent
	return nil
}

// undone are the subjects of mails that promise no delivery.
var undone = []string{endings[orders.StatusRejected], endings[orders.StatusCancelled]}

// attention is the subject of the mail that comes before the end, or not at all.
const attention = "We are looking into your order"

// contradicts looks whether a mail says other than what the customer was told before, by the API or by a mail.
func (w *World) contradicts(sent *mail) {
	const name = "no mail contradicts an answer or an earlier mail"
	promises := func(subject string) bool { return subject != attention && !slices.Contains(undone, subject) }
	if promises(sent.subject) && w.shop.cancelled(sent.order) {
		w.violate(name, sent.order, "the cancellation was accepted, then came: %s", sent.subject)
	}
	for _, before := range w.history.mails[sent.order] {
		if before.subject != attention && before.subject != sent.subject {
			w.violate(name, sent.order, "after %q came %q", before.subject, sent.subject)
		}
	}
}

// orderIn finds the order that a text is about.
func orderIn(text string) string {
	_, after, _ := strings.Cut(text, "your order ")
	return after[:min(len(after), ulid.EncodedSize)]
}
