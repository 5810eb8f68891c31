// Package storetest is the suite that every store of notifications passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
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
		refusedMailCannotBeClaimed, needsAttentionIsNotSentAfterTheEnd, endWaitsForNeedsAttention,
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

func needsAttentionIsNotSentAfterTheEnd(t *testing.T, s notifications.Store, c *clock.Manual) {
	settle := map[string]func(notifications.Claim) error{
		"claimed": func(notifications.Claim) error { return nil },
		"sent":    func(end notifications.Claim) error { return s.MarkSent(t.Context(), end) },
		"refused": func(end notifications.Claim) error { return s.MarkRefused(t.Context(), end) },
	}
	for how, settle := range settle {
		for _, kind := range []notifications.Kind{
			notifications.Confirmed, notifications.Rejected, notifications.Cancelled,
		} {
			end, attention := claim(c, "end"), claim(c, "attention")
			end.OrderID, end.Kind = how+string(kind), kind
			attention.OrderID, attention.Kind = end.OrderID, notifications.NeedsAttention
			must(t, s.Claim(t.Context(), end))
			must(t, settle(end))
			wantClaim(t, s, attention, notifications.ErrOvertaken)
		}
	}
}

func endWaitsForNeedsAttention(t *testing.T, s notifications.Store, c *clock.Manual) {
	attention, end := claim(c, "attention"), claim(c, "end")
	attention.Kind, end.Kind = notifications.NeedsAttention, notifications.Rejected
	must(t, s.Claim(t.Context(), attention))
	wantClaim(t, s, end, notifications.ErrSending)
	must(t, s.MarkSent(t.Context(), attention))
	wantClaim(t, s, end, nil)
	for _, free := range []func(notifications.Claim) error{
		func(held notifications.Claim) error { return s.MarkRefused(t.Context(), held) },
		func(held notifications.Claim) error { return s.Release(t.Context(), held) },
		func(notifications.Claim) error { c.Advance(notifications.Lease); return nil },
	} {
		attention.OrderID += "x"
		attention.Until, end.OrderID = c.Now().Add(notifications.Lease), attention.OrderID
		must(t, s.Claim(t.Context(), attention))
		wantClaim(t, s, end, notifications.ErrSending)
		must(t, free(attention))
		wantClaim(t, s, end, nil)
	}
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
