package barrier_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/fault"
)

// unreachable is a log in which one record cannot be read.
type unreachable struct {
	barrier.Log
	key barrier.Key
}

var errUnreachable = errors.New("unreachable")

func (u unreachable) Barriers(ctx context.Context, keys ...barrier.Key) (map[barrier.Key]barrier.Record, error) {
	if slices.Contains(keys, u.key) {
		return nil, errUnreachable
	}
	return u.Log.Barriers(ctx, keys...)
}

func TestNothingRunsWhileTheLogCannotBeRead(t *testing.T) {
	a := newAccount()
	if _, err := pay(a, unreachable{a, paid}, 5); !errors.Is(err, errUnreachable) {
		t.Errorf("action: %v, want the log's error", err)
	}
	for _, key := range []barrier.Key{refunded, paid} {
		if _, err := refund(a, unreachable{a, key}, 5, ""); !errors.Is(err, errUnreachable) {
			t.Errorf("undo that cannot read %s: %v, want the log's error", key.Step, err)
		}
	}
	if found, _ := a.Barriers(t.Context(), refunded); len(found) > 0 {
		t.Error("a record was written")
	}
}

func TestUnencodableResultIsADefectAndWritesNothing(t *testing.T) {
	a := newAccount()
	_, err := barrier.Do(t.Context(), a, "s", "Pay", func(_ context.Context, once barrier.Once) (int, error) {
		return 0, a.add(1, once.Returning(func() {}))
	})
	if fault.KindOf(err) != fault.Internal {
		t.Errorf("error = %v, want an internal error", err)
	}
	wantBalance(t, a, 0)
}

func TestResultOfAnotherTypeIsADefect(t *testing.T) {
	a := newAccount()
	_, err := pay(a, a, 1)
	must(t, err)
	text := func(context.Context, barrier.Once) (string, error) { return "", nil }
	_, err = barrier.Do(t.Context(), a, "s", "Pay", text)
	if fault.KindOf(err) != fault.Internal {
		t.Errorf("error = %v, want an internal error", err)
	}
}
