package memdb_test

import (
	"context"
	"testing"
	"time"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/memdb"
)

func TestNothingIsLeftOfAForgottenSubject(t *testing.T) {
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	log := memdb.NewLog(c)
	items := memdb.NewItems[int](log, "thing", nil)
	for _, subject := range []string{"o1", "o2"} {
		request := idempotency.Request{Scope: "s", Key: subject}
		run := func(ctx context.Context, reply idempotency.Once) (int, error) {
			return barrier.Do(ctx, log, subject, "Step", func(_ context.Context, once barrier.Once) (int, error) {
				return 1, log.Commit(commit.With{Barrier: once.Returning(1), Reply: reply.Returning(1)}, func() error {
					items.Save(subject, 1)
					items.Save(subject+"#part", 2)
					return nil
				})
			})
		}
		if _, _, err := idempotency.Do(t.Context(), log, request, run); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Second)
	}
	log.Forget(map[string]bool{"o1": true}, c.Now().Add(-time.Second))
	for subject, want := range map[string]bool{"o1": false, "o2": true} {
		_, whole := items.Find(subject)
		_, part := items.Find(subject + "#part")
		key := barrier.Key{Saga: subject, Step: "Step", Phase: barrier.Action}
		found, err1 := log.Barriers(t.Context(), key)
		_, barred := found[key]
		_, replies, err2 := log.Reply(t.Context(), "s", subject)
		if whole != want || part != want || barred != want || replies != want || err1 != nil || err2 != nil {
			t.Errorf("%s: items %v, %v, barrier %v, reply %v; want %v", subject, whole, part, barred, replies, want)
		}
	}
}
