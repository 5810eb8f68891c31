package notifications_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"orderflow/internal/notifications"
	"orderflow/internal/notifications/memory"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
)

const (
	order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"
	ada   = "ada@example.com"
)

// outbox is a mailer that keeps its mails; each error in fail fails one mail.
type outbox struct {
	mu    sync.Mutex
	mails []notifications.Mail
	fail  []error
}

func (o *outbox) Send(_ context.Context, m notifications.Mail) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.fail) > 0 {
		err := o.fail[0]
		o.fail = o.fail[1:]
		return err
	}
	o.mails = append(o.mails, m)
	return nil
}

// world is the service with its dependencies.
type world struct {
	*notifications.Service
	store  notifications.Store
	outbox *outbox
	clock  *clock.Manual
	events envelope.Publisher
}

func open() *world {
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	w := &world{store: memory.New(c), outbox: &outbox{}, clock: c}
	w.Service = notifications.New(w.store, w.outbox, c, &ids.Sequence{})
	w.events = envelope.Publisher{Service: "test", Clock: c, IDs: &ids.Sequence{}}
	return w
}

func (w *world) event(eventType string, data any) envelope.Event {
	return w.events.New(context.Background(), eventType, order, 1, data)
}

func (w *world) ended(eventType, reason string) envelope.Event {
	total := money.Money{Currency: "EUR", Amount: 4797}
	return w.event(eventType, orders.Changed{OrderID: order, CustomerEmail: ada, Total: total, Reason: reason})
}

func (w *world) handle(t *testing.T, e envelope.Event) {
	t.Helper()
	if err := w.NotifyCustomer(t.Context(), e); err != nil {
		t.Fatalf("%s: %v", e.Type, err)
	}
}

// claim returns another delivery's claim.
func (w *world) claim(kind notifications.Kind) notifications.Claim {
	return notifications.Claim{OrderID: order, Kind: kind, ID: "other", Until: w.clock.Now().Add(notifications.Lease)}
}

// wantSending handles an event and wants it to be retried because of another claim.
func (w *world) wantSending(t *testing.T, e envelope.Event) {
	t.Helper()
	err := w.NotifyCustomer(t.Context(), e)
	if !errors.Is(err, notifications.ErrSending) || fault.KindOf(err) != fault.Transient {
		t.Errorf("NotifyCustomer: %v, want ErrSending, transient", err)
	}
}

func (w *world) want(t *testing.T, subjects ...string) {
	t.Helper()
	got := []string{}
	for _, m := range w.outbox.mails {
		if m.To != ada {
			t.Errorf("mail to %q, want %q", m.To, ada)
		}
		got = append(got, m.Subject)
	}
	if fmt.Sprint(got) != fmt.Sprint(subjects) {
		t.Errorf("mails %q, want %q", got, subjects)
	}
}

const (
	confirmed = "Your order is confirmed"
	rejected  = "We could not fulfil your order"
	cancelled = "Your order is cancelled"
	attention = "We are looking into your order"
)

func TestEachOutcomeIsOneMail(t *testing.T) {
	cases := map[string]struct{ reason, subject, text string }{
		orders.OrderConfirmed:      {"", confirmed, "over 47.97 EUR is paid"},
		orders.OrderRejected:       {"OUT_OF_STOCK", rejected, "no longer in stock"},
		orders.OrderCancelled:      {"CANCELLED_BY_CUSTOMER", cancelled, "as you asked"},
		orders.OrderNeedsAttention: {"COMPENSATION_FAILED", attention, "by hand"},
	}
	for eventType, c := range cases {
		w := open()
		w.handle(t, w.ended(eventType, c.reason))
		w.want(t, c.subject)
		text := w.outbox.mails[0].Text
		for _, part := range []string{"Hello,", order, c.text, "Kind regards"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: the mail lacks %q:\n%s", eventType, part, text)
			}
		}
		if strings.ContainsAny(text, "{}") {
			t.Errorf("%s: a placeholder is left:\n%s", eventType, text)
		}
	}
}

func TestMailSaysWhoCancelledTheOrder(t *testing.T) {
	const byCustomer, asYouAsked = "CANCELLED_BY_CUSTOMER", "as you asked"
	for reason, want := range map[string]string{
		byCustomer: asYouAsked, "CANCELLED_BY_OPERATOR": "Our staff cancelled it",
	} {
		w := open()
		w.handle(t, w.ended(orders.OrderCancelled, reason))
		text := w.outbox.mails[0].Text
		if !strings.Contains(text, want) || strings.Contains(text, asYouAsked) != (reason == byCustomer) ||
			strings.Contains(text, "on our side") {
			t.Errorf("%s: the mail is:\n%s", reason, text)
		}
	}
}

