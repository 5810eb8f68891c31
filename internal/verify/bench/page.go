package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/sim"
)

// line is a figure of the page.
type line struct{ figure, goal, measured, before string }

// Page measures everything and prints one page: figure, goal, measured, and the figure before the
// changes of 2026-11-29. Without a stack it leaves out latency. It returns an error if a
// measurement fails, and marks a goal that is missed.
func Page(
	ctx context.Context, out io.Writer, repo devstack.Repo, stack *devstack.Stack, report *devstack.Reporter,
) error {
	var lines []line
	var failed error
	for _, part := range []struct {
		name    string
		measure func() ([]line, error)
	}{
		{"count costs", func() ([]line, error) { return costLines(ctx, repo) }},
		{"count growth", func() ([]line, error) { return growthLines(ctx, repo) }},
		{"measure latency", func() ([]line, error) { return latencyLines(ctx, stack, report) }},
		{"measure starts", func() ([]line, error) { return startLines(ctx, repo, report) }},
		{"sell a product out", func() ([]line, error) { return rushLines(ctx, repo) }},
		//nolint:contextcheck // it runs to its end
		{"simulate", func() ([]line, error) { return simulationLines(repo) }},
	} {
		err := report.Do(part.name, func() error {
			more, err := part.measure()
			if err != nil {
				more = []line{{part.name, "", "failed", ""}}
				err = fmt.Errorf("%s: %w", part.name, err)
			}
			lines = append(lines, more...)
			return err
		})
		failed = errors.Join(failed, err)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "figure\tgoal\tmeasured\tbefore")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.figure, l.goal, l.measured, l.before)
	}
	return errors.Join(failed, w.Flush())
}

// marked marks a value beyond its goal.
func marked(format string, value float64, ok bool) string {
	text := fmt.Sprintf(format, value)
	if !ok {
		text += " (missed)"
	}
	return text
}

// goodOrder is the price limit of a good order, in dollars per million.
const goodOrder = 130

func costLines(ctx context.Context, repo devstack.Repo) ([]line, error) {
	cases, err := Cost(ctx, repo)
	if err != nil {
		return nil, err
	}
	p, err := LoadPrices()
	if err != nil {
		return nil, err
	}
	before := map[string]string{"a good order": "285.00", "a rejected order": "397.74", "a cancelled order": "475.62",
		"a list of orders": "4.56", "an hour without orders": "2.45"}
	var lines []line
	for _, c := range cases {
		dollars := p.Dollars(c.Counts) * c.Times / 1e6
		l := line{"dollars per " + c.Per + ": " + c.Name, "", marked("%.2f", dollars, true), before[c.Name]}
		if c.Name == "a good order" {
			l.goal, l.measured = fmt.Sprintf("≤ %d", goodOrder), marked("%.2f", dollars, dollars <= goodOrder)
		}
		lines = append(lines, l)
	}
	most, who := 0.0, ""
	place := 0.0
	for _, c := range cases {
		for name, calls := range c.sequential() {
			if name == "place-order" {
				place = max(place, calls)
			} else if calls > most {
				most, who = calls, name
			}
		}
	}
	return append(lines,
		line{"calls of AWS: place-order", fmt.Sprintf("≤ %d", maxPlaceCalls),
			marked("%.0f", place, place <= maxPlaceCalls), "3"},
		line{"calls of AWS: a step, at most (" + who + ")", fmt.Sprintf("≤ %d", maxStepCalls),
			marked("%.0f", most, most <= maxStepCalls), "3"}), nil
}

// Limits of the calls of AWS that a function makes one after the other.
const (
	maxPlaceCalls = 2
	maxStepCalls  = 3
)

// sequential returns the calls of AWS per invocation of place-order and of the saga's steps, which
// are the functions that a state machine calls.
func (c Case) sequential() map[string]float64 {
	calls := map[string]float64{}
	for name, units := range c.Counts {
		if name == "place-order" || slices.Contains(stepFunctions, name) {
			calls[name] = units[Calls] / units[Invocations]
		}
	}
	return calls
}

