package services_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orderflow/internal/dev/httpfile"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/concurrent"
)

// reports is the API of reporting, as an operator uses it.
func reports() *client.Client {
	c := *shop().Operator
	c.BaseURL = stack.Outputs["ReportingApiUrl"]
	return &c
}

// sums are what reports, orders and the ledger have in common.
type sums struct{ confirmed, revenue int64 }

// more is what only reports and orders know.
type more struct {
	sums
	placed, rejected, ended int64
	units                   int64
}

// reported are the sums of the reports, which may change between one and the next.
func reported(ctx context.Context) (s more, err error) {
	day := func(from time.Duration) string { return time.Now().UTC().Add(from).Format(time.DateOnly) }
	query := func(name string) client.ReportQuery {
		return client.ReportQuery{Name: name, From: day(-24 * time.Hour), To: day(24 * time.Hour), Total: true}
	}
	sales, noSales := client.ReadReport[client.Sales](ctx, reports(), query("sales"))
	for _, row := range sales.Entries {
		s.confirmed, s.revenue = s.confirmed+row.Orders, s.revenue+row.Revenue.Amount-row.Refunds.Amount
	}
	products, noProducts := client.ReadReport[client.ProductSales](ctx, reports(), query("products"))
	for _, row := range products.Entries {
		s.units += row.Units
	}
	funnel, noFunnel := client.ReadReport[client.Outcome](ctx, reports(), query("funnel"))
	for _, row := range funnel.Entries {
		switch row.Outcome {
		case "PLACED":
			s.placed += row.Orders
		case client.Rejected:
			s.rejected += row.Orders
		}
	}
	latency, noLatency := client.ReadReport[client.Latency](ctx, reports(), query("latency"))
	for _, row := range latency.Entries {
		s.ended += row.Orders
	}
	return s, errors.Join(noSales, noProducts, noFunnel, noLatency)
}

// ordered are the sums of the orders.
func ordered(ctx context.Context) (s more, err error) {
	for cursor := ""; ; {
		page, err := shop().Customer.ListOrders(ctx, 100, cursor)
		if err != nil {
			return s, err
		}
		for _, o := range page.Orders {
			s.placed++
			if o.Final() {
				s.ended++
			}
			switch o.Status {
			case client.Confirmed:
				s.confirmed, s.revenue = s.confirmed+1, s.revenue+o.Total.Amount
				for _, line := range o.Items {
					s.units += int64(line.Quantity)
				}
			case client.Rejected:
				s.rejected++
			}
		}
		if page.Cursor == nil {
			return s, nil
		}
		cursor = *page.Cursor
	}
}

// charged are the sums of the payment provider's own ledger.
func charged(ctx context.Context) (s sums, err error) {
	charges, err := shop().Ledger(ctx, "")
	for _, c := range charges {
		if c.Captured {
			s.confirmed, s.revenue = s.confirmed+1, s.revenue+c.Amount.Amount
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
	if ledger, err := charged(ctx); err != nil || ledger != want.sums || want.confirmed == 0 {
		t.Fatalf("%s: the ledger has %+v, orders have %+v, %v", when, ledger, want, err)
	}
	eventually(ctx, t, when+", the reports", want, func() (more, error) { return reported(ctx) })
	newest, err := shop().Customer.ListOrders(ctx, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	page, err := client.ReadReport[client.Sales](ctx, reports(), client.ReportQuery{Name: "sales"})
	if err != nil || page.NewestEventAt == nil || page.NewestEventAt.Before(newest.Orders[0].CreatedAt.Time) {
		t.Errorf("%s, the newest event in the reports is of %v, the newest order of %s, %v", when, page.NewestEventAt,
			newest.Orders[0].CreatedAt, err)
	}
	time.Sleep(3 * time.Second) // anything counted twice would show
	if s, err := reported(ctx); err != nil || s != want {
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
		parked, err := reports().ParkedRecords(ctx, 100, "")
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

func TestARebuildThatWasStoppedUnderLoadEndsEqual(t *testing.T) {
	ctx := within(t, 8*time.Minute)
	stopped := stopRebuild(ctx, t)
	if err := place(ctx, 4, func(int) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if now, err := reports().LatestRebuild(ctx); err != nil || now.State != "STOPPED" {
		t.Errorf("while it is stopped, the rebuild is %+v, %v", now, err)
	}
	resumed := rebuild(ctx, t)
	if err := place(ctx, 8, func(int) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if done := resumed(); done.Generation != stopped.Generation {
		t.Errorf("resumed generation %d, stopped %d", done.Generation, stopped.Generation)
	}
	wantAgreement(ctx, t, "after a rebuild")
}

// stopRebuild starts a rebuild and stops it. One that has read the whole log is too late to stop.
func stopRebuild(ctx context.Context, t *testing.T) client.Rebuild {
	t.Helper()
	for {
		done := rebuild(ctx, t)
		stopped, err := reports().StopRebuild(ctx, "")
		if err == nil {
			return stopped
		}
		var problem *client.Problem
		if !errors.As(err, &problem) || problem.Status != http.StatusConflict {
			t.Fatal(err)
		}
		done()
	}
}

// rebuild starts or resumes a rebuild; done waits until it serves and all older ones are removed.
func rebuild(ctx context.Context, t *testing.T) (done func() client.Rebuild) {
	t.Helper()
	started, err := reports().StartRebuild(ctx, client.RebuildRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return func() (now client.Rebuild) {
		t.Helper()
		eventually(ctx, t, "the rebuild", "DONE", func() (string, error) {
			now, err = reports().LatestRebuild(ctx)
			return now.State, err
		})
		if now.Generation != started.Generation || now.Read == 0 || now.Read < now.Total {
			t.Errorf("started %+v, done %+v", started, now)
		}
		return now
	}
}

// The collection is filled in, and its requests are sent in order. The rebuild may end before it is
// to be stopped; if it was stopped, it is resumed at the end.
func TestTheCollectionOfReportsWorks(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	values, err := shop().ReportsCollection(ctx, stack.Outputs["ReportingApiUrl"])
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../../docs/reporting.http")
	if err != nil {
		t.Fatal(err)
	}
	filled, err := httpfile.Fill(string(text), values)
	if err != nil {
		t.Fatal(err)
	}
	requests, err := httpfile.Parse(filled)
	if err != nil || len(requests) == 0 {
		t.Fatalf("%d requests, %v", len(requests), err)
	}
	for _, r := range requests {
		t.Run(r.Name, func(t *testing.T) {
			if _, err := r.Send(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	switch r, err := reports().LatestRebuild(ctx); {
	case err != nil:
		t.Fatal(err)
	case r.State == "STOPPED":
		rebuild(ctx, t)
	}
	eventually(ctx, t, "the rebuild", "DONE", func() (string, error) {
		r, err := reports().LatestRebuild(ctx)
		return r.State, err
	})
}
