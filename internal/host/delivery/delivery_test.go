package delivery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/host/delivery"
	"orderflow/internal/host/delivery/memory"
	"orderflow/internal/host/wiring"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/ids"
)

// function records its invocations and fails the messages whose body contains "bad".
type function struct {
	mu      sync.Mutex
	batches []string
	sweeps  int
	err     error
}

func (f *function) invoke(_ context.Context, _ string, payload []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var in events.SQSEvent
	if err := json.Unmarshal(payload, &in); err != nil || in.Records == nil {
		f.sweeps++
		return nil, f.err
	}
	var bodies []string
	res := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, m := range in.Records {
		bodies = append(bodies, m.Body)
		if strings.Contains(m.Body, "bad") {
			res.BatchItemFailures = append(res.BatchItemFailures,
				events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	f.batches = append(f.batches, strings.Join(bodies, " "))
	out, err := json.Marshal(res)
	return out, errors.Join(err, f.err)
}

// fail makes all invocations fail from now on.
func (f *function) fail() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = errors.New("oh")
}

func (f *function) seen() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprint(f.batches)
}

// kitchen has a queue of batches of two, one at a time, that gives up after three times.
var kitchen = &wiring.Wiring{
	Queues: map[string]*wiring.Queue{"eat": {
		Topics: map[string][]string{"kitchen": {"cake"}}, Batch: 2, Concurrency: 1, Receives: 3,
		Visibility: time.Minute, Ends: []wiring.End{{Machines: []string{"bake"}, Statuses: []string{"FAILED"}}},
	}},
	Schedules: []wiring.Schedule{{Function: "sweep", Every: 5 * time.Minute, Input: []byte(`{"sweep":"floor"}`)}},
}

// always is a process that drives.
func always() bool { return true }

// within runs do while the kitchen delivers.
func within(t *testing.T, do func(t *testing.T, d *delivery.Delivery, f *function)) {
	synctest.Test(t, func(t *testing.T) {
		f := &function{}
		d := delivery.New(kitchen, f.invoke, always, memory.New(), clock.System{}, &ids.Sequence{})
		term(t, d, func() { do(t, d, f) })
	})
}

// term calls do while d delivers, and waits for its end.
func term(t *testing.T, d *delivery.Delivery, do func()) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	synctest.Wait()
	do()
	cancel()
	running.Wait()
}

func letters(t *testing.T, d *delivery.Delivery) []delivery.Message {
	t.Helper()
	dead, err := d.Queue("eat").Dead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dead
}

func TestEventsReachSubscribersOfTheirTypeOnly(t *testing.T) {
	within(t, func(t *testing.T, d *delivery.Delivery, f *function) {
		for _, service := range []string{"kitchen", "garden"} {
			_, err := delivery.Topic{Delivery: d, Service: service}.Publish(t.Context(), []envelope.Event{
				{ID: service + "1", Type: "cake", Data: json.RawMessage(`{}`)},
				{ID: service + "2", Type: "soup", Data: json.RawMessage(`{}`)},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := f.seen(); strings.Count(got, `"id"`) != 1 || !strings.Contains(got, "kitchen1") {
			t.Errorf("the function saw %s", got)
		}
	})
}

func TestFailedMessageComesAgainAloneThenIsDead(t *testing.T) {
	within(t, func(t *testing.T, d *delivery.Delivery, f *function) {
		for _, body := range []string{"a", "bad", "c"} {
			if err := d.Send(t.Context(), "eat", body); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		first := f.seen()
		if strings.Count(first, "bad") != 1 {
			t.Errorf("at once: %s", first)
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if got := f.seen(); got != first {
			t.Errorf("before a minute: %s", got)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		dead := letters(t, d)
		if got := f.seen(); strings.Count(got, "bad") != 3 || len(dead) != 1 || dead[0].Receives != 3 {
			t.Fatalf("in the end: %s, dead %+v", got, dead)
		}
		if err := d.Queue("eat").Drop(t.Context(), dead[0].ID); err != nil || len(letters(t, d)) > 0 {
			t.Errorf("after dropping it: %v, %v", err, letters(t, d))
		}
	})
}

func TestFailedInvocationFailsItsWholeBatch(t *testing.T) {
	within(t, func(t *testing.T, d *delivery.Delivery, f *function) {
		f.fail()
		if err := d.Send(t.Context(), "eat", "a"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if dead := letters(t, d); len(dead) != 1 || d.Queue("eat").State() != (delivery.State{}) {
			t.Errorf("dead %v, %+v", dead, d.Queue("eat").State())
		}
	})
}

func TestATermEndsWithItsBatchesAndTheNextGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &function{}
		underWay := 0
		d := delivery.New(kitchen, func(ctx context.Context, name string, payload []byte) ([]byte, error) {
			underWay++
			time.Sleep(time.Second) // whatever becomes of the term
			underWay--
			return f.invoke(ctx, name, payload)
		}, always, memory.New(), clock.System{}, &ids.Sequence{})
		send := func(body string) {
			if err := d.Send(t.Context(), "eat", body); err != nil {
				t.Fatal(err)
			}
		}
		term(t, d, func() {
			send("a")
			synctest.Wait()
			send("b")
		})
		if underWay > 0 || f.seen() != "[a]" {
			t.Errorf("at the end of the term: %d under way, seen %s", underWay, f.seen())
		}
		term(t, d, func() { time.Sleep(2 * time.Second) })
		if f.seen() != "[a b]" || d.Queue("eat").State() != (delivery.State{}) {
			t.Errorf("in the next term: %s, %+v", f.seen(), d.Queue("eat").State())
		}
	})
}

// A function that needs the lease fails without it, however good the message is.
func TestWhatFailsWithoutTheLeaseIsNoFailedDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, kept := &function{}, memory.New()
		var drives atomic.Bool
		d := delivery.New(kitchen, func(ctx context.Context, name string, payload []byte) ([]byte, error) {
			if len(f.batches) < 10 {
				drives.Store(false) // it loses the lease meanwhile
			}
			out, err := f.invoke(ctx, name, payload)
			if !drives.Load() {
				err = errors.New("not leading")
			}
			return out, err
		}, drives.Load, kept, clock.System{}, &ids.Sequence{})
		term(t, d, func() {
			if err := d.Send(t.Context(), "eat", "a"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if got := f.seen(); got != "[]" {
				t.Errorf("without the lease: %s", got)
			}
			for range 11 {
				drives.Store(true)
				time.Sleep(time.Second)
			}
		})
		if left, err := kept.Messages(t.Context(), "eat"); err != nil || len(left) > 0 || len(f.batches) != 11 {
			t.Errorf("%d deliveries; %+v is left, %v", len(f.batches), left, err)
		}
	})
}

func TestOnlyEndsWithARuleAreSent(t *testing.T) {
	within(t, func(t *testing.T, d *delivery.Delivery, f *function) {
		for _, end := range [][2]string{{"bake", "FAILED"}, {"bake", "SUCCEEDED"}, {"boil", "FAILED"}} {
			if err := d.Ended(t.Context(), end[0], "x-"+end[0]+end[1], end[1]); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := f.seen(); strings.Count(got, "detail-type") != 1 || !strings.Contains(got, "x-bakeFAILED") {
			t.Errorf("%s", got)
		}
	})
}

func TestScheduledFunctionIsCalledAgainAfterAFailure(t *testing.T) {
	within(t, func(t *testing.T, _ *delivery.Delivery, f *function) {
		f.fail()
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		if f.sweeps != 3 {
			t.Errorf("%d calls in 16 minutes, want 3", f.sweeps)
		}
	})
}
