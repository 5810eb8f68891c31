package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"orderflow/internal/dev/devstack"
)

// Limits of a start, relative to the hello-world function.
const (
	MaxMedian = 2.0
	MaxWorst  = 3.0
)

// Wall and CPU select one of the two figures of a start.
func Wall(s Start) float64 { return s.WallRatio }

// CPU selects the ratio of CPU time, which other work on the machine changes less than time.
func CPU(s Start) float64 { return s.CPURatio }

// A Verdict compares one figure of all functions with the limits.
type Verdict struct {
	Median, Worst float64
	Slowest       string // the function with the worst
}

// Judge returns the verdict on one figure of all starts.
func Judge(starts []Start, figure func(Start) float64) Verdict {
	v := Verdict{Median: median(starts, figure)}
	for _, s := range starts {
		if r := figure(s); r > v.Worst {
			v.Worst, v.Slowest = r, s.Name
		}
	}
	return v
}

// Err returns nil within the limits.
func (v Verdict) Err() error {
	if v.Median > MaxMedian || v.Worst > MaxWorst {
		return fmt.Errorf("the median start is %.2f times hello-world's (limit %.1f), the worst %.2f (%s, limit %.1f)",
			v.Median, MaxMedian, v.Worst, v.Slowest, MaxWorst)
	}
	return nil
}

// Size is the size of a function in bytes.
type Size struct{ Binary, Package int64 }

// Print prints the table, slowest function first.
func Print(out io.Writer, base Start, starts []Start, sizes map[string]Size) error {
	starts = slices.Clone(starts)
	slices.SortFunc(starts, func(a, b Start) int { return cmp.Compare(b.WallRatio, a.WallRatio) })
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "start ms\t× hello\tCPU ms\t× hello\tbinary MB\tzip MB\t  function")
	for _, s := range append(starts, base) {
		size := sizes[s.Name]
		fmt.Fprintf(w, "%.2f\t%.2f\t%.2f\t%.2f\t%.1f\t%.1f\t  %s\n", ms(s.Wall), s.WallRatio, ms(s.CPU), s.CPURatio,
			float64(size.Binary)/1e6, float64(size.Package)/1e6, s.Name)
	}
	return w.Flush()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Run measures every function in the given number of rounds, prints a table, and fails if a limit
// is exceeded.
func Run(ctx context.Context, out io.Writer, rounds int) error {
	repo, err := devstack.FindRepo()
	if err != nil {
		return err
	}
	report := devstack.NewReporter(os.Stderr)
	hello, programs, err := Functions(ctx, repo, report)
	if err != nil {
		return err
	}
	sizes, err := Sizes(append(programs, hello))
	if err != nil {
		return err
	}
	var base Start
	var starts []Start
	var counted int
	err = report.Do("start each function again and again", func() error {
		base, starts, counted, err = Measure(ctx, hello, programs, rounds, 45*time.Second)
		return err
	})
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
