package barrier_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/metrics/metricstest"
)

func TestDuplicatesAndCompensationsAreCounted(t *testing.T) {
	c := clock.At(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	log := memdb.NewLog(c)
	ctx, recording := metricstest.On(t, c)
	write := func(e *barrier.Entry) error { return log.Commit(commit.With{Barrier: e}, func() error { return nil }) }
	boil := func(_ context.Context, once barrier.Once) (int, error) { return 1, write(once.Returning(1)) }
	do := func() { _, _ = barrier.Do(ctx, log, "s", "Boil", boil) }
	cool := func(ctx context.Context, _ barrier.Done, once barrier.Once) (int, error) { return boil(ctx, once) }
	undo := func() { _, _ = barrier.Undo(ctx, log, "s", "Cool", []string{"Boil"}, cool) }
	for i, c := range []struct {
		call func()
		want []string
	}{
		{do, nil}, {do, []string{"DuplicateSteps 1 Boil"}},
		{undo, []string{"Compensations 1 Cool"}}, {undo, []string{"DuplicateSteps 1 Cool"}},
	} {
		c.call()
		if got := recording.Take(); !slices.Equal(got, c.want) {
			t.Errorf("call %d recorded %q, want %q", i+1, got, c.want)
		}
	}
}
