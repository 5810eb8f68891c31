package sim

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/host/wiring"
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting"
	reportingMemory "orderflow/internal/reporting/memory"
	"orderflow/internal/verify/sim/broker"
)

var errUnlucky = errors.New("unlucky")

// withBrokers returns a world in which only the brokers' faults strike.
func withBrokers(t *testing.T, seed uint64) *World {
	t.Helper()
	w := newWorld(seed, Options{}, load(t, Mutant{}), Mutant{})
	clear(w.odds)
	w.brokers = newBrokers(w, &Definitions{brokers: &wiring.Wiring{}})
	w.brokers.log = reportingMemory.NewLog(w, "orders")
	return w
}

// Each partition is read in order and completely, by at most one poller unless it was given to
// another, whatever fails.
func TestKafkasEventSourceDeliversEveryRecordInOrder(t *testing.T) {
	reached := map[string]int{}
	for seed := range uint64(10) {
		w := withBrokers(t, seed+1)
		delete(w.odds, recordParked)
		read := map[int64]int64{} // the next new offset, by partition
		running := map[int64]int{}
		w.functions["read"] = function.HandlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
			var in events.KafkaEvent
			if err := json.Unmarshal(payload, &in); err != nil {
				return nil, err
			}
			for place, records := range in.Records {
				p := records[0].Partition
				if place != fmt.Sprint("orders-", p) || len(in.Records) != 1 {
					t.Errorf("%s has partition %d", place, p)
				}
				if running[p]++; running[p] > 1 && w.odds[rebalanced] == 0 {
					t.Errorf("two batches of partition %d at a time", p)
				}
				w.wait(time.Second)
				running[p]--
				if w.IntN(5) == 0 {
					return nil, errUnlucky
				}
				for _, r := range records {
					if r.Offset > read[p] {
						t.Errorf("partition %d: offset %d, before it %d", p, r.Offset, read[p])
					}
					read[p] = max(read[p], r.Offset+1)
				}
			}
			return nil, nil
		})
		s := w.brokers.subscribe(wiring.Topic{Function: "read", Topic: "orders", Batch: 10, Retries: 1000})
		for i := range 300 {
			w.after(w.between(0, time.Minute), func() {
				must(0, w.brokers.append(reporting.Message{Topic: "orders", Key: fmt.Append(nil, i%30)}))
			})
		}
		w.rest(epoch.Add(time.Hour))
		w.calm = true
		for _, h := range s.holders {
			s.assign(h.Partition)
		}
		w.rest(epoch.Add(2 * time.Hour))
		for _, p := range w.brokers.bounds("orders") {
			if read[int64(p.Partition)] != p.End || p.End == 0 {
				t.Errorf("seed %d: %d are read of %+v", seed+1, read[int64(p.Partition)], p)
			}
		}
		if s.lag() != 0 {
			t.Errorf("the group's lag is %d", s.lag())
		}
		for path, n := range w.report.Paths {
			reached[path] += n
		}
	}
	for _, path := range []string{
		"two pollers read one partition", "a poller that had lost its partition handled a batch",
		"a batch of the log was halved", "a record of the log was retried",
	} {
		if reached[path] == 0 {
			t.Errorf("never reached: %s", path)
		}
	}
}

// A confirmed message is handled, and a message that is not confirmed may be.
func TestConfirmedMessagesOfTheExchangeAreHandled(t *testing.T) {
	reached := map[string]int{}
	for seed := range uint64(10) {
		w := withBrokers(t, seed+1)
		handled, confirmed := map[string]int{}, map[string]bool{}
		w.functions["take"] = function.HandlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
			var in events.RabbitMQEvent
			if err := json.Unmarshal(payload, &in); err != nil {
				return nil, err
			}
			w.wait(time.Second)
			if w.IntN(5) == 0 {
				return nil, errUnlucky
			}
			for _, m := range in.MessagesByQueue["warehouse.pick-jobs::orderflow"] {
				body := must(base64.StdEncoding.DecodeString(m.Data))
				if m.BasicProperties.DeliveryMode != 2 || string(body) != *m.BasicProperties.MessageID {
					t.Errorf("%+v: %s", m, body)
				}
				handled[string(body)]++
			}
			return nil, nil
		})
		w.functions["send"] = function.HandlerFunc(func(_ context.Context, id []byte) ([]byte, error) {
			m := broker.Message{ID: string(id), RoutingKey: "pick.requested", Body: id, Persistent: true}
			if err := w.brokers.publish(m); err != nil {
				return nil, err
			}
			confirmed[string(id)] = true
			return nil, nil
		})
		w.brokers.messageSources = nil // the warehouse's own
		w.brokers.consume(wiring.Message{Function: "take", Queue: pickJobs, Batch: 10})
		for i := range 300 {
			w.after(w.between(0, time.Minute), func() {
				w.invoke("send", "", fmt.Append(nil, i), func([]byte, error) {})
			})
		}
		w.rest(epoch.Add(time.Hour))
		for id := range confirmed {
			if handled[id] == 0 {
				t.Errorf("seed %d: message %s is lost", seed+1, id)
			}
		}
		if len(confirmed) == 0 {
			t.Errorf("seed %d: nothing was confirmed", seed+1)
		}
		for path, n := range w.report.Paths {
			reached[path] += n
		}
	}
	for _, path := range []string{
		"a message was written to a dead connection", "a message was returned", "a batch of messages was requeued",
		"a message of the exchange was delivered again", "a message was handled, but not acknowledged",
	} {
		if reached[path] == 0 {
			t.Errorf("never reached: %s", path)
		}
	}
}
