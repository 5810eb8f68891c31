package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"orderflow/internal/orders"
	paymentsProvider "orderflow/internal/payments/provider"
	"orderflow/internal/payments/stripe"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/rawjson"
	"orderflow/internal/warehouse/stockapi"
	"orderflow/sandbox/carrier"
	carrierMemory "orderflow/sandbox/carrier/memory"
	carrierStream "orderflow/sandbox/carrier/stream"
	"orderflow/sandbox/provider"
	providerMemory "orderflow/sandbox/provider/memory"
)

// parties are the sandbox's payment provider and carrier with their own stores.
type parties struct {
	ledger    *providerMemory.Store
	provider  *provider.Provider
	carrier   *carrier.Carrier
	forgotten map[string]int   // voids that the provider lost, by reference
	refunded  map[string]int64 // cents refunded on the provider's site, by reference
}

// open builds the third parties behind the network.
func (w *World) open() {
	ledger, due := providerMemory.New(w), dueStore{carrierMemory.New(w), w}
	site := provider.Site{Endpoints: addresses} // notices are sent by the simulation
	w.parties = parties{
		ledger: ledger, provider: provider.New(ledger, w, w.ids, site), carrier: carrier.New(due, w, w.ids),
		forgotten: map[string]int{}, refunded: map[string]int64{},
	}
	// The network simulates the provider's delays.
	sleep := func(_ context.Context, d time.Duration) { w.network.slept += d }
	w.network.hosts = map[string]http.Handler{
		"payment-provider": provider.Handler(ledger, w, w.ids, sleep, site),
		"carrier":          carrier.Handler(due, w, w.ids),
	}
	sender := carrier.Sender{
		Carrier: w.parties.carrier, Endpoints: addresses, Secret: carrierSecret{}, Clock: w,
		Client: &http.Client{Transport: w.network},
	}
	w.functions["send-carrier-callback"] = carrierStream.Handle(sender.Send)
}

type carrierSecret struct{}

// Value returns the secret; see carrier.Secret.
func (carrierSecret) Value(context.Context) ([]byte, error) { return secret, nil }

// charges returns the provider's charges for an order.
func (w *World) charges(reference string) []provider.Charge {
	return must(w.parties.provider.Charges(context.Background(), reference))
}

// changed is called after each change at the provider.
func (w *World) changed(path, reference string) {
	e, err := w.parties.ledger.Entry(context.Background(), reference)
	if err == nil && e.Charge != nil && e.Charge.Captured && !w.history.booked[reference] {
		w.violate("money is captured only after the carrier has booked", reference, "the charge is %s", e.Charge.Status)
	}
	if w.strikes(refundNotice) {
		w.sendNotices(reference, "charge.refunded")
	}
	if strings.HasSuffix(path, "/capture") {
		w.giveBack(reference)
	}
}

// forget makes the provider lose a void: the charge is authorized or captured again.
func (p *parties) forget(reference string) {
	ctx := context.Background()
	e, err := p.ledger.Entry(ctx, reference)
	if err != nil || e.Charge == nil || !e.Voided {
		return
	}
	was := provider.StatusAuthorized
	if e.Charge.Status == provider.StatusRefunded {
		was = provider.StatusCaptured
	}
	c := e.Charge.In(was)
	c.RefundedAmount = money.Money{}
	if cents := p.refunded[reference]; cents > 0 {
		c.RefundedAmount = money.Money{Currency: c.Amount.Currency, Amount: cents}
	}
	e.Charge, e.Voided = &c, false
	e.Version++
	if p.ledger.Write(ctx, e, commit.With{}) == nil {
		p.forgotten[reference]++
	}
}

// dueStore is the carrier's table with its stream, which triggers the callbacks.
type dueStore struct {
	*carrierMemory.Store
	w *World
}

// Write replaces the entry; see carrier.Store.
func (s dueStore) Write(ctx context.Context, e carrier.Entry, due *carrier.Due, with commit.With) error {
	err := s.Store.Write(ctx, e, due, with)
	if err == nil && e.Shipment != nil && e.Shipment.Status == carrier.StatusBooked {
		s.w.history.booked[e.Reference] = true
	}
	if err == nil && due != nil {
		s.w.callBack(*due) //nolint:contextcheck // happens long after this call
	}
	return err
}

// notify makes a third party send something after wait, or late, or twice.
func (w *World) notify(wait time.Duration, late, twice Fault, apart time.Duration, send func()) {
	times := 1
	switch {
	case w.strikes(late):
		wait = w.between(time.Minute, 10*time.Minute)
	case w.strikes(twice):
		times = 2
	}
	for range times {
		w.after(wait, send)
		wait = w.between(50*time.Millisecond, apart)
	}
}

// callBack makes the carrier decide, and call back until that succeeds.
func (w *World) callBack(due carrier.Due) {
	wait := w.between(50*time.Millisecond, 3*time.Second)
	if w.strikes(callbackNever) {
		w.note(due.Reference, "the carrier will never call back")
		return
	}
	w.notify(wait, callbackLate, callbackTwice, 2*time.Minute, func() { w.sendCallback(due, 1) })
}

