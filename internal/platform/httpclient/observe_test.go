package httpclient_test

import (
	"slices"
	"testing"
	"time"

	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/metrics/metricstest"
)

func TestOutageShowsInTheMetrics(t *testing.T) {
	k := open(t, &pot{})
	ctx, recording := metricstest.On(t, k.clock)
	client := k.process(func(c *httpclient.Config) { c.Probe = httpclient.Request{Method: "GET", Path: "/probe"} })
	k.pot.down.Store(true)
	const halfOpen, opened = "BreakerState 1 teapot", "BreakerState 2 teapot"
	for i, c := range []struct {
		wait time.Duration
		down bool
		want []string
	}{
		{0, true, nil},
		{0, true, nil},
		{0, true, []string{"CircuitOpened 1 teapot", opened}}, // the third failure opens it
		{0, true, []string{opened}},
		{6 * time.Second, true, []string{halfOpen, opened}}, // the probe fails; the circuit was not closed
		{11 * time.Second, false, []string{halfOpen}},       // the circuit closes
		{0, false, nil},
	} {
		k.clock.Advance(c.wait)
		k.pot.down.Store(c.down)
		_ = client.Do(ctx, call(i), nil)
		if got := recording.Take(); !slices.Equal(got, c.want) {
			t.Errorf("call %d recorded %q, want %q", i+1, got, c.want)
		}
	}
}

func TestRetriesAndAnExhaustedBudgetAreCounted(t *testing.T) {
	k := open(t, &pot{statuses: []int{500}})
	ctx, recording := metricstest.On(t, k.clock)
	client := httpclient.New(k.config())
	retry, none := "Retries 1 teapot", "RetryBudgetExhausted 1 teapot"
	for i, want := range [][]string{{retry, retry}, {none}} {
		_ = client.Do(ctx, call(i), nil)
		if got := recording.Take(); !slices.Equal(got, want) {
			t.Errorf("call %d recorded %q, want %q", i+1, got, want)
		}
	}
}
