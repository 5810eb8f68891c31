package sim

import (
	"context"
	"slices"
	"strings"

	"github.com/oklog/ulid/v2"

	"orderflow/internal/notifications"
	"orderflow/internal/orders"
)

type mail struct {
	order   string
	subject string
	settled bool // recorded as sent, must not be sent again
}

// mailer is the mail service; see notifications.Mailer.
type mailer struct{ w *World }

// Send delivers a mail. As the package promises, a customer may get a mail twice only if its sender
// crashed, was suspended or got no answer before the mail was recorded.
func (m mailer) Send(_ context.Context, in notifications.Mail) error {
	w := m.w
	w.breathe()
	if err := w.fails(mailRefused); err != nil {
		return err
	}
	sent := &mail{order: orderIn(in.Text), subject: in.Subject}
	if w.strikes(mailBounced) {
		w.history.bounced[sent.order] = true
		return notifications.ErrRefused
	}
	late := w.running.reply == nil // its claim has expired
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
	if err := w.fails(mailUnheard); err != nil {
		return err
	}
	w.running.mail = sent
	return nil
}

// undone lists the subjects of mails about orders that are not delivered.
var undone = []string{endings[orders.StatusRejected], endings[orders.StatusCancelled]}

// attention is the subject of a mail that may precede the outcome.
const attention = "We are looking into your order"

// contradicts checks a mail against earlier answers of the API and earlier mails.
func (w *World) contradicts(sent *mail) {
	const name = "no mail contradicts an answer or an earlier mail"
	promises := func(subject string) bool { return subject != attention && !slices.Contains(undone, subject) }
	if promises(sent.subject) && w.shop.cancelled(sent.order) {
		w.violate(name, sent.order, "sent after the cancellation was accepted: %s", sent.subject)
	}
	for _, before := range w.history.mails[sent.order] {
		if before.subject != attention && before.subject != sent.subject {
			w.violate(name, sent.order, "after %q came %q", before.subject, sent.subject)
		}
	}
}

// orderIn finds the order's id in a text.
func orderIn(text string) string {
	_, after, _ := strings.Cut(text, "your order ")
	return after[:min(len(after), ulid.EncodedSize)]
}