func (w *World) sendCallback(due carrier.Due, attempt int) {
	batch := inserted([]string{"reference", due.Reference, "traceparent", due.TraceParent})
	w.invoke("send-carrier-callback", due.Reference, batch, func(_ []byte, err error) {
		if err != nil && attempt < 20 {
			w.reach("the carrier called again")
			w.after(time.Duration(attempt)*time.Second, func() { w.sendCallback(due, attempt+1) })
		}
	})
}

// sendNotices makes the payment provider send a notice about a reference until it is accepted. Most
// changes cause none: each notice leads to calls to the provider, which would dominate the runs.
func (w *World) sendNotices(reference, kind string) {
	wait := w.between(50*time.Millisecond, 3*time.Second)
	w.notices++
	id := fmt.Sprintf("evt_%d", w.notices)
	w.notify(wait, refundNoticeLate, refundNoticeTwice, 10*time.Minute, func() { w.sendNotice(reference, id, kind, 1) })
}

// sendNotice sends a notice in Stripe's format through the API. It only says that something
// changed.
func (w *World) sendNotice(reference, id, kind string, attempt int) {
	body := must(json.Marshal(map[string]any{"id": id, "type": kind, "data": map[string]any{
		"object": map[string]any{"object": "charge", "metadata": map[string]string{"order_id": reference}},
	}}))
	final := w.order(reference).Status.Final()
	before := w.charges(reference)
	c := call{
		function: "receive-payment-webhook", path: "/v1/webhooks/payment", method: http.MethodPost, body: body,
		header: map[string]string{stripe.HeaderSignature: stripe.Sign(secret, w.now, body)}, order: reference,
	}
	w.api(c, func(status int, answer []byte) {
		switch {
		case status == http.StatusNoContent:
			after := w.charges(reference)
			if len(before) == 1 && len(after) == 1 && before[0] != after[0] && final {
				w.reach("a notice led to a refund")
			}
		case status < http.StatusInternalServerError:
			w.violate("the provider's notices are accepted", reference,
				"the webhook answered %d %s", status, brief(answer))
		case attempt < 12:
			w.reach("the payment provider repeated a notice")
			w.after(time.Second<<attempt, func() { w.sendNotice(reference, id, kind, attempt+1) })
		}
	})
}

// giveBack may refund a captured charge by hand, on the provider's site: a part, or all of it if
// the order is confirmed. As with every change there, a notice may or may not follow.
func (w *World) giveBack(reference string) {
	if !w.strikes(handRefund) {
		return
	}
	w.after(w.between(time.Second, 30*time.Minute), func() {
		charges := w.charges(reference)
		if len(charges) != 1 || !charges[0].Captured {
			return
		}
		left := charges[0].Amount.Amount - charges[0].RefundedAmount.Amount
		amount, confirmed := left, w.order(reference).Status == orders.StatusConfirmed
		if !confirmed || w.IntN(2) == 0 {
			amount = 1 + w.Int64N(left)
		}
		if confirmed || amount < left { // a full refund of an open order would count as a void
			w.refund(reference, amount)
		}
	})
}

// refund refunds a part of a charge, as the provider's site does.
func (w *World) refund(reference string, cents int64) {
	w.refunds++
	body := fmt.Appendf(nil, `{"amount":{"currency":"EUR","amount":%d}}`, cents)
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost,
		"http://payment-provider/charges/"+reference+"/refund", bytes.NewReader(body))
	r.Header.Set("Idempotency-Key", fmt.Sprintf("refund-%d", w.refunds))
	if res := w.network.serve(r, body); res.Code != http.StatusOK {
		w.violate("the provider holds exactly what is owed", reference,
			"a refund of %d was refused: %d %s", cents, res.Code, res.Body.Bytes())
		return
	}
	w.parties.refunded[reference] += cents
	w.note(reference, "%d cents are refunded at the provider, by hand", cents)
	if charges := w.charges(reference); len(charges) == 1 && charges[0].Status == provider.StatusRefunded {
		w.reach("a confirmed order was refunded at the provider")
	} else {
		w.reach("a part was refunded at the provider")
	}
}

// network carries HTTP between functions and third parties. It is an http.RoundTripper that
// connects the services' clients to the sandbox's handlers without sockets.
type network struct {
	w         *World
	hosts     map[string]http.Handler // third parties, by name in the registry
	slept     time.Duration           // how long the running handler delays its answer
	downUntil map[string]time.Time    // end of a host's outage
}

var errNoAnswer = errors.New("simulated: no answer in time")

// RoundTrip sends a request.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if mutated := n.w.mutant.roundTrip; mutated != nil {
		return mutated(n, r)
	}
	return n.send(r)
}

