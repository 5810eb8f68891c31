package movements

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

// The bounds of `make test`.
var (
	quick  = Options{Bounds: bounds, Events: 3}
	bounds = interleave.Bounds{Switches: 1, Faults: 1}
)

func report(t *testing.T, r interleave.Report) {
	t.Helper()
	var b bytes.Buffer
	r.Print(&b)
	t.Log("\n" + b.String())
}

func TestEveryMovementTakesEffectOnce(t *testing.T) {
	r := Search(quick)
	report(t, r)
	if r.Broken != "" {
		t.Fatal("a promise was broken")
	}
}

func TestEveryMutantIsFound(t *testing.T) {
	for _, m := range Mutants {
		t.Run(m.Name, func(t *testing.T) {
			r := Search(Options{Bounds: bounds, Events: 4, Mutant: &m})
			report(t, r)
			if r.Broken == "" {
				t.Errorf("it breaks no promise in %d runs", r.Runs)
			}
		})
	}
}
