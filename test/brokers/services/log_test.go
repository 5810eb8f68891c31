package services_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orderflow/internal/platform/concurrent"
)

// A record's place in the log says nothing about its event: deliveries repeat and overtake.
func TestTheLogHasEveryOrderThroughAKilledBroker(t *testing.T) {
	ctx := within(t, 6*time.Minute)
	const orders = 12
	ids := make([]string, orders)
	err := concurrent.Do(orders, 4, func(i int) error {
		if i == orders/3 {
			if err := real.Kafka.Kill(); err != nil {
				return err
			}
		}
		order, err := shop().Customer.PlaceOrder(ctx, "", orderOf("MUG-BLUE", 1))
		ids[i] = order.OrderID
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		order, err := shop().Customer.WaitFinal(ctx, id, nil)
		if err != nil || order.Status != "CONFIRMED" {
			t.Fatalf("an order while Kafka is down: %s, %v", order.Status, err)
		}
	}
	if err := real.Kafka.Restart(ctx); err != nil {
		t.Fatal(err)
	}

	c, err := kgo.NewClient(append(real.KafkaClient(real.Reporting), kgo.ConsumeTopics("orderflow.orders.events"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	seen, partitions := map[string]bool{}, map[string]int32{}
	logged := func() (n int) {
		for _, id := range ids {
			if seen[id+" orderflow.orders.order.created.v1"] && seen[id+" orderflow.orders.order.confirmed.v1"] {
				n++
			}
		}
		return n
	}
	eventually(ctx, t, "orders in the log, from created to confirmed", orders, func() (int, error) {
		polling, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		c.PollFetches(polling).EachRecord(func(r *kgo.Record) {
			id := string(r.Key)
			if p, known := partitions[id]; known && p != r.Partition {
				t.Errorf("order %s is in partitions %d and %d", id, p, r.Partition)
			}
			partitions[id] = r.Partition
			for _, h := range r.Headers {
				if h.Key == "ce_type" {
					seen[fmt.Sprint(id, " ", string(h.Value))] = true
				}
			}
		})
		return logged(), nil
	})
}
