package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/client"
	"orderflow/internal/ops/timeline"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/reporting"
)

// facts are everything observable from outside about a system at rest.
type facts struct {
	orders      []orderFacts
	listed      map[string]client.Order // in the customers' lists
	stock       map[string]client.Stock
	shelves     map[string]int // the warehouse's own counts; nil without a warehouse
	ledger      []demo.Charge  // of the provider
	outboxes    map[string]int
	deadLetters []deadLetter
	running     []string // names of executions
	kills       map[string]int
	sales       *sales // nil without reporting
}

// sales are the sums of all days' sales, by the reports.
type sales struct{ orders, revenue int64 }

func (r *run) sales(ctx context.Context) (*sales, error) {
	if r.brokers == nil {
		return nil, nil
	}
	rows, err := r.shop.Reports(ctx, reporting.Sales)
	s := &sales{}
	for _, row := range rows {
		s.orders += row.Amounts[reporting.Orders]
		s.revenue += row.Amounts[reporting.Revenue]
	}
	return s, err
}

// orderFacts are everything observable about one order. A missing part has the status "".
type orderFacts struct {
	order
	now          client.Order
	payment      string
	reservations string
	shipment     string
	charges      []demo.Charge // of the ledger
	parcels      []demo.Parcel // of the carrier
	mails        []string      // subjects
	saga         timeline.Timeline
}

// deadLetter is a message that a function failed to process on every delivery.
type deadLetter struct{ function, body string }

// read sets *to to what get returns.
func read[T any](ctx context.Context, to *T, get func(context.Context) (T, error)) (err error) {
	*to, err = get(ctx)
	return err
}

func (r *run) collect(ctx context.Context) (facts, error) {
	f := facts{orders: make([]orderFacts, len(r.orders)), kills: r.killed}
	var inbox []devstack.Mail
	var noLedger error
	f.ledger, noLedger = r.shop.Ledger(ctx, "")
	if err := errors.Join(noLedger, read(ctx, &f.listed, r.listed),
		read(ctx, &f.outboxes, r.outboxes), read(ctx, &f.deadLetters, r.deadLetters),
		read(ctx, &f.running, r.running), read(ctx, &f.sales, r.sales),
		read(ctx, &f.stock, r.stock), read(ctx, &f.shelves, r.shelves),
		read(ctx, &inbox, r.aws.Inbox)); err != nil {
		return f, err
	}
	return f, concurrent.Do(len(r.orders), atOnce, func(i int) (err error) {
		o := &f.orders[i]
		o.order = *r.orders[i]
		for _, c := range f.ledger {
			if c.Reference == o.id {
				o.charges = append(o.charges, c)
			}
		}
		for _, m := range inbox {
			if strings.Contains(m.Text, o.id) {
				o.mails = append(o.mails, m.Subject)
			}
		}
		return r.readParts(ctx, o)
	})
}

// readParts reads the order and its parts, which may be missing.
func (r *run) readParts(ctx context.Context, o *orderFacts) error {
	c := r.shop.Operator
	now, err := c.GetOrder(ctx, o.id)
	payment, noPayment := c.Payment(ctx, o.id)
	reservations, noReservations := c.Reservations(ctx, o.id)
	shipment, noShipment := c.Shipment(ctx, o.id)
	parcels, noCarrier := r.shop.Parcels(ctx, o.id)
	saga, noSaga := r.shop.Saga(ctx, o.id)
	for _, missing := range []error{noPayment, noReservations, noShipment, noSaga} {
		if statusOf(missing) != http.StatusNotFound && !errors.Is(missing, timeline.ErrNone) {
			err = errors.Join(err, missing)
		}
	}
	o.now, o.payment, o.reservations, o.shipment = now, payment.Status, reservations.Status, shipment.Status
	o.parcels, o.saga = parcels, saga
	return errors.Join(err, noCarrier)
}

func (r *run) listed(ctx context.Context) (map[string]client.Order, error) {
	all := map[string]client.Order{}
	for n := range customers {
		page, err := r.customer(customer(n)).ListOrders(ctx, 100, "")
		if err == nil && page.Cursor != nil {
			err = errors.New("a customer has more than 100 orders")
		}
		if err != nil {
			return nil, err
		}
		for _, o := range page.Orders {
			all[o.OrderID] = o
		}
	}
	return all, nil
}

// running returns the names of the running executions.
func (r *run) running(ctx context.Context) (names []string, err error) {
	running, err := r.shop.Running(ctx, r.shop.Machines()...)
	for _, x := range running {
		names = append(names, aws.ToString(x.Name))
	}
	return names, err
}

// prefix is the prefix of the names of tables and queues.
const prefix = "orderflow-"

