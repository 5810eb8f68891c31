package chaos

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
)

type sqsAttribute = types.QueueAttributeName

// tables are the outputs with the services' table names.
var tables = []string{"CatalogTableName", "OrdersTableName", "InventoryTableName", "PaymentsTableName",
	"ShippingTableName", "NotificationsTableName"}

// unrest is the work still in progress.
type unrest struct{ pending, executions, messages, events int }

func (u unrest) String() string {
	return fmt.Sprintf("%d orders pending, %d executions running, %d messages in queues, %d events in outboxes",
		u.pending, u.executions, u.messages, u.events)
}

// rest waits until no work is in progress, or the deadline. The invariants detect what is left.
func (r *run) rest(ctx context.Context, deadline time.Time) error {
	said := time.Now()
	for {
		u, err := r.unrest(ctx)
		if err != nil {
			return err
		}
		if u == (unrest{}) {
			return nil
		}
		if time.Now().After(deadline) {
			r.say("not at rest in time: %s", u)
			return nil
		}
		if time.Since(said) > 5*time.Second {
			r.say("%s", u)
			said = time.Now()
		}
		if err := clock.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

func (r *run) unrest(ctx context.Context) (u unrest, err error) {
	engine := sfn.NewFromConfig(r.stack.Config())
	for _, machine := range r.machines() {
		running, err := executions(ctx, engine, machine)
		if err != nil {
			return u, err
		}
		u.executions += len(running)
	}
	queues, err := r.queues(ctx)
	if err != nil {
		return u, err
	}
	for _, q := range queues {
		if !q.ofFailures() && q.name != tapQueue {
			u.messages += q.messages
		}
	}
	outboxes, err := r.outboxes(ctx)
	if err != nil {
		return u, err
	}
	u.events = sum(outboxes)
	listed, err := r.listed(ctx)
	if err != nil {
		return u, err
	}
	for _, o := range listed {
		if !o.Final() {
			u.pending++
		}
	}
	return u, nil
}

// queue is a queue and its number of messages, including those in flight.
type queue struct {
	name, url string
	messages  int
}

// ofFailures reports whether the queue is a dead-letter queue or holds failed invocations.
func (q queue) ofFailures() bool {
	return strings.HasSuffix(q.name, "-dlq") || strings.HasSuffix(q.name, "-failures") ||
		strings.Contains(q.name, "FailedCallback")
}

func (r *run) queues(ctx context.Context) ([]queue, error) {
	c := sqs.NewFromConfig(r.stack.Config())
	out, err := c.ListQueues(ctx, &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)})
	if err != nil {
		return nil, err
	}
	var all []queue
	for _, url := range out.QueueUrls {
		attributes, err := c.GetQueueAttributes(ctx,
			&sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqsAttribute{
				types.QueueAttributeNameApproximateNumberOfMessages,
				types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
				types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
			}})
		if err != nil {
			return nil, err
		}
		q := queue{name: url[strings.LastIndex(url, "/")+1:], url: url}
		for _, v := range attributes.Attributes {
			n, _ := strconv.Atoi(v)
			q.messages += n
		}
		all = append(all, q)
	}
	return all, nil
}

// outboxes counts unpublished events, by table.
func (r *run) outboxes(ctx context.Context) (map[string]int, error) {
	waiting := map[string]int{}
	for _, output := range tables {
		name := r.stack.Outputs[output]
		items, err := ddb.Open(r.stack.Config(), name, clock.System{}).Outbox(ctx)
		if err != nil {
			return nil, fmt.Errorf("the outbox of %s: %w", name, err)
		}
		if len(items) > 0 {
			waiting[name] = len(items)
		}
	}
	return waiting, nil
}

// listed returns all orders in the customers' lists.
func (r *run) listed(ctx context.Context) (map[string]client.Order, error) {
	all := map[string]client.Order{}
	for n := range customers {
		c := r.as(customer(n), "")
		for cursor := ""; ; {
			var page client.OrderPage
			err := again(ctx, 10*time.Second, func() (retry bool, err error) {
				page, err = c.ListOrders(ctx, 100, cursor)
				return passing(err), err
			})
			if err != nil {
				return nil, err
			}
			for _, o := range page.Orders {
				all[o.OrderID] = o
			}
			if page.Cursor == nil || *page.Cursor == "" {
				break
			}
			cursor = *page.Cursor
		}
	}
	return all, nil
}
