package services_test

import (
	"context"
	"fmt"
	"net/http"
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
	order, err := shop().Customer.PlaceOrder(ctx, "", orderOf(sku, 3))
	if err != nil {
		t.Fatal(err)
	}
	if order, err = shop().Customer.WaitFinal(ctx, order.OrderID, nil); err != nil || order.Status != "CONFIRMED" {
		t.Fatalf("an order while RabbitMQ is down: %s, %v", order.Status, err)
	}
	if err := real.RabbitMQ.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	agree("after an order was picked", 32)

	tell(ctx, t, "counts", "count-1", map[string]any{"sku": sku, "counted": 31, "by": "Wanda"})
	agree("after a count", 31)
}

func orderOf(sku string, quantity int) client.OrderRequest {
	return client.OrderRequest{
		Items: []client.Item{{SKU: sku, Quantity: quantity}}, PaymentMethod: "pm_card_visa",
		ShippingAddress: client.Address{Name: "Ada Example", Line1: "1 Sample Street", City: "Berlin",
			PostalCode: "10115", Country: "DE"},
	}
}
