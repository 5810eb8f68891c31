package iam

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Report is what comparing comes to.
type Report struct {
	Rows []Row
	// Problems is empty if every need is granted, every grant is used or excused, and every exception is about something.
	Problems []string
	Missing  int // needs without a grant, and calls that were denied
	Unused   int // grants that nothing uses
	Excused  int // of these, those that are in exceptions.txt
}

// Row is a grant and what it is for.
type Row struct {
	Grant
	Used   []string // by what; empty if by nothing
	Reason string   // why it is there all the same
}

// scopeless are the actions that AWS has no resources for.
var scopeless = []string{
	"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
	"logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries",
	"logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
	"servicediscovery:DiscoverInstances", "dynamodb:ListStreams",
}

// Compare holds grants against needs. refused are those needs that were denied in a run.
func Compare(granted []Grant, needed, refused []Need, exceptions []Exception) *Report {
	r := &Report{}
	told := make([]bool, len(exceptions))
	for _, g := range granted {
		r.wide(g)
		row := Row{Grant: g}
		for _, n := range needed {
			if g.covers(n) && !slices.Contains(row.Used, n.By) {
				row.Used = append(row.Used, n.By)
			}
		}
		r.excuse(&row, exceptions, told)
		r.Rows = append(r.Rows, row)
	}
	for _, n := range needed {
		was := slices.Contains(refused, n)
		if !was && slices.ContainsFunc(granted, func(g Grant) bool { return g.covers(n) }) {
			continue
		}
		e := slices.IndexFunc(exceptions, func(e Exception) bool { return was && e.Kind == denied && e.about(n.Owner, n.Action, n.Resource) })
		switch {
		case e >= 0:
			told[e] = true
			continue
		case was:
			r.problem("%s was denied %s on %q", short(n.Owner), n.Action, shortARN(n.Resource))
		default:
			r.problem("%s may not %s on %q, which it needs (%s)", short(n.Owner), n.Action, shortARN(n.Resource), n.By)
		}
		r.Missing++
	}
	for i, e := range exceptions {
		if !told[i] {
			r.problem("exceptions.txt, line %d: it is not about anything, or one above says so already", e.Line)
		}
	}
	return r
}

// excuse finds the exception for a grant that nothing uses.
func (r *Report) excuse(row *Row, exceptions []Exception, told []bool) {
	n := slices.IndexFunc(exceptions, func(e Exception) bool { return e.Kind != denied && e.about(row.Owner, row.Action, row.Resource) })
	if n >= 0 {
		told[n] = true
	}
	switch {
	case len(row.Used) == 0 && n < 0:
		r.Unused++
		r.problem("%s may %s on %s, which nothing uses: take it away, have a test use it, or say why in exceptions.txt", short(row.Owner), row.Action, shortARN(row.Resource))
	case len(row.Used) == 0:
		r.Unused++
		r.Excused++
		row.Reason = exceptions[n].Reason
	case n >= 0 && exceptions[n].Kind == unused:
		r.problem("exceptions.txt, line %d: %s does %s on %s (%s)", exceptions[n].Line, short(row.Owner), row.Action, shortARN(row.Resource), strings.Join(row.Used, ", "))
	}
}

// wide says if a grant is wider than AWS forces it to be.
func (r *Report) wide(g Grant) {
	if strings.ContainsAny(g.Action, "*?") {
		r.problem("%s may %s: name the actions", short(g.Owner), g.Action)
	}
	if g.Resource == "*" && !slices.Contains(scopeless, g.Action) {
		r.problem("%s may %s on everything: name the resources", short(g.Owner), g.Action)
	}
}

func (r *Report) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Write prints the table, then what is wrong, then the sums.
func (r *Report) Write(w io.Writer) error {
	lines := []string{fmt.Sprintf("%-28s %-34s %-52s %s", "role of", "action", "resource", "used by")}
	last := ""
	for _, row := range r.Rows {
		owner := short(row.Owner)
		if owner == last {
			owner = ""
		} else {
			last = owner
		}
		used := strings.Join(row.Used, ", ")
		if used == "" {
			used = "- " + row.Reason
		}
		lines = append(lines, fmt.Sprintf("%-28s %-34s %-52s %s", owner, row.Action, shortARN(row.Resource), used))
	}
	lines = append(lines, "")
	for _, p := range r.Problems {
		lines = append(lines, "✗ "+p)
	}
	_, err := fmt.Fprintf(w, "%s\n%s\n", strings.Join(lines, "\n"), r.Sum())
	return err
}

// Sum is the report in one line.
func (r *Report) Sum() string {
	roles := map[string]bool{}
	for _, row := range r.Rows {
		roles[row.Owner] = true
	}
	return fmt.Sprintf("%d roles, %d grants: %d missing, %d unused and unexplained (%d unused with a reason), %d problems in all",
		len(roles), len(r.Rows), r.Missing, r.Unused-r.Excused, r.Excused, len(r.Problems))
}
