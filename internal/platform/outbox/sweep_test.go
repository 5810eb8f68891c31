package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/metrics/metricstest"
	"orderflow/internal/platform/outbox"
)

// kept is an outbox with items.
type kept struct {
	store
	items []outbox.Item
	err   error
	beat  time.Time // since when the heartbeat waits
}

func (k *kept) Beat(context.Context) (time.Time, bool, error) { return k.beat, !k.beat.IsZero(), nil }

func (k *kept) Waiting(context.Context) ([]outbox.Item, error) { return k.items, k.err }

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// aged returns an outbox with an event of each age. Its subject is its index.
func aged(ages ...time.Duration) *kept {
	k := &kept{}
	for i, age := range ages {
		subject := fmt.Sprint(i)
		e := envelope.Event{ID: "id-" + subject, Subject: subject, Time: now.Add(-age)}
		k.items = append(k.items, outbox.Item{PK: "outbox#1", SK: "sk-" + subject, Event: e})
	}
	return k
}

func TestSweepPublishesAndDeletesOldEvents(t *testing.T) {
	p, k := &topic{}, aged(outbox.SweepAge-time.Second, outbox.SweepAge, outbox.SweepAge+time.Hour)
	h := outbox.RelayAndSweep(p, k, clock.At(now))
	if _, err := h.Invoke(t.Context(), []byte(`{"sweep":"outbox"}`)); err != nil {
		t.Fatal(err)
	}
	want := []string{"1", "2"}
	if len(p.calls) != 1 || !slices.Equal(p.calls[0], want) || !slices.Equal(k.deleted, want) {
		t.Errorf("published %v, deleted %v; want %v", p.calls, k.deleted, want)
	}
}

func TestSweepPublishesTheRestAfterAFailure(t *testing.T) {
	ages := make([]time.Duration, 25)
	for i := range ages {
		ages[i] = time.Hour
	}
	p, k := &topic{down: "3", refuse: map[string]bool{"12": true}}, aged(ages...)
	k.err = envelope.ErrMalformed // an item that cannot be read
	n, err := outbox.Sweep(t.Context(), p, k, clock.At(now), 0)
	if n != 14 || len(k.deleted) != 14 || slices.Contains(k.deleted, "12") {
		t.Errorf("published %d, deleted %v", n, k.deleted)
	}
	if !errors.Is(err, errDown) || !errors.Is(err, envelope.ErrMalformed) {
		t.Errorf("error %v lacks a failure", err)
	}
}

func TestSweepRecordsTheAgeOfTheOldestEvent(t *testing.T) {
	ctx, recorded := metricstest.On(t, clock.At(now))
	for _, c := range []struct {
		ages []time.Duration
		want []string
	}{
		{nil, nil},
		{[]time.Duration{time.Second, 3 * time.Minute, time.Minute}, []string{"OutboxAge 180000 tea brew-tea"}},
	} {
		if _, err := outbox.Sweep(ctx, &topic{}, aged(c.ages...), clock.At(now), outbox.SweepAge); err != nil {
			t.Fatal(err)
		}
		if got := recorded.Take(); !slices.Equal(got, c.want) {
			t.Errorf("ages %v: recorded %v, want %v", c.ages, got, c.want)
		}
	}
}

func TestStreamBatchIsNotASweep(t *testing.T) {
	p, k := &topic{}, aged(time.Hour)
	h := outbox.RelayAndSweep(p, k, clock.At(now))
	if _, err := h.Invoke(t.Context(), []byte(`{"Records":[`+record(t, "a")+`]}`)); err != nil {
		t.Fatal(err)
	}
	if len(p.calls) != 1 || !slices.Equal(p.calls[0], []string{"a"}) {
		t.Errorf("published %v", p.calls)
	}
}

func TestHeartbeatThatTheRelayDidNotDeleteCountsAsAge(t *testing.T) {
	ctx, recorded := metricstest.On(t, clock.At(now))
	k := aged(time.Second)
	k.beat = now.Add(-5 * time.Minute)
	if n, err := outbox.Sweep(ctx, &topic{}, k, clock.At(now), outbox.SweepAge); err != nil || n > 0 {
		t.Fatalf("published %d, %v", n, err)
	}
	if got := recorded.Take(); !slices.Equal(got, []string{"OutboxAge 300000 tea brew-tea"}) {
		t.Errorf("recorded %v, want the heartbeat's age", got)
	}
}
