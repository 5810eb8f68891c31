package demo

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/gateway/strangler"
)

// moved are the facts of a migration without a broken promise. Its customer has an order from
// before and one of each side.
func moved() migrationFacts {
	f := migrationFacts{
		stages: []stageFacts{
			{stage: stages[3], orders: 2, onNew: 1, sure: 2},
			{stage: stages[6], sure: 2, fellBack: 2, unlogged: 1,
				fallBacks: map[strangler.Route]int{strangler.PlaceOrder: 1}},
		},
		differences: bugs, cancelled: 1,
	}
	f.customer(ada(), []string{"7", "2", "1"}, []string{"2", "1"}, []string{"7"})
	return f
}

func ada() *visitor {
	return &visitor{before: []strangler.Order{{OrderID: "1"}}, placed: []string{"2", "7"}}
}

func TestEveryBrokenPromiseOfAMigrationIsReported(t *testing.T) {
	f := moved()
	if broken := f.broken(); len(broken) > 0 || f.expected != 3 || f.listed != 3 || f.old != 2 || f.moved != 1 {
		t.Fatalf("no promise is broken, got %v, %+v", broken, f)
	}
	for want, spoil := range map[string]func(*migrationFacts){
		"order 7 is lost": func(f *migrationFacts) {
			f.customer(ada(), []string{"7", "2", "1"}, []string{"2", "1"}, nil)
		},
		"order 1 is not in its customer's list": func(f *migrationFacts) {
			f.customer(ada(), []string{"7", "2"}, []string{"2", "1"}, []string{"7"})
		},
		"no client knows of order 8": func(f *migrationFacts) {
			f.customer(ada(), []string{"8", "7", "2", "1"}, []string{"2", "1"}, []string{"7", "8"})
		},
		"has an order twice": func(f *migrationFacts) {
			f.customer(ada(), []string{"7", "2", "2", "1"}, []string{"2", "1"}, []string{"7"})
		},
		"request r places no order": func(f *migrationFacts) {
			f.unless(false, "request r places no order: %w", errors.New("503"))
		},
		"50 %: no order was placed while": func(f *migrationFacts) { f.stages[0].sure = 0 },
		"50 %: 1 orders went to the new side against the table": func(f *migrationFacts) {
			f.stages[0].astray = 1
		},
		"50 %: 1 orders went to the old side, 0 fall-backs": func(f *migrationFacts) { f.stages[0].fellBack = 1 },
		"orders down: no order fell back":                   func(f *migrationFacts) { f.stages[1].fellBack = 0 },
		"no order was cancelled":                            func(f *migrationFacts) { f.cancelled = 0 },
		"shadowing found": func(f *migrationFacts) {
			f.differences = bugs[1:]
		},
		"want the two bugs": func(f *migrationFacts) {
			f.differences = append(slices.Clone(bugs), bugs[0])
		},
	} {
		f := moved()
		spoil(&f)
		if err := errors.Join(f.broken()...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want that it says %q", err, want)
		}
		f.print(io.Discard)
	}
}

func TestCustomerIDIsTheSubjectOfTheToken(t *testing.T) {
	if got, err := subject("e30.eyJzdWIiOiJhZGEifQ.x"); got != "ada" || err != nil {
		t.Errorf("subject %q, %v", got, err)
	}
	for _, bad := range []string{"", "x", "e30.?.x", "e30.e30"} {
		if got, err := subject(bad); err == nil {
			t.Errorf("%s: subject %q, want an error", bad, got)
		}
	}
}
