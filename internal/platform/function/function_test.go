package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/tracing"
)

func lookup(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func TestErrListsAllMissingVariables(t *testing.T) {
	env := NewEnv(lookup(map[string]string{"EMPTY": "", "SET": "x", "AWS_REGION": "eu-central-1"}), clock.System{})
	if got := env.Require("SET"); got != "x" || env.Err() != nil {
		t.Errorf("Require(SET) = %q, %v", got, env.Err())
	}
	env.Require("EMPTY")
	env.Require("ABSENT")
	env.AWS()
	err := env.Err()
	for _, name := range []string{"EMPTY", "ABSENT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if err == nil || !strings.Contains(err.Error(), "variable "+name+" ") {
			t.Errorf("error %q does not name %s", err, name)
		}
	}
	if strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("error %q names a variable that is set", err)
	}
}

func TestMissingOptionalVariableIsNotAnError(t *testing.T) {
	env := NewEnv(lookup(map[string]string{"SET": "x"}), clock.System{})
	if env.Optional("SET") != "x" || env.Optional("ABSENT") != "" || env.Err() != nil {
		t.Errorf("%q, %q, %v", env.Optional("SET"), env.Optional("ABSENT"), env.Err())
	}
}

type configured struct{ with *Env }

func (configured) Invoke(context.Context, []byte) ([]byte, error) { return nil, nil }
func (c *configured) Configure(env *Env)                          { c.with = env }

func TestOnlyAConfigurerIsConfigured(t *testing.T) {
	env, h := NewEnv(lookup(nil), clock.System{}), &configured{}
	Configure(h, env)
	Configure(HandlerFunc(h.Invoke), env)
	if h.with != env {
		t.Error("the handler was not configured")
	}
}

func TestAWSIsConfiguredFromTheEnvironment(t *testing.T) {
	vars := map[string]string{
		"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-central-1",
	}
	cfg := NewEnv(lookup(vars), clock.System{}).AWS()
	creds, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || creds.AccessKeyID != "id" || creds.SecretAccessKey != "secret" ||
		cfg.Region != "eu-central-1" || cfg.BaseEndpoint != nil {
		t.Errorf("config %+v, credentials %v, %v", cfg, creds.AccessKeyID, err)
	}
	vars["AWS_SESSION_TOKEN"], vars["AWS_ENDPOINT_URL"] = "token", "http://127.0.0.1:1"
	cfg = NewEnv(lookup(vars), clock.System{}).AWS()
	creds, _ = cfg.Credentials.Retrieve(t.Context())
	if creds.SessionToken != "token" || cfg.BaseEndpoint == nil || *cfg.BaseEndpoint != "http://127.0.0.1:1" {
		t.Errorf("session token %q, endpoint %v", creds.SessionToken, cfg.BaseEndpoint)
	}
}

func TestEveryLineHasTheContextsAttributes(t *testing.T) {
	var out bytes.Buffer
	log := Logger(&out, "brew-tea").With("pot", "p-1")
	base := WithLogAttrs(t.Context(), slog.String("requestId", "r-1"))
	ctx := WithLogAttrs(base, slog.String("orderId", "o-1"))
	log.InfoContext(ctx, "hello", "cups", 3)
	want(t, line(t, &out), map[string]any{
		"msg": "hello", "function": "brew-tea", "pot": "p-1", "cups": 3.0, "requestId": "r-1", "orderId": "o-1",
	})

	_ = WithLogAttrs(base, slog.String("orderId", "o-2")) // a sibling, which must not change ctx
	log.InfoContext(ctx, "again")
	want(t, line(t, &out), map[string]any{"orderId": "o-1"})

	log.InfoContext(WithLogAttrs(ctx, slog.String("requestId", "r-2")), "mine", "orderId", "o-3")
	if n := strings.Count(out.String(), "requestId") + strings.Count(out.String(), "orderId"); n != 2 {
		t.Errorf("a key occurs twice in %s", out.String())
	}
	want(t, line(t, &out), map[string]any{"orderId": "o-3", "requestId": "r-2"})

	log.InfoContext(t.Context(), "bare")
	if _, ok := line(t, &out)["requestId"]; ok {
		t.Error("an attribute leaked into another context")
	}
	log.WithGroup("tea").InfoContext(ctx, "grouped", "kind", "green")
	if group, _ := line(t, &out)["tea"].(map[string]any); group["kind"] != "green" {
		t.Errorf("group = %v", group)
	}
}

func TestTracedJoinsOrBeginsATraceAndLogsIt(t *testing.T) {
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var out bytes.Buffer
	log := Logger(&out, "f")
	ctx := Traced(t.Context(), trace)
	log.InfoContext(ctx, "x")
	want(t, line(t, &out), map[string]any{"traceId": "0af7651916cd43dd8448eb211c80319c"})
	if tracing.Parent(ctx) != trace || tracing.Parent(Traced(t.Context(), "")) == "" {
		t.Error("no trace was joined or begun")
	}
}

func TestFailedInvocationIsLoggedWithItsRequestID(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(Logger(&out, "f"))
	defer slog.SetDefault(before)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"})
	broken := errors.New("broken")
	h := observe(HandlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
		if string(payload) == "bad" {
			return nil, broken
		}
		return payload, nil
	}))
	if got, err := h.Invoke(ctx, []byte("good")); string(got) != "good" || err != nil || out.Len() > 0 {
		t.Errorf("= %s, %v; logged %s", got, err, out.String())
	}
	if _, err := h.Invoke(ctx, []byte("bad")); err != broken { // unwrapped: the runtime checks its type
		t.Errorf("error = %v, want the handler's error", err)
	}
	want(t, line(t, &out), map[string]any{"error": "broken", "requestId": "r-1", "level": "WARN"})
}

// line reads and removes the only line of out.
func line(t *testing.T, out *bytes.Buffer) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatalf("log %q is not one JSON line: %v", out.String(), err)
	}
	out.Reset()
	return m
}

func want(t *testing.T, got, wanted map[string]any) {
	t.Helper()
	for name, v := range wanted {
		if got[name] != v {
			t.Errorf("%s = %v, want %v", name, got[name], v)
		}
	}
}
