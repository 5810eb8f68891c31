package host

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"orderflow/internal/gateway/oldshop"
	"orderflow/internal/host/front"
	"orderflow/internal/host/records"
	"orderflow/internal/notifications"
	paymentsProvider "orderflow/internal/payments/provider"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ids"
	shippingCarrier "orderflow/internal/shipping/carrier"
	"orderflow/sandbox/carrier"
	"orderflow/sandbox/legacy"
	"orderflow/sandbox/provider"
)

// A callback is tried callBacks times. The first wait is short, since the shop may not have written
// the shipment yet; it doubles up to callBackPause.
const (
	callBackPause = time.Second
	callBacks     = 60
)

// sandbox is the third parties in this process.
type sandbox struct {
	hosts  front.Inside
	public *http.ServeMux
	mails  mailbox
	sender carrier.Sender
	at     registered
	url    atomic.Value // of the process, for customers
}

// newSandbox starts the third parties over their ledgers. hosts carries the carrier's callbacks, to
// addresses.
func newSandbox(
	c clock.Clock, source ids.Source, keys Keys, hosts front.Inside, at registered, l ledgers, m mailbox,
) *sandbox {
	s := &sandbox{hosts: hosts, public: http.NewServeMux(), mails: m, at: at}
	shipments := &dues{Store: l.shipments, callBack: s.callBack}
	s.sender = carrier.Sender{
		Carrier: carrier.New(shipments, c, source), Endpoints: at, Secret: keys.CarrierWebhook, Clock: c,
		Client: &http.Client{Transport: hosts},
	}
	site := provider.Site{Endpoints: s, Secret: keys.PaymentWebhook, Client: &http.Client{Transport: hosts}}
	hosts[paymentsProvider.Name] = provider.Handler(l.charges, c, source, provider.Sleep, site)
	hosts[shippingCarrier.Name] = carrier.Handler(shipments, c, source)
	hosts[oldshop.Name] = legacy.Handler(l.shop, c, keys.LegacyShop)
	s.public.Handle("/charges", hosts[paymentsProvider.Name])
	s.public.Handle("/charges/", hosts[paymentsProvider.Name])
	s.public.Handle("/ledger", hosts[paymentsProvider.Name])
	s.public.Handle("/shipments", hosts[shippingCarrier.Name])
	s.public.Handle("/shipments/", hosts[shippingCarrier.Name])
	s.public.Handle("/legacy/", hosts[oldshop.Name])
	s.public.Handle("GET /mails", s.mails)
	return s
}

// Pick returns the addresses that the provider's site needs; see provider.Site. The site's own
// address is the public one, since customers open it.
func (s *sandbox) Pick(ctx context.Context, name string) (base string, done func(failed bool), err error) {
	if url, ok := s.url.Load().(string); ok && name == paymentsProvider.Name {
		return url + "/sandbox", func(bool) {}, nil
	}
	return s.at.Pick(ctx, name)
}

// callBack reports the carrier's decision to the shop, and repeats it until it is accepted.
func (s *sandbox) callBack(due carrier.Due) {
	ctx := context.Background()
	var err error
	for pause, n := time.Millisecond, 0; n < callBacks; n++ {
		_ = clock.Sleep(ctx, pause)
		if err = s.sender.Send(ctx, due); err == nil {
			return
		}
		pause = min(2*pause, callBackPause)
	}
	slog.ErrorContext(ctx, "the carrier gave up on a callback", "error", err.Error())
}

// dues is the carrier's store. It makes due callbacks as soon as they are written.
type dues struct {
	carrier.Store
	callBack func(carrier.Due)
}

// Write writes an entry; see carrier.Store.
func (d *dues) Write(ctx context.Context, e carrier.Entry, due *carrier.Due, with commit.With) error {
	err := d.Store.Write(ctx, e, due, with)
	if err == nil && due != nil {
		go d.callBack(*due)
	}
	return err
}

// mailbox keeps mails instead of sending them; see notifications.Mailer.
type mailbox struct {
	records records.Store
	clock   clock.Clock
}

const (
	mails = "mails"
	// mailsStay is how long a lasting store keeps mails, which contain addresses.
	mailsStay = 14 * 24 * time.Hour
	// maxMails is the number of mails shown.
	maxMails = 1000
)

// Send keeps a mail.
func (b mailbox) Send(ctx context.Context, m notifications.Mail) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return b.records.Append(ctx, mails, mailsStay,
		records.Record{Timestamp: b.clock.Now().UnixMilli(), Message: string(text)})
}

// ServeHTTP answers with the latest mails; an address in the query selects those to it.
func (b mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kept, err := b.records.Latest(r.Context(), mails)
	found := []notifications.Mail{}
	to := r.URL.Query().Get("to")
	for _, k := range kept[max(0, len(kept)-maxMails):] {
		var m notifications.Mail
		if err = errors.Join(err, json.Unmarshal([]byte(k.Message), &m)); to == "" || m.To == to {
			found = append(found, m)
		}
	}
	if err != nil {
		slog.ErrorContext(r.Context(), "mails cannot be read", "error", err.Error())
		http.Error(w, "the mails cannot be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"mails": found})
}
