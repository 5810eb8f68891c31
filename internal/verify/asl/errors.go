package asl

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Names of Step Functions' own errors.
const (
	ErrAll               = "States.ALL" // a wildcard, in Retry and Catch only
	ErrTaskFailed        = "States.TaskFailed"
	ErrTimeout           = "States.Timeout"
	ErrRuntime           = "States.Runtime"
	ErrDataLimitExceeded = "States.DataLimitExceeded"
	ErrQueryEvaluation   = "States.QueryEvaluationError"
	ErrNoChoiceMatched   = "States.NoChoiceMatched"
)

// failure is an error that ends an attempt.
type failure struct{ name, cause string }

func (f *failure) output() map[string]any {
	return map[string]any{"Error": f.name, "Cause": f.cause}
}

func failed(name, cause string, args ...any) *failure {
	return &failure{name, fmt.Sprintf(cause, args...)}
}

// matches reports whether the error names of a retrier or catcher match an error.
func matches(errorEquals []string, name string) bool {
	if slices.Contains(errorEquals, name) {
		return true
	}
	if name == ErrRuntime || name == ErrDataLimitExceeded { // no wildcard covers these
		return false
	}
	return slices.Contains(errorEquals, ErrAll) || slices.Contains(errorEquals, ErrTaskFailed) && name != ErrTimeout
}

// longest is the longest wait that safely fits a time.Duration.
const longest = float64(math.MaxInt64 / 2)

// wait returns the bounds of the wait before retry number n, from 1.
func (r *Retrier) wait(n int) (shortest, most time.Duration) {
	d := float64(r.Interval) * math.Pow(r.BackoffRate, float64(n-1))
	if r.MaxDelay > 0 {
		d = min(d, float64(r.MaxDelay))
	}
	most = time.Duration(min(d, longest))
	if r.FullJitter {
		return 0, most
	}
	return most, most
}
