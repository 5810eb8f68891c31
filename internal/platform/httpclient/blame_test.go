package httpclient_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/resilience"
)

// balancer is an endpoint that records the outcomes reported to it.
type balancer struct {
	url    string
	blamed []bool
}

func (b *balancer) Pick(context.Context, string) (string, func(bool), error) {
	return b.url, func(failed bool) { b.blamed = append(b.blamed, failed) }, nil
}

func TestOnlyTheDependencysFailuresCountAgainstIt(t *testing.T) {
	arrived := make(chan struct{}, 100)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		within time.Duration // the caller's time
		cancel bool          // the caller goes away
		chosen bool          // a client chose within
		blamed bool
	}{
		"500":                        {answer: answering(500, ""), within: time.Minute, blamed: true},
		"402":                        {answer: answering(402, ""), within: time.Minute},
		"no answer in time":          {within: time.Minute, blamed: true},
		"no answer in the time left": {within: 80 * time.Millisecond, blamed: true},
		"much too little time left":  {within: 20 * time.Millisecond},
		"500 with too little left":   {answer: answering(500, ""), within: 40 * time.Millisecond, blamed: true},
		"caller goes away":           {within: time.Minute, cancel: true},
		"chosen deadline":            {within: 80 * time.Millisecond, chosen: true},
		"408 to a chosen deadline":   {answer: answering(408, ""), within: 80 * time.Millisecond, chosen: true},
		"500 to a chosen deadline": {answer: answering(500, ""), within: 80 * time.Millisecond, chosen: true,
			blamed: true},
		"408 after the full timeout": {answer: answering(408, ""), within: time.Minute, blamed: true},
		"distant chosen deadline":    {within: time.Minute, chosen: true, blamed: true},
	} {
		t.Run(name, func(t *testing.T) {
			answer := c.answer
			if answer == nil {
				answer = func(_ http.ResponseWriter, r *http.Request) { arrived <- struct{}{}; <-r.Context().Done() }
			}
			k := open(t, &pot{})
			cfg := config(t, answer)
			url, _, _ := cfg.Endpoints.Pick(t.Context(), "teapot")
			ends := &balancer{url: url}
			cfg.Endpoints, cfg.Clock = ends, clock.System{}
			cfg.Timeout, cfg.Margin = 100*time.Millisecond, time.Nanosecond
			cfg.Retry, cfg.Breaker = resilience.Policy{Attempts: 1}, k.breaker()
			client := httpclient.New(cfg)
			for n := range 3 {
				limit := context.WithTimeout
				if c.chosen {
					limit = deadline.Choose
				}
				ctx, cancel := limit(t.Context(), c.within)
				if c.cancel {
					go func() { <-arrived; cancel() }()
				}
				err := client.Do(ctx, call(n), nil)
				if err == nil {
					t.Fatal("no error")
				}
				if expired := errors.Is(err, deadline.ErrChosen); expired != (c.chosen && !c.blamed) {
					t.Errorf("chosen deadline expired: %t, %v", expired, err)
				}
				cancel()
			}
			if len(ends.blamed) != 3 || ends.blamed[0] != c.blamed {
				t.Errorf("the endpoint was told %v, want failed: %t", ends.blamed, c.blamed)
			}
			circuit, err := k.log.Circuit(t.Context(), "teapot")
			if err != nil || (circuit.State == resilience.Open) != c.blamed {
				t.Errorf("the circuit is %s, %v", circuit.State, err)
			}
			for len(arrived) > 0 {
				<-arrived
			}
		})
	}
}

func TestOpenCircuitReportsTheLongerWait(t *testing.T) {
	k := open(t, &pot{statuses: []int{429}, retryAfter: "60"})
	c := k.process(nil)
	for n := range 2 {
		_ = c.Do(t.Context(), call(n), nil)
	}
	if err := c.Do(t.Context(), call(3), nil); !errors.Is(err, resilience.ErrOpen) ||
		fault.From(err).RetryAfter != time.Minute {
		t.Errorf("%v, after %v; want the dependency's minute", err, fault.From(err).RetryAfter)
	}
	if err := c.Do(t.Context(), call(4), nil); fault.From(err).RetryAfter != resilience.DefaultSettings.OpenFor {
		t.Errorf("%v, after %v; want the circuit's open time", err, fault.From(err).RetryAfter)
	}
}

func TestInvalidRequestsDoNotCountAgainstTheDependency(t *testing.T) {
	mine := func(_ int, b []byte) bool { return string(b) == "mine" }
	for name, c := range map[string]struct {
		key     string
		answer  http.HandlerFunc
		refuses func(int, []byte) bool
		kind    fault.Kind
		blamed  bool
	}{
		"header with a line break": {key: "a\nb", answer: answering(200, "{}"), kind: fault.Invalid},
		"429 of one caller": {key: "k", answer: answering(429, "mine"), kind: fault.Transient,
			refuses: mine},
		"503 on purpose":      {key: "k", answer: answering(503, "mine"), kind: fault.Transient, refuses: mine},
		"503":                 {key: "k", answer: answering(503, ""), blamed: true, refuses: mine},
		"500 of no matter":    {key: "k", answer: answering(500, "mine"), blamed: true, refuses: mine},
		"429 for all callers": {key: "k", answer: answering(429, ""), blamed: true, refuses: mine},
	} {
		t.Run(name, func(t *testing.T) {
			k := open(t, &pot{})
			cfg := config(t, c.answer)
			url, _, _ := cfg.Endpoints.Pick(t.Context(), "teapot")
			ends := &balancer{url: url}
			cfg.Endpoints, cfg.Refuses = ends, c.refuses
			cfg.Retry, cfg.Breaker = resilience.Policy{Attempts: 1}, k.breaker()
			client := httpclient.New(cfg)
			for n := range 5 {
				err := client.Do(t.Context(), httpclient.Request{Method: http.MethodPost, Path: "/pots",
					IdempotencyKey: c.key + string(rune('0'+n))}, nil)
				if err == nil || !c.blamed && fault.KindOf(err) != c.kind {
					t.Errorf("%v, want kind %v", err, c.kind)
				}
			}
			circuit, err := k.log.Circuit(t.Context(), "teapot")
			blamed := slices.Contains(ends.blamed, true)
			if err != nil || (circuit.State == resilience.Open) != c.blamed || blamed != c.blamed {
				t.Errorf("the circuit is %s, %v; the endpoint was told %v", circuit.State, err, ends.blamed)
			}
		})
	}
}
