package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
)

// Troubles are the faults of the brokers and their services while orders are placed. Each strikes
// once that many orders have been placed.
type Troubles struct {
	Orders int
	Every  time.Duration // between orders
	// Kafka and RabbitMQ are killed, and start again after Down.
	Kafka, RabbitMQ int
	Down            time.Duration
	// Kill kills the process that projects sales, as a crash would.
	Kill int
	// Rebuild starts a rebuild of the reports.
	Rebuild int
	// Noise appends records of orders a second time, and a record that is not an event.
	Noise int
	// Drain is the time for the rest to arrive.
	Drain time.Duration
}

// TwoHundred places 200 orders, with every fault.
var TwoHundred = Troubles{Orders: 200, Every: 450 * time.Millisecond, Kafka: 30, Down: 6 * time.Second, Kill: 75,
	Rebuild: 100, RabbitMQ: 130, Noise: 165, Drain: 5 * time.Minute}

// streams is the demonstration in progress.
type streams struct {
	Shop
	plan       Troubles
	brokers    *brokers.Brokers
	operations *client.Client // of reporting's API
	warehouse  *client.Client // the warehouse's own system
	out        io.Writer

	began    time.Time
	sku      string
	received int // by the warehouse, by its own books
	before   totals

	arrivals *arrivals

	mu       sync.Mutex
	troubles []error // faults that could not be injected
	repeated int
}

// pricePerPiece is the product's price.
const pricePerPiece = 1250

// Brokers places orders while Kafka, RabbitMQ and a function are killed, reports are rebuilt, and
// messages arrive twice or malformed. It prints the reports meanwhile. At the end it compares
// reports, orders, the provider's ledger, stock and the warehouse's own count, and fails if they
// differ.
func (s Shop) Brokers(ctx context.Context, w io.Writer, b *brokers.Brokers, p Troubles) error {
	d := &streams{Shop: s, plan: p, brokers: b, out: w, arrivals: s.arrivals(p.Every),
		operations: s.at("ReportingApiUrl", "olga", "operator"),
		warehouse:  &client.Client{BaseURL: s.stack.Outputs["WarehouseUrl"]}}
	d.sku = "CRATE-" + strings.ToUpper(d.arrivals.run)
	if err := d.prepare(ctx); err != nil {
		return err
	}
	playing, cancel := context.WithTimeout(ctx, time.Duration(p.Orders)*p.Every+p.Drain)
	defer cancel()
	d.began = time.Now()
	fmt.Fprintf(w, "%d orders of %s, one every %s.\n\n", p.Orders, d.sku, p.Every)
	var background sync.WaitGroup
	watching, enough := context.WithCancel(playing)
	background.Go(func() { d.printReports(watching) })
	err := d.play(playing)
	enough()
	background.Wait()
	if err != nil {
		return err
	}
	f, err := d.facts(ctx)
	if err != nil {
		return err
	}
	f.print(w)
	return errors.Join(f.broken()...)
}

// at returns a client of a stack's API that is signed in.
func (s Shop) at(output, user, role string) *client.Client {
	c := s.signedIn(user, role)
	c.BaseURL = s.stack.Outputs[output]
	return c
}

// prepare creates a product. Its stock comes from the warehouse over RabbitMQ, which announces it
// twice with one message id.
func (d *streams) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if d.warehouse.BaseURL == "" || d.stack.Outputs["ReportingTableName"] == "" {
		return errors.New("this stack has no brokers: `make up BROKERS=yes`")
	}
	if err := d.Sell(ctx, d.sku, "Crate", pricePerPiece, 0); err != nil {
		return err
	}
	d.received = 3*d.plan.Orders + 100
	for range 2 {
		if err := d.receive(ctx); err != nil {
			return err
		}
	}
	for {
		stock, err := d.stock(ctx, d.sku)
		if err != nil {
			return err
		}
		if stock.OnHand >= d.received {
			break
		}
		if err := clock.Sleep(ctx, 250*time.Millisecond); err != nil {
			return fmt.Errorf("the warehouse received %d pieces of %s, and inventory knows of %d: %w", d.received,
				d.sku, stock.OnHand, err)
		}
	}
	var err error
	d.before, err = d.rest(ctx)
	return err
}

// receive books the receipt of the goods at the warehouse, which books it once, and announces it
// each time with the same message id. It tries again for a minute: while RabbitMQ is down, the
// warehouse cannot announce anything.
func (d *streams) receive(ctx context.Context) error {
	for tries := 60; ; tries-- {
		_, err := d.warehouse.Do(ctx, client.Call{Method: "POST", Path: "/warehouse/receipts", IdempotencyKey: d.sku,
			Body: map[string]any{"sku": d.sku, "quantity": d.received, "by": "Demo", "reference": d.sku}}, nil)
		if err == nil {
			return nil
		}
		if tries == 0 || clock.Sleep(ctx, time.Second) != nil {
			return fmt.Errorf("announce a receipt: %w", err)
		}
	}
}

// rest returns the totals once they have not changed for a while.
func (d *streams) rest(ctx context.Context) (totals, error) {
	before, err := d.totals(ctx)
	for same := 0; err == nil && same < 4; {
		if err = clock.Sleep(ctx, 500*time.Millisecond); err != nil {
			break
		}
		var now totals
		if now, err = d.totals(ctx); now == before {
			same++
		} else {
			before, same = now, 0
		}
	}
	return before, err
}

