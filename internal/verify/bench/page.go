package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/sim"
)

// A row is a figure of the page. The table of docs/performance.md has the same rows.
type row struct {
	figure, goal string
	before       string // the changes of 2026-11-29
}

// A part of the page measures its rows, in their order.
type part struct {
	name    string
	rows    []row
	measure func(context.Context, subject) ([]string, error)
}

// A subject is what the parts measure.
type subject struct {
	repo   devstack.Repo
	stack  *devstack.Stack // or nil
	report *devstack.Reporter
}

var parts = []part{
	{"count costs", []row{
		{"a good order, dollars per million, without e-mail", atMost("%.0f", goodOrder), "285.00"},
		{"the same order, one of ten at once", "", ""},
		{"a rejected order", "", "397.74"},
		{"a cancelled order", "", "475.62"},
		{"a list of 20 orders", "", "4.56"},
		{"an hour without orders, dollars per month", "", "2.45"},
		{"AWS calls in sequence: place-order", atMost("%.0f", maxPlaceCalls), "3"},
		{"AWS calls in sequence: a step of the saga, or an undo, at most", atMost("%.0f", maxStepCalls), "3"},
	}, costs},
	{"count growth", []row{
		{"units of any call with 100,000 stored orders, relative to 1,000", atMost("%.2f", MaxGrowth), "1.00"},
	}, growth},
	{"measure latency", []row{
		{"accepting an order, relative to a refusal without a call", atMost("%.1f", MaxAccept), "1.23"},
		{"a step of the saga, relative to a step that only answers", atMost("%.1f", MaxStep), "1.17"},
		{"the same, relative to one in children like the saga's", "", ""},
	}, latency},
	{"measure starts", []row{
		{"CPU of a function's start, relative to hello-world's: median", atMost("%.1f", MaxMedian), ""},
		{"CPU of a function's start, relative to hello-world's: worst", atMost("%.1f", MaxWorst), ""},
	}, startsOfAll},
	{"sell a product out", []row{
		{"sold of 800 pieces, when 1,000 orders arrive within a second", "800", "39 to 291 lost"},
		{"the slowest of these reservations", "", "19 s"},
	}, rush},
	{"simulate", []row{
		{"simulated orders per second", fmt.Sprintf("≥ %d", minSimulated), "684"},
	}, simulation},
}

func atMost(format string, limit float64) string { return "≤ " + fmt.Sprintf(format, limit) }

// Page measures everything and prints one page: figure, goal, measured, and the figure before the
// changes of 2026-11-29. Without a stack it leaves out latency. It returns an error if a
// measurement fails, and marks a goal that is missed.
func Page(
	ctx context.Context, out io.Writer, repo devstack.Repo, stack *devstack.Stack, report *devstack.Reporter,
) error {
	var failed error
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "figure\tgoal\tmeasured\tbefore")
	for _, p := range parts {
		var measured []string
		if err := report.Do(p.name, func() (err error) {
			measured, err = p.measure(ctx, subject{repo, stack, report})
			return err
		}); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", p.name, err))
			measured = slices.Repeat([]string{"failed"}, len(p.rows))
		}
		for i, r := range p.rows {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.figure, r.goal, measured[i], r.before)
		}
	}
	return errors.Join(failed, w.Flush())
}

// judged formats a value, and marks one beyond its limit.
func judged(format string, value, limit float64) string {
	text := fmt.Sprintf(format, value)
	if value > limit {
		text += missed
	}
	return text
}

const missed = " (missed)"

// goodOrder is the price limit of a good order, in dollars per million.
const goodOrder = 130

// costs has the cases in the order of the rows.
func costs(ctx context.Context, of subject) (measured []string, err error) {
	cases, err := Cost(ctx, of.repo)
	if err != nil {
		return nil, err
	}
	p, err := LoadPrices()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"a good order", "a good order, ten at once", "a rejected order", "a cancelled order",
		"a list of orders", "an hour without orders"} {
		i := slices.IndexFunc(cases, func(c Case) bool { return c.Name == name })
		limit := math.Inf(1)
		if name == "a good order" {
			limit = goodOrder
		}
		measured = append(measured, judged("%.2f", p.Dollars(cases[i].Counts)*cases[i].Times/1e6, limit))
	}
	place, step := 0.0, 0.0
	for _, c := range cases {
		for name, calls := range c.sequential() {
			if name == "place-order" {
				place = max(place, calls)
			} else {
				step = max(step, calls)
			}
		}
	}
	return append(measured, judged("%.0f", place, maxPlaceCalls), judged("%.0f", step, maxStepCalls)), nil
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

func growth(ctx context.Context, of subject) ([]string, error) {
	g, err := Growth(ctx, of.repo, 1_000, 10_000, 100_000)
	if err != nil {
		return nil, err
	}
	_, ratio := g.Worst()
	return []string{judged("%.2f", ratio, MaxGrowth)}, nil
}

func latency(ctx context.Context, of subject) ([]string, error) {
	if of.stack == nil {
		return slices.Repeat([]string{"not measured: it needs `make up`"}, 3), nil
	}
	l, err := MeasureLatency(ctx, of.stack, 20, of.report)
	return []string{judged("%.2f", l.AcceptRatio, MaxAccept), judged("%.2f", l.StepRatio, MaxStep),
		fmt.Sprintf("%.2f", l.ShapeRatio)}, err
}

func startsOfAll(ctx context.Context, of subject) ([]string, error) {
	hello, programs, err := Functions(ctx, of.repo, of.report)
	if err != nil {
		return nil, err
	}
	_, starts, _, err := Measure(ctx, hello, programs, 5, 45*time.Second)
	v := Judge(starts, CPU)
	return []string{judged("%.2f", v.Median, MaxMedian), judged("%.2f", v.Worst, MaxWorst)}, err
}

// rushTest is the test in which 1,000 orders for one product arrive within a second.
const rushTest = "TestProductThatSellsOutInASecondIsSoldToTheLastUnit"

var rushed = regexp.MustCompile(`all within ([^;]+);`)

func rush(ctx context.Context, of subject) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "-run", rushTest, "./internal/inventory/dynamo")
	cmd.Dir, cmd.Env = string(of.repo), append(cmd.Environ(), "GOFLAGS="+devstack.GoFlags)
	out, err := cmd.CombinedOutput()
	text := string(out)
	sold := "fewer" + missed
	if strings.Contains(text, "--- PASS: "+rushTest) {
		sold = "800"
	}
	slowest := rushed.FindStringSubmatch(text)
	if slowest == nil {
		return nil, fmt.Errorf("%s: %w\n%s", rushTest, cmp.Or(err, errors.New("no figures")), text)
	}
	took, err := time.ParseDuration(slowest[1])
	return []string{sold, devstack.Seconds(took)}, err
}

// minSimulated is how many orders two cores simulate per second.
const minSimulated = 1500

// simulation simulates on all cores.
func simulation(_ context.Context, of subject) ([]string, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(1600)) // as `make sim` does
	o := sim.Options{Orders: 50, Duration: 25 * time.Minute}
	began := time.Now()
	const seeds = 60
	//nolint:contextcheck // it runs to its end
	ok, err := sim.Campaign(string(of.repo), 1, seeds, o, io.Discard)
	if err == nil && !ok {
		err = errors.New("the simulation found a violation: see `make sim`")
	}
	rate := float64(seeds*o.Orders) / time.Since(began).Seconds()
	text := fmt.Sprintf("%.0f", rate)
	if rate < minSimulated {
		text += missed
	}
	return []string{text}, err
}
