package gateway_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/clock"
)

func TestReadyIfEveryServiceAnswers(t *testing.T) {
	h := gateway.New(&fake{}, clock.System{}).CheckReadiness(t.Context())
	want := []gateway.Check{
		{Name: gateway.Orders, Status: gateway.Pass}, {Name: gateway.Payments, Status: gateway.Pass},
		{Name: gateway.Inventory, Status: gateway.Pass}, {Name: gateway.Shipping, Status: gateway.Pass},
	}
	if h.Status != gateway.Pass || !slices.Equal(h.Checks, want) {
		t.Errorf("%+v", h)
	}
}

func TestNotReadySaysWhichServiceFailsAndNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		h := gateway.New(&fake{answers: map[gateway.Backend]answer{
			gateway.Payments: fails(errBroken), gateway.Shipping: hangs,
		}}, clock.System{}).CheckReadiness(t.Context())
		want := []gateway.Check{
			{Name: gateway.Orders, Status: gateway.Pass},
			{Name: gateway.Payments, Status: gateway.Fail, Detail: "it does not answer as it should"},
			{Name: gateway.Inventory, Status: gateway.Pass},
			{Name: gateway.Shipping, Status: gateway.Fail, Detail: "no answer within 1s"},
		}
		if took := time.Since(start); took != gateway.CheckTimeout || h.Status != gateway.Fail || !slices.Equal(h.Checks, want) {
			t.Errorf("%+v after %s", h, took)
		}
	})
}

func TestServicesAreCheckedAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var here sync.WaitGroup
		here.Add(4)
		meet := func(context.Context) (json.RawMessage, error) {
			here.Done()
			here.Wait()
			return nil, nil
		}
		h := gateway.New(&fake{answers: map[gateway.Backend]answer{
			gateway.Orders: meet, gateway.Payments: meet, gateway.Inventory: meet, gateway.Shipping: meet,
		}}, clock.System{}).CheckReadiness(t.Context())
		if h.Status != gateway.Pass {
			t.Errorf("%+v", h)
		}
	})
}

func TestAnOutcomeIsToldAgainForAWhile(t *testing.T) {
	f, now := &fake{}, clock.At(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	svc := gateway.New(f, now)
	svc.CheckReadiness(t.Context())
	f.answers = map[gateway.Backend]answer{gateway.Orders: fails(errBroken)}
	now.Advance(gateway.CheckFresh - time.Millisecond)
	if h := svc.CheckReadiness(t.Context()); h.Status != gateway.Pass || f.asked != 4 {
		t.Errorf("within %s: %s after asking %d services", gateway.CheckFresh, h.Status, f.asked)
	}
	now.Advance(time.Millisecond)
	if h := svc.CheckReadiness(t.Context()); h.Status != gateway.Fail || f.asked != 8 {
		t.Errorf("after %s: %s after asking %d services", gateway.CheckFresh, h.Status, f.asked)
	}
}

func TestACallerWithoutTimeSpoilsNobodysOutcome(t *testing.T) {
	svc := gateway.New(&fake{answers: map[gateway.Backend]answer{gateway.Orders: func(ctx context.Context) (json.RawMessage, error) {
		return nil, ctx.Err()
	}}}, clock.System{})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if h := svc.CheckReadiness(gone); h.Status != gateway.Fail {
		t.Errorf("without time: %s", h.Status)
	}
	if h := svc.CheckReadiness(t.Context()); h.Status != gateway.Pass {
		t.Errorf("the next caller: %+v", h)
	}
}
