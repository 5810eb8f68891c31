package projection

import (
	"bytes"
	"log/slog"
	"os"
	"testing"

	"orderflow/internal/verify/interleave"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

func report(t *testing.T, r interleave.Report) {
	t.Helper()
	var b bytes.Buffer
	r.Print(&b)
	t.Log("\n" + b.String())
}

// `go run ./cmd/dev prove` searches more.
func TestReportsCountEverythingOnce(t *testing.T) {
	for _, o := range []Options{
		{Bounds: interleave.Bounds{Switches: 1, Faults: 1}},
		{Bounds: interleave.Bounds{Switches: 1}, Rebuild: true},
		{Bounds: interleave.Bounds{Faults: 1}, Rebuild: true},
		{Bounds: interleave.Bounds{Switches: 1, Faults: 1}, Reader: true},
	} {
		r := Search(o)
		report(t, r)
		if r.Broken != "" {
			t.Error("a promise was broken")
		}
	}
}

func TestEveryMutantIsFound(t *testing.T) {
	for _, m := range Mutants {
		if m.Slow {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			r := m.search()
			report(t, r)
			if r.Broken == "" {
				t.Errorf("it breaks no promise in %d runs", r.Runs)
			}
		})
	}
}
