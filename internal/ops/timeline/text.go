package timeline

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"orderflow/internal/platform/printable"
)

const compensationMark = "↩ "

// Write prints the timeline for people: one line for each attempt, and how each execution ended. It
// leaves out states that only decide or pass data on, and shortens causes; the JSON has them.
func (t Timeline) Write(w io.Writer) error { return t.write(w, brief) }

// WriteWide is Write with whole causes.
func (t Timeline) WriteWide(w io.Writer) error { return t.write(w, math.MaxInt) }

// brief is the number of characters to which causes are shortened.
const brief = 160

func (t Timeline) write(w io.Writer, width int) error {
	start := t.Start.UTC().Format("2006-01-02 15:04:05.000 MST")
	if _, err := fmt.Fprintf(w, "order %s, from %s\n\n", t.OrderID, start); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AT\tSTEP\tTRY\tTOOK\tRESULT")
	for _, s := range t.Steps {
		for _, line := range s.lines(width) {
			fmt.Fprintln(table, line)
		}
	}
	fmt.Fprintln(table)
	for _, e := range t.Executions {
		fmt.Fprintln(table, line(e.Offset, e.Machine, "", e.Duration, e.result(width)))
	}
	return table.Flush()
}

func line(offset Millis, name, try string, took Millis, result string) string {
	return strings.Join([]string{"+" + seconds(offset), name, try, seconds(took), result}, "\t")
}

func (s Step) lines(width int) []string {
	name := s.State
	if s.Compensation {
		name = compensationMark + name
	}
	if s.Within != "" {
		name = "  " + name
	}
	if len(s.Attempts) == 0 {
		if (s.Type == "Choice" || s.Type == "Pass" || s.Type == "Succeed") && s.Outcome == Succeeded {
			return nil // the line of the execution names its last state
		}
		return []string{line(s.Offset, name, "", s.Duration, outcomes[s.Outcome])}
	}
	var lines []string
	for i, a := range s.Attempts {
		result := a.result(width)
		switch {
		case i < len(s.Attempts)-1:
			result += "; next try after " + seconds(a.RetryWait)
		case s.Outcome == Caught && s.Next != "":
			result += " → " + s.Next
		case s.Outcome == Running && a.Failure != nil:
			result += "; waiting for the next try"
		}
		lines = append(lines, line(a.Offset, name, fmt.Sprint(a.Number), a.Duration, result))
	}
	return lines
}

func (a Attempt) result(width int) string {
	switch {
	case a.Failure != nil:
		return a.Failure.Text(width)
	case a.Callback && a.Outcome == Running && a.Deadline != nil:
		return "waiting for the callback, until " + a.Deadline.Format(time.RFC3339)
	case a.Callback && a.Outcome == Running:
		return "waiting for the callback"
	case a.Callback && a.Outcome == Succeeded:
		return "ok, called back"
	}
	return outcomes[a.Outcome]
}

func (e Execution) result(width int) string {
	s := string(e.Outcome)
	if e.Last != "" {
		s += " in " + e.Last
	}
	if e.Failure != nil {
		s += ": " + e.Failure.Text(width)
	}
	return s
}

// Text writes the error and its cause, shortened to width characters.
func (f *Failure) Text(width int) string {
	if f.Cause == "" {
		return printable.Escape(f.Error)
	}
	cause := f.Cause
	if r := []rune(cause); len(r) > width {
		cause = string(r[:width-1]) + "…"
	}
	return printable.Escape(f.Error + ": " + cause) // a cause may quote a third party
}

var outcomes = map[Outcome]string{
	Running: "running", Succeeded: "ok", Caught: "caught", Failed: "failed", TimedOut: "timed out", Aborted: "aborted",
}

func seconds(m Millis) string { return fmt.Sprintf("%.3f s", time.Duration(m).Seconds()) }
