package orders

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestOnlyTheseTransitionsAreAllowed(t *testing.T) {
	all := []Status{StatusPending, StatusConfirmed, StatusRejected, StatusCancelled, StatusNeedsAttention}
	allowed := map[Status][]Status{
		StatusPending:        {StatusConfirmed, StatusRejected, StatusCancelled, StatusNeedsAttention},
		StatusNeedsAttention: {StatusRejected, StatusCancelled},
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, from := range all {
		if from.Final() != (len(allowed[from]) == 0) {
			t.Errorf("%s: final %v", from, from.Final())
		}
		for _, to := range all {
			got, err := Order{Status: from, Version: 4}.transition(to, "", "", at)
			if !slices.Contains(allowed[from], to) {
				if !errors.Is(err, errTransition) {
					t.Errorf("%s to %s: %v, want a refusal", from, to, err)
				}
				continue
			}
			closed := to != StatusConfirmed
			if err != nil || got.Status != to || got.Version != 5 || got.UpdatedAt != at || got.Closed != closed {
				t.Errorf("%s to %s: %+v, %v", from, to, got, err)
			}
		}
	}
}

func TestClosedOrderCannotBecomeConfirmed(t *testing.T) {
	closed := Order{Status: StatusPending, Version: 1}.close(time.Time{})
	if _, err := closed.transition(StatusConfirmed, "", "", time.Time{}); !errors.Is(err, errTransition) {
		t.Errorf("got %v, want a refusal", err)
	}
}
