package timeline

import (
	"encoding/json"
	"strings"
	"time"
)

// report is what a child reported to its parent.
type report struct {
	began    map[string]time.Time // when each step began
	failures map[string]*Failure
	cause    string // for the parent's line
}

// succeeded reads the output of a child that succeeded.
func succeeded(output string) (r report) {
	if json.Unmarshal([]byte(output), &r.began) != nil {
		return report{}
	}
	return r
}

// reported reads the cause of a child that failed. Its last line is when each step began. The lines
// before it are "<step>: <cause>" or, if the child continued after a failure, the errors of all
// failed steps and their causes, on one line each.
func reported(name, cause string) report {
	rest, last := lastObject(cause)
	r := report{failures: map[string]*Failure{}, cause: rest}
	if json.Unmarshal([]byte(last), &r.began) != nil {
		return report{cause: cause}
	}
	var errors, causes map[string]string
	first, second := lastObject(rest)
	if json.Unmarshal([]byte(first), &errors) == nil && json.Unmarshal([]byte(second), &causes) == nil {
		r.cause = first
		for step, name := range errors {
			r.failures[step] = &Failure{Error: name, Cause: plain(name, causes[step])}
		}
	} else if step, why, found := strings.Cut(rest, ": "); found {
		r.failures[step] = &Failure{Error: name, Cause: plain(name, why)}
	}
	return r
}

// lastObject cuts a last line that is an object off a text.
func lastObject(text string) (rest, object string) {
	if i := strings.LastIndex(text, "\n{"); i >= 0 {
		return text[:i], text[i+1:]
	}
	return text, ""
}
