package timeline

import (
	"fmt"
	"slices"
	"time"
)

// Wait is a step in progress.
type Wait struct {
	Machine string `json:"machine"`
	State   string `json:"state"`
	// Callback says that it waits for a third party's callback.
	Callback bool `json:"callback,omitempty"`
	// Attempt is the number of the attempt that is running, or that comes next.
	Attempt int `json:"attempt"`
	// Since is when that attempt began or, with Failure, when the previous one failed.
	Since time.Time `json:"since"`
	// Until is when the attempt times out; nil if that is not known.
	Until *time.Time `json:"until,omitempty"`
	// Failure is why the previous attempt failed, if there was one.
	Failure *Failure `json:"failure,omitempty"`

	retries bool // no attempt is running
}

// Waits returns the steps in progress, oldest first.
func (t Timeline) Waits() (waits []Wait) {
	for _, s := range t.Steps {
		if s.Outcome != Running {
			continue
		}
		w := Wait{Machine: s.Machine, State: s.State, Attempt: 1, Since: s.begin}
		if n := len(s.Attempts); n > 0 {
			last := s.Attempts[n-1]
			w.Attempt, w.Since, w.Until, w.Callback = n, last.begin, last.Deadline, last.Callback
			if w.retries = last.Outcome != Running; w.retries {
				w.Attempt, w.Since, w.Failure = n+1, last.begin.Add(time.Duration(last.Duration)), last.Failure
			} else if n > 1 {
				w.Failure = s.Attempts[n-2].Failure
			}
		}
		waits = append(waits, w)
	}
	return waits
}

// Text says what the step waits for, with the cause of a failure shortened to width characters.
func (w Wait) Text(now time.Time, width int) string {
	text := w.State + " runs"
	switch {
	case w.retries:
		text = fmt.Sprintf("%s waits for try %d", w.State, w.Attempt)
	case w.Callback:
		text = w.State + " waits for the callback"
	}
	text += ", for " + now.Sub(w.Since).Round(time.Second).String()
	if w.Until != nil && w.Callback {
		text += ", until " + w.Until.Format(time.RFC3339)
	} else if w.Until != nil {
		text += ", until " + w.Until.Format(time.RFC3339) + " at most"
	}
	if w.Failure != nil {
		text += "; before: " + w.Failure.Text(width)
	}
	return text
}

// FailedStep is a step whose last attempt failed.
type FailedStep struct {
	Machine string `json:"machine"`
	State   string `json:"state"`
	// Attempts counts those that failed.
	Attempts int      `json:"attempts"`
	Failure  *Failure `json:"failure"`
}

// Failures returns the steps whose last attempt failed. For a step that ran others in Express
// children it returns those, if they are known.
func (t Timeline) Failures() (failed []FailedStep) {
	ran := map[string]bool{} // steps of which others failed in a child
	for _, s := range t.Steps {
		if n := len(s.Attempts); s.Within != "" && n > 0 && s.Attempts[n-1].Failure != nil {
			ran[s.Machine+s.Within] = true
		}
	}
	for _, s := range t.Steps {
		n := len(s.Attempts)
		if n == 0 || s.Attempts[n-1].Failure == nil || s.Within == "" && ran[s.Machine+s.State] {
			continue
		}
		i := slices.IndexFunc(failed, func(f FailedStep) bool { return f.Machine == s.Machine && f.State == s.State })
		if i < 0 {
			i = len(failed)
			failed = append(failed, FailedStep{Machine: s.Machine, State: s.State})
		}
		failed[i].Attempts, failed[i].Failure = failed[i].Attempts+n, s.Attempts[n-1].Failure
	}
	return failed
}
