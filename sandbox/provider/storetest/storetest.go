// Package storetest is the suite that every store of the provider passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/web"
)

// Suite is what every store of the provider has to pass.
var Suite = storesuite.Suite[provider.Store]{
	Aggregates: []storesuite.Aggregates[provider.Store]{entries},
	Cases: []func(*testing.T, provider.Store){
		unknownReferenceHasVersionZero, takenKeyWritesNothing, chargesAreListedInPages, chargesAreListedByStatus,
		concurrentRefundsStayWithinTheCharge, foreignCursorIsRefused, concurrentChargesOfAReferenceMakeOne,
		concurrentChargesWithAKeyMakeOne, concurrentChargeAndVoidLeaveNoCharge, concurrentCaptureAndVoidKeepNoMoney,
	},
}

var entries = storesuite.Aggregate[provider.Store, provider.Entry]{
	Get: provider.Store.Entry, Save: provider.Store.Write,
	New: func(reference string, version int64) provider.Entry {
		return entry(reference, version, provider.StatusCaptured)
	},
	Versions: versions(),
}

var eur = money.Money{Currency: "EUR", Amount: 1999}

func entry(reference string, version int64, status provider.Status) provider.Entry {
	c := provider.Charge{ID: "ch_" + reference, Reference: reference, Amount: eur, CreatedAt: storesuite.Start}
	c = c.In(status)
	return provider.Entry{Reference: reference, Charge: &c, Version: version}
}

func versions() []provider.Entry {
	full := entry("r", 2, provider.StatusCaptured)
	full.Disputed, full.Charge.Dispute, full.VoidFaults = true, "OPEN", 3
	full.Charge.RefundedAmount = money.Money{Currency: "EUR", Amount: 500}
	asked := provider.Charge{
		ID: "ch_r", Reference: "r", Status: provider.StatusActionRequired, Amount: eur, CreatedAt: storesuite.Start,
	}
	return []provider.Entry{
		{Reference: "r", Faults: 2, Voided: true, Version: 1}, full, entry("r", 3, provider.StatusAuthorized),
		entry("r", 4, provider.StatusVoided), {Reference: "r", Asked: &asked, Failed: true, Version: 5},
	}
}

func unknownReferenceHasVersionZero(t *testing.T, s provider.Store) {
	entries.Want(t, s, provider.Entry{Reference: "r"})
}

func takenKeyWritesNothing(t *testing.T, s provider.Store) {
	storesuite.KeyTakenMeanwhile(t, s, func(ctx context.Context, with commit.With) error {
		return s.Write(ctx, entry("r", 1, provider.StatusAuthorized), with)
	})
	entries.Want(t, s, provider.Entry{Reference: "r"})
}

func chargesAreListedInPages(t *testing.T, s provider.Store) {
	for n := range 5 {
		entries.Put(t, s, entry(fmt.Sprint(n), 1, provider.StatusAuthorized))
	}
	entries.Put(t, s, provider.Entry{Reference: "none", Voided: true, Version: 1})
	if got := list(t, s, "", 2); got != "[ch_0 ch_1][ch_2 ch_3][ch_4]" {
		t.Errorf("pages of 2: %s", got)
	}
	if got := list(t, s, "", 100); got != "[ch_0 ch_1 ch_2 ch_3 ch_4]" {
		t.Errorf("one page: %s", got)
	}
}

func chargesAreListedByStatus(t *testing.T, s provider.Store) {
	for n, status := range []provider.Status{provider.StatusVoided, provider.StatusCaptured, provider.StatusVoided} {
		entries.Put(t, s, entry(fmt.Sprint(n), 1, status))
	}
	if got := list(t, s, provider.StatusVoided, 2); got != "[ch_0][ch_2]" {
		t.Errorf("voided: %s", got)
	}
	if got := list(t, s, provider.StatusRefunded, 100); got != "[]" {
		t.Errorf("refunded: %s", got)
	}
}

// list returns the ids on each page.
func list(t *testing.T, s provider.Store, status provider.Status, limit int) string {
	t.Helper()
	shown, cursor := "", ""
	for range 10 {
		charges, next, err := s.Charges(t.Context(), status, limit, cursor)
		storesuite.Must(t, err)
		ids := []string{}
		for _, c := range charges {
			ids = append(ids, c.ID)
		}
		shown += fmt.Sprint(ids)
		if cursor = next; cursor == "" {
			return shown
		}
	}
	t.Fatal("no last page after 10 pages")
	return ""
}

