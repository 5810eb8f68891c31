package suite

import (
	"bytes"
	"strings"
	"testing"

	"orderflow/internal/devstack"
)

func TestARunIsHeldToTheList(t *testing.T) {
	tests := []string{"TestA", "TestB", "TestC"}
	list := map[string]string{"TestC": "there is no C", Grants: "nor IAM"}
	var out bytes.Buffer
	if err := (Run{"TestA": "pass", "TestB": "pass"}).judge("x", list, tests, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"not run on x: TestC: there is no C\n", "not run on x: " + Grants, "x: 2 of 3 tests passed, 1 listed as not run\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}
	for _, c := range []struct {
		name, want string
		run        Run
		tests      []string
	}{
		{"a test fails", "TestB: fail", Run{"TestA": "pass", "TestB": "fail"}, tests},
		{"a test is skipped that is not listed", "TestB: skip", Run{"TestA": "pass", "TestB": "skip"}, tests},
		{"a test did not run that is not listed", "TestB did not run", Run{"TestA": "pass"}, tests},
		{"the process ended within a test", "TestB: run", Run{"TestA": "pass", "TestB": "run"}, tests},
		{"a listed test passes", "TestC passed", Run{"TestA": "pass", "TestB": "pass", "TestC": "pass"}, tests},
		{"a listed test is gone", "TestC, which is not to run on x, is no test", Run{"TestA": "pass", "TestB": "pass"}, tests[:2]},
		{"there is no test", "there are no tests", Run{}, nil},
	} {
		if err := c.run.judge("x", list, c.tests, &out); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want it to say %q", c.name, err, c.want)
		}
	}
}

func TestARunIsReadFromGoTest(t *testing.T) {
	in := `# a line of the compiler's
{"Action":"run","Test":"TestA"}
{"Action":"output","Test":"TestA","Output":"--- PASS: TestA\n"}
{"Action":"pass","Test":"TestA"}
{"Action":"skip","Test":"TestB"}
{"Action":"fail","Test":"TestA/of it"}
{"Action":"run","Test":"TestC"}
{"Action":"fail"}`
	var out bytes.Buffer
	run, err := Read(strings.NewReader(in), &out)
	if err != nil || len(run) != 3 || run["TestA"] != "pass" || run["TestB"] != "skip" || run["TestC"] != "run" {
		t.Errorf("%v, %v", run, err)
	}
	if want := "# a line of the compiler's\n--- PASS: TestA\n"; out.String() != want {
		t.Errorf("passed on: %q, want %q", out.String(), want)
	}
}

func TestEverythingRunsOnMiniStack(t *testing.T) {
	if p := Pattern(devstack.MiniStack); p != "" {
		t.Errorf("left out: %s", p)
	}
}
