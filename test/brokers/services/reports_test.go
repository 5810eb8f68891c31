package services_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orderflow/internal/ops/client"
	"orderflow/internal/verify/concurrent"
)

// reports is the API of reporting, as an operator uses it.
func reports() *client.Client {
	c := *shop().Operator
	c.BaseURL = stack.Outputs["ReportingApiUrl"]
	return &c
}

// sales are confirmed orders and their revenue.
type sales struct{ orders, revenue int64 }

// reported are the sales by the reports, and the generation that tells them.
func reported(ctx context.Context) (s sales, generation int64, err error) {
	day := func(from time.Duration) string { return time.Now().UTC().Add(from).Format(time.DateOnly) }
	query := url.Values{"from": {day(-24 * time.Hour)}, "to": {day(24 * time.Hour)}, "by": {"total"}}
	var page struct {
		Generation struct{ Number int64 }
		Sales      []struct {
			Orders           int64
			Revenue, Refunds struct{ Amount int64 }
		}
	}
	_, err = reports().Do(ctx, client.Call{Path: "/v1/reports/sales?" + query.Encode()}, &page)
	for _, row := range page.Sales {
		s.orders, s.revenue = s.orders+row.Orders, s.revenue+row.Revenue.Amount-row.Refunds.Amount
	}
	return s, page.Generation.Number, err
}

// ordered are the sales by orders.
func ordered(ctx context.Context) (s sales, err error) {
	for cursor := ""; ; {
		page, err := shop().Customer.ListOrders(ctx, 100, cursor)
		if err != nil {
			return s, err
		}
		for _, o := range page.Orders {
			if o.Status == client.Confirmed {
				s.orders, s.revenue = s.orders+1, s.revenue+o.Total.Amount
			}
		}
		if page.Cursor == nil {
			return s, nil
		}
		cursor = *page.Cursor
	}
}

// charged are the sales by the payment provider's own ledger.
func charged(ctx context.Context) (s sales, err error) {
	charges, err := shop().Ledger(ctx, "")
	for _, c := range charges {
		if c.Captured {
			s.orders, s.revenue = s.orders+1, s.revenue+c.Amount.Amount
		}
	}
	return s, err
}

// place places orders and returns when all are final. The third card of four is declined.
func place(ctx context.Context, n int, beside func(i int) error) error {
	return concurrent.Do(n, 4, func(i int) error {
		r := orderOf("MUG-BLUE", 1+i%3)
		if i%4 == 2 {
			r.PaymentMethod = "pm_card_visa_chargeDeclined"
		}
		if err := beside(i); err != nil {
			return err
		}
		order, err := shop().Customer.PlaceOrder(ctx, "", r)
		if err == nil {
			_, err = shop().Customer.WaitFinal(ctx, order.OrderID, nil)
		}
		return err
	})
}

// wantAgreement waits until the reports equal orders and ledger, and stay so.
func wantAgreement(ctx context.Context, t *testing.T, when string) {
	t.Helper()
	want, err := ordered(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if ledger, err := charged(ctx); err != nil || ledger != want || want.orders == 0 {
		t.Fatalf("%s: the ledger has %+v, orders have %+v, %v", when, ledger, want, err)
	}
	eventually(ctx, t, when+", the reports", want, func() (sales, error) { s, _, err := reported(ctx); return s, err })
	time.Sleep(3 * time.Second) // anything counted twice would show
	if s, _, err := reported(ctx); err != nil || s != want {
		t.Errorf("%s, a moment later the reports say %+v, want %+v, %v", when, s, want, err)
	}
}

func TestReportsEqualOrdersAndTheLedger(t *testing.T) {
	ctx := within(t, 8*time.Minute)
	const topic = "orderflow.orders.events"
	err := place(ctx, 12, func(i int) error {
		if i == 6 { // with orders under way
			if err := real.Kafka.Kill(); err != nil {
				return err
			}
			return real.Kafka.Restart(ctx)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantAgreement(ctx, t, "after a killed broker")

	// Every record once more, and one that nobody understands.
	c, err := kgo.NewClient(append(real.KafkaClient(real.Reporting), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	poll, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var again []*kgo.Record
	for len(again) < 20 && poll.Err() == nil {
		c.PollFetches(poll).EachRecord(func(r *kgo.Record) {
			again = append(again, &kgo.Record{Topic: topic, Key: r.Key, Value: r.Value, Headers: r.Headers})
		})
	}
	if len(again) < 20 {
		t.Fatalf("only %d records are in the log", len(again))
	}
	poison := &kgo.Record{Topic: topic, Key: []byte("poison"), Value: []byte("{")}
	if err := c.ProduceSync(ctx, append([]*kgo.Record{poison}, again...)...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	where := fmt.Sprintf("%s/%d/%d", topic, poison.Partition, poison.Offset)
	eventually(ctx, t, "the poison is parked", where, func() (string, error) {
		var parked struct {
			Records []struct {
				Topic     string
				Partition int32
				Offset    int64
			}
		}
		_, err := reports().Do(ctx, client.Call{Path: "/v1/reports/parked-records"}, &parked)
		for _, r := range parked.Records {
			if r.Offset == poison.Offset && r.Partition == poison.Partition {
				return fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset), err
			}
		}
		return "", err
	})
	wantAgreement(ctx, t, "after duplicates and poison")
	if err := place(ctx, 4, func(int) error { return nil }); err != nil {
		t.Fatal(err)
	}
	wantAgreement(ctx, t, "after more orders")
}

func TestARebuildUnderLoadEndsEqual(t *testing.T) {
	ctx := within(t, 8*time.Minute)
	_, before, err := reported(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = reports().Do(ctx, client.Call{Method: http.MethodPost, Path: "/v1/reports/rebuilds"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := place(ctx, 8, func(int) error { return nil }); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, "the generation that serves", before+1, func() (int64, error) {
		_, now, err := reported(ctx)
		return now, err
	})
	wantAgreement(ctx, t, "after a rebuild")
}