// outboxes counts the events that wait as items, by table. If a stream lost events, their effects
// would be missing.
func (r *run) outboxes(ctx context.Context) (map[string]int, error) {
	waiting := map[string]int{}
	for _, service := range []string{"catalog", "orders", "inventory", "payments", "shipping", "notifications"} {
		name := prefix + service
		events, err := ddb.Open(r.aws.Config(), name, clock.System{}).Waiting(ctx)
		if err != nil {
			return nil, fmt.Errorf("the outbox of %s: %w", name, err)
		}
		if len(events) > 0 {
			waiting[name] = len(events)
		}
	}
	return waiting, nil
}

// queue is a queue and its number of messages, including those in flight.
type queue struct {
	name, url string
	messages  int
}

// hasDeadLetters reports whether the queue is a dead-letter queue or holds failed invocations.
func (q queue) hasDeadLetters() bool {
	return strings.HasSuffix(q.name, "-dlq") || strings.HasSuffix(q.name, "-failures") ||
		strings.Contains(q.name, "FailedCallback")
}

func (r *run) queues(ctx context.Context) (all []queue, err error) {
	c := sqs.NewFromConfig(r.stack.Config())
	out, err := c.ListQueues(ctx, &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)})
	if err != nil {
		return nil, err
	}
	for _, url := range out.QueueUrls {
		counts, err := c.GetQueueAttributes(ctx,
			&sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{
				types.QueueAttributeNameApproximateNumberOfMessages,
				types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
				types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
			}})
		if err != nil {
			return nil, err
		}
		q := queue{name: url[strings.LastIndex(url, "/")+1:], url: url}
		for _, v := range counts.Attributes {
			n, _ := strconv.Atoi(v)
			q.messages += n
		}
		all = append(all, q)
	}
	return all, nil
}

// deadLetters reads the dead-letter queues. Messages stay there, invisible for a while.
func (r *run) deadLetters(ctx context.Context) (all []deadLetter, err error) {
	queues, err := r.queues(ctx)
	for _, q := range queues {
		function := strings.TrimPrefix(q.name, "orderflow-")
		function = strings.TrimSuffix(strings.TrimSuffix(function, "-dlq"), "-failures")
		for left := q.messages; q.hasDeadLetters() && left > 0; {
			out, err := sqs.NewFromConfig(r.stack.Config()).ReceiveMessage(ctx,
				&sqs.ReceiveMessageInput{QueueUrl: &q.url, MaxNumberOfMessages: 10, VisibilityTimeout: 600})
			if err != nil {
				return nil, err
			}
			if len(out.Messages) == 0 {
				break
			}
			left -= len(out.Messages)
			for _, m := range out.Messages {
				all = append(all, deadLetter{function, aws.ToString(m.Body)})
			}
		}
	}
	return all, err
}

// unfinished describes the work still in progress, or returns "".
func (r *run) unfinished(ctx context.Context) (string, error) {
	var running []string
	var queues []queue
	var outboxes map[string]int
	var listed map[string]client.Order
	var reported *sales
	var uncounted int
	if err := errors.Join(read(ctx, &running, r.running), read(ctx, &queues, r.queues),
		read(ctx, &outboxes, r.outboxes), read(ctx, &listed, r.listed), read(ctx, &reported, r.sales),
		read(ctx, &uncounted, r.uncounted)); err != nil {
		return "", err
	}
	messages, pending, unreported := 0, 0, 0
	for _, q := range queues {
		if !q.hasDeadLetters() && q.name != tapQueue {
			messages += q.messages
		}
	}
	for _, o := range listed {
		if !o.Final() {
			pending++
		}
		if reported != nil && o.Status == client.Confirmed {
			unreported++
		}
	}
	if reported != nil {
		unreported = max(unreported-int(reported.orders), 0)
	}
	if len(running)+messages+pending+sum(outboxes)+unreported+uncounted == 0 {
		return "", nil
	}
	return fmt.Sprintf("%d orders pending, %d executions running, %d messages in queues, %d events in outboxes, "+
		"%d orders not in the reports, %d products that the warehouse counts otherwise", pending, len(running),
		messages, sum(outboxes), unreported, uncounted), nil
}

// awaitRest waits until no work is in progress, at most for limit. The invariants detect unfinished
// work.
func (r *run) awaitRest(ctx context.Context, limit time.Duration) error {
	deadline, printed := time.Now().Add(limit), time.Now()
	for {
		left, err := r.unfinished(ctx)
		if err != nil || left == "" {
			return err
		}
		late := time.Now().After(deadline)
		if late || time.Since(printed) > 5*time.Second {
			r.printf("%s", left)
			printed = time.Now()
		}
		if late {
			r.printf("not at rest in time")
			return nil
		}
		if err := clock.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}
