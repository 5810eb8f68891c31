package bench

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// billed are the units on a bill, in the order of its columns.
var billed = []Unit{Transitions, ExpressRuns, ExpressSeconds, Invocations, GBSeconds, WriteUnits, ReadUnits, Requests,
	Publishes, QueueCalls, LogBytes, SecretCalls, ParameterCalls, DiscoveryCalls, Traces, Mails}

// derive adds the units that are computed from others.
func (p Prices) derive(counts Counts) Counts {
	all := Counts{}
	for who, units := range counts {
		units = maps.Clone(units)
		milliseconds, waited := 0.0, 0.0
		for u, each := range p.Milliseconds {
			milliseconds += units[u] * each
			waited += units[within+u] * each
		}
		units[GBSeconds] = milliseconds / 1000 * p.Memory / 1024
		if runs := units[ExpressRuns]; runs > 0 { // billed by 100 ms and 64 MB
			units[ExpressSeconds] = runs * math.Ceil(waited/runs/100) / 10 * 64 / 1024
		}
		units[Traces] = units[Requests] * p.Traced
		all[who] = units
	}
	return all
}

// Total adds up a unit.
func (c Counts) Total(u Unit) (n float64) {
	for _, who := range slices.Sorted(maps.Keys(c)) {
		n += c[who][u]
	}
	return n
}

// Dollars is the price of a million times these counts, without e-mails.
func (p Prices) Dollars(c Counts) (sum float64) {
	c = p.derive(c)
	for _, u := range billed {
		if u != Mails {
			sum += c.Total(u) * p.Million[u]
		}
	}
	return sum
}

// Bill prints the cost of a case: by unit, by function, and the units of each kind of item.
func (p Prices) Bill(out io.Writer, c Case) error {
	counts := p.derive(c.Counts)
	fmt.Fprintf(out, "# %s\n\n", c.Name)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	dollars := func(perMillion float64) float64 { return perMillion * c.Times / 1e6 }
	fmt.Fprintf(w, "count\tdollars per %s\t  unit\n", c.Per)
	for _, u := range billed {
		if n := counts.Total(u); n > 0 && u != Mails {
			fmt.Fprintf(w, "%s\t%.2f\t  %s\n", short(n), dollars(n*p.Million[u]), u)
		}
	}
	fmt.Fprintf(w, "\t%.2f\t  sum\n", dollars(p.Dollars(c.Counts)))
	if n := counts.Total(Mails); n > 0 {
		fmt.Fprintf(w, "%s\t%.2f\t  %s, apart\n", short(n), dollars(n*p.Million[Mails]), Mails)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	fmt.Fprintln(w, "dollars\tstates\trequests\tinvocations\tcalls\twrite\tread\tSNS\tSQS\tlog bytes\t  function")
	names := slices.Sorted(maps.Keys(counts))
	for _, who := range names {
		n := counts[who]
		fmt.Fprintf(w, "%.2f", dollars(p.Dollars(Counts{who: c.Counts[who]})))
		for _, u := range []Unit{Transitions, Requests, Invocations, Calls, WriteUnits, ReadUnits, Publishes,
			QueueCalls, LogBytes} {
			fmt.Fprintf(w, "\t%s", short(n[u]))
		}
		fmt.Fprintf(w, "\t  %s\n", who)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, who := range names {
		var details []string
		for u, n := range counts[who] {
			if text, ok := strings.CutPrefix(string(u), detail); ok {
				details = append(details, fmt.Sprintf("%s %s", text, short(n)))
			}
		}
		if slices.Sort(details); len(details) > 0 {
			fmt.Fprintf(out, "%s: %s\n", who, strings.Join(details, ", "))
		}
	}
	fmt.Fprintln(out)
	return nil
}

// short prints a count, or nothing for 0.
func short(n float64) string {
	if n == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", n), "0"), ".")
}

// PrintCost prints the bills of all cases.
func PrintCost(out io.Writer, cases []Case) error {
	p, err := LoadPrices()
	if err != nil {
		return err
	}
	for _, c := range cases {
		if err := p.Bill(out, c); err != nil {
			return err
		}
	}
	return nil
}
