// Package storetest is the suite that every store of notifications passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"orderflow/internal/notifications"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/storesuite"
)

// Suite is what every notifications store has to pass.
var Suite = storesuite.Suite[notifications.Store]{
	Timed: []func(*testing.T, notifications.Store, *clock.Manual){
		claimHoldsUntilItExpires, releasedMailCanBeClaimed, releaseOfAnOldClaimKeepsTheNewOne,
		sentMailCannotBeClaimed, otherOrdersAndKindsCanBeClaimed, oneOfConcurrentClaimsWins,
		refusedMailCannotBeClaimed, claimsSayUntilWhenTheyHold, mailsSayWhatBecameOfThem,
	},
	Kinds: map[string]storesuite.Kind[notifications.Store]{
		"Mail": {
			Write: func(t *testing.T, s notifications.Store) { must(t, s.Claim(t.Context(), claim(long, "first"))) },
			Rewrite: func(t *testing.T, s notifications.Store) {
				must(t, s.Release(t.Context(), claim(long, "first")))
				must(t, s.Claim(t.Context(), claim(long, "second")))
				must(t, s.MarkSent(t.Context(), claim(long, "second")))
				wantClaim(t, s, claim(long, "third"), notifications.ErrSent)
			},
		},
	},
}

func claimHoldsUntilItExpires(t *testing.T, s notifications.Store, c *clock.Manual) {
	must(t, s.Claim(t.Context(), claim(c, "first")))
	c.Advance(notifications.Lease - time.Second)
	wantClaim(t, s, claim(c, "second"), notifications.ErrSending)
	c.Advance(time.Second)
	wantClaim(t, s, claim(c, "third"), nil)
	wantClaim(t, s, claim(c, "fourth"), notifications.ErrSending)
}

func mailsSayWhatBecameOfThem(t *testing.T, s notifications.Store, c *clock.Manual) {
	claimed := c.Now()
	first, other := claim(c, "first"), claim(c, "other")
	other.Kind = notifications.NeedsAttention
	must(t, s.Claim(t.Context(), first))
	must(t, s.MarkRefused(t.Context(), other))
	want := func(status notifications.Status, at time.Time) {
		t.Helper()
		got, err := s.Mails(t.Context(), first.OrderID)
		if err != nil || len(got) != 2 || got[0].Kind != first.Kind || got[0].Status != status ||
			!got[0].At.Equal(at.Truncate(time.Second)) || got[1].Status != notifications.Refused {
			t.Errorf("%+v, %v, want %s at %s", got, err, status, at)
		}
	}
	want(notifications.Sending, claimed)
	c.Advance(time.Minute)
	must(t, s.MarkSent(t.Context(), first))
	want(notifications.Sent, claimed.Add(time.Minute))
	if got, err := s.Mails(t.Context(), "another"); err != nil || len(got) > 0 {
		t.Errorf("of another order: %+v, %v", got, err)
	}
}

func releasedMailCanBeClaimed(t *testing.T, s notifications.Store, c *clock.Manual) {
	first := claim(c, "first")
	must(t, s.Claim(t.Context(), first))
	must(t, s.Release(t.Context(), first))
	wantClaim(t, s, claim(c, "second"), nil)
}

func releaseOfAnOldClaimKeepsTheNewOne(t *testing.T, s notifications.Store, c *clock.Manual) {
	first := claim(c, "first")
	must(t, s.Release(t.Context(), first)) // of nothing
	must(t, s.Claim(t.Context(), first))
	c.Advance(notifications.Lease)
	must(t, s.Claim(t.Context(), claim(c, "second")))
	must(t, s.Release(t.Context(), first))
	wantClaim(t, s, claim(c, "third"), notifications.ErrSending)
}

