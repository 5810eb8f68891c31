package services_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/ops/client"
)

// warehouse is the sandbox's, as its workers use it.
func warehouse() *client.Client { return &client.Client{BaseURL: stack.Outputs["WarehouseUrl"]} }

// tell tells the warehouse of goods or a count.
func tell(ctx context.Context, t *testing.T, what, key string, body map[string]any) (messageID string) {
	t.Helper()
	var answer struct{ MessageID string }
	_, err := warehouse().Do(ctx, client.Call{Method: http.MethodPost, Path: "/warehouse/" + what, IdempotencyKey: key,
		Body: body}, &answer)
	if err != nil {
		t.Fatal(err)
	}
	return answer.MessageID
}

// counts are the units of a product that the shop has, and those that the warehouse has.
type counts struct{ shop, warehouse int }

func countsOf(ctx context.Context, sku string) (c counts, err error) {
	inShop, err := shop().Operator.GetStock(ctx, sku)
	if err != nil {
		return c, err
	}
	var in struct{ OnHand int }
	_, err = warehouse().Do(ctx, client.Call{Path: "/warehouse/stock/" + sku}, &in)
	return counts{inShop.OnHand, in.OnHand}, err
}

func TestTheWarehouseAndTheShopAgreeOnEveryUnit(t *testing.T) {
	const sku = "CRATE"
	ctx := within(t, 6*time.Minute)
	if err := shop().Sell(ctx, sku, "Crate", 1500, 0); err != nil {
		t.Fatal(err)
	}
	agree := func(when string, units int) {
		t.Helper()
		eventually(ctx, t, when, counts{units, units}, func() (counts, error) { return countsOf(ctx, sku) })
	}
	receipt := map[string]any{"sku": sku, "quantity": 30, "by": "Wanda", "reference": "DN-1"}
	id := tell(ctx, t, "receipts", "receipt-1", receipt)
	agree("after a receipt", 30)

	// The same message again, and messages that cannot be understood, change nothing and block
	// nothing.
	c, err := real.DialRabbitMQ(real.Warehouse)
	if err != nil {
		t.Fatal(err)
	}
	ch, err := c.Channel()
	if err != nil {
		t.Fatal(err)
	}
	publish := func(id, body string) {
		t.Helper()
		if err := ch.PublishWithContext(ctx, brokers.Messages, "goods.received", true, false, amqp.Publishing{
			DeliveryMode: amqp.Persistent, ContentType: "application/json", MessageId: id, Type: "goods.received",
			Timestamp: time.Now(), Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		publish(id, fmt.Sprintf(`{"sku":%q,"quantity":30,"by":"Wanda","reference":"DN-1"}`, sku))
	}
	publish("broken-1", `{"sku":`)
	publish("broken-2", fmt.Sprintf(`{"sku":%q,"quantity":-5,"by":"Wanda","reference":"DN-1"}`, sku))
	tell(ctx, t, "receipts", "receipt-2", map[string]any{"sku": sku, "quantity": 5, "by": "Wanda", "reference": "DN-2"})
	agree("after repeated and broken messages", 35)

	if err := real.RabbitMQ.Kill(); err != nil {
		t.Fatal(err)
	}
	confirmed(ctx, t, "an order while RabbitMQ is down", orderOf(sku, 3))
	if err := real.RabbitMQ.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	agree("after an order was picked", 32)

	bind := withoutQueue(t)
	confirmed(ctx, t, "an order that no queue of the warehouse takes", orderOf(sku, 2))
	eventually(ctx, t, "RabbitMQ has returned a pick job", true, func() (bool, error) {
		var log strings.Builder
		err := stack.Logs(ctx, &log, "send-pick-job", false)
		return strings.Contains(log.String(), "MessageReturned"), err
	})
	bind()
	agree("after the order was picked", 30)

	tell(ctx, t, "counts", "count-1", map[string]any{"sku": sku, "counted": 29, "by": "Wanda"})
	agree("after a count", 29)

	out, err := stack.Invoke(ctx, "relay-warehouse-events", map[string]string{"sweep": "outbox"})
	if err != nil || strings.Trim(string(out), `"`) != "" {
		t.Errorf("the sweep of the outbox answers %s, %v", out, err)
	}
}

// confirmed places an order that must be confirmed.
func confirmed(ctx context.Context, t *testing.T, what string, r client.OrderRequest) {
	t.Helper()
	order, err := shop().Customer.PlaceOrder(ctx, "", r)
	if err == nil {
		order, err = shop().Customer.WaitFinal(ctx, order.OrderID, nil)
	}
	if err != nil || order.Status != client.Confirmed {
		t.Fatalf("%s: %s, %v", what, order.Status, err)
	}
}

// withoutQueue unbinds the warehouse's queue until bind is called, so RabbitMQ returns pick jobs.
func withoutQueue(t *testing.T) (bind func()) {
	t.Helper()
	c, err := real.DialRabbitMQ(real.Admin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	ch, err := c.Channel()
	if err == nil {
		err = ch.QueueUnbind(brokers.PickJobsQueue, "pick.*", brokers.PickJobs, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := ch.QueueBind(brokers.PickJobsQueue, "pick.*", brokers.PickJobs, false, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func orderOf(sku string, quantity int) client.OrderRequest {
	return client.OrderRequest{
		Items: []client.Item{{SKU: sku, Quantity: quantity}}, PaymentMethod: "pm_card_visa",
		ShippingAddress: client.Address{Name: "Ada Example", Line1: "1 Sample Street", City: "Berlin",
			PostalCode: "10115", Country: "DE"},
	}
}