func TestUnknownReasonIsNotShown(t *testing.T) {
	w := open()
	w.handle(t, w.ended(orders.OrderRejected, "INTERNAL"))
	text := w.outbox.mails[0].Text
	if strings.Contains(text, "INTERNAL") || !strings.Contains(text, "Something went wrong") {
		t.Errorf("the mail is:\n%s", text)
	}
}

func TestConfirmationHasTheTrackingNumberIfAny(t *testing.T) {
	for number, says := range map[string]bool{"TRK-7F3A9C": true, "": false} {
		w := open()
		changed := orders.Changed{OrderID: order, CustomerEmail: ada, TrackingNumber: number}
		w.handle(t, w.event(orders.OrderConfirmed, changed))
		w.want(t, confirmed)
		text := w.outbox.mails[0].Text
		sentence := "Your tracking number is " + number + ".\n"
		if strings.Contains(text, sentence) != says || strings.Contains(text, "tracking") != says {
			t.Errorf("with tracking number %q the mail is:\n%s", number, text)
		}
	}
}

func TestOnlyTheConfirmationPromisesADelivery(t *testing.T) {
	for eventType, promises := range map[string]bool{
		orders.OrderConfirmed: true, orders.OrderRejected: false,
		orders.OrderCancelled: false, orders.OrderNeedsAttention: false,
	} {
		w := open()
		changed := orders.Changed{OrderID: order, CustomerEmail: ada, TrackingNumber: "TRK-7F3A9C"}
		w.handle(t, w.event(eventType, changed))
		text := w.outbox.mails[0].Text
		if strings.Contains(text, "about to collect") != promises || strings.Contains(text, "TRK") != promises {
			t.Errorf("%s: the mail is:\n%s", eventType, text)
		}
	}
}

func TestNoMailFollowsTheOneAboutTheOrdersEnd(t *testing.T) {
	for eventType, subject := range map[string]string{
		orders.OrderRejected: rejected, orders.OrderCancelled: cancelled,
	} {
		w := open()
		flagged := w.ended(orders.OrderNeedsAttention, "COMPENSATION_FAILED")
		w.handle(t, w.ended(eventType, ""))
		w.handle(t, flagged)
		w.want(t, subject)
	}
}

func TestMailAboutTheEndWaitsForAMailBeingSent(t *testing.T) {
	w := open()
	claim := w.claim(notifications.NeedsAttention)
	if err := w.store.Claim(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	end := w.ended(orders.OrderRejected, "")
	w.wantSending(t, end)
	w.want(t)
	if err := w.store.MarkSent(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	w.handle(t, end)
	w.want(t, rejected)
}

// interrupted runs something else before its call number at of the store or the mailer.
type interrupted struct {
	notifications.Store
	notifications.Mailer
	at    int
	other func()
}

func (i *interrupted) call() {
	if i.at--; i.at == 0 {
		i.other()
	}
}

func (i *interrupted) Claim(ctx context.Context, c notifications.Claim) error {
	i.call()
	return i.Store.Claim(ctx, c)
}

func (i *interrupted) Claims(
	ctx context.Context, orderID string, kinds []notifications.Kind,
) (map[notifications.Kind]time.Time, error) {
	i.call()
	return i.Store.Claims(ctx, orderID, kinds)
}

func (i *interrupted) Send(ctx context.Context, m notifications.Mail) error {
	i.call()
	return i.Mailer.Send(ctx, m)
}

func (i *interrupted) MarkSent(ctx context.Context, c notifications.Claim) error {
	i.call()
	return i.Store.MarkSent(ctx, c)
}

func (i *interrupted) Release(ctx context.Context, c notifications.Claim) error {
	i.call()
	return i.Store.Release(ctx, c)
}

func TestMailAboutTheEndIsLastHoweverTwoInterleave(t *testing.T) {
	for at := 1; at <= 4; at++ {
		for _, first := range []string{orders.OrderNeedsAttention, orders.OrderRejected} {
			w := open()
			events := []envelope.Event{w.ended(orders.OrderNeedsAttention, ""), w.ended(orders.OrderRejected, "")}
			one, two := events[0], events[1]
			if first == orders.OrderRejected {
				one, two = two, one
			}
			reached := false
			i := &interrupted{Store: w.store, Mailer: w.outbox, at: at, other: func() {
				reached = true
				_ = w.NotifyCustomer(t.Context(), two) // it may have to wait
			}}
			_ = notifications.New(i, i, w.clock, &ids.Sequence{}).NotifyCustomer(t.Context(), one)
			for _, again := range events {
				w.handle(t, again)
			}
			if n := len(w.outbox.mails); !reached || w.outbox.mails[n-1].Subject != rejected || n > 2 {
				t.Errorf("%s, interrupted before call %d (%v): the mails are %v", first, at, reached, w.outbox.mails)
			}
		}
	}
}

func TestRefusedMailIsNotRetriedOrParked(t *testing.T) {
	w := open()
	w.outbox.fail = []error{notifications.ErrRefused}
	end := w.ended(orders.OrderConfirmed, "")
	for range 3 {
		w.handle(t, end)
	}
	w.want(t)
	if err := w.store.Claim(t.Context(), w.claim(notifications.Confirmed)); !errors.Is(err, notifications.ErrRefused) {
		t.Errorf("Claim: %v, want ErrRefused", err)
	}
}

func TestDuplicateEventSendsNoSecondMail(t *testing.T) {
	w := open()
	end := w.ended(orders.OrderConfirmed, "")
	for range 3 {
		w.handle(t, end)
		w.clock.Advance(time.Hour)
	}
	w.want(t, confirmed)
}

func TestSameOutcomeInAnotherEventSendsNoSecondMail(t *testing.T) {
	w := open()
	w.handle(t, w.ended(orders.OrderNeedsAttention, ""))
	w.handle(t, w.ended(orders.OrderNeedsAttention, ""))
	w.want(t, attention)
}

func TestConcurrentDuplicatesSendOneMail(t *testing.T) {
	w := open()
	end := w.ended(orders.OrderConfirmed, "")
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if err := w.NotifyCustomer(context.Background(), end); err != nil && fault.KindOf(err) != fault.Transient {
				t.Errorf("NotifyCustomer: %v", err)
			}
		})
	}
	wg.Wait()
	w.want(t, confirmed)
}

