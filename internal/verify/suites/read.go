package suites

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"orderflow/internal/verify/gotest"
)

// A Row is one line of the table.
type Row struct {
	place
	Passed, Of int
	Listed     int // of these, not run for a reason
	Unit       string
	Skipped    []string // what did not run, with reasons
}

var notRun = regexp.MustCompile(`(?m)^not run on (.*)$`)

func (f figure) read(text string) (Row, error) {
	pattern := regexp.MustCompile(f.Pattern)
	match := pattern.FindStringSubmatch(text)
	if match == nil {
		return Row{}, fmt.Errorf("no line with the counts of %q, like %s", f.Suite, f.Pattern)
	}
	count := map[string]int{}
	for i, name := range pattern.SubexpNames() {
		if name == "" {
			continue
		}
		n, err := strconv.Atoi(match[i])
		if err != nil {
			return Row{}, err
		}
		count[name] = n
	}
	if _, told := count["of"]; !told {
		count["of"] = count["passed"] + count["failed"]
	}
	if _, told := count["passed"]; !told {
		count["passed"] = count["of"] - count["failed"]
	}
	row := Row{place: f.place, Passed: count["passed"], Of: count["of"], Listed: count["listed"], Unit: f.Unit}
	if row.Listed > 0 {
		for _, reason := range notRun.FindAllStringSubmatch(text, -1) {
			row.Skipped = append(row.Skipped, reason[1])
		}
		if len(row.Skipped) < row.Listed {
			return row, fmt.Errorf("%d %s did not run, without reasons", row.Listed, f.Unit)
		}
	}
	return row, nil
}

// A report is the output of `go test -json`.
type report struct {
	rows   []Row
	text   string // plain output
	failed string // output of failed tests
}

// at returns the row of a place.
func (r *report) at(p place) *Row {
	i := slices.IndexFunc(r.rows, func(row Row) bool { return row.place == p })
	if i < 0 {
		i = len(r.rows)
		r.rows = append(r.rows, Row{place: p, Unit: "tests"})
	}
	return &r.rows[i]
}

// goTests counts top-level tests by place.
func goTests(output []byte, of func(pkg string) place) (r report, err error) {
	var text, failed strings.Builder
	said := map[string]string{} // by test
	err = gotest.Read(bytes.NewReader(output), &text, func(e gotest.Event) {
		name := e.Package + "." + e.Test
		said[name] += e.Output
		if e.Action == "fail" {
			failed.WriteString(said[name])
		}
		if e.Action == "skip" && e.Test != "" {
			row := r.at(of(e.Package))
			row.Skipped = append(row.Skipped, strings.TrimPrefix(name, "orderflow/")+": "+reason(said[name]))
		} else if e.Whole() && e.Ended() {
			row := r.at(of(e.Package))
			row.Of++
			if e.Action == "pass" {
				row.Passed++
			}
		}
	})
	slices.SortFunc(r.rows, func(a, b Row) int { return strings.Compare(a.Target+a.Suite, b.Target+b.Suite) })
	r.text, r.failed = text.String(), failed.String()
	return r, err
}

// reason returns the last output of a skipped test.
func reason(said string) string {
	last := "it does not say why"
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "--- ") && !strings.HasPrefix(line, "=== ") {
			last = line
		}
	}
	return last
}
