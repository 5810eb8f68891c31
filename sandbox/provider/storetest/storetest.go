// Package storetest is the suite that every ledger of the provider passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/web"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)

// Run runs the suite; open returns an empty ledger.
func Run(t *testing.T, open func(t *testing.T, c clock.Clock) provider.Store) {
	storesuite.RunCases(t, start, open, map[string]func(*testing.T, provider.Store){
		"NothingIsAnEntryOfVersionZero":               nothing,
		"WhatIsWrittenIsRead":                         written,
		"AnyOtherVersionLosesTheRace":                 stale,
		"AKeyThatIsTakenKeepsTheEntryFromChanging":    taken,
		"ChargesAreListedPageByPage":                  pages,
		"ChargesAreListedByStatus":                    byStatus,
		"RefundsAtOnceGiveBackNoMoreThanThereIs":      refunds,
		"AForeignCursorIsRefused":                     foreign,
		"OneReferenceAtOnceIsChargedOnce":             oneReference,
		"OneKeyAtOnceIsChargedOnce":                   oneKey,
		"ChargesAndVoidsAtOnceLeaveNoMoneyBehind":     chargeAndVoid,
		"CapturesAndVoidsAtOnceNeverKeepWhatIsVoided": captureAndVoid,
	})
}

var eur = money.Money{Currency: "EUR", Amount: 1999}

func entry(reference string, version int64, status provider.Status) provider.Entry {
	c := provider.Charge{ID: "ch_" + reference, Reference: reference, Amount: eur, CreatedAt: start}.In(status)
	return provider.Entry{Reference: reference, Charge: &c, Version: version}
}

func nothing(t *testing.T, s provider.Store) {
	want(t, s, provider.Entry{Reference: "r"})
}

func written(t *testing.T, s provider.Store) {
	bare := provider.Entry{Reference: "r", Faults: 2, Voided: true, Version: 1}
	must(t, s.Write(t.Context(), bare, commit.With{}))
	want(t, s, bare)
	full := entry("r", 2, provider.StatusCaptured)
	full.Disputed, full.Charge.Dispute = true, "OPEN"
	full.Charge.RefundedAmount = money.Money{Currency: "EUR", Amount: 500}
	must(t, s.Write(t.Context(), full, commit.With{}))
	want(t, s, full)
}

func stale(t *testing.T, s provider.Store) {
	must(t, s.Write(t.Context(), entry("r", 1, provider.StatusAuthorized), commit.With{}))
	must(t, s.Write(t.Context(), entry("r", 2, provider.StatusCaptured), commit.With{}))
	for _, version := range []int64{1, 2, 4} {
		if err := s.Write(t.Context(), entry("r", version, provider.StatusVoided), commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("version %d over version 2: %v, want ErrLostRace", version, err)
		}
	}
	want(t, s, entry("r", 2, provider.StatusCaptured))
}

func taken(t *testing.T, s provider.Store) {
	// Run by hand what idempotency.Do does, so that the key is taken between its look and the
	// write.
	req := idempotency.Request{Scope: "charges", Key: "k", Hash: "h"}
	runs := 0
	got, replayed, err := idempotency.Do(t.Context(), s, req, func(ctx context.Context, once idempotency.Once) (string, error) {
		runs++
		must(t, s.Record(ctx, commit.With{Reply: once.Returning("first")}))
		return "second", s.Write(ctx, entry("r", 1, provider.StatusAuthorized), commit.With{Reply: once.Returning("second")})
	})
	if got != "first" || !replayed || err != nil || runs != 1 {
		t.Errorf("%q, replayed %t, %v after %d runs; want the first answer, replayed, after 1", got, replayed, err, runs)
	}
	want(t, s, provider.Entry{Reference: "r"})
}

func pages(t *testing.T, s provider.Store) {
	for n := range 5 {
		must(t, s.Write(t.Context(), entry(fmt.Sprint(n), 1, provider.StatusAuthorized), commit.With{}))
	}
	must(t, s.Write(t.Context(), provider.Entry{Reference: "none", Voided: true, Version: 1}, commit.With{}))
	if got := list(t, s, "", 2); got != "[ch_0 ch_1][ch_2 ch_3][ch_4]" {
		t.Errorf("pages of 2: %s", got)
	}
	if got := list(t, s, "", 100); got != "[ch_0 ch_1 ch_2 ch_3 ch_4]" {
		t.Errorf("one page: %s", got)
	}
}

func byStatus(t *testing.T, s provider.Store) {
	for n, status := range []provider.Status{provider.StatusVoided, provider.StatusCaptured, provider.StatusVoided} {
		must(t, s.Write(t.Context(), entry(fmt.Sprint(n), 1, status), commit.With{}))
	}
	if got := list(t, s, provider.StatusVoided, 2); got != "[ch_0][ch_2]" {
		t.Errorf("voided: %s", got)
	}
	if got := list(t, s, provider.StatusRefunded, 100); got != "[]" {
		t.Errorf("refunded: %s", got)
	}
}

// list shows all pages.
func list(t *testing.T, s provider.Store, status provider.Status, limit int) string {
	t.Helper()
	shown, cursor := "", ""
	for range 10 {
		charges, next, err := s.Charges(t.Context(), status, limit, cursor)
		must(t, err)
		ids := []string{}
		for _, c := range charges {
			ids = append(ids, c.ID)
		}
		shown += fmt.Sprint(ids)
		if cursor = next; cursor == "" {
			return shown
		}
	}
	t.Fatal("the list has no end")
	return ""
}