// stepFunctions are the functions of the saga's steps and of their undos.
var stepFunctions = []string{"reserve-stock", "authorize-payment", "arrange-shipment", "await-shipment",
	"capture-payment", "commit-stock", "confirm-order", "close-order", "cancel-shipment", "void-payment",
	"release-stock", "reject-order"}

func growthLines(ctx context.Context, repo devstack.Repo) ([]line, error) {
	g, err := Growth(ctx, repo, 1_000, 10_000, 100_000)
	if err != nil {
		return nil, err
	}
	call, ratio := g.Worst()
	return []line{{"units of a call with 100,000 orders, relative to 1,000, worst (" + call + ")",
		fmt.Sprintf("≤ %.2f", MaxGrowth), marked("%.2f", ratio, ratio <= MaxGrowth), "1.00"}}, nil
}

func latencyLines(ctx context.Context, stack *devstack.Stack, report *devstack.Reporter) ([]line, error) {
	if stack == nil {
		return []line{{"latency", "", "not measured: it needs `make up`", ""}}, nil
	}
	l, err := MeasureLatency(ctx, stack, 20, report)
	return []line{
		{"accepting an order, relative to a function that only answers", fmt.Sprintf("≤ %.1f", MaxAccept),
			marked("%.2f", l.AcceptRatio, l.AcceptRatio <= MaxAccept), "1.23"},
		{"a step of the saga, relative to one that only answers", fmt.Sprintf("≤ %.1f", MaxStep),
			marked("%.2f", l.StepRatio, l.StepRatio <= MaxStep), "1.17"},
		{"the same, relative to one that only answers in such children", "", marked("%.2f", l.ShapeRatio, true), ""},
	}, err
}

func startLines(ctx context.Context, repo devstack.Repo, report *devstack.Reporter) ([]line, error) {
	hello, programs, err := Functions(ctx, repo, report)
	if err != nil {
		return nil, err
	}
	_, starts, _, err := Measure(ctx, hello, programs, 5, 45*time.Second)
	v := Judge(starts, CPU)
	return []line{
		{"CPU of a start, relative to hello-world's: median", fmt.Sprintf("≤ %.1f", MaxMedian),
			marked("%.2f", v.Median, v.Median <= MaxMedian), ""},
		{"CPU of a start, relative to hello-world's: worst (" + v.Slowest + ")", fmt.Sprintf("≤ %.1f", MaxWorst),
			marked("%.2f", v.Worst, v.Worst <= MaxWorst), ""},
	}, err
}

// rushTest is the test in which 1,000 orders for one product arrive within a second.
const rushTest = "TestProductThatSellsOutInASecondIsSoldToTheLastUnit"

var rushed = regexp.MustCompile(`all within ([^;]+);`)

func rushLines(ctx context.Context, repo devstack.Repo) ([]line, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "-run", rushTest, "./internal/inventory/dynamo")
	cmd.Dir, cmd.Env = string(repo), append(cmd.Environ(), "GOFLAGS="+devstack.GoFlags)
	out, err := cmd.CombinedOutput()
	text := string(out)
	measured := "(missed)"
	if strings.Contains(text, "--- PASS: "+rushTest) {
		measured = "800"
	}
	within := rushed.FindStringSubmatch(text)
	if within == nil {
		return nil, fmt.Errorf("%s: %w\n%s", rushTest, cmp.Or(err, errors.New("no figures")), text)
	}
	return []line{{"sold of 800, 1,000 orders in a second", "800", measured, "39 to 291 lost"},
		{"the slowest of these reservations", "", within[1], "19 s"}}, nil
}

// simulationLines simulates on all cores.
func simulationLines(repo devstack.Repo) ([]line, error) {
	const goal = 1500
	o := sim.Options{Orders: 50, Duration: 25 * time.Minute}
	began := time.Now()
	const seeds = 60
	ok, err := sim.Campaign(string(repo), 1, seeds, o, io.Discard)
	if err == nil && !ok {
		err = errors.New("the simulation found a violation: see `make sim`")
	}
	rate := float64(seeds*o.Orders) / time.Since(began).Seconds()
	return []line{{"simulated orders a second", fmt.Sprintf("≥ %d", goal), marked("%.0f", rate, rate >= goal),
		"684"}}, err
}
