package iam

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// Report is the result of a comparison.
type Report struct {
	Rows []Row
	// Problems is empty if every need is granted, every grant used or excused, every exception
	// needed.
	Problems []string
	Missing  int // needs without a grant, and calls that were denied
	Unused   int // grants that nothing uses
	Excused  int // unused grants with an exception
}

// Row is a grant and its use.
type Row struct {
	Grant
	Used   []string // by what
	Reason string   // of the exception, if unused
}

// scopeless lists the actions that AWS cannot scope to resources.
var scopeless = strings.Fields(tracedSaga + " " + sagaLogging +
	" servicediscovery:DiscoverInstances dynamodb:ListStreams " + polledInside)

// Compare compares grants with needs. refused are the needs that were denied in a run.
func Compare(granted []Grant, needed, refused []Need, exceptions []Exception) *Report {
	r := &Report{}
	matched := make([]bool, len(exceptions))
	for _, g := range granted {
		r.Problems = append(r.Problems, g.wide()...)
		row := Row{Grant: g}
		for _, n := range needed {
			if g.covers(n) && !slices.Contains(row.Used, n.By) {
				row.Used = append(row.Used, n.By)
			}
		}
		r.excuse(&row, exceptions, matched)
		r.Rows = append(r.Rows, row)
	}
	for _, n := range needed {
		wasDenied := slices.Contains(refused, n)
		if !wasDenied && slices.ContainsFunc(granted, func(g Grant) bool { return g.covers(n) }) {
			continue
		}
		e := slices.IndexFunc(exceptions, func(e Exception) bool {
			return wasDenied && e.Kind == denied && e.matches(n.Owner, n.Action, n.Resource)
		})
		switch {
		case e >= 0:
			matched[e] = true
			continue
		case wasDenied:
			r.problem("%s was denied %s on %q", short(n.Owner), n.Action, shortARN(n.Resource))
		default:
			r.problem("%s may not %s on %q, which it needs (%s)", short(n.Owner), n.Action, shortARN(n.Resource), n.By)
		}
		r.Missing++
	}
	for i, e := range exceptions {
		if !matched[i] {
			r.problem("%s: matches nothing, or repeats a line above", e.At)
		}
	}
	return r
}

// excuse finds the exception for an unused grant.
func (r *Report) excuse(row *Row, exceptions []Exception, matched []bool) {
	n := slices.IndexFunc(exceptions, func(e Exception) bool {
		return e.Kind != denied && e.matches(row.Owner, row.Action, row.Resource)
	})
	if n >= 0 {
		matched[n] = true
	}
	switch {
	case len(row.Used) == 0 && n < 0:
		r.Unused++
		r.problem("%s may %s on %s, which nothing uses: remove it, test it, or give a reason in exceptions.txt",
			short(row.Owner), row.Action, shortARN(row.Resource))
	case len(row.Used) == 0:
		r.Unused++
		r.Excused++
		row.Reason = exceptions[n].Reason
	case n >= 0 && exceptions[n].Kind == unused:
		r.problem("%s: %s uses %s on %s (%s)",
			exceptions[n].At, short(row.Owner), row.Action, shortARN(row.Resource), strings.Join(row.Used, ", "))
	}
}

func (r *Report) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Write prints the grants, the problems and the sums.
func (r *Report) Write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(table, "role of\taction\tresource\tused by")
	last := ""
	for _, row := range r.Rows {
		owner, used := short(row.Owner), cmp.Or(strings.Join(row.Used, ", "), "- "+row.Reason)
		if owner == last {
			owner = ""
		} else {
			last = owner
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", owner, row.Action, shortARN(row.Resource), used)
	}
	fmt.Fprintln(table)
	for _, p := range r.Problems {
		fmt.Fprintln(table, "✗ "+p)
	}
	fmt.Fprintln(table, r.Sum())
	return table.Flush()
}

// Judge writes the table to a file and its sum to out. The problems are an error.
func (r *Report) Judge(out io.Writer, file string) error {
	var table bytes.Buffer
	if err := r.Write(&table); err != nil {
		return err
	}
	if err := os.WriteFile(file, table.Bytes(), 0o600); err != nil {
		return err
	}
	fmt.Fprintln(out, "roles:", r.Sum())
	if len(r.Problems) > 0 {
		return fmt.Errorf("roles:\n  %s", strings.Join(r.Problems, "\n  "))
	}
	return nil
}

// Sum returns the report in one line.
func (r *Report) Sum() string {
	roles := map[string]bool{}
	for _, row := range r.Rows {
		roles[row.Owner] = true
	}
	return fmt.Sprintf("%d roles, %d grants: %d missing, %d unused without a reason (%d with one), %d problems in all",
		len(roles), len(r.Rows), r.Missing, r.Unused-r.Excused, r.Excused, len(r.Problems))
}