// play places the orders and injects the faults. It returns once everything has arrived or the time
// is over.
func (d *streams) play(ctx context.Context) error {
	troubles := map[int]func(context.Context) error{
		d.plan.Kafka: func(ctx context.Context) error { return d.fell(ctx, "Kafka", d.brokers.Kafka) },
		d.plan.RabbitMQ: func(ctx context.Context) error {
			return d.fell(ctx, "RabbitMQ", d.brokers.RabbitMQ)
		},
		d.plan.Kill: d.killProjection, d.plan.Rebuild: d.startRebuild, d.plan.Noise: d.makeNoise,
	}
	d.arrivals.visit(ctx, d.plan.Orders, func(answered context.Context, n int) {
		_, _, _ = d.arrivals.order(answered, request(d.sku, 1+n%3, good, berlin))
		if trouble := troubles[n]; trouble != nil {
			if err := trouble(ctx); err != nil {
				d.locked(func() { d.troubles = append(d.troubles, err) })
			}
		}
	})
	d.say("no more orders are placed")
	for missing := ""; ; {
		f, err := d.facts(ctx)
		if err == nil {
			broken := f.broken()
			if len(broken) == 0 {
				return nil
			}
			if text := broken[0].Error(); text != missing {
				missing = text
				d.say("waits: %s", text)
			}
		}
		if err := clock.Sleep(ctx, 2*time.Second); errors.Is(err, context.DeadlineExceeded) {
			return nil // the table shows what is missing
		} else if err != nil {
			return err
		}
	}
}

func (d *streams) locked(do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	do()
}

func (d *streams) say(format string, args ...any) {
	fmt.Fprintf(d.out, "          "+format+"\n", args...)
}

// fell kills a broker, then starts it again.
func (d *streams) fell(ctx context.Context, name string, broker *brokers.Broker) error {
	if err := broker.Kill(); err != nil {
		return err
	}
	d.say("%s is killed", name)
	if err := clock.Sleep(ctx, d.plan.Down); err != nil {
		return err
	}
	if err := broker.Restart(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("restart %s: %w", name, err)
	}
	d.say("%s is back", name)
	return nil
}

// projection is the function that projects sales.
const projection = "orderflow-project-sales"

// killProjection kills a process that projects sales, busy or not.
func (d *streams) killProjection(ctx context.Context) error {
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); {
		processes, err := d.stack.Emulator.Functions()
		if err != nil {
			return err
		}
		for _, p := range processes {
			if p.Function != projection {
				continue
			}
			if killed, err := p.Kill(); err != nil {
				return err
			} else if killed {
				d.say("a process of project-sales is killed")
				return nil
			}
		}
		if err := clock.Sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("no process of project-sales ran within 20 s")
}

func (d *streams) startRebuild(ctx context.Context) error {
	if err := d.rebuild(ctx); err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	d.say("a rebuild of all reports begins")
	return nil
}

// ordersTopic has the events of orders.
const ordersTopic = "orderflow.orders.events"

// makeNoise appends up to a hundred records again, in reverse order, and then one that is not an
// event. It also makes the warehouse repeat a message.
func (d *streams) makeNoise(ctx context.Context) error {
	records, err := d.recorded(ctx)
	if err != nil {
		return err
	}
	slices.Reverse(records)
	c, err := kgo.NewClient(append(d.brokers.KafkaClient(d.brokers.Reporting),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))...)
	if err != nil {
		return err
	}
	defer c.Close()
	var again []*kgo.Record
	for _, r := range records {
		again = append(again, &kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value, Headers: r.Headers})
	}
	poison := &kgo.Record{Topic: ordersTopic, Key: []byte(d.sku), Value: []byte("{"),
		Headers: []kgo.RecordHeader{{Key: "ce_type", Value: []byte("orderflow.orders.order.confirmed.v1")}}}
	if err := c.ProduceSync(ctx, append(again, poison)...).FirstErr(); err != nil {
		return fmt.Errorf("append records again: %w", err)
	}
	d.locked(func() { d.repeated = len(again) })
	d.say("%d records are appended again, in reverse order, and one that is not an event", len(again))
	return d.receive(ctx) // announced once more
}

// recorded reads the records of orders since the beginning of the demonstration.
func (d *streams) recorded(ctx context.Context) (all []*kgo.Record, err error) {
	c, err := kgo.NewClient(append(d.brokers.KafkaClient(d.brokers.Reporting), kgo.ConsumeTopics(ordersTopic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AfterMilli(d.began.UnixMilli())))...)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for ctx.Err() == nil && len(all) < 100 {
		c.PollFetches(ctx).EachRecord(func(r *kgo.Record) { all = append(all, r) })
	}
	if len(all) == 0 {
		return nil, errors.New("the log has no records of these orders")
	}
	return all, nil
}

// printReports prints a line every five seconds until ctx ends.
func (d *streams) printReports(ctx context.Context) {
	const interval = 5 * time.Second
	fmt.Fprintf(d.out, "%8s  %6s  | %9s  %9s  %6s  %12s | %s\n", "TIME", "ORDERS", "PLACED", "CONFIRMED", "PIECES",
		"REVENUE", "REBUILD")
	for n := time.Duration(1); clock.Sleep(ctx, time.Until(d.began.Add(n*interval))) == nil; n++ {
		line := fmt.Sprintf("%6.0f s  %6d  | ", (n * interval).Seconds(), d.arrivals.count())
		now, err := d.totals(ctx)
		if err != nil {
			fmt.Fprintf(d.out, "%sreports do not answer\n", line)
			continue
		}
		fmt.Fprintf(d.out, "%s%9d  %9d  %6d  %8.2f EUR | %s\n", line, now.placed-d.before.placed,
			now.confirmed-d.before.confirmed, now.pieces, float64(now.revenue)/100, strings.ToLower(now.rebuild))
	}
}