func foreign(t *testing.T, s provider.Store) {
	for _, cursor := range []string{"x", "!!", "eyJwayI6ImEifQ"} {
		if _, _, err := s.Charges(t.Context(), "", 10, cursor); !errors.Is(err, web.ErrCursor) {
			t.Errorf("cursor %q: %v, want ErrCursor", cursor, err)
		}
	}
}

const racers = 10

// race runs f racers times at once, each again until it gets a final answer, as a client does.
func race(f func(n int) error) {
	var wg sync.WaitGroup
	for n := range racers {
		wg.Go(func() {
			for try := 0; try < 20; try++ {
				if err := f(n); err == nil || isFinal(err) {
					return
				}
			}
		})
	}
	wg.Wait()
}

func isFinal(err error) bool {
	var e *web.Error
	return errors.As(err, &e) || errors.Is(err, idempotency.ErrKeyReused)
}

func oneReference(t *testing.T, s provider.Store) {
	p := open(s)
	seen := make([]provider.Charge, racers)
	race(func(n int) (err error) {
		seen[n], err = p.Charge(t.Context(), key(fmt.Sprint(n), "r"), ask("r"))
		return err
	})
	all, _, err := s.Charges(t.Context(), "", 100, "")
	must(t, err)
	if len(all) != 1 {
		t.Fatalf("%d charges, want 1", len(all))
	}
	for n, c := range seen {
		if c != all[0] {
			t.Errorf("answer %d is %+v, want %+v", n, c, all[0])
		}
	}
}

func oneKey(t *testing.T, s provider.Store) {
	p := open(s)
	race(func(n int) error {
		reference := fmt.Sprint(n)
		_, err := p.Charge(t.Context(), key("k", reference), ask(reference))
		return err
	})
	all, _, err := s.Charges(t.Context(), "", 100, "")
	must(t, err)
	if len(all) != 1 {
		t.Errorf("%d charges, want 1", len(all))
	}
}

func chargeAndVoid(t *testing.T, s provider.Store) {
	p := open(s)
	race(func(n int) error {
		if n%2 == 0 {
			_, err := p.Void(t.Context(), "r")
			return err
		}
		_, err := p.Charge(t.Context(), key(fmt.Sprint(n), "r"), ask("r"))
		return err
	})
	e, err := s.Entry(t.Context(), "r")
	must(t, err)
	if !e.Voided || e.Charge != nil && e.Charge.Status != provider.StatusVoided {
		t.Errorf("entry is %+v with %+v, want it voided with no charge or a voided one", e, e.Charge)
	}
}

func captureAndVoid(t *testing.T, s provider.Store) {
	p := open(s)
	_, err := p.Charge(t.Context(), key("k", "r"), ask("r"))
	must(t, err)
	race(func(n int) (err error) {
		if n%2 == 0 {
			_, err = p.Void(t.Context(), "r")
		} else {
			_, err = p.Capture(t.Context(), "r")
		}
		return err
	})
	e, err := s.Entry(t.Context(), "r")
	must(t, err)
	if st := e.Charge.Status; e.Charge.Captured || st != provider.StatusVoided && st != provider.StatusRefunded {
		t.Errorf("charge is %+v, want it voided or refunded", e.Charge)
	}
}

func refunds(t *testing.T, s provider.Store) {
	p := open(s)
	_, err := p.Charge(t.Context(), key("k", "r"), ask("r"))
	must(t, err)
	_, err = p.Capture(t.Context(), "r")
	must(t, err)
	race(func(n int) error {
		_, err := p.Refund(t.Context(), "r", key(fmt.Sprint("refund", n), "r"), provider.Refund{Amount: money.Money{Currency: "EUR", Amount: 900}})
		if errors.Is(err, provider.ErrRefundExceedsCharge) {
			return nil
		}
		return err
	})
	e, err := s.Entry(t.Context(), "r")
	must(t, err)
	if e.Charge.RefundedAmount.Amount != 1800 || !e.Charge.Captured {
		t.Errorf("charge is %+v, want 1800 of 1999 given back", e.Charge)
	}
	_, err = p.Void(t.Context(), "r")
	must(t, err)
	if e, err = s.Entry(t.Context(), "r"); err != nil || e.Charge.RefundedAmount != eur || e.Charge.Status != provider.StatusRefunded {
		t.Errorf("charge is %+v, %v, want all of it given back", e.Charge, err)
	}
}

func open(s provider.Store) *provider.Provider {
	return provider.New(s, clock.At(start), ids.Random(clock.At(start)))
}

func ask(reference string) provider.Request {
	return provider.Request{Reference: reference, Amount: eur, PaymentMethod: "pm_card_visa"}
}

func key(k, hash string) idempotency.Request {
	return idempotency.Request{Scope: "charges", Key: k, Hash: hash}
}

func want(t *testing.T, s provider.Store, e provider.Entry) {
	t.Helper()
	if got, err := s.Entry(t.Context(), e.Reference); err != nil || !reflect.DeepEqual(got, e) {
		t.Errorf("entry = %+v with %+v, %v; want %+v with %+v", got, got.Charge, err, e, e.Charge)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
