package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"orderflow/internal/platform/fault"
)

func TestKindOfLooksThroughWrapping(t *testing.T) {
	gone := fault.New(fault.NotFound, "Gone", "no %s", "thing")
	for name, c := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"own":          {gone, fault.NotFound},
		"wrapped":      {fmt.Errorf("reading: %w", gone), fault.NotFound},
		"joined":       {errors.Join(errors.New("x"), gone), fault.NotFound},
		"unclassified": {errors.New("x"), fault.Transient},
		"deadline":     {context.DeadlineExceeded, fault.Transient},
		"lost race":    {fault.ErrLostRace, fault.Transient},
	} {
		if got := fault.KindOf(c.err); got != c.want {
			t.Errorf("%s: kind %d, want %d", name, got, c.want)
		}
	}
}

func TestErrorsWithTheSameCodeAreEqual(t *testing.T) {
	err := fmt.Errorf("context: %w", fault.New(fault.Refused, "A", "one"))
	if !errors.Is(err, fault.New(fault.Refused, "A", "another")) {
		t.Error("errors with the same code are not equal")
	}
	if errors.Is(err, fault.New(fault.Refused, "B", "one")) || errors.Is(err, errors.New("A: one")) {
		t.Error("a different error counts as equal")
	}
}

func TestBecauseKeepsTheCauseAndTheOriginal(t *testing.T) {
	original, cause := fault.New(fault.Internal, "A", "detail"), errors.New("cause")
	err := original.Because(cause)
	if !errors.Is(err, cause) || !errors.Is(err, original) || err.Error() != "A: detail: cause" {
		t.Errorf("%v does not carry code, detail and cause", err)
	}
	if original.Cause != nil {
		t.Error("the original was changed")
	}
}

func TestFromHidesTheCauseOfUnclassifiedErrors(t *testing.T) {
	cause := errors.New("password=hunter2")
	e := fault.From(cause)
	transient := e.Kind == fault.Transient && e.Code == "Transient" && e.Detail == "a temporary fault; try again"
	if !transient || !errors.Is(e, cause) {
		t.Errorf("From = %+v", e)
	}
	known := fault.New(fault.Conflict, "A", "detail")
	if fault.From(fmt.Errorf("x: %w", known)) != known {
		t.Error("From does not return the classified error in the chain")
	}
}

func TestRetryLostRaceRetriesOnlyLostRaces(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		losses int
		err    error
	}{"first time": {0, nil}, "third time": {2, nil}, "error": {1, broken}} {
		runs := 0
		_, err := fault.RetryLostRace(func() (int, error) {
			if runs++; runs <= c.losses {
				return 0, fmt.Errorf("commit: %w", fault.ErrLostRace)
			}
			return runs, c.err
		})
		if runs != c.losses+1 || !errors.Is(err, c.err) {
			t.Errorf("%s: %d runs, %v", name, runs, err)
		}
	}
}

func TestRetryLostRaceIsBoundedAndThenTransient(t *testing.T) {
	runs := 0
	_, err := fault.RetryLostRace(func() (int, error) { runs++; return 0, fault.ErrLostRace })
	if runs != 8 || fault.KindOf(err) != fault.Transient || fault.From(err).Code != "Contention" {
		t.Errorf("%d runs, %v; want 8 and the transient Contention", runs, err)
	}
}
