package step_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/metrics/metricstest"
	"orderflow/internal/platform/step"
	"orderflow/internal/platform/tracing"
)

const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

type input struct {
	OrderID string `json:"orderId"`
	Cups    int    `json:"cups"`
}

type result struct {
	Brewed int `json:"brewed"`
}

func TestUseCasesResultIsReturnedAsJSON(t *testing.T) {
	h := step.Handle(func(_ context.Context, in input) (result, error) {
		if in.OrderID != "o-1" {
			t.Errorf("orderId = %q", in.OrderID)
		}
		return result{in.Cups}, nil
	})
	out, err := h.Invoke(t.Context(), []byte(`{"orderId":"o-1","cups":3,"more":"ignored"}`))
	if err != nil || string(out) != `{"brewed":3}` {
		t.Errorf("= %s, %v", out, err)
	}
}

func TestErrorsHaveTheNamesThatTheStateMachineCatches(t *testing.T) {
	declined := fault.New(fault.Refused, "CardDeclined", "no")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"final":                {declined, "CardDeclined"},
		"final and wrapped":    {fmt.Errorf("paying: %w", declined), "CardDeclined"},
		"defect":               {fault.New(fault.Internal, "Broken", "x"), "Broken"},
		"transient with code":  {fault.New(fault.Transient, "Contention", "x"), "Transient"},
		"unclassified":         {errors.New("connection reset"), "Transient"},
		"deadline":             {context.DeadlineExceeded, "Transient"},
		"caused by a deadline": {declined.Because(context.DeadlineExceeded), "CardDeclined"},
	} {
		h := step.Handle(func(context.Context, input) (result, error) { return result{}, c.err })
		out, err := h.Invoke(t.Context(), []byte(`{}`))
		wantName(t, name, err, c.want)
		if out != nil {
			t.Errorf("%s: result %s besides the error", name, out)
		}
	}
}

func TestInvalidInputIsFinalAndDoesNotRun(t *testing.T) {
	h := step.Handle(func(context.Context, input) (result, error) {
		t.Error("the step ran")
		return result{}, nil
	})
	for _, payload := range []string{``, `{`, `[]`, `"text"`, `{"orderId":7}`, `{"cups":"many"}`, `{"cups":1.5}`,
		`{"traceparent":{}}`} {
		_, err := h.Invoke(t.Context(), []byte(payload))
		wantName(t, payload, err, "InvalidInput")
	}
}

func TestStepJoinsTheSagasTrace(t *testing.T) {
	h := step.Handle(func(ctx context.Context, _ input) (string, error) { return tracing.Parent(ctx), nil })
	for payload, joined := range map[string]bool{`{"traceparent":"` + trace + `"}`: true,
		`{"traceparent":"garbage"}`: false, `{}`: false} {
		out, err := h.Invoke(t.Context(), []byte(payload))
		var got string
		if err != nil || json.Unmarshal(out, &got) != nil || (got == trace) != joined || len(got) != len(trace) {
			t.Errorf("%s: trace %s, %v; want the input's: %v", payload, out, err, joined)
		}
	}
}

func TestUnencodableResultFails(t *testing.T) {
	h := step.Handle(func(context.Context, input) (float64, error) { return math.NaN(), nil })
	if out, err := h.Invoke(t.Context(), []byte(`{}`)); err == nil {
		t.Errorf("answered %s", out)
	}
}

// wantName asserts the error's name and its type, by which the Lambda runtime reports it.
func wantName(t *testing.T, name string, err error, want string) {
	t.Helper()
	got, ok := err.(messages.InvokeResponse_Error)
	if !ok || got.Type != want || got.Message == "" {
		t.Errorf("%s: error %#v; want the name %s", name, err, want)
	}
}

func TestEachAttemptIsTimed(t *testing.T) {
	c := clock.At(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	ctx, recording := metricstest.On(t, c)
	for _, failure := range []error{nil, errors.New("down")} {
		h := step.Handle(func(context.Context, input) (int, error) {
			c.Advance(250 * time.Millisecond)
			return 0, failure
		})
		_, _ = h.Invoke(ctx, []byte(`{}`))
		if got := recording.Take(); !slices.Equal(got,
			[]string{"StepDuration 250 NONE"}) { // the step has no name outside Lambda
			t.Errorf("recorded %q", got)
		}
	}
}

func TestOnlyInternalAndInvalidAreDefects(t *testing.T) {
	ctx, recording := metricstest.On(t, clock.At(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)))
	for kind, defect := range map[fault.Kind]bool{
		fault.Internal: true, fault.Invalid: true,
		fault.Transient: false, fault.Refused: false, fault.Conflict: false, fault.NotFound: false,
		fault.Unavailable: false,
	} {
		h := step.Handle(func(context.Context, input) (int, error) { return 0, fault.New(kind, "Broken", "x") })
		_, _ = h.Invoke(ctx, []byte(`{}`))
		if got := slices.Contains(recording.Take(), "StepDefects 1 NONE"); got != defect {
			t.Errorf("kind %d is a defect: %t, want %t", kind, got, defect)
		}
	}
	_, _ = step.Handle(func(context.Context, input) (int, error) { return 0, nil }).Invoke(ctx, []byte(`{}`))
	if got := recording.Take(); slices.Contains(got, "StepDefects 1 NONE") {
		t.Errorf("success recorded %q", got)
	}
}

func TestErrorMessagesAreRedacted(t *testing.T) {
	h := step.Handle(func(context.Context, input) (int, error) {
		return 0, errors.New("card 4111111111111111 of ada@example.com")
	})
	if _, err := h.Invoke(t.Context(), []byte(`{}`)); strings.Contains(err.Error(), "4111") ||
		strings.Contains(err.Error(), "ada@") {
		t.Errorf("error %v", err)
	}
}
