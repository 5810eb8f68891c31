package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/fulfilment"
	"orderflow/internal/inventory"
	"orderflow/internal/notifications"
	"orderflow/internal/orders"
	ordersMemory "orderflow/internal/orders/memory"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/outbox"
	shipping "orderflow/internal/shipping/contract"
)

// swallow makes every consumer of a queue report success.
func swallow(w *World) {
	for _, name := range w.consumers {
		w.replace(name, func(ctx context.Context, payload []byte, h function.Handler) ([]byte, error) {
			_, _ = h.Invoke(ctx, payload)
			return []byte(`{"batchItemFailures":[]}`), nil
		})
	}
}

func skipping(name, answer string) func(*World) {
	return func(w *World) {
		w.replace(name, func(context.Context, []byte, function.Handler) ([]byte, error) { return []byte(answer), nil })
	}
}

// replace replaces a function by one that may call it.
func (w *World) replace(name string, by func(ctx context.Context, payload []byte, h function.Handler) ([]byte, error)) {
	h := w.functions[name]
	w.functions[name] = function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		return by(ctx, payload, h)
	})
}

// outboxItems returns events as they are in an outbox.
func outboxItems(events []envelope.Event) []outbox.Item {
	items := make([]outbox.Item, len(events))
	for i, e := range events {
		items[i] = outbox.Item{Event: e}
	}
	return items
}

// deleteFirst deletes from the outbox before it publishes.
func deleteFirst(ctx context.Context, t topic, batch []envelope.Event) (map[string]error, error) {
	items := outboxItems(batch)
	if err := t.log.DeletePublished(ctx, items); err != nil {
		return nil, err
	}
	return t.publish(batch)
}

func refusalsIgnored(_ context.Context, t topic, batch []envelope.Event) (map[string]error, error) {
	_, err := t.publish(batch)
	return nil, err
}

// unasked answers voids of references unknown to known without asking the provider.
func unasked(n *network, r *http.Request, known func(reference string) bool) (*http.Response, error) {
	reference, void := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/charges/"), "/void")
	if !void || known(reference) {
		return n.send(r)
	}
	return response(http.StatusOK, []byte(`{"charge":null}`)), nil
}

func voidByRecords(n *network, r *http.Request) (*http.Response, error) {
	return unasked(n, r, func(reference string) bool {
		p, err := n.w.stores.payments.Get(r.Context(), reference)
		return err == nil && p.ChargeID != ""
	})
}

func withoutTombstone(n *network, r *http.Request) (*http.Response, error) {
	return unasked(n, r, func(reference string) bool { return len(n.w.charges(reference)) > 0 })
}

