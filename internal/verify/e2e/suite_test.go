package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/gotest"
)

// ran returns a run from names and actions.
func ran(became ...string) Run {
	r := Run{}
	for i := 0; i < len(became); i += 2 {
		r[became[i]] = gotest.Result{Action: became[i+1], Output: "why " + became[i] + "\n"}
	}
	return r
}

func TestRunIsCheckedAgainstTheList(t *testing.T) {
	tests := []string{"TestA", "TestB", "TestC"}
	list := map[string]string{"TestC": "there is no C", Grants: "nor IAM"}
	var out bytes.Buffer
	if err := ran("TestA", "pass", "TestB", "pass").judge("x", list, tests, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"not run on x: TestC: there is no C\n", "not run on x: " + Grants,
		"x: 2 of 3 tests passed, 1 listed as not run\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}
	for _, c := range []struct {
		name, want string
		run        Run
		tests      []string
	}{
		{"a test fails", "TestB: fail\nwhy TestB", ran("TestA", "pass", "TestB", "fail"), tests},
		{"a test is skipped that is not listed", "TestB: skip", ran("TestA", "pass", "TestB", "skip"), tests},
		{"a test did not run that is not listed", "TestB did not run", ran("TestA", "pass"), tests},
		{"the process ended within a test", "TestB: run", ran("TestA", "pass", "TestB", "run"), tests},
		{"a listed test passes", "TestC passed", ran("TestA", "pass", "TestB", "pass", "TestC", "pass"), tests},
		{"a listed test is gone", "TestC, in notRun of x, does not exist", ran("TestA", "pass", "TestB", "pass"),
			tests[:2]},
		{"no test runs", "no test ran on x; it ended with\nwhy", ran("", "fail"), tests},
		{"there is no test", "no tests found", ran(), nil},
	} {
		if err := c.run.judge("x", list, c.tests, &out); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want it to say %q", c.name, err, c.want)
		}
	}
}

func TestRunIsReadFromGoTest(t *testing.T) {
	in := `# a line of the compiler's
{"Action":"run","Test":"TestA"}
{"Action":"output","Test":"TestA","Output":"--- PASS: TestA\n"}
{"Action":"pass","Test":"TestA"}
{"Action":"skip","Test":"TestB"}
{"Action":"output","Test":"TestA/of it","Output":"of it\n"}
{"Action":"fail","Test":"TestA/of it"}
{"Action":"pass","Test":"TestA/and more"}
{"Action":"run","Test":"TestC"}
{"Action":"fail"}`
	var out bytes.Buffer
	run, parts, err := read(strings.NewReader(in), &out)
	if err != nil || len(run) != 4 || run["TestB"].Action != "skip" || run["TestC"].Action != "run" ||
		run[""].Action != "fail" ||
		run["TestA"] != (gotest.Result{Action: "pass", Output: "--- PASS: TestA\nof it\n"}) {
		t.Errorf("%v, %v", run, err)
	}
	if len(parts) != 1 || parts["TestA"] != 1 {
		t.Errorf("passed subtests: %v", parts)
	}
	if want := "# a line of the compiler's\n--- PASS: TestA\nof it\n"; out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
}

func TestEverythingRunsOnMiniStack(t *testing.T) {
	if p := Pattern(devstack.MiniStack); p != "" {
		t.Errorf("left out: %s", p)
	}
}

func TestEveryListedTestExistsAndHasAReason(t *testing.T) {
	files, err := filepath.Glob("../../../test/e2e/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{Grants: true}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t `).FindAllSubmatch(source, -1) {
			tests[string(m[1])] = true
		}
	}
	for target, list := range notRun {
		for name, reason := range list {
			if !tests[name] || reason == "" {
				t.Errorf("%s, in notRun of %s, does not exist, or has no reason", name, target)
			}
		}
		if left := len(tests) - len(list); left < 15 {
			t.Errorf("only %d tests of %d are left for %s", left, len(tests), target)
		}
	}
}

// alone are what a parallel test must not do: it would change what another one needs, or see what
// another one changes.
var alone = []string{
	"divert(", "waits(", "impatient(", "hidePaymentProvider(", "wantDeadLetterQueuesEmpty(", ".RemoveAddress(",
	".Configure(", ".RestartProcesses(", `"strangler", "set"`, `"circuit", "reset"`, `order("MUG-BLUE"`,
}

func TestParallelTestsChangeNothingThatOthersNeed(t *testing.T) {
	files, err := filepath.Glob("../../../test/e2e/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	parallel := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for source := range strings.SplitSeq(string(b), "\nfunc ") {
			if !strings.Contains(source, "t.Parallel()") {
				continue
			}
			parallel++
			for _, never := range alone {
				if strings.Contains(source, never) {
					t.Errorf("%s: a parallel test has %s: %.60s", filepath.Base(file), never, source)
				}
			}
		}
	}
	if parallel < 20 {
		t.Errorf("only %d parallel tests were found", parallel)
	}
}