func sentMailCannotBeClaimed(t *testing.T, s notifications.Store, c *clock.Manual) {
	first, second := claim(c, "first"), claim(c, "second")
	must(t, s.Claim(t.Context(), first))
	c.Advance(notifications.Lease)
	must(t, s.Claim(t.Context(), second))
	must(t, s.MarkSent(t.Context(), first)) // by the expired claim: the mail was sent anyway
	must(t, s.Release(t.Context(), second))
	c.Advance(notifications.Lease)
	wantClaim(t, s, claim(c, "third"), notifications.ErrSent)
}

func otherOrdersAndKindsCanBeClaimed(t *testing.T, s notifications.Store, c *clock.Manual) {
	mine := claim(c, "x")
	must(t, s.MarkSent(t.Context(), mine))
	kind, order := mine, mine
	kind.Kind, order.OrderID = notifications.Rejected, "2"
	wantClaim(t, s, kind, nil)
	wantClaim(t, s, order, nil)
}

func oneOfConcurrentClaimsWins(t *testing.T, s notifications.Store, c *clock.Manual) {
	const claims = 6
	won := storesuite.Winners(t, claims, notifications.ErrSending, func(n int) error {
		return s.Claim(context.Background(), claim(c, fmt.Sprint(n)))
	})
	if won != 1 {
		t.Errorf("%d of %d claims won, want 1", won, claims)
	}
}

func refusedMailCannotBeClaimed(t *testing.T, s notifications.Store, c *clock.Manual) {
	first := claim(c, "first")
	must(t, s.Claim(t.Context(), first))
	must(t, s.MarkRefused(t.Context(), first))
	must(t, s.Release(t.Context(), first))
	c.Advance(notifications.Lease)
	wantClaim(t, s, claim(c, "second"), notifications.ErrRefused)
}

func claimsSayUntilWhenTheyHold(t *testing.T, s notifications.Store, c *clock.Manual) {
	held, done, other := claim(c, "held"), claim(c, "done"), claim(c, "other")
	done.Kind, other.OrderID, other.Kind = notifications.Rejected, "2", notifications.Cancelled
	kinds := []notifications.Kind{
		notifications.Confirmed, notifications.Rejected, notifications.Cancelled, notifications.NeedsAttention,
	}
	want := func(want map[notifications.Kind]time.Time) {
		t.Helper()
		got, err := s.Claims(t.Context(), "1", kinds)
		same := func(a, b time.Time) bool { return a.Truncate(time.Millisecond).Equal(b) }
		if err != nil || !maps.EqualFunc(got, want, same) {
			t.Errorf("Claims: %v, %v, want %v", got, err, want)
		}
	}
	want(nil)
	for _, c := range []notifications.Claim{held, done, other} {
		must(t, s.Claim(t.Context(), c))
	}
	until := held.Until.Truncate(time.Millisecond)
	want(map[notifications.Kind]time.Time{held.Kind: until, done.Kind: until})
	must(t, s.MarkSent(t.Context(), done))
	want(map[notifications.Kind]time.Time{held.Kind: until, done.Kind: {}})
	c.Advance(time.Second)
	must(t, s.Release(t.Context(), held))
	kinds = kinds[:1]
	want(map[notifications.Kind]time.Time{held.Kind: c.Now().Truncate(time.Millisecond)})
	must(t, s.Claim(t.Context(), claim(c, "again")))
	must(t, s.MarkRefused(t.Context(), held))
	want(map[notifications.Kind]time.Time{held.Kind: {}})
}

func claim(c clock.Clock, id string) notifications.Claim {
	return notifications.Claim{
		OrderID: "1", Kind: notifications.Confirmed, ID: id, Until: c.Now().Add(notifications.Lease),
	}
}

func wantClaim(t *testing.T, s notifications.Store, c notifications.Claim, want error) {
	t.Helper()
	if err := s.Claim(t.Context(), c); !errors.Is(err, want) {
		t.Errorf("Claim %s: %v, want %v", c.ID, err, want)
	}
}

// long is long after Start, so that claims do not expire.
var long = clock.At(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))

var must = storesuite.Must
