package host

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/host/delivery"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/memdb"
)

func TestEventsThatATermDidNotRelayAreOfTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memdb.NewLog(clock.System{})
		var relayed []string
		underWay, fails := 0, true
		s := newStream("orders", log, func(_ context.Context, _ string, payload []byte) ([]byte, error) {
			underWay++
			time.Sleep(time.Second) // whatever becomes of the term
			underWay--
			if fails {
				return nil, errors.New("not now")
			}
			relayed = append(relayed, string(payload))
			return nil, nil
		})
		var all []envelope.Event
		for range relayBatch + 1 {
			all = append(all, envelope.Event{ID: "e", Data: []byte(`{}`)})
		}
		if err := log.Commit(commit.With{Events: all}, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		h := &Host{delivery: &delivery.Delivery{}, feeds: []feed{s}, driving: make(chan struct{})}
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), 10500*time.Millisecond)
			h.lead(ctx)
			cancel()
			if underWay > 0 {
				t.Error("the term has ended, but not its relay")
			}
			fails = false
		}
		if got := strings.Count(strings.Join(relayed, ""), `\"id\":\"e\"`); len(relayed) != 2 || got != len(all) {
			t.Errorf("%d events in %d batches, want %d in 2", got, len(relayed), len(all))
		}
	})
}

func TestEventsThatCannotBeRelayedDoNotStopOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memdb.NewLog(clock.System{})
		relayed := 0
		s := newStream("orders", log, func(_ context.Context, _ string, payload []byte) ([]byte, error) {
			if strings.Contains(string(payload), `\"id\":\"bad\"`) {
				return nil, errors.New("never")
			}
			relayed++
			return nil, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go s.run(ctx)
		for _, id := range []string{"bad", "good"} {
			with := commit.With{Events: []envelope.Event{{ID: id, Data: []byte(`{}`)}}}
			if err := log.Commit(with, func() error { return nil }); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		<-ctx.Done()
		synctest.Wait()
		if relayed != 1 || s.left(t.Context()) != 0 || s.aside(t.Context()) != 1 {
			t.Errorf("%d relayed, %d left, %d put aside", relayed, s.left(t.Context()), s.aside(t.Context()))
		}
	})
}
