package barrier_test

import (
	"context"
	"fmt"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
)

// A step is delivered twice. It takes effect once, and both calls return the recorded result.
func ExampleDo() {
	ctx := context.Background()
	log := memdb.NewLog(clock.System{})
	seats := 10
	book := func(ctx context.Context, once barrier.Once) (string, error) {
		ticket := fmt.Sprintf("ticket %d", seats)
		with := commit.With{Barrier: once.Returning(ticket)}
		return ticket, log.Commit(with, func() error { seats--; return nil })
	}
	for range 2 {
		fmt.Println(barrier.Do(ctx, log, "trip-1", "BookSeat", book))
	}
	fmt.Println(seats, "seats left")
	// Output:
	// ticket 10 <nil>
	// ticket 10 <nil>
	// 9 seats left
}

// The compensation overtakes its action. It changes nothing, and the action is refused.
func ExampleUndo() {
	ctx := context.Background()
	log := memdb.NewLog(clock.System{})
	seats := 10
	change := func(n int, entry *barrier.Entry) error {
		return log.Commit(commit.With{Barrier: entry}, func() error { seats += n; return nil })
	}
	_, err := barrier.Undo(ctx, log, "trip-1", "FreeSeat", []string{"BookSeat"},
		func(_ context.Context, done barrier.Done, once barrier.Once) (string, error) {
			if done["BookSeat"] {
				return "freed", change(+1, once.Returning("freed"))
			}
			return "nothing to free", change(0, once.Returning("nothing to free"))
		})
	fmt.Println(err)
	_, err = barrier.Do(ctx, log, "trip-1", "BookSeat", func(_ context.Context, once barrier.Once) (string, error) {
		return "booked", change(-1, once.Returning("booked"))
	})
	fmt.Println(err)
	fmt.Println(seats, "seats left")
	// Output:
	// <nil>
	// StepCompensated: the step was compensated before it ran
	// 10 seats left
}
