package timeline

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"orderflow/internal/platform/printable"
)

// undone marks a compensation.
const undone = "↩ "

// Write prints the timeline for people: one line an attempt, and how each execution ended. States
// that only decide or pass on data are left out; JSON has them.
func (t Timeline) Write(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "order %s, from %s\n\n", t.OrderID, t.Start.UTC().Format("2006-01-02 15:04:05.000 MST")); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AT\tSTEP\tTRY\tTOOK\tRESULT")
	for _, s := range t.Steps {
		for _, line := range s.lines() {
			fmt.Fprintln(table, line)
		}
	}
	fmt.Fprintln(table)
	for _, e := range t.Executions {
		fmt.Fprintln(table, strings.Join([]string{at(e.Offset), e.Machine, "", seconds(e.Duration), e.result()}, "\t"))
	}
	return table.Flush()
}

func (s Step) lines() []string {
	name := s.State
	if s.Compensation {
		name = undone + name
	}
	line := func(offset Millis, try string, took Millis, result string) string {
		return strings.Join([]string{at(offset), name, try, seconds(took), result}, "\t")
	}
	if len(s.Attempts) == 0 {
		if (s.Type == "Choice" || s.Type == "Pass" || s.Type == "Succeed") && s.Outcome == Succeeded {
			return nil // an execution's last state stands at its end
		}
		return []string{line(s.Offset, "", s.Duration, words[s.Outcome])}
	}
	var lines []string
	for i, a := range s.Attempts {
		result := a.result()
		switch {
		case i < len(s.Attempts)-1:
			result += "; next try after " + seconds(a.RetryWait)
		case s.Outcome == Caught && s.Next != "":
			result += " → " + s.Next
		case s.Outcome == Running && a.Failure != nil:
			result += "; waiting for the next try"
		}
		lines = append(lines, line(a.Offset, fmt.Sprint(a.Number), a.Duration, result))
	}
	return lines
}

func (a Attempt) result() string {
	switch {
	case a.Failure != nil:
		return a.Failure.text()
	case a.Callback && a.Outcome == Running:
		return "waiting to be called back"
	case a.Callback && a.Outcome == Succeeded:
		return "ok, called back"
	}
	return words[a.Outcome]
}

func (e Execution) result() string {
	s := string(e.Outcome)
	if e.Last != "" {
		s += " in " + e.Last
	}
	if e.Failure != nil {
		s += ": " + e.Failure.text()
	}
	return s
}

func (f *Failure) text() string {
	if f.Cause == "" {
		return printable.Escape(f.Error)
	}
	return printable.Escape(f.Error + ": " + f.Cause) // a cause is what a function or a third party said
}

var words = map[Outcome]string{
	Running: "running", Succeeded: "ok", Caught: "caught", Failed: "failed", TimedOut: "timed out", Aborted: "aborted",
}

func at(m Millis) string { return "+" + seconds(m) }

func seconds(m Millis) string { return fmt.Sprintf("%.3f s", time.Duration(m).Seconds()) }
