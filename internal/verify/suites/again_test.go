package suites

import (
	"strings"
	"testing"
)

// events is output of `go test -json`: a line for each "package test action output".
func events(lines ...string) []byte {
	var out strings.Builder
	for _, line := range lines {
		f := strings.SplitN(line, " ", 4)
		out.WriteString(`{"Package":"orderflow/` + f[0] + `","Test":"` + strings.Trim(f[1], "-") + `","Action":"output",` +
			`"Output":"` + strings.Join(f[3:], "") + `\n"}` + "\n")
		out.WriteString(`{"Package":"orderflow/` + f[0] + `","Test":"` + strings.Trim(f[1], "-") + `","Action":"` +
			f[2] + `"}` + "\n")
	}
	return []byte(out.String())
}

const grants = "test/e2e - pass roles: 57 roles, 462 grants: 0 missing, 0 problems in all"

var slow = []string{
	"internal/host TestOther pass", "internal/host TestTime/part fail it took 3s",
	"internal/host TestTime fail it took 3s", "internal/host - fail", grants,
}

func TestOnlyAFewTestsOfTheRealClockRunAgain(t *testing.T) {
	for name, c := range map[string]struct {
		suite  string
		output []byte
		want   int
	}{
		"one":           {"test", events(slow...), 1},
		"another suite": {"oracle", events(slow...), 0},
		"none failed":   {"test", events(grants), 0},
		"its package failed, too": {"test", events(append(slow,
			"internal/money - fail the build failed")...), 0},
		"it has not ended":       {"test", events(append(slow, "internal/money TestSum run")...), 0},
		"in virtual time":        {"test", events("internal/verify/sim TestSeeds fail a violation"), 0},
		"a panic":                {"test", events("internal/host TestTime fail panic: nil map"), 0},
		"a data race":            {"test", events("internal/host TestTime fail WARNING: DATA RACE"), 0},
		"a leak":                 {"test", events("internal/host TestTime fail found unexpected goroutines:"), 0},
		"a data race in package": {"test", events(append(slow, "internal/host - fail WARNING: DATA RACE")...), 0},
		"three": {"test", events("internal/host TestA fail", "internal/host TestB fail", "internal/host - fail",
			"test/e2e TestC fail", "test/e2e - fail"), 3},
		"four": {"test", events("internal/host TestA fail", "internal/host TestB fail", "internal/host TestC fail",
			"internal/host TestD fail", "internal/host - fail"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := Result{Suite: suite(t, c.suite)}
			if got := r.disturbed(c.output); len(got) != c.want {
				t.Errorf("%+v, want %d tests", got, c.want)
			}
		})
	}
}

func TestATestThatFailedMustPassAgain(t *testing.T) {
	for name, c := range map[string]struct {
		second []byte
		err    error
		want   string // the suite's error
	}{
		"it passes": {events("internal/host TestTime/part pass", "internal/host TestTime pass",
			"internal/host - pass"), nil, ""},
		"it fails": {events("internal/host TestTime fail it took 4s", "internal/host - fail"), errExit, "it took 4s"},
		"it is skipped": {events("internal/host TestTime skip too busy", "internal/host - pass"), nil,
			"internal/host.TestTime failed, and has not passed since"},
		"it is skipped, and one of its name passes": {events("internal/host TestTime skip too busy",
			"internal/host - pass", "internal/money TestTime pass", "internal/money - pass"), nil,
			"internal/host.TestTime failed, and has not passed since"},
		"it is gone": {events("internal/host - pass no tests to run"), nil, "unit tests: 1 of 2"},
		"another one passes": {events("internal/money TestTime pass", "internal/money - pass"), nil,
			"unit tests: 2 of 3"},
		"no emulator": {nil, errExit, "exit status 1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Result{Suite: suite(t, "test")}
			r.judge(events(slow...), errExit)
			if r.Err == nil {
				t.Fatal("the first run has no error")
			}
			text := r.judgeAgain(events(slow...), c.second, c.err, r.disturbed(events(slow...)))
			if !strings.Contains(text, "it took 3s") {
				t.Errorf("the log lacks the first run: %s", text)
			}
			if c.want != "" {
				if r.Err == nil || !strings.Contains(r.Err.Error(), c.want) || r.Disturbed != nil {
					t.Errorf("%v, want %q; disturbed: %q", r.Err, c.want, r.Disturbed)
				}
				return
			}
			if r.Err != nil || verdict([]Result{r}, true) != nil {
				t.Fatal(r.Err)
			}
			if shown := table([]Result{r}); !strings.Contains(shown,
				"passed only when they ran again, by themselves:\n  internal/host.TestTime: it took 3s\n") ||
				!strings.Contains(shown, "unit tests") {
				t.Errorf("the table:\n%s", shown)
			}
			if r.Rows[0].Passed != 2 || r.Rows[0].Of != 2 {
				t.Errorf("%+v", r.Rows[0])
			}
		})
	}
}
