package twoshops

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"orderflow/internal/gateway/strangler"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	os.Exit(m.Run())
}

// quick is the bound of `make test`.
var quick = Options{Events: 4, Faults: 1}

func report(t *testing.T, r Report) {
	t.Helper()
	var b bytes.Buffer
	r.Print(&b)
	t.Log("\n" + b.String())
}

func TestNoRunPlacesARequestTwiceOrHidesItsOrder(t *testing.T) {
	r := Run(quick, time.Now)
	report(t, r)
	if r.Broken != "" {
		t.Fatal("a promise was broken")
	}
	if r.Placed[strangler.OldSide] == 0 || r.Placed[strangler.NewSide] == 0 || r.Fallbacks == 0 || r.Lost == 0 {
		t.Error("the search misses runs")
	}
}

func TestEveryMutantIsFound(t *testing.T) {
	for _, m := range Mutants {
		t.Run(m.Name, func(t *testing.T) {
			o := quick
			o.Mutant = &m
			r := Run(o, time.Now)
			report(t, r)
			if r.Broken == "" {
				t.Errorf("it breaks no promise in %d runs", r.Runs)
			}
		})
	}
}
