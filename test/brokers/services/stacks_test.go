package services_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/dev/eventsource"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/verify/resources"
)

// Both stacks are deleted while orders come, and deployed again. All these orders are rejected:
// what happens while nobody forwards events is not in the log, and so in no report.
func TestDeletedStacksLeaveNothingAndComeBack(t *testing.T) {
	ctx, aws := within(t, 8*time.Minute), awsapi.Client{Config: stack.Config()}
	const sku = "BARREL"
	if err := shop().Sell(ctx, sku, "Barrel", 4000, 0); err != nil {
		t.Fatal(err)
	}
	tell(ctx, t, "receipts", "barrel-1", map[string]any{"sku": sku, "quantity": 7, "by": "Wanda", "reference": "DN-7"})
	agree := func(when string, units int) {
		t.Helper()
		eventually(ctx, t, when, counts{units, units}, func() (counts, error) { return countsOf(ctx, sku) })
	}
	agree("before", 7)
	wantAgreement(ctx, t, "before")
	core, err := resources.Core(ctx, aws)
	if err != nil {
		t.Fatal(err)
	}

	stopOrders := rejectedOrders(ctx, t, orderOf(sku, 50))
	for _, service := range []string{"reporting", "warehouse"} {
		name := "orderflow-" + service
		all, err := resources.Of(ctx, aws, name)
		if err != nil {
			t.Fatal(err)
		}
		deployed, err := resources.Take(ctx, aws)
		if has := deployed.Has(all); err != nil || len(has) < 20 {
			t.Fatalf("of %d resources of %s only %d are listed, %v", len(all), name, len(has), err)
		}
		if err := stack.DeleteStack(ctx, devstack.NewReporter(os.Stderr), service); err != nil {
			t.Fatal(err)
		}
		// The emulator may fail to list log groups while functions write to them. It also lets an
		// invocation that is still running create its log group again; on AWS no role allows that.
		maps.DeleteFunc(all, func(_ string, r resources.Resource) bool { return r.Type == "AWS::Logs::LogGroup" })
		eventually(ctx, t, "what deleting "+name+" leaves", "", func() (string, error) {
			left, err := resources.Take(ctx, aws)
			return strings.Join(left.Has(all), ", "), err
		})
		eventually(ctx, t, "pollers and consumers of "+name, 0, func() (int, error) { return active(ctx, service) })
	}
	now, err := resources.Core(ctx, aws)
	if changes := resources.Changes(core, now); err != nil || len(changes) > 0 {
		t.Errorf("deleting both stacks changes the core: %v, %v", changes, err)
	}
	tell(ctx, t, "receipts", "barrel-2", map[string]any{"sku": sku, "quantity": 4, "by": "Wanda", "reference": "DN-8"})
	stopOrders()

	if real, err = brokers.Up(ctx, devstack.NewReporter(os.Stderr), stack); err == nil {
		err = brokers.RepeatSoon(ctx, stack)
	}
	if err != nil {
		t.Fatal(err)
	}
	agree("after what was received in between", 11)
	rebuild(ctx, t)()
	want, err := ordered(ctx)
	if err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, "sales after a rebuild from the log, which outlived the stack", want.sums,
		func() (sums, error) { s, err := reported(ctx); return s.sums, err })
}

// rejectedOrders places orders, three at once, until stop is called. All must end REJECTED.
func rejectedOrders(ctx context.Context, t *testing.T, r client.OrderRequest) (stop func()) {
	placing, enough := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- concurrent.Do(3, 3, func(int) error {
			for {
				order, err := shop().Customer.PlaceOrder(ctx, "", r)
				if err == nil {
					order, err = shop().Customer.WaitFinal(ctx, order.OrderID, nil)
				}
				if err == nil && order.Status != client.Rejected {
					err = fmt.Errorf("an order of more than there is ends %s", order.Status)
				}
				if err != nil || placing.Err() != nil {
					return err
				}
			}
		})
	}()
	return func() {
		t.Helper()
		enough()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// active counts what still polls or consumes for functions of a deleted stack.
func active(ctx context.Context, service string) (n int, err error) {
	_, sources, err := eventsource.Look(ctx, stack.Outputs["EventSourcesUrl"])
	if err != nil {
		return 0, err
	}
	for _, s := range sources {
		if strings.HasPrefix(s.ID, "orderflow-"+service+"/") {
			n++
		}
	}
	if service == "warehouse" {
		c, err := real.DialRabbitMQ(real.Orderflow)
		if err != nil {
			return 0, err
		}
		defer func() { _ = c.Close() }()
		ch, err := c.Channel()
		if err != nil {
			return 0, err
		}
		q, err := ch.QueueDeclarePassive(brokers.MessagesQueue, true, false, false, false, nil)
		return n + q.Consumers, err
	}
	c, err := kgo.NewClient(real.KafkaClient(real.Admin)...)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	groups, err := kadm.NewClient(c).DescribeGroups(ctx)
	for _, g := range groups {
		n += len(g.Members)
	}
	return n, err
}
