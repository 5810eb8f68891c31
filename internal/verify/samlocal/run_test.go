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

func TestAFunctionIsInvokedAgainWhenItSaysSo(t *testing.T) {
	const busy, well = `{"statusCode":503,"headers":{"Retry-After":"5"},"body":"{}"}`, `{"statusCode":200,"body":"{}"}`
	const broken = `{"statusCode":503,"body":"{}"}`
	for _, c := range []struct {
		answers []string
		took    time.Duration
		right   bool
	}{
		{[]string{busy, well}, 5 * time.Second, true},
		{[]string{busy, busy, busy}, 10 * time.Second, false},
		{[]string{broken}, 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			began, asked := time.Now(), 0
			wanted := want{Answers: map[string]any{"statusCode": 200}}
			_, err := patiently(t.Context(), wanted, func() ([]byte, error) {
				asked++
				return []byte(c.answers[asked-1]), nil
			})
			if (err == nil) != c.right || asked != len(c.answers) || time.Since(began) != c.took {
				t.Errorf("%v: asked %d times in %s, %v", c.answers, asked, time.Since(began), err)
			}
		})
	}
}
