package handler

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/metrics/metricstest"
)

func TestRepeatedStepsAreMeasuredOnce(t *testing.T) {
	for name, c := range map[string]struct {
		steps []string
		want  []string
	}{
		"confirmed": {
			[]string{"confirm-order", "confirm-order", "reject-order"},
			[]string{"OrdersFinished 1 CONFIRMED NONE", "SagaDuration 90000 CONFIRMED"},
		},
		"rejected": {
			[]string{"close-order", "reject-order", "close-order", "reject-order"},
			[]string{"OrdersFinished 1 REJECTED PAYMENT_DECLINED", "SagaDuration 90000 REJECTED"},
		},
		"flagged, then rejected": {
			[]string{"close-order", "flag-order", "flag-order", "reject-order", "reject-order"},
			[]string{"OrdersFinished 1 NEEDS_ATTENTION COMPENSATION_FAILED",
				"OrdersFinished 1 REJECTED PAYMENT_DECLINED", "SagaDuration 90000 REJECTED"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			ctx, recording := metricstest.On(t, s.clock)
			req := idempotency.Request{Scope: "alice", Key: "k", Hash: "h"}
			in := orders.Placement{Lines: []orders.Line{{SKU: "MUG-BLUE", Quantity: 1}}}
			for range 2 { // the second is a replay
				if _, _, err := s.PlaceOrder(ctx, req, in); err != nil {
					t.Fatal(err)
				}
			}
			if got := recording.Take(); !slices.Equal(got, []string{"OrdersPlaced 1"}) {
				t.Errorf("placing recorded %q", got)
			}
			s.clock.Advance(90 * time.Second)
			all := Handlers(s.Service)
			payload, _ := json.Marshal(map[string]string{"orderId": sampleID, "reason": "PAYMENT_DECLINED"})
			for _, step := range c.steps {
				if _, err := all[step].Invoke(ctx, payload); err != nil {
					t.Fatalf("%s: %v", step, err)
				}
			}
			got := slices.DeleteFunc(recording.Take(), func(m string) bool {
				return !strings.HasPrefix(m, "Orders") && !strings.HasPrefix(m, "Saga")
			})
			if !slices.Equal(got, c.want) {
				t.Errorf("recorded %q\nwant %q", got, c.want)
			}
		})
	}
}

// broken is a store whose writes fail.
type broken struct{ orders.Store }

var errBroken = errors.New("broken")

func (broken) SaveOrder(context.Context, orders.Order, commit.With) error { return errBroken }

func TestAFailedWriteIsNotMeasured(t *testing.T) {
	ctx, recording := metricstest.On(t, clock.At(time.Now()))
	err := observed{broken{}}.SaveOrder(ctx, orders.Order{Version: 1}, commit.With{})
	if got := recording.Take(); !errors.Is(err, errBroken) || len(got) > 0 {
		t.Errorf("%v, recorded %q", err, got)
	}
}

func TestAReplayIsCountedAsAReplay(t *testing.T) {
	s := open(t)
	ctx, recording := metricstest.On(t, s.clock)
	h := placeOrder(s.Service)
	for _, want := range []string{"OrdersPlaced 1", "IdempotentReplays 1 tea brew-tea"} {
		if _, err := h.Invoke(ctx, sample(t, "place-order")); err != nil {
			t.Fatal(err)
		}
		if got := recording.Take(); !slices.Equal(got, []string{want}) {
			t.Errorf("recorded %q, want %q", got, want)
		}
	}
}
