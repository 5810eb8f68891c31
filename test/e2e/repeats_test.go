package e2e_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderflow/internal/ops/client"
)

func TestTheSameRequestWithTheSameKeyGivesTheSameOrder(t *testing.T) {
	t.Parallel()
	r := order("CUP", 1, "pm_card_visa")
	first, err := customerOf(t).PlaceOrder(t.Context(), "repeat-1", r)
	if err != nil {
		t.Fatal(err)
	}
	var again client.Order
	header, err := customerOf(t).Do(t.Context(),
		client.Call{Method: http.MethodPost, Path: "/v1/orders", IdempotencyKey: "repeat-1", Body: r}, &again)
	if err != nil || again.OrderID != first.OrderID || header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the repeat gave order %s (%v), replayed %q; want %s", again.OrderID, err,
			header.Get("Idempotent-Replayed"), first.OrderID)
	}
	r.Items[0].Quantity = 2
	_, err = customerOf(t).PlaceOrder(t.Context(), "repeat-1", r)
	wantProblem(t, err, http.StatusUnprocessableEntity, "IdempotencyKeyReused")

	other, err := clientOf("bob", "").PlaceOrder(t.Context(), "repeat-1", r)
	if err != nil || other.OrderID == first.OrderID {
		t.Errorf("the same key of another customer gave order %s, %v", other.OrderID, err)
	}
	wantFinal(t, first, client.Confirmed, "")
	wantFinal(t, other, client.Confirmed, "")
}

func TestConcurrentRequestsWithOneKeyPlaceOneOrder(t *testing.T) {
	t.Parallel()
	ids := make([]string, 8)
	spread(len(ids), len(ids), func(i int) {
		o, err := customerOf(t).PlaceOrder(context.Background(), "at-once", order("CUP", 1, "pm_card_visa"))
		if err != nil {
			t.Errorf("request %d: %v", i, err)
		}
		ids[i] = o.OrderID
	})
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("orders %v", ids)
		}
	}
	wantFinal(t, client.Order{OrderID: ids[0]}, client.Confirmed, "")
}

// A step that runs again after the saga has ended changes nothing, in any order.
func TestAStepThatRunsAgainChangesNothing(t *testing.T) {
	t.Parallel()
	sell(t, "AGAIN", 500, 10)
	o := place(t, customerOf(t), order("AGAIN", 3, "pm_card_visa"))
	wantFinal(t, o, client.Confirmed, "")
	step := map[string]any{
		"orderId": o.OrderID, "customerId": "nobody", "amount": o.Total, "paymentMethod": "pm_card_visa",
		"items": []client.Item{{SKU: "AGAIN", Quantity: 3}}, "address": berlin,
	}
	for range 2 {
		for _, name := range []string{"reserve-stock", "authorize-payment", "arrange-shipment", "capture-payment",
			"commit-stock", "confirm-order", "close-order"} {
			out, err := stack.Invoke(t.Context(), name, step)
			if err != nil || strings.Contains(string(out), "errorType") {
				t.Errorf("%s again: %s, %v", name, out, err)
			}
		}
	}
	wantStock(t, "AGAIN", client.Stock{SKU: "AGAIN", OnHand: 7, Shipped: 3, Available: 7})
	if charges := ledger(t, o.OrderID); len(charges) != 1 || !charges[0].Captured {
		t.Errorf("the provider's ledger has %+v", charges)
	}
	wantFinal(t, o, client.Confirmed, "")
}

// A late step, after its undo, is refused.
func TestAStepThatComesAfterItsUndoIsRefused(t *testing.T) {
	t.Parallel()
	sell(t, "LATE", 500, 10)
	o := place(t, customerOf(t), order("LATE", 3, "pm_card_visa_chargeDeclined"))
	wantFinal(t, o, client.Rejected, "PAYMENT_DECLINED")
	step := map[string]any{
		"orderId": o.OrderID, "customerId": "nobody", "amount": o.Total, "paymentMethod": "pm_card_visa",
		"items": []client.Item{{SKU: "LATE", Quantity: 3}}, "address": berlin,
	}
	for name, want := range map[string]string{
		"capture-payment": "StepCompensated", "arrange-shipment": "StepCompensated", "commit-stock": "StepCompensated",
		"confirm-order": "StepCompensated",
	} {
		out, err := stack.Invoke(t.Context(), name, step)
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("late %s: %s, %v; want %s", name, out, err, want)
		}
	}
	wantStock(t, "LATE", client.Stock{SKU: "LATE", OnHand: 10, Available: 10})
	if charges := ledger(t, o.OrderID); len(charges) != 0 {
		t.Errorf("the provider's ledger has %+v", charges)
	}
}

