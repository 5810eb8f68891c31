package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/tracing"
)

func TestInvalidVerbosityIsTheDefault(t *testing.T) {
	for name, c := range map[string]struct {
		vars map[string]string
		want Verbosity
	}{
		"nothing": {nil, Verbosity{slog.LevelInfo, 0.01}},
		"both":    {map[string]string{"LOG_LEVEL": "debug", "LOG_DEBUG_RATIO": "0.5"}, Verbosity{slog.LevelDebug, 0.5}},
		"warn":    {map[string]string{"LOG_LEVEL": "WARN", "LOG_DEBUG_RATIO": "0"}, Verbosity{slog.LevelWarn, 0}},
		"garbage": {map[string]string{"LOG_LEVEL": "loud", "LOG_DEBUG_RATIO": "many"}, Verbosity{slog.LevelInfo, 0.01}},
		"beyond":  {map[string]string{"LOG_DEBUG_RATIO": "1.5"}, Verbosity{slog.LevelInfo, 0.01}},
		"NaN":     {map[string]string{"LOG_DEBUG_RATIO": "NaN"}, Verbosity{slog.LevelInfo, 0.01}},
	} {
		if got := verbosity(lookup(c.vars)); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestFunctionsAgreeOnTracesWithDebugLines(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var first, second bytes.Buffer
	one := LoggerOf(&first, "place-order", Verbosity{DebugRatio: 0.2})
	other := LoggerOf(&second, "reserve-stock", Verbosity{DebugRatio: 0.2})
	hits := 0
	for range 2000 {
		first.Reset()
		second.Reset()
		// X-Ray's ids begin with the time, so only the second half is random.
		ctx := tracing.With(t.Context(), fmt.Sprintf("00-67890abc00000000%016x-b7ad6b7169203331-01", random.Uint64()|1))
		one.DebugContext(ctx, "x")
		other.DebugContext(ctx, "x")
		if (first.Len() > 0) != (second.Len() > 0) {
			t.Fatal("two functions disagree about a trace")
		}
		if first.Len() > 0 {
			hits++
		}
	}
	if hits < 320 || hits > 480 {
		t.Errorf("%d of 2000 traces, want about 400", hits)
	}
}

func TestMinimumLevelAppliesBesidesTheSample(t *testing.T) {
	traced := tracing.Begin(t.Context())
	for name, c := range map[string]struct {
		v    Verbosity
		ctx  context.Context
		want string
	}{
		"default":             {Verbosity{}, traced, "IWE"},
		"debug for all":       {Verbosity{Min: slog.LevelDebug}, t.Context(), "DIWE"},
		"sampled":             {Verbosity{DebugRatio: 1}, traced, "DIWE"},
		"no trace":            {Verbosity{DebugRatio: 1}, t.Context(), "IWE"},
		"warnings only":       {Verbosity{Min: slog.LevelWarn, DebugRatio: 1}, traced, "WE"},
		"grouped and sampled": {Verbosity{DebugRatio: 1}, traced, "DIWE"},
	} {
		var out bytes.Buffer
		log := LoggerOf(&out, "f", c.v)
		if strings.HasPrefix(name, "grouped") {
			log = log.With("a", 1).WithGroup("g")
		}
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			log.Log(c.ctx, level, "x")
		}
		got := ""
		for text := range strings.Lines(out.String()) {
			var l struct{ Level string }
			_ = json.Unmarshal([]byte(text), &l)
			got += l.Level[:1]
		}
		if got != c.want {
			t.Errorf("%s: logged %s, want %s", name, got, c.want)
		}
	}
}

func TestPersonalDataOfContextAndLineIsMasked(t *testing.T) {
	var out bytes.Buffer
	log := Logger(&out, "f").With("customerEmail", "ada@example.com")
	ctx := WithLogAttrs(t.Context(), slog.String("paymentMethod", "pm_card_visa"))
	log.WithGroup("shippingAddress").ErrorContext(ctx, "no mail to ada@example.com", "line", "12 Example Street")
	for _, secret := range []string{"ada@", "pm_card", "Example Street"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%s is in %s", secret, out.String())
		}
	}
}

// invoked parses lines of metrics or of the log.
func invoked(t *testing.T, text string) (all []map[string]any) {
	t.Helper()
	for one := range strings.Lines(text) {
		var line map[string]any
		if err := json.Unmarshal([]byte(one), &line); err != nil {
			t.Fatalf("%q: %v", one, err)
		}
		all = append(all, line)
	}
	return all
}

func TestColdStartsAndFailuresAreCountedWithTheirIDs(t *testing.T) {
	var out, log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(Logger(&log, "f"))
	defer slog.SetDefault(before)
	who := program{"inventory", "reserve-stock"}
	h := HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		ctx = WithLogAttrs(ctx, slog.String("orderId", string(payload)), slog.String("step", Step(ctx)))
		Note(ctx)
		if string(payload) == "bad" {
			return nil, errors.New("broken")
		}
		return nil, nil
	})
	stage := lookup(map[string]string{"STAGE": "dev"})
	served := observe(withProgram(who, metered(&out, clock.At(time.UnixMilli(1)), stage, who, h)))
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"})
	for _, payload := range []string{"good", "bad", "good"} {
		_, _ = served(ctx, []byte(payload))
	}
	lines := invoked(t, out.String())
	if len(lines) != 2 {
		t.Fatalf("recorded %v, want a cold start and a failure", lines)
	}
	want(t, lines[0], map[string]any{
		"ColdStarts": 1.0, "Stage": "dev", "Service": "inventory", "Function": "reserve-stock", "requestId": "r-1",
	})
	want(t, lines[1], map[string]any{"InvocationFailures": 1.0, "orderId": "bad", "requestId": "r-1", "step": nil})
	failures := invoked(t, log.String())
	if len(failures) != 1 {
		t.Fatalf("logged %v, want one failure", failures)
	}
	want(t, failures[0], map[string]any{
		"msg": "invocation failed", "orderId": "bad", "requestId": "r-1", "step": "ReserveStock",
	})
}

func TestStepErrorIsLoggedByNameAndText(t *testing.T) {
	for want, err := range map[string]error{
		"broken": errors.New("broken"),
		"PaymentDeclined: no": messages.InvokeResponse_Error{
			Type: "PaymentDeclined", Message: "PaymentDeclined: no",
		},
		"Transient: DependencyUnavailable: down": messages.InvokeResponse_Error{
			Type: "Transient", Message: "DependencyUnavailable: down",
		},
	} {
		if got := errorText(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNothingIsRecordedWithoutAStage(t *testing.T) {
	var out bytes.Buffer
	failing := HandlerFunc(func(context.Context, []byte) ([]byte, error) { return nil, errors.New("broken") })
	_, err := metered(&out, clock.System{}, lookup(nil), program{}, failing)(t.Context(), nil)
	if err == nil || out.Len() > 0 {
		t.Errorf("%v, recorded %q", err, out.String())
	}
}

func TestStepIsEmptyOutsideLambda(t *testing.T) {
	if got := Step(t.Context()); got != "" {
		t.Errorf("Step = %q", got)
	}
}