func foreignCursorIsRefused(t *testing.T, s provider.Store) {
	for _, cursor := range []string{"x", "!!", "eyJwayI6ImEifQ"} {
		if _, _, err := s.Charges(t.Context(), "", 10, cursor); !errors.Is(err, web.ErrCursor) {
			t.Errorf("cursor %q: %v, want ErrCursor", cursor, err)
		}
	}
}

const racers = 10

func concurrentChargesOfAReferenceMakeOne(t *testing.T, s provider.Store) {
	p := open(s)
	seen := make([]provider.Charge, racers)
	storesuite.Race(racers, func(n int) (err error) {
		seen[n], err = p.Charge(t.Context(), key(fmt.Sprint(n), "r"), ask("r"))
		return err
	})
	all, _, err := s.Charges(t.Context(), "", 100, "")
	storesuite.Must(t, err)
	if len(all) != 1 {
		t.Fatalf("%d charges, want 1", len(all))
	}
	for n, c := range seen {
		if c != all[0] {
			t.Errorf("answer %d is %+v, want %+v", n, c, all[0])
		}
	}
}

func concurrentChargesWithAKeyMakeOne(t *testing.T, s provider.Store) {
	p := open(s)
	storesuite.Race(racers, func(n int) error {
		reference := fmt.Sprint(n)
		_, err := p.Charge(t.Context(), key("k", reference), ask(reference))
		return err
	})
	all, _, err := s.Charges(t.Context(), "", 100, "")
	storesuite.Must(t, err)
	if len(all) != 1 {
		t.Errorf("%d charges, want 1", len(all))
	}
}

func concurrentChargeAndVoidLeaveNoCharge(t *testing.T, s provider.Store) {
	p := open(s)
	storesuite.Race(racers, func(n int) error {
		if n%2 == 0 {
			_, err := p.Void(t.Context(), "r")
			return err
		}
		_, err := p.Charge(t.Context(), key(fmt.Sprint(n), "r"), ask("r"))
		return err
	})
	e, err := s.Entry(t.Context(), "r")
	storesuite.Must(t, err)
	if !e.Voided || e.Charge != nil && e.Charge.Status != provider.StatusVoided {
		t.Errorf("entry is %+v with %+v, want it voided with no charge or a voided one", e, e.Charge)
	}
}

func concurrentCaptureAndVoidKeepNoMoney(t *testing.T, s provider.Store) {
	p := open(s)
	_, err := p.Charge(t.Context(), key("k", "r"), ask("r"))
	storesuite.Must(t, err)
	storesuite.Race(racers, func(n int) (err error) {
		if n%2 == 0 {
			_, err = p.Void(t.Context(), "r")
		} else {
			_, err = p.Capture(t.Context(), "r")
		}
		return err
	})
	e, err := s.Entry(t.Context(), "r")
	storesuite.Must(t, err)
	if st := e.Charge.Status; e.Charge.Captured || st != provider.StatusVoided && st != provider.StatusRefunded {
		t.Errorf("charge is %+v, want it voided or refunded", e.Charge)
	}
}

func concurrentRefundsStayWithinTheCharge(t *testing.T, s provider.Store) {
	p := open(s)
	_, err := p.Charge(t.Context(), key("k", "r"), ask("r"))
	storesuite.Must(t, err)
	_, err = p.Capture(t.Context(), "r")
	storesuite.Must(t, err)
	storesuite.Race(racers, func(n int) error {
		refund := provider.Refund{Amount: money.Money{Currency: "EUR", Amount: 900}}
		_, err := p.Refund(t.Context(), "r", key(fmt.Sprint("refund", n), "r"), refund)
		if errors.Is(err, provider.ErrRefundExceedsCharge) {
			return nil
		}
		return err
	})
	e, err := s.Entry(t.Context(), "r")
	storesuite.Must(t, err)
	if e.Charge.RefundedAmount.Amount != 1800 || !e.Charge.Captured {
		t.Errorf("charge is %+v, want 1800 of 1999 refunded", e.Charge)
	}
	_, err = p.Void(t.Context(), "r")
	storesuite.Must(t, err)
	e, err = s.Entry(t.Context(), "r")
	if err != nil || e.Charge.RefundedAmount != eur || e.Charge.Status != provider.StatusRefunded {
		t.Errorf("charge is %+v, %v, want it refunded in full", e.Charge, err)
	}
}

func open(s provider.Store) *provider.Provider {
	return provider.New(s, clock.At(storesuite.Start), ids.Random(clock.At(storesuite.Start)), provider.Site{})
}

func ask(reference string) provider.Request {
	return provider.Request{Reference: reference, Amount: eur, PaymentMethod: "pm_card_visa"}
}

func key(k, hash string) idempotency.Request {
	return idempotency.Request{Scope: "charges", Key: k, Hash: hash}
}
