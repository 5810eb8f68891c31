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

// Plan configures a measurement.
type Plan struct {
	Rounds int // measured rounds
	Warmup int // earlier rounds, which are not measured
	// Budget is the time after which no round starts. Fewer than three rounds within it are an
	// error.
	Budget time.Duration
	// Progress is called after every round; it may be nil.
	Progress func(done, of int)
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
// hello in between.
func Measure(ctx context.Context, hello Program, programs []Program, plan Plan) (base Start, starts []Start, rounds int,
	err error) {
	api, err := listen(ctx)
	if err != nil {
		return base, nil, 0, err
	}
	defer api.listener.Close()

	over := time.Now().Add(plan.Budget)
	var hellos []Sample
	all := make([]series, len(programs))
	for n := range plan.Warmup + plan.Rounds {
		if rounds >= 3 && time.Now().After(over) {
			break
		}
		of, samples, err := api.round(ctx, hello, programs)
		if err != nil {
			return base, nil, rounds, err
		}
		if plan.Progress != nil {
			plan.Progress(n+1, plan.Warmup+plan.Rounds)
		}
		if n < plan.Warmup {
			continue
		}
		rounds++
		hellos = append(hellos, of)
		for i, s := range samples {
			all[i].add(s, of)
		}
	}
	base = Start{Name: hello.Name, Wall: median(hellos, wall), CPU: median(hellos, cpu), WallRatio: 1, CPURatio: 1}
	for i, p := range programs {
		starts = append(starts, all[i].start(p.Name))
	}
	return base, starts, rounds, nil
}

// round starts every program once, in random order; of is the median of hello's starts in between.
func (api *runtimeAPI) round(ctx context.Context, hello Program, programs []Program) (of Sample, samples []Sample,
	err error) {
	samples = make([]Sample, len(programs))
	var hellos []Sample
	for n, i := range rand.Perm(len(programs)) {
		if n%every == 0 {
			s, err := api.start(ctx, hello.Path, hello.Env)
			if err != nil {
				return of, nil, err
			}
			hellos = append(hellos, s)
		}
		if samples[i], err = api.start(ctx, programs[i].Path, programs[i].Env); err != nil {
			return of, nil, err
		}
	}
	of = Sample{Wall: median(hellos, wall), CPU: median(hellos, cpu)}
	if of.Wall <= 0 || of.CPU <= 0 {
		return of, nil, fmt.Errorf("%s took no time: %+v", hello.Name, of)
	}
	return of, samples, nil
}

// series are the samples of one program.
type series struct {
	samples         []Sample
	wallOf1, cpuOf1 []float64
}

func (s *series) add(own, hello Sample) {
	s.samples = append(s.samples, own)
	s.wallOf1 = append(s.wallOf1, float64(own.Wall)/float64(hello.Wall))
	s.cpuOf1 = append(s.cpuOf1, float64(own.CPU)/float64(hello.CPU))
}

func (s *series) start(name string) Start {
	same := func(f float64) float64 { return f }
	return Start{Name: name, Wall: median(s.samples, wall), CPU: median(s.samples, cpu),
		WallRatio: median(s.wallOf1, same), CPURatio: median(s.cpuOf1, same)}
}

func wall(s Sample) time.Duration { return s.Wall }
func cpu(s Sample) time.Duration  { return s.CPU }

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
