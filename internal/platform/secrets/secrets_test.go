package secrets_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/secrets"
)

// manager is a fake Secrets Manager with one secret. If answer is empty, it fails.
type manager struct {
	answer string
	calls  int
}

func (m *manager) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	m.calls++
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if m.answer == "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"__type":"ResourceNotFoundException"}`)
		return
	}
	_, _ = fmt.Fprint(w, m.answer)
}

func open(t *testing.T, m *manager) (*secrets.Secret, *clock.Manual) {
	t.Helper()
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	c := clock.At(time.Unix(0, 0))
	return secrets.Open(aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		})}, "/orderflow/dev/carrier-webhook", c), c
}

func TestSecretIsCachedForFiveMinutes(t *testing.T) {
	m := &manager{answer: `{"SecretString":"old"}`}
	s, c := open(t, m)
	wantValue(t, s, "old")
	m.answer = `{"SecretString":"new"}`
	c.Advance(5*time.Minute - time.Nanosecond)
	wantValue(t, s, "old")
	if m.calls != 1 {
		t.Errorf("read %d times in five minutes", m.calls)
	}
	c.Advance(time.Nanosecond)
	wantValue(t, s, "new")
}

func TestExpiredSecretIsNotUsedIfReadingFails(t *testing.T) {
	m := &manager{answer: `{"SecretString":"old"}`}
	s, c := open(t, m)
	wantValue(t, s, "old")
	m.answer = ""
	c.Advance(4 * time.Minute)
	wantValue(t, s, "old")
	c.Advance(time.Minute)
	if v, err := s.Value(t.Context()); err == nil {
		t.Errorf("Value = %q after five minutes, want an error", v)
	}
	m.answer = `{"SecretString":"new"}`
	wantValue(t, s, "new")
}

func TestSecretWithoutTextIsAnError(t *testing.T) {
	for _, answer := range []string{`{"SecretBinary":"c2VjcmV0"}`, `{"SecretString":""}`, `{}`} {
		s, _ := open(t, &manager{answer: answer})
		if v, err := s.Value(t.Context()); err == nil {
			t.Errorf("%s: %q, want an error", answer, v)
		}
	}
}

func wantValue(t *testing.T, s *secrets.Secret, want string) {
	t.Helper()
	if got, err := s.Value(t.Context()); string(got) != want || err != nil {
		t.Errorf("Value = %q, %v; want %q", got, err, want)
	}
}

func TestCallersDeadlineDoesNotEndASharedRead(t *testing.T) {
	m := &manager{answer: `{"SecretString":"key"}`}
	s, _ := open(t, m)
	ctx, cancel := deadline.Choose(deadline.Begin(t.Context()), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	if v, err := s.Value(ctx); string(v) != "key" || err != nil {
		t.Errorf("Value = %q, %v; want the secret", v, err)
	}
	wantValue(t, s, "key")
	if m.calls != 1 {
		t.Errorf("read %d times, want once", m.calls)
	}
}
