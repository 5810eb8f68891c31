package delivery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
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
	"orderflow/internal/platform/ids"
)

// fate is what happens to messages by a seed: functions that fail, in part or late, a store that
// refuses, or writes and does not say so, and processes that end and die.
type fate struct {
	mu      sync.Mutex
	r       *rand.Rand
	calm    bool
	store   *memory.Store
	handled map[string]int // by body
	failed  map[string]int
}

func (f *fate) strikes(probability float64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.calm && f.r.Float64() < probability
}

func (f *fate) between(least, most time.Duration) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return least + time.Duration(f.r.Int64N(int64(most-least)))
}

// served is a process with the queue. When it is dead, what it does has no effect.
type served struct {
	*fate
	*delivery.Delivery
	dead atomic.Bool
	lost bool   // the lease
	end  func() // returns when it has ended
}

var errFate = errors.New("fate")

// write makes a write of the store fail, before or after it.
func (s *served) write(do func() error) error {
	if s.dead.Load() || s.strikes(.05) {
		return errFate
	}
	err := do()
	if s.strikes(.05) {
		return errFate
	}
	return err
}

// unread is a store that cannot be read now and then.
type unread struct {
	delivery.Store
	*fate
}

func (u unread) Messages(ctx context.Context, queue string) ([]delivery.Message, error) {
	if u.strikes(.05) {
		return nil, errFate
	}
	return u.Store.Messages(ctx, queue)
}

// invoke is the function.
func (s *served) invoke(_ context.Context, _ string, payload []byte) ([]byte, error) {
	var in events.SQSEvent
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	time.Sleep(s.between(0, 2*time.Second))
	whole := s.strikes(.2)
	res := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, m := range in.Records {
		fails := whole || s.strikes(.2) || m.Body == "poison"
		s.mu.Lock()
		if fails {
			s.failed[m.Body]++
			res.BatchItemFailures = append(res.BatchItemFailures,
				events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		} else {
			s.handled[m.Body]++
		}
		s.mu.Unlock()
	}
	if whole {
		return nil, errFate
	}
	return json.Marshal(res)
}

// drives loses the lease now and then, and gets it back.
func (s *served) drives() bool {
	turned := s.strikes(.1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = s.lost != turned && !s.calm
	return !s.lost
}

// begin starts a process.
func (f *fate) begin(ctx context.Context, w *wiring.Wiring) *served {
	s := &served{fate: f}
	s.Delivery = delivery.New(w, s.invoke, s.drives, written{unread{f.store, f}, s.write}, clock.System{},
		ids.Random(clock.System{}))
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx)
	}()
	s.end = func() {
		cancel()
		<-ended
	}
	return s
}

// The simulation's bus is its own, since a queue of this package waits in goroutines. This is the
// same kind of run with the package's code.
func TestWhateverHappensNoMessageIsLost(t *testing.T) {
	meal := &wiring.Wiring{Queues: map[string]*wiring.Queue{"eat": {
		Batch: 3, Concurrency: 2, Receives: 3, Visibility: time.Minute,
	}}}
	const seeds, messages, terms = 150, 30, 4
	dead, again := 0, 0
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			f := &fate{r: rand.New(rand.NewPCG(seed, 1)), store: memory.New(), handled: map[string]int{},
				failed: map[string]int{}}
			sent := map[string]bool{}
			for term := range terms {
				s := f.begin(t.Context(), meal)
				for n := range messages / terms {
					body := fmt.Sprint(term, "-", n)
					if term == 0 && n == 0 {
						body = "poison"
					}
					for s.Send(t.Context(), "eat", body) != nil { // as an outbox does
						time.Sleep(time.Second)
					}
					sent[body] = true
					time.Sleep(f.between(0, 20*time.Second))
				}
				s.dead.Store(f.strikes(.5))
				s.end()
			}
			f.mu.Lock()
			f.calm = true
			f.mu.Unlock()
			s := f.begin(t.Context(), meal)
			time.Sleep(30 * time.Minute)
			if left := s.Queue("eat").State(); left != (delivery.State{}) {
				t.Errorf("seed %d: %+v is left", seed, left)
			}
			s.end()
			left, err := f.store.Messages(t.Context(), "eat")
			if err != nil {
				t.Fatal(err)
			}
			parked := map[string]bool{}
			for _, m := range left {
				parked[m.Body] = true
				if !m.Dead || f.failed[m.Body] < 3 {
					t.Errorf("seed %d: after %d failures there is %+v", seed, f.failed[m.Body], m)
				}
				dead++
			}
			for body := range sent {
				if f.handled[body] == 0 && !parked[body] {
					t.Errorf("seed %d: %s is lost", seed, body)
				}
				if f.handled[body] > 1 {
					again++
				}
			}
			if !parked["poison"] {
				t.Errorf("seed %d: the poison is not parked", seed)
			}
		})
	}
	if dead < seeds || again == 0 {
		t.Errorf("%d dead letters, %d messages handled again: too little has happened", dead, again)
	}
}