func (n *network) send(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	n.w.breathe()
	switch r.URL.Host {
	case "shipping":
		return n.webhook(r, body)
	case stockapi.Name:
		return n.adjustment(r, body)
	}
	w, order, call := n.w, reference(r.URL.Path, body), r.URL.Host+" "+r.URL.Path
	if w.strikes(outage) {
		n.downUntil[r.URL.Host] = w.now.Add(w.between(10*time.Second, 90*time.Second))
	}
	switch {
	case w.now.Before(n.downUntil[r.URL.Host]):
		w.note(order, "%s: outage", call)
		return response(http.StatusServiceUnavailable, nil), nil
	case w.strikes(requestLost):
		w.note(order, "%s: request lost", call)
		return nil, n.noAnswer()
	case w.strikes(requestLate):
		w.note(order, "%s: request will be late", call)
		w.after(w.between(paymentsProvider.Timeout, 3*time.Minute), func() {
			res := n.serve(r, body)
			w.note(order, "%s: late request answered %d", call, res.Code)
		})
		return nil, n.noAnswer()
	case w.strikes(overloaded):
		return response(http.StatusServiceUnavailable, nil), nil
	}
	n.slept = 0
	res := n.serve(r, body)
	if res.Code == http.StatusOK && strings.HasSuffix(r.URL.Path, "/void") && w.strikes(voidForgotten) {
		w.note(order, "the provider will forget this void")
		w.parties.forget(order)
	}
	if order != "" {
		w.note(order, "%s: %d %s", call, res.Code, brief(res.Body.Bytes()))
	}
	if w.strikes(requestTwice) {
		w.after(w.between(0, 3*time.Minute), func() {
			w.note(order, "%s: arrives a second time: %d", call, n.serve(r, body).Code)
		})
	}
	w.crash(crashAfter)
	switch {
	case n.slept >= paymentsProvider.Timeout:
		return nil, n.noAnswer()
	case w.strikes(answerLost):
		w.note(order, "%s: answer lost", call)
		return nil, n.noAnswer()
	case w.strikes(answerFalse):
		if strings.HasSuffix(r.URL.Path, "/charges") && res.Code == http.StatusCreated {
			w.reach("the provider charged, but answered 500")
		}
		return response(http.StatusInternalServerError, nil), nil
	}
	return res.Result(), nil
}

// noAnswer waits until the client's timeout.
func (n *network) noAnswer() error {
	n.w.wait(paymentsProvider.Timeout)
	return errNoAnswer
}

// serve lets the third party answer at once; faults inside it are not simulated.
func (n *network) serve(r *http.Request, body []byte) *httptest.ResponseRecorder {
	again := r.Clone(context.WithoutCancel(r.Context()))
	again.Body = io.NopCloser(bytes.NewReader(body))
	res := httptest.NewRecorder()
	n.hosts[r.URL.Host].ServeHTTP(res, again)
	if r.URL.Host == paymentsProvider.Name && r.Method == http.MethodPost && res.Code < http.StatusMultipleChoices {
		n.w.changed(r.URL.Path, reference(r.URL.Path, body)) //nolint:contextcheck // happens elsewhere
	}
	return res
}

// webhook delivers the carrier's callback through the API to its function.
func (n *network) webhook(r *http.Request, body []byte) (*http.Response, error) {
	return n.through(call{
		function: "receive-carrier-webhook", path: r.URL.Path, method: r.Method, header: headers(r), body: body,
		order: reference("", body),
	}), nil
}

// adjustment carries warehouse's call of the API to inventory.
func (n *network) adjustment(r *http.Request, body []byte) (*http.Response, error) {
	w := n.w
	c := call{
		function: "adjust-stock", path: r.URL.Path, method: r.Method, header: headers(r), body: body,
		params: map[string]string{"sku": strings.Split(r.URL.Path, "/")[3]},
	}
	if r.Header.Get("Authorization") == "Bearer "+operator {
		c.caller = operator
	}
	again := func() { w.api(c, func(int, []byte) {}) }
	switch {
	case w.strikes(requestLost):
		return nil, n.noAnswer()
	case w.strikes(requestLate):
		w.after(w.between(stockapi.Timeout, 3*time.Minute), again)
		return nil, n.noAnswer()
	case w.strikes(requestTwice):
		w.after(w.between(0, 3*time.Minute), again)
	}
	res := n.through(c)
	w.crash(crashAfter)
	if w.strikes(answerLost) {
		return nil, n.noAnswer()
	}
	return res, nil
}

// through calls the API.
func (n *network) through(c call) *http.Response {
	var status int
	var answer []byte
	n.w.pause(func(resume func()) {
		n.w.api(c, func(code int, b []byte) {
			status, answer = code, b
			resume()
		})
	})
	return response(status, answer)
}

func headers(r *http.Request) map[string]string {
	header := map[string]string{}
	for name := range r.Header {
		header[name] = r.Header.Get(name)
	}
	return header
}

// reference finds the order of a call, for the timeline.
func reference(path string, body []byte) string {
	if parts := strings.Split(path, "/"); len(parts) > 3 {
		return parts[2]
	}
	return rawjson.String(body, "reference")
}

// brief returns the beginning of a body, for the timeline.
func brief(b []byte) []byte { return bytes.TrimSpace(b[:min(len(b), 120)]) }

func response(status int, body []byte) *http.Response {
	return (&httptest.ResponseRecorder{Code: status, Body: bytes.NewBuffer(body)}).Result()
}
