package bench

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// A Program is a binary whose start is measured.
type Program struct {
	Name string
	Path string
	// Env is its environment, without the variables that Lambda sets.
	Env map[string]string
}

// A Start is the measurement of one program. Ratios are medians, over the rounds, of its ratio to
// the hello-world function in the same round, since a slow phase of the machine affects both.
type Start struct {
	Name                string
	Wall, CPU           time.Duration // medians
	WallRatio, CPURatio float64
}

// every is the number of programs between two starts of the hello-world function.
const every = 5

// Measure starts the programs in rounds, one process at a time, in a new order each round, with
// hello in between. The first round warms up and does not count. No round starts when the budget is
// used up, except the first three. counted is the number of rounds that count.
func Measure(ctx context.Context, hello Program, programs []Program, rounds int, budget time.Duration) (
	base Start, starts []Start, counted int, err error,
) {
	api := listen()
	defer api.Close()
	over := time.Now().Add(budget)
	var hellos series
	all := make([]series, len(programs))
	for n := range 1 + rounds {
		if counted >= 3 && time.Now().After(over) {
			break
		}
		of, samples, err := api.round(ctx, hello, programs)
		if err != nil {
			return base, nil, counted, err
		}
		if n == 0 {
			continue
		}
		counted++
		hellos = append(hellos, pair{of, of})
		for i, s := range samples {
			all[i] = append(all[i], pair{s, of})
		}
	}
	for i, p := range programs {
		starts = append(starts, all[i].start(p.Name))
	}
	return hellos.start(hello.Name), starts, counted, nil
}

// round starts every program once, in random order; of is the median of hello's starts in between.
func (api *runtimeAPI) round(ctx context.Context, hello Program, programs []Program) (of Sample, samples []Sample,
	err error) {
	samples = make([]Sample, len(programs))
	var hellos series
	for n, i := range rand.Perm(len(programs)) {
		if n%every == 0 {
			s, err := api.start(ctx, hello.Path, hello.Env)
			if err != nil {
				return of, nil, err
			}
			hellos = append(hellos, pair{own: s})
		}
		if samples[i], err = api.start(ctx, programs[i].Path, programs[i].Env); err != nil {
			return of, nil, err
		}
	}
	of = Sample{Wall: median(hellos, pair.wall), CPU: median(hellos, pair.cpu)}
	if of.Wall <= 0 || of.CPU <= 0 {
		return of, nil, fmt.Errorf("%s took no time: %+v", hello.Name, of)
	}
	return of, samples, nil
}

// series are the samples of one program, each with hello's of the same round.
type series []pair

type pair struct{ own, hello Sample }

func (p pair) wall() time.Duration { return p.own.Wall }
func (p pair) cpu() time.Duration  { return p.own.CPU }
func (p pair) wallRatio() float64  { return float64(p.own.Wall) / float64(p.hello.Wall) }
func (p pair) cpuRatio() float64   { return float64(p.own.CPU) / float64(p.hello.CPU) }

func (s series) start(name string) Start {
	return Start{name, median(s, pair.wall), median(s, pair.cpu), median(s, pair.wallRatio), median(s, pair.cpuRatio)}
}

// median returns the median of key over the values, the lower of two; 0 without values.
func median[V any, K cmp.Ordered](values []V, key func(V) K) (middle K) {
	if len(values) == 0 {
		return middle
	}
	keys := make([]K, len(values))
	for i, v := range values {
		keys[i] = key(v)
	}
	slices.Sort(keys)
	return keys[(len(keys)-1)/2]
}
