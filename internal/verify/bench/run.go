package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"orderflow/internal/dev/devstack"
)

// Run measures every function in the given number of rounds, prints a table, and fails if a limit
// is exceeded.
func Run(ctx context.Context, out io.Writer, rounds int) error {
	repo, err := devstack.FindRepo()
	if err != nil {
		return err
	}
	hello, programs, err := Functions(ctx, repo, devstack.NewReporter(os.Stderr))
	if err != nil {
		return err
	}
	sizes, err := Sizes(append(programs, hello))
	if err != nil {
		return err
	}
	base, starts, counted, err := Measure(ctx, hello, programs,
		Plan{Rounds: rounds, Warmup: 2, Budget: 45 * time.Second,
			Progress: func(done, of int) { fmt.Fprintf(os.Stderr, "\r  … round %d of %d", done, of) }})
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return err
	}
	if err := Print(out, base, starts, sizes); err != nil {
		return err
	}
	wall, cpu := Judge(starts, Wall), Judge(starts, CPU)
	fmt.Fprintf(out,
		"\n%d functions, %d rounds, medians: start median %.2f, worst %.2f (%s); "+
			"CPU median %.2f, worst %.2f (%s); limits %.1f and %.1f\n",
		len(starts), counted, wall.Median, wall.Worst, wall.Slowest, cpu.Median, cpu.Worst, cpu.Slowest, MaxMedian,
		MaxWorst)
	return wall.Err()
}
