package follow_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/host/follow"
	"orderflow/internal/platform/outbox/tail"
)

var errDied = errors.New("the process has died")

// world is a stream of two shards, of which the first ends, the places in it, and what was handed
// over.
type world struct {
	places map[string]follow.Place
	shards map[string][]string
	ended  map[string]bool
	handed []string
}

func newWorld() *world {
	return &world{
		places: map[string]follow.Place{}, ended: map[string]bool{"a": true},
		shards: map[string][]string{"a": {"1", "2", "3", "4", "5"}, "b": {"6", "7", "8"}},
	}
}

// process is a follower that dies at one of its effects, before or after it.
type process struct {
	*world
	mu    sync.Mutex
	left  int
	after bool
	dead  bool
	mark  atomic.Int64
}

func (p *process) effect(do func()) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left--; p.dead || p.left == 0 && !p.after {
		p.dead = true
		return errDied
	}
	if do(); p.left == 0 {
		p.dead = true
		return errDied
	}
	return nil
}

func (p *process) Shards(context.Context) (all []tail.Part, err error) {
	err = p.effect(func() {
		for _, s := range slices.Sorted(maps.Keys(p.shards)) {
			all = append(all, tail.Part{Shard: s})
		}
	})
	return all, err // the order of a return's operands is not specified
}

func (p *process) Places(context.Context, string) (all map[string]follow.Place, err error) {
	err = p.effect(func() { all = maps.Clone(p.places) })
	return all, err
}

func (p *process) SavePlace(_ context.Context, _, shard string, at follow.Place) error {
	return p.effect(func() { p.places[shard] = at })
}

func (p *process) Follow(shard, after string) follow.Reader { return &reader{p, shard, after} }

type reader struct {
	*process
	shard, after string
}

// Next returns two records. The number 7 is not wanted.
func (r *reader) Next(context.Context) (page tail.Page, err error) {
	err = r.effect(func() {
		all := r.shards[r.shard]
		at := slices.Index(all, r.after) + 1
		batch := all[at:min(at+2, len(all))]
		page.End = r.ended[r.shard] && at+len(batch) == len(all)
		for _, record := range batch {
			page.Records++
			if r.after, page.After = record, record; record != "7" {
				page.Wanted++
				page.Payload = append(page.Payload, " "+record...)
			}
		}
	})
	return page, err
}

func (p *process) hand(_ context.Context, payload []byte) error {
	return p.effect(func() { p.handed = append(p.handed, strings.Fields(string(payload))...) })
}

func (p *process) follower() *follow.Follower {
	mark := func() int { return int(p.mark.Load()) }
	return &follow.Follower{Stream: "s", Source: p, Places: p, Hand: p.hand, Mark: mark}
}

// run follows for a while.
func (p *process) run(t *testing.T, f *follow.Follower, while func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { f.Run(ctx) })
	while()
	cancel()
	running.Wait()
}

// A process dies at every effect in turn. The next one goes on from where it was.
func TestEveryRecordIsHandedOverWhateverDies(t *testing.T) {
	for _, problem := range everyDeath(t, func(*process, *follow.Follower) {}) {
		t.Error(problem)
	}
}

func TestDeathsShowWhatWouldSkipRecords(t *testing.T) {
	early := func(p *process, f *follow.Follower) {
		hand := f.Hand
		f.Hand = func(ctx context.Context, payload []byte) error {
			all := strings.Fields(string(payload))
			shard := map[bool]string{true: "a", false: "b"}[all[0] < "6"]
			if err := p.SavePlace(ctx, f.Stream, shard, follow.Place{After: all[len(all)-1]}); err != nil {
				return err
			}
			return hand(ctx, payload)
		}
	}
	if len(everyDeath(t, early)) == 0 {
		t.Error("a place is written before its records are handed over, and nobody noticed")
	}
}

// everyDeath returns what was wrong after any death.
func everyDeath(t *testing.T, mutate func(*process, *follow.Follower)) (problems []string) {
	for left := range 40 {
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				for _, p := range []*process{{world: w, left: left, after: after}, {world: w, left: -1}} {
					f := p.follower()
					mutate(p, f)
					p.run(t, f, func() { time.Sleep(time.Minute) })
				}
				slices.Sort(w.handed)
				if got := fmt.Sprint(slices.Compact(w.handed)); got != "[1 2 3 4 5 6 8]" {
					problems = append(problems, fmt.Sprintf("%d effects, after %t: handed over %s", left, after, got))
				}
			})
		}
	}
	return problems
}

func TestWithoutADeathNothingComesTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for range 3 {
			p := &process{world: w, left: -1}
			p.run(t, p.follower(), func() { time.Sleep(3 * time.Minute) })
		}
		slices.Sort(w.handed)
		if got := fmt.Sprint(w.handed); got != "[1 2 3 4 5 6 8]" {
			t.Errorf("handed over %s", got)
		}
		if !w.places["a"].End || w.places["b"] != (follow.Place{After: "8"}) {
			t.Errorf("places %+v", w.places)
		}
	})
}

func TestNewShardsAreFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := &process{world: w, left: -1}
		p.run(t, p.follower(), func() {
			time.Sleep(time.Second)
			p.mu.Lock()
			w.shards["c"] = []string{"9"}
			p.mu.Unlock()
			time.Sleep(time.Minute)
		})
		if !slices.Contains(w.handed, "9") {
			t.Errorf("handed over %v", w.handed)
		}
	})
}

func TestAStreamIsQuietOnceItWasReadAfterTheLastMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &process{world: newWorld(), left: -1}
		f := p.follower()
		if !f.Quiet() {
			t.Error("not quiet although it is not followed")
		}
		p.run(t, f, func() {
			time.Sleep(time.Second)
			if !f.Quiet() {
				t.Error("not quiet although all was read")
			}
			if p.mark.Add(1); f.Quiet() {
				t.Error("quiet although something may have been written since")
			}
			time.Sleep(time.Second)
			if !f.Quiet() {
				t.Error("not quiet although it was read since")
			}
		})
	})
}

func TestPlacesOfUnwantedRecordsAreWrittenNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.shards = map[string][]string{"b": {"7"}}
		p := &process{world: w, left: -1}
		p.run(t, p.follower(), func() { time.Sleep(2 * time.Minute) })
		if w.places["b"].After == "" {
			t.Errorf("places %+v", w.places)
		}
	})
}

func TestWhatATermDidNotHandOverIsOfTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &process{world: newWorld(), left: -1}
		f := p.follower()
		f.Hand = func(ctx context.Context, _ []byte) error {
			<-ctx.Done()
			return ctx.Err()
		}
		p.run(t, f, func() { time.Sleep(time.Second) })
		f.Hand = p.hand
		p.run(t, f, func() { time.Sleep(time.Minute) })
		if len(p.handed) != 7 {
			t.Errorf("handed over %v", p.handed)
		}
	})
}