// A queue may deliver events again.
func TestAnEventThatComesAgainChangesNothing(t *testing.T) {
	o := place(t, customer(), order("CUP", 1, "pm_card_visa"))
	wantFinal(t, o, client.Confirmed, "")
	eventually(t, 30*time.Second, "the e-mail is there", func() error {
		if n := len(inbox(t, "alice@example.com", o.OrderID)); n != 1 {
			return errorf("%d e-mails", n)
		}
		return nil
	})
	for consumer, sample := range map[string]string{"start-fulfilment": "created", "notify-customer": "confirmed"} {
		e := sentEvent(t, o, sample)
		for range 2 {
			sendToQueue(t, consumer, e)
		}
	}
	eventually(t, 30*time.Second, "the queues are empty again", func() error {
		for _, consumer := range []string{"start-fulfilment", "notify-customer"} {
			if n := waiting(t, "orderflow-"+consumer); n > 0 {
				return errorf("%s has %d messages", consumer, n)
			}
		}
		return nil
	})
	if mails := inbox(t, "alice@example.com", o.OrderID); len(mails) != 1 {
		t.Errorf("%d e-mails after a repeated event: %q", len(mails), mails)
	}
	if charges := ledger(t, o.OrderID); len(charges) != 1 {
		t.Errorf("the provider's ledger has %+v", charges)
	}
	wantDeadLetterQueuesEmpty(t)
}

// sentEvent returns an event about the order as orders publishes it; all copies share an id.
func sentEvent(t *testing.T, o client.Order, happened string) string {
	t.Helper()
	data := map[string]any{"orderId": o.OrderID, "customerId": subject(t, bearer(t, "alice", "")),
		"customerEmail": "alice@example.com", "total": o.Total}
	if happened == "created" {
		data["items"], data["paymentMethod"], data["shippingAddress"] = o.Items, o.PaymentMethod, o.ShippingAddress
	}
	b, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": "again-" + o.OrderID, "source": "orderflow/orders", "subject": o.OrderID,
		"time": time.Now().UTC(),
		"type": "orderflow.orders.order." + happened + ".v1", "datacontenttype": "application/json",
		"aggregateversion": 1, "data": data,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// subject returns the subject of a token.
func subject(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatal("the token is not a JWT")
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return field(t, b, "sub")
}

func queues() *sqs.Client { return sqs.NewFromConfig(stack.Config()) }

func queueURL(t *testing.T, name string) *string {
	t.Helper()
	out, err := queues().GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		t.Fatalf("queue %s: %v", name, err)
	}
	return out.QueueUrl
}

func sendToQueue(t *testing.T, consumer, body string) {
	t.Helper()
	if _, err := queues().SendMessage(t.Context(),
		&sqs.SendMessageInput{QueueUrl: queueURL(t, "orderflow-"+consumer), MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
}

// waiting counts the messages of a queue, including those in flight.
func waiting(t *testing.T, name string) int {
	t.Helper()
	return count(t, queueURL(t, name))
}

func count(t *testing.T, queue *string) int {
	t.Helper()
	out, err := queues().GetQueueAttributes(t.Context(),
		&sqs.GetQueueAttributesInput{QueueUrl: queue, AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameApproximateNumberOfMessages,
			types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, v := range out.Attributes {
		n += atoi(t, v)
	}
	return n
}

func wantDeadLetterQueuesEmpty(t *testing.T) {
	t.Helper()
	out, err := queues().ListQueues(t.Context(), &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, queue := range out.QueueUrls {
		u, err := url.Parse(queue)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(u.Path, "-dlq") && !strings.HasSuffix(u.Path, "-failures") {
			continue
		}
		seen++
		if n := count(t, &queue); n > 0 {
			t.Errorf("%s has %d messages", u.Path, n)
		}
	}
	if seen < 9 { // of consumers; an emulator also has those of relays
		t.Errorf("only %d dead-letter and failure queues were found", seen)
	}
}
