package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/verify/sim/broker"
	warehouse "orderflow/internal/warehouse/contract"
)

// shelves is the warehouse's own system: its counts, and what it did about each order.
type shelves struct {
	b      *brokers
	picked map[string]int    // units taken from the shelves, by SKU
	jobs   map[string][]byte // pick jobs and cancellations, by message id
	orders map[string]string // the kind of the order's message
	sent   map[string]bool   // ids of good messages
	// prepared has the order of each message about an order, by message id.
	prepared map[string]string
	poison   map[string]bool // ids of messages that cannot be understood
	ordinal  int
}

func newShelves(b *brokers) *shelves {
	return &shelves{
		b: b, picked: map[string]int{}, jobs: map[string][]byte{}, orders: map[string]string{},
		sent: map[string]bool{}, poison: map[string]bool{}, prepared: map[string]string{},
	}
}

var errShelves = errors.New("simulated: the warehouse's system failed")

// take handles a batch of pick jobs, each once by its message's id.
func (s *shelves) take(_ context.Context, payload []byte) ([]byte, error) {
	w := s.b.w
	var in events.RabbitMQEvent
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	w.breathe()
	for _, m := range in.MessagesByQueue[pickJobs+"::"+virtualHost] {
		if m.BasicProperties.MessageID == nil || m.BasicProperties.Type == nil {
			w.violate(jobsDone, "", "a message has no id or no type")
			continue
		}
		s.job(*m.BasicProperties.MessageID, *m.BasicProperties.Type, decoded(m.Data))
	}
	if w.running.reply != nil && w.strikes(shelvesFailed) {
		return nil, errShelves // after its work: it gets the batch again
	}
	return nil, nil
}

const jobsDone = "the warehouse picks exactly what is confirmed"

func (s *shelves) job(id, kind string, body []byte) {
	w := s.b.w
	if before, again := s.jobs[id]; again {
		if string(before) != string(body) {
			w.violate(jobsDone, "", "message %s had the body %s, now %s", id, before, body)
		}
		w.reach("the warehouse got a pick job twice")
		return
	}
	var job warehouse.PickJob
	if err := json.Unmarshal(body, &job); err != nil {
		w.violate(jobsDone, "", "message %s: %v", id, err)
		return
	}
	if before := s.orders[job.OrderID]; before != "" {
		w.violate(jobsDone, job.OrderID, "after %s came %s", before, kind)
	}
	w.changes++
	w.note(job.OrderID, "the warehouse gets %s", kind)
	s.jobs[id], s.orders[job.OrderID] = body, kind
	if kind != warehouse.PickRequested {
		return
	}
	for _, line := range job.Lines {
		s.picked[line.SKU] += line.Quantity
	}
	wait := w.between(time.Second, 5*time.Minute)
	for _, kind := range []string{warehouse.OrderPickedMessage, warehouse.OrderPackedMessage} {
		id := kind + "-" + job.OrderID
		s.prepared[id] = job.OrderID
		w.after(wait, func() { s.send(id, kind, warehouse.Prepared{OrderID: job.OrderID}) })
		wait += w.between(0, 5*time.Minute)
	}
}

// send sends a good message, perhaps late or twice, and repeats it until the broker has it.
func (s *shelves) send(id, kind string, body any) {
	s.sent[id] = true
	m := broker.Message{
		ID: id, Type: kind, RoutingKey: kind, ContentType: "application/json", Body: must(json.Marshal(body)),
		Persistent: true,
	}
	s.b.w.notify(time.Millisecond, goodsLate, goodsTwice, 5*time.Minute, func() { s.deliver(m) })
}

func (s *shelves) deliver(m broker.Message) {
	if s.b.exchangeDown() {
		s.b.w.after(s.b.exchangeDownUntil.Sub(s.b.w.now)+time.Second, func() { s.deliver(m) })
		return
	}
	s.b.send(m)
}

func (s *shelves) id(kind string) string {
	s.ordinal++
	return fmt.Sprintf("%s-%d", kind, s.ordinal)
}

// receive puts goods on the shelves.
func (s *shelves) receive(sku string, quantity int) {
	w := s.b.w
	w.shop.stock[sku] += quantity
	w.note("", "the warehouse receives %d of %s", quantity, sku)
	s.send(s.id("goods"), warehouse.GoodsReceivedMessage, map[string]any{
		"sku": sku, "quantity": quantity, "by": "W-7", "reference": "D-1",
	})
}

// count finds more or fewer units than the books have.
func (s *shelves) count(sku string, difference int) {
	w := s.b.w
	expected := w.shop.stock[sku] - s.picked[sku]
	w.shop.stock[sku] += difference
	w.note("", "the warehouse counts %+d of %s", difference, sku)
	s.send(s.id("count"), warehouse.StockCountedMessage, map[string]any{
		"sku": sku, "expected": expected, "counted": expected + difference, "by": "W-8",
	})
}

// confuse sends a message that cannot be understood.
func (s *shelves) confuse() {
	id := s.id("poison")
	s.poison[id] = true
	bad := []broker.Message{
		{Type: "goods.lost", RoutingKey: "goods.lost", Body: []byte(`{}`)},
		{Type: warehouse.GoodsReceivedMessage, RoutingKey: warehouse.GoodsReceivedMessage, Body: []byte(`{"sku":`)},
		{Type: warehouse.StockCountedMessage, RoutingKey: warehouse.StockCountedMessage, Body: []byte(`{"sku":"A"}`)},
		{Type: warehouse.OrderPickedMessage, RoutingKey: warehouse.OrderPickedMessage,
			Body: []byte(`{"orderId":"01KAQ5M3Z8V7D2X4C6B9N1T0RW"}`)}, // nobody asked for that
	}
	m := one(s.b.w.fate, bad)
	m.ID, m.ContentType, m.Persistent = id, "application/json", true
	s.b.w.notify(time.Millisecond, goodsLate, goodsTwice, 5*time.Minute, func() { s.deliver(m) })
}

// planShifts plans the work in the warehouse. Counts find only the gift missing, since inventory
// always has enough of it to accept the adjustment.
func (s *shelves) planShifts() {
	w := s.b.w
	during := func(do func()) { w.after(w.between(0, w.options.Duration), do) }
	for range 1 + w.options.Orders/8 {
		during(func() { s.receive(one(w.fate, w.shop.skus), 1+w.IntN(9)) })
		during(func() { s.count(one(w.fate, w.shop.skus), w.IntN(4)) })
	}
	for range 1 + w.options.Orders/25 {
		during(func() { s.count(gift, -1) })
		during(s.confuse)
	}
}
