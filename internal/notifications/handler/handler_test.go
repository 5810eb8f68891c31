package handler

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"orderflow/internal/notifications"
	"orderflow/internal/notifications/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/consumer/consumertest"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/ids"
)

type outbox []notifications.Mail

func (o *outbox) Send(_ context.Context, m notifications.Mail) error {
	*o = append(*o, m)
	return nil
}

func open(t testing.TB) (function.Handler, *outbox) {
	t.Helper()
	svc, mails := service()
	h := notifyCustomer(svc)
	return h, mails
}

func service() (*notifications.Service, *outbox) {
	c, mails := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), &outbox{}
	return notifications.New(memory.New(c), mails, c, &ids.Sequence{}), mails
}

// invoke sends messages with bodies and returns the ids of the failed ones; the first is "0".
func invoke(t testing.TB, h function.Handler, bodies ...string) []string {
	t.Helper()
	return consumertest.Failures(t, h, consumertest.Batch(t, bodies...))
}

// event is the body of a message.
func event(id, eventType, data string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"orderflow/test","type":"` + eventType + `",` +
		`"subject":"01KAQ5M3Z8V7D2X4C6B9N1T0RW","time":"2026-11-23T09:00:04Z",` +
		`"datacontenttype":"application/json","aggregateversion":1,"data":` + data + `}`
}

const (
	order   = `"orderId":"01KAQ5M3Z8V7D2X4C6B9N1T0RW","customerId":"7b0c2a4e"`
	total   = `"total":{"currency":"EUR","amount":4797}`
	created = `{` + order + `,"customerEmail":"ada@example.com",` + total + `,"paymentMethod":"pm_card_visa",` +
		`"items":[{"sku":"MUG-BLUE","quantity":2,"unitPrice":{"currency":"EUR","amount":1999}}],` +
		`"shippingAddress":{"name":"Ada Lovelace","line1":"12 St James Square","city":"Berlin",` +
		`"postalCode":"10115","country":"DE"}}`
	booked = `{` + order + `,"trackingNumber":"TRK-7F3A9C"}`
)

func TestRepeatedSampleEventSendsOneMail(t *testing.T) {
	h, mails := open(t)
	payload, err := os.ReadFile("../../../events/notifications/notify-customer.json")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if failed := consumertest.Failures(t, h, payload); len(failed) != 0 {
			t.Fatalf("failed: %q", failed)
		}
	}
	if len(*mails) != 1 || (*mails)[0].To != "ada@example.com" {
		t.Errorf("mails %+v, want one to ada@example.com", *mails)
	}
}

func TestBadMessagesFailAloneAndLogNoAddress(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(function.Logger(&log, "notify-customer"))
	t.Cleanup(func() { slog.SetDefault(before) })
	h, mails := open(t)
	failed := invoke(t, h,
		`not an event`,
		event("1", "orderflow.orders.order.confirmed.v1", `{`+order+`,"customerEmail":"ada.example.com",`+total+`}`),
		event("2", "orderflow.shipping.shipment.refused.v1", booked),
		event("3", "orderflow.orders.order.confirmed.v1", `{`+order+`,"customerEmail":"ada@example.com",`+total+`}`))
	if strings.Join(failed, "") != "012" {
		t.Errorf("failed: %q, want 0 to 2", failed)
	}
	if len(*mails) != 1 {
		t.Errorf("mails %+v, want one", *mails)
	}
	if strings.Contains(log.String(), "ada") || strings.Contains(log.String(), "example.com") {
		t.Errorf("the log has an address:\n%s", log.String())
	}
}

func TestEventsOfRetiredTypesAreIgnored(t *testing.T) {
	h, mails := open(t)
	failed := invoke(t, h,
		event("1", "orderflow.orders.order.created.v1", created),
		event("2", "orderflow.shipping.shipment.booked.v1", booked),
		event("3", "orderflow.shipping.shipment.booked.v1", booked))
	if len(failed) > 0 || len(*mails) > 0 {
		t.Errorf("failed: %q, mails %+v; want neither", failed, *mails)
	}
}

func FuzzNotifyCustomer(f *testing.F) {
	f.Add("")
	f.Add(event("1", "orderflow.orders.order.created.v1", created))
	f.Add(event("2", "orderflow.orders.order.rejected.v1",
		`{`+order+`,"customerEmail":"a@b",`+total+`,"reason":"TIMED_OUT"}`))
	f.Add(event("3", "orderflow.shipping.shipment.booked.v1", booked))
	known := schemas()
	f.Fuzz(func(t *testing.T, body string) {
		svc, mails := service()
		failed := invoke(t, consumer.Handle(known, svc.NotifyCustomer), body, body)
		if len(*mails) > 1 || (len(*mails) == 1 && len(failed) > 0) {
			t.Errorf("%d mails and %d failures for a repeated event: %q", len(*mails), len(failed), body)
		}
		for _, m := range *mails {
			if m.To == "" || m.Subject == "" || m.Text == "" {
				t.Errorf("sent %+v for %q", m, body)
			}
		}
	})
}