func TestFailedMailIsSentByTheNextDelivery(t *testing.T) {
	w := open()
	w.outbox.fail = []error{notifications.ErrNotSent, notifications.ErrNotSent}
	end := w.ended(orders.OrderConfirmed, "")
	for range 2 {
		if err := w.NotifyCustomer(t.Context(), end); !errors.Is(err, notifications.ErrNotSent) {
			t.Errorf("NotifyCustomer: %v, want ErrNotSent", err)
		}
	}
	w.handle(t, end)
	w.handle(t, end)
	w.want(t, confirmed)
}

func TestClaimOfACrashedDeliveryExpires(t *testing.T) {
	w := open()
	if err := w.store.Claim(t.Context(), w.claim(notifications.Confirmed)); err != nil {
		t.Fatal(err)
	}
	end := w.ended(orders.OrderConfirmed, "")
	w.wantSending(t, end)
	w.want(t)
	w.clock.Advance(notifications.Lease)
	w.handle(t, end)
	w.want(t, confirmed)
}

// unmarked is a store whose MarkSent fails.
type unmarked struct{ notifications.Store }

func (unmarked) MarkSent(context.Context, notifications.Claim) error { return errors.New("no") }

func TestSentMailIsNotRepeatedIfItsRecordFails(t *testing.T) {
	w := open()
	w.Service = notifications.New(unmarked{w.store}, w.outbox, w.clock, &ids.Sequence{})
	w.handle(t, w.ended(orders.OrderConfirmed, ""))
	w.want(t, confirmed)
}

func TestCustomerWithoutAnAddressGetsNoMail(t *testing.T) {
	w := open()
	w.handle(t, w.event(orders.OrderConfirmed, orders.Changed{OrderID: order}))
	w.want(t)
}

func TestOtherEventsAreRefused(t *testing.T) {
	w := open()
	created := w.event(orders.OrderCreated, orders.Created{OrderID: order})
	if err := w.NotifyCustomer(t.Context(), created); !errors.Is(err, notifications.ErrUnexpected) {
		t.Errorf("NotifyCustomer: %v, want ErrUnexpected", err)
	}
	w.want(t)
}

func TestSubjectsHaveNoPersonalOrOrderData(t *testing.T) {
	w := open()
	for _, eventType := range []string{
		orders.OrderConfirmed, orders.OrderRejected, orders.OrderCancelled, orders.OrderNeedsAttention,
	} {
		w.handle(t, w.ended(eventType, ""))
	}
	for _, m := range w.outbox.mails {
		if strings.ContainsAny(m.Subject, "@0123456789\r\n") {
			t.Errorf("subject %q", m.Subject)
		}
	}
}