// refundsUnseen drops refunded amounts from the provider's answers.
func refundsUnseen(n *network, r *http.Request) (*http.Response, error) {
	res, err := n.send(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	return response(res.StatusCode, bytes.ReplaceAll(body, []byte(`"refundedAmount"`), []byte(`"unseen"`))), err
}

// partial is a store that merges only available units of a split product.
type partial struct{ inventory.Store }

// Adjust is part of inventory.Store.
func (s partial) Adjust(ctx context.Context, before, after []inventory.Shard, with commit.With) error {
	if len(after) < len(before) {
		after[0].Reserved = before[0].Reserved
	}
	return s.Store.Adjust(ctx, before, after, with)
}

// overwriting is a store whose adjustments ignore what was reserved meanwhile.
type overwriting struct{ inventory.Store }

// Adjust is part of inventory.Store.
func (s overwriting) Adjust(ctx context.Context, before, after []inventory.Shard, with commit.With) error {
	now, err := s.Shards(ctx, after[0].SKU)
	if err != nil {
		now = before
	}
	return s.Store.Adjust(ctx, now, after, with)
}

// inflated is a store that counts shipped units as available.
type inflated struct{ inventory.Store }

// CountAvailable is part of inventory.Store.
func (s inflated) CountAvailable(ctx context.Context, skus []string, _ int) (map[string]int, error) {
	found := map[string]int{}
	for _, sku := range skus {
		shards, err := s.Shards(ctx, sku)
		if err != nil {
			return nil, err
		}
		found[sku] = inventory.Whole(shards).Available + inventory.Whole(shards).Shipped
	}
	return found, nil
}

// unclosed reads every order as not closed.
type unclosed struct{ orders.Store }

// Order is part of orders.Store.
func (s unclosed) Order(ctx context.Context, id string) (orders.Order, error) {
	o, err := s.Store.Order(ctx, id)
	o.Closed = false
	return o, err
}

// mute does not start the compensation that flags an order.
type mute struct{ fulfilment.Engine }

// Start is part of fulfilment.Engine.
func (m mute) Start(ctx context.Context, machine fulfilment.Machine, name string, input json.RawMessage) error {
	if bytes.Contains(input, []byte(givenUp)) {
		return nil
	}
	return m.Engine.Start(ctx, machine, name, input)
}

// keeping never removes final orders from the tally.
type keeping struct{ orders.Store }

// SaveOrder is part of orders.Store.
func (s keeping) SaveOrder(ctx context.Context, o orders.Order, with commit.With) error {
	if err := s.Store.SaveOrder(ctx, o, with); err != nil || !o.Status.Final() {
		return err
	}
	t, err := s.Tally(ctx, o.CustomerID)
	t.Open = append(slices.Clone(t.Open), o.OrderID)
	s.Store.(*ordersMemory.Store).Recount(o.CustomerID, t)
	return err
}

// hopeful checks the limits first and places the order even if they changed meanwhile.
type hopeful struct{ orders.Store }

// PlaceOrder is part of orders.Store.
func (s hopeful) PlaceOrder(ctx context.Context, o orders.Order, l orders.Limits, with commit.With) error {
	t, err := s.Tally(ctx, o.CustomerID)
	switch {
	case err != nil:
		return err
	case len(t.Open) >= l.Open, len(t.Declines) >= l.Declines && t.Declines[l.Declines-1].After(l.Since(o.CreatedAt)):
		return orders.ErrAtLimit
	}
	return s.Store.PlaceOrder(ctx, o, orders.Limits{Open: 100, Declines: 100}, with)
}

// unstoppable does not see that the intake is stopped.
type unstoppable struct{ orders.Store }

// Quote is part of orders.Store.
func (s unstoppable) Quote(ctx context.Context, scope, key string, skus []string) (orders.Quote, error) {
	q, err := s.Store.Quote(ctx, scope, key, skus)
	q.Intake = orders.Intake{}
	return q, err
}

// forgetful keeps only the last change of an order.
type forgetful struct{ orders.Store }

// SaveOrder is part of orders.Store.
func (s forgetful) SaveOrder(ctx context.Context, o orders.Order, with commit.With) error {
	o.Changes = o.Changes[len(o.Changes)-1:]
	return s.Store.SaveOrder(ctx, o, with)
}

// unversioned is a price book that treats any price as newer.
type unversioned struct{ orders.Store }

// Price is part of orders.Store.
func (s unversioned) Price(context.Context, string) (orders.Price, error) { return orders.Price{}, nil }

// SavePrice is part of orders.Store.
func (s unversioned) SavePrice(ctx context.Context, p orders.Price, _ int64, with commit.With) error {
	known, _ := s.Store.Price(ctx, p.SKU)
	return s.Store.SavePrice(ctx, p, known.Version, with)
}

// marked records a mail as sent when it is claimed.
type marked struct{ notifications.Store }

// Claim is part of notifications.Store.
func (s marked) Claim(ctx context.Context, c notifications.Claim) error {
	if err := s.Store.Claim(ctx, c); err != nil {
		return err
	}
	return s.MarkSent(ctx, c)
}

// again claims mails that were sent.
type again struct{ notifications.Store }

// Claim is part of notifications.Store.
func (s again) Claim(ctx context.Context, c notifications.Claim) error {
	if err := s.Store.Claim(ctx, c); !errors.Is(err, notifications.ErrSent) {
		return err
	}
	return nil
}

// promising has resume-fulfilment mail the customer that the parcel is on its way.
func promising(w *World) {
	w.replace("resume-fulfilment", func(ctx context.Context, payload []byte, h function.Handler) ([]byte, error) {
		var batch events.SQSEvent
		if err := json.Unmarshal(payload, &batch); err != nil {
			return nil, err
		}
		for _, m := range batch.Records {
			if e, err := envelope.Parse([]byte(m.Body)); err == nil && e.Type == shipping.ShipmentBooked {
				text := "the carrier has your order " + e.Subject
				_ = mailer{w}.Send(ctx, notifications.Mail{Subject: "Your parcel is about to leave", Text: text})
			}
		}
		return h.Invoke(ctx, payload)
	})
}

// unknownFieldsDropped hides from fulfilment what a newer version added to an event.
func unknownFieldsDropped(w *World) {
	field := regexp.MustCompile(`\\"` + more + `\\":\\"\w*\\",?`)
	w.replace("start-fulfilment", func(ctx context.Context, payload []byte, h function.Handler) ([]byte, error) {
		return h.Invoke(ctx, field.ReplaceAll(payload, nil))
	})
}

// alone hides an order's mails from each other.
type alone struct{ notifications.Store }

// Claims is part of notifications.Store.
func (alone) Claims(context.Context, string, []notifications.Kind) (map[notifications.Kind]time.Time, error) {
	return nil, nil
}

type writer = func(commit.With) error

func withoutBarrier(_ gate, with commit.With, write writer) error {
	with.Barrier = nil
	return write(with)
}

// withoutNullCompensation writes the record of the undo, but not those of the steps that it bars.
func withoutNullCompensation(_ gate, with commit.With, write writer) error {
	if with.Barrier != nil {
		recs, err := with.Barrier.Records()
		if err != nil {
			return err
		}
		if rec := recs[0]; rec.Phase == barrier.Compensation {
			with.Barrier = undoEntry(rec)
		}
	}
	return write(with)
}

// undoEntry returns the entry of an undo that bars nothing.
func undoEntry(rec barrier.Record) (entry *barrier.Entry) {
	_, _ = barrier.Undo(context.Background(), memdb.NewLog(clock.System{}), rec.Saga, rec.Step, nil,
		func(_ context.Context, _ barrier.Done, once barrier.Once) (struct{}, error) {
			entry = once.Returning(rec.Result)
			return struct{}{}, nil
		})
	return entry
}

func barrierAfterwards(g gate, with commit.With, write writer) error {
	late := commit.With{Barrier: with.Barrier}
	with.Barrier = nil
	return g.inTwo(with, late, write)
}

func replyAfterwards(g gate, with commit.With, write writer) error {
	late := commit.With{Reply: with.Reply}
	with.Reply = nil
	return g.inTwo(with, late, write)
}

// inTwo commits in two transactions, between which anything may happen.
func (g gate) inTwo(with, late commit.With, write writer) error {
	if err := write(with); err != nil {
		return err
	}
	g.w.breathe()
	g.w.crash(crashAfter)
	return g.unguarded(func(log *memdb.Log) error { return log.Record(context.Background(), late) })
}

// barrierUnconditional writes the barrier record whether or not there is one.
func barrierUnconditional(g gate, with commit.With, write writer) error {
	late := commit.With{Barrier: with.Barrier}
	with.Barrier = nil
	if err := write(with); err != nil {
		return err
	}
	_ = g.unguarded(func(log *memdb.Log) error { return log.Record(context.Background(), late) })
	return nil
}

func publishAfter(g gate, with commit.With, write writer) error {
	events := with.Events
	with.Events = nil
	if err := write(with); err != nil {
		return err
	}
	g.w.breathe()
	g.w.crash(crashAfter)
	for _, e := range events {
		g.w.fanOut(g.service, e)
	}
	return nil
}

func publishBefore(g gate, with commit.With, write writer) error {
	for _, e := range with.Events {
		g.w.fanOut(g.service, e)
	}
	g.w.crash(crashBefore)
	return write(with)
}

func racesIgnored(_ gate, with commit.With, write writer) error {
	if err := write(with); !errors.Is(err, fault.ErrLostRace) {
		return err
	}
	return nil
}
