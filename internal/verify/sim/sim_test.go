package sim

import (
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // functions log thousands of lines a second
	os.Exit(m.Run())
}

var short = Options{Orders: 50, Duration: 25 * time.Minute}

func load(t testing.TB, m Mutant) *Definitions {
	t.Helper()
	d, err := Load("../../..", m)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestShortSimulationKeepsEveryPromise(t *testing.T) {
	all := newReport()
	sweep(1, 8, short, load(t, Mutant{}), Mutant{}, all.Add)
	for _, v := range all.Violations {
		t.Errorf("%s: order %s: %s; replay with `make sim SEED=%d`", v.Invariant, v.Order, v.Text, v.Seed)
	}
	if all.Orders < 300 || all.Injected() < 1000 {
		t.Errorf("%d orders and %d faults are too few", all.Orders, all.Injected())
	}
}

// A long run found these seeds, two of 3,500.
func TestSeedsThatOnceFailedKeepEveryPromise(t *testing.T) {
	d := load(t, Mutant{})
	for seed, was := range map[uint64]string{
		11219: "a captured charge is reported while its order's confirmation is in a dead-letter queue",
		12513: "an answer from before the customer acted arrived after the order was confirmed",
	} {
		r, _ := Run(seed, short, d, Mutant{})
		for _, v := range r.Violations {
			t.Errorf("%s (%s): order %s: %s; replay with `make sim SEED=%d`", v.Invariant, was, v.Order, v.Text, v.Seed)
		}
	}
}

func TestShortSimulationWithBrokersKeepsEveryPromise(t *testing.T) {
	o := short
	o.Brokers = true
	all := newReport()
	sweep(1, 10, o, load(t, Mutant{}), Mutant{}, all.Add)
	for _, v := range all.Violations {
		t.Errorf("%s: order %s: %s; replay with `go run ./cmd/dev sim --brokers --seed %d`",
			v.Invariant, v.Order, v.Text, v.Seed)
	}
	for _, kind := range []Fault{confirmLost, connectionDead, connectionLost, goodsTwice} {
		if all.Faults[kind] == 0 {
			t.Errorf("the fault %q never struck", kind)
		}
	}
}

func TestShortSimulationOfProcessesKeepsEveryPromise(t *testing.T) {
	o := short
	o.OneProcess = true
	all := newReport()
	sweep(1, 6, o, load(t, Mutant{}), Mutant{}, all.Add)
	for _, v := range all.Violations {
		t.Errorf("%s: order %s: %s; replay with `go run ./cmd/dev sim --one-process --seed %d`",
			v.Invariant, v.Order, v.Text, v.Seed)
	}
	for _, kind := range []Fault{diesBefore, diesAfter, frozen, journalRefused, journalUnheard} {
		if all.Faults[kind] == 0 {
			t.Errorf("the fault %q never struck", kind)
		}
	}
}

func TestSameSeedGivesTheSameRun(t *testing.T) {
	o := Options{Orders: 30, Duration: 10 * time.Minute, Record: true}
	o.Brokers = true
	sameRuns(t, o)
	o.Brokers, o.OneProcess = false, true
	sameRuns(t, o)
}

func sameRuns(t *testing.T, o Options) {
	t.Helper()
	digests := map[uint64]uint64{}
	for range 2 { // each with its own definitions
		d := load(t, Mutant{})
		for _, seed := range []uint64{5, 6} {
			_, timeline := Run(seed, o, d, Mutant{})
			if before, again := digests[seed]; again && before != timeline.Digest {
				t.Errorf("seed %d: digest %x, then %x", seed, before, timeline.Digest)
			}
			digests[seed] = timeline.Digest
		}
	}
	if digests[5] == digests[6] {
		t.Error("two seeds gave the same run")
	}
}

// The services with brokers must not change runs without them. What changes the core changes these
// digests, too: then replace them.
func TestRunsWithoutBrokersAreAsBefore(t *testing.T) {
	d := load(t, Mutant{})
	o := Options{Orders: 30, Duration: 10 * time.Minute, Record: true}
	for seed, want := range map[uint64]uint64{5: 0xc1be83f40b8f19d8, 6: 0x2c90dac37b63d601} {
		if _, timeline := Run(seed, o, d, Mutant{}); timeline.Digest != want {
			t.Errorf("seed %d: digest %#x, want %#x", seed, timeline.Digest, want)
		}
	}
}

func TestRecordingChangesNothing(t *testing.T) {
	d := load(t, Mutant{})
	o := Options{Orders: 20, Duration: 5 * time.Minute}
	plain, _ := Run(3, o, d, Mutant{})
	o.Record = true
	recorded, _ := Run(3, o, d, Mutant{})
	for path, n := range plain.Paths {
		if recorded.Paths[path] != n {
			t.Errorf("%s: %d times, recorded %d times", path, n, recorded.Paths[path])
		}
	}
}

func TestViolationIsShownWithSeedAndTimeline(t *testing.T) {
	var m Mutant
	for _, m = range Mutants {
		if strings.Contains(m.Name, "what its customer must do") {
			break
		}
	}
	found, err := firstViolations("../../..", 80, short, m)
	if err != nil || len(found) == 0 {
		t.Fatalf("the mutant %q was not caught: %v", m.Name, err)
	}
	v := found[0]
	o := short
	o.Record = true
	_, timeline := Run(v.Seed, o, load(t, m), m)
	var out strings.Builder
	timeline.Print(&out, v.Order)
	for _, want := range []string{"VIOLATION of \"" + v.Invariant + "\"", v.Text, faultsStop} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the timeline lacks %q", want)
		}
	}
}

// The test runs those mutants that a few seeds catch; `go run ./cmd/dev sim --mutants` hunts all.
func TestMutantsAreCaught(t *testing.T) {
	for _, m := range Mutants {
		if m.quick {
			found, err := firstViolations("../../..", 80, short, m)
			if err != nil || len(found) == 0 {
				t.Errorf("the mutant %q was not caught: %v", m.Name, err)
			}
		}
	}
}
