package sim

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"orderflow/internal/notifications"
	"orderflow/internal/orders"
	ordersContract "orderflow/internal/orders/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/resilience"
)

// history is what the simulation observed, independently of the system's own records: the commits
// of use cases, the published events and the mails and answers that customers got.
type history struct {
	w        *World
	barriers map[mark]barrier.Phase // who wrote it
	events   []published
	mails    map[string][]*mail
	bounced  map[string]bool   // orders with a mail that was refused for good
	about    map[string]string // subjects of events, by id
	accounts map[string]*account
	booked   map[string]bool // references that the carrier has ever booked
	// attention has the orders that have needed an operator.
	attention map[string]bool
}

// mark is a record of a barrier in a service's table.
type mark struct {
	service string
	barrier.Key
}

type published struct {
	service string
	envelope.Event
}

// undoes maps an undo to the steps that it bars.
var undoes = map[string][]string{
	"CloseOrder":     {"ConfirmOrder"},
	"CancelShipment": {"ArrangeShipment"},
	"VoidPayment":    {"AuthorizePayment", "CapturePayment"},
	"ReleaseStock":   {"ReserveStock", "CommitStock"},
}

// committed records a commit and compares its barrier with earlier ones.
func (h *history) committed(service string, with commit.With) {
	if with.Barrier != nil || with.Reply != nil || len(with.Events) > 0 {
		h.w.changes++
	}
	for _, e := range with.Events {
		h.events = append(h.events, published{service, e})
		h.about[e.ID] = e.Subject
		h.counted(e)
		if e.Type == ordersContract.OrderNeedsAttention {
			h.attention[e.Subject] = true
			if h.w.strikes(operatorQuick) {
				h.w.after(h.w.between(time.Second, 3*time.Minute), func() { h.w.retry(e.Subject) })
			}
		}
		if strings.HasSuffix(e.Type, ".circuit.changed.v1") {
			c := must(envelope.Decode[resilience.Changed](e))
			h.w.reach(fmt.Sprintf("circuit %s > %s", c.From, c.To))
		}
	}
	if with.Barrier == nil {
		return
	}
	recs, err := with.Barrier.Records()
	if err != nil {
		return // the store refuses it, too
	}
	for _, rec := range recs {
		h.add(service, rec)
	}
}

func (h *history) add(service string, rec barrier.Record) {
	const name = "no barrier contradicts another"
	if origin, again := h.barriers[mark{service, rec.Key}]; again {
		h.w.violate(name, rec.Saga, "%s %s took effect twice, by the %s and by the %s",
			rec.Step, rec.Phase, origin, rec.Origin)
	}
	h.barriers[mark{service, rec.Key}] = rec.Origin
	order := rec.Saga
	if id, event := strings.CutPrefix(rec.Saga, "event-"); event {
		order = h.about[id]
	}
	h.w.note(order, "%s is recorded for %s: %s, by the %s", rec.Step, rec.Saga, rec.Phase, rec.Origin)
	if rec.Origin != rec.Phase {
		h.w.reach("null compensation of " + rec.Step)
		return
	}
	for undo, steps := range undoes {
		_, undone := h.barriers[mark{service, barrier.Key{Saga: rec.Saga, Step: undo, Phase: barrier.Compensation}}]
		if undone && rec.Phase == barrier.Action && slices.Contains(steps, rec.Step) {
			h.w.violate(name, rec.Saga, "%s was done after %s", rec.Step, undo)
		}
	}
}

// orders returns the ids of all orders in the sequence of placement.
func (h *history) orders() []string {
	var ids []string
	for _, e := range h.events {
		if e.Type == ordersContract.OrderCreated {
			ids = append(ids, e.Subject)
		}
	}
	return ids
}

const limitsKept = "customers are held to their limits"

// account is what counts against a customer's limits according to the events.
type account struct {
	open     map[string]bool
	declined []time.Time
}

// counted applies an event of orders to the customer's account and checks the limits.
func (h *history) counted(e envelope.Event) {
	var order struct{ CustomerID, Reason string }
	switch e.Type {
	case ordersContract.OrderCreated, ordersContract.OrderConfirmed, ordersContract.OrderRejected,
		ordersContract.OrderCancelled:
		order = must(envelope.Decode[struct{ CustomerID, Reason string }](e))
	default:
		return
	}
	a := h.accounts[order.CustomerID]
	if a == nil {
		a = &account{open: map[string]bool{}}
		h.accounts[order.CustomerID] = a
	}
	if e.Type != ordersContract.OrderCreated {
		delete(a.open, e.Subject)
		switch orders.Reason(order.Reason) {
		case orders.ReasonPaymentDeclined, orders.ReasonPaymentAbandoned, orders.ReasonCancelledByCustomer:
			a.declined = append(a.declined, e.Time)
		}
		return
	}
	recent := 0
	for _, at := range a.declined {
		if at.After(limits.Since(e.Time).Add(time.Millisecond)) { // stores keep whole milliseconds
			recent++
		}
	}
	if a.open[e.Subject] = true; len(a.open) > limits.Open || recent >= limits.Declines {
		h.w.violate(limitsKept, e.Subject, "%s placed another order, with %d open and %d declined",
			order.CustomerID, len(a.open)-1, recent)
	}
}

type mail struct {
	order   string
	subject string
	settled time.Time // when it was recorded as sent; zero until then
}

// mailer is the mail service; see notifications.Mailer.
type mailer struct{ w *World }

// Send delivers a mail. As the package promises, a customer may get a mail twice only if its sender
// crashed, was suspended or got no answer before the mail was recorded. A suspended sender may
// record it after another one has claimed it, which then sends it again.
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
	claimed := cmp.Or(w.running.wrote, w.now)
	if !late {
		w.contradicts(sent)
	}
	for _, before := range w.history.mails[sent.order] {
		switch {
		case before.subject != sent.subject:
		case !late && !before.settled.IsZero() && before.settled.Before(claimed):
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
