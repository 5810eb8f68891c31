package samlocal

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/dev/devstack"
)

func TestMissingEngineIsReported(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "none.sock"))
	repo, err := devstack.FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	err = Run(t.Context(), Options{Repo: repo, Dir: t.TempDir(), Out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "no container engine answers") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyAFailedInvocationIsRepeated(t *testing.T) {
	const well, wrong = `{"statusCode":200,"body":"{}"}`, `{"statusCode":401,"body":"{}"}`
	const busy, broken = `{"statusCode":503,"headers":{"Retry-After":"5"},"body":"{}"}`, `{"statusCode":500,"body":"{}"}`
	const fault, parked = `{"errorType":"CircuitOpen"}`, `{"batchItemFailures":[{"itemIdentifier":"1"}]}`
	for _, c := range []struct {
		answers []string
		took    time.Duration
		right   bool
	}{
		{[]string{well}, 0, true},
		{[]string{busy, well}, 5 * time.Second, true},
		{[]string{"", well}, pause, true}, // it ran out of time
		{[]string{fault, parked, well}, 2 * pause, true},
		{[]string{busy, busy, busy}, 10 * time.Second, false},
		{[]string{broken, broken, broken}, 2 * pause, false},
		{[]string{wrong}, 0, false},
		{[]string{broken, wrong}, pause, false},
		{[]string{"text"}, 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			began, asked := time.Now(), 0
			wanted := want{Answers: map[string]any{"statusCode": 200}}
			_, err := patiently(t.Context(), wanted, func() ([]byte, error) {
				asked++
				return []byte(c.answers[asked-1]), nil
			})
			if (err == nil) != c.right || asked != len(c.answers) || time.Since(began) != c.took {
				t.Errorf("%q: asked %d times in %s, %v", c.answers, asked, time.Since(began), err)
			}
		})
	}
}
