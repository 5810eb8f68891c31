// Package storetest is the suite that every store of the strangler's decisions passes.
package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/storesuite"
)

// Suite is what every implementation of strangler.Placements has to pass.
var Suite = storesuite.Suite[strangler.Placements]{
	Cases: []func(*testing.T, strangler.Placements){
		theFirstDecisionStays, aDecisionComesBackWhole, requestsOfOneCustomerAreDecidedApart,
		customersAreDecidedApart, oneOfConcurrentDecisionsWins,
	},
	Kinds: map[string]storesuite.Kind[strangler.Placements]{
		"placement": {
			Write:   func(t *testing.T, p strangler.Placements) { decide(t, p, "ada", "1", toOld) },
			Rewrite: func(t *testing.T, p strangler.Placements) { decide(t, p, "ada", "1", toNew) },
		},
	},
}

var (
	toOld = strangler.Decision{Side: strangler.OldSide, At: storesuite.Start}
	toNew = strangler.Decision{
		Side: strangler.NewSide, At: storesuite.Start.Add(time.Hour), Products: "1001=MUG-BLUE",
	}
)

func decide(
	t *testing.T, p strangler.Placements, customer, requestID string, d strangler.Decision,
) strangler.Decision {
	t.Helper()
	got, err := p.Decide(t.Context(), customer, requestID, d)
	storesuite.Must(t, err)
	return got
}

func theFirstDecisionStays(t *testing.T, p strangler.Placements) {
	for i, d := range []strangler.Decision{toOld, toNew, toOld} {
		if got := decide(t, p, "ada", "1", d); got != toOld {
			t.Errorf("decision %d: %+v, want %+v", i, got, toOld)
		}
	}
}

func aDecisionComesBackWhole(t *testing.T, p strangler.Placements) {
	decide(t, p, "ada", "1", toNew)
	if got := decide(t, p, "ada", "1", toOld); got != toNew {
		t.Errorf("%+v, want %+v", got, toNew)
	}
}

func requestsOfOneCustomerAreDecidedApart(t *testing.T, p strangler.Placements) {
	decide(t, p, "ada", "1", toOld)
	if got := decide(t, p, "ada", "2", toNew); got != toNew {
		t.Errorf("%+v, want %+v", got, toNew)
	}
}

func customersAreDecidedApart(t *testing.T, p strangler.Placements) {
	decide(t, p, "ada", "1", toOld)
	if got := decide(t, p, "bob", "1", toNew); got != toNew {
		t.Errorf("%+v, want %+v", got, toNew)
	}
}

func oneOfConcurrentDecisionsWins(t *testing.T, p strangler.Placements) {
	for round := range 5 {
		var got [8]strangler.Decision
		var errs [len(got)]error
		var wg sync.WaitGroup
		for i := range got {
			d := toOld
			if i%2 == 0 {
				d = toNew
			}
			wg.Go(func() { got[i], errs[i] = p.Decide(t.Context(), "ada", fmt.Sprint(round), d) })
		}
		wg.Wait()
		for i := range got {
			if errs[i] != nil || got[i] != got[0] {
				t.Fatalf("%+v, %v, while another got %+v", got[i], errs[i], got[0])
			}
		}
	}
}
