package suites

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var errExit = errors.New("exit status 1")

const ranTests = `make: Entering directory
{"Action":"run","Package":"orderflow/internal/money","Test":"TestSum"}
{"Action":"output","Package":"orderflow/internal/money","Test":"TestSum","Output":"=== RUN   TestSum\n"}
{"Action":"pass","Package":"orderflow/internal/money","Test":"TestSum/none"}
{"Action":"pass","Package":"orderflow/internal/money","Test":"TestSum"}
{"Action":"output","Package":"orderflow/test/e2e","Test":"TestMail","Output":"    mail_test.go:7: there is no inbox\n"}
{"Action":"output","Package":"orderflow/test/e2e","Test":"TestMail","Output":"--- SKIP: TestMail (0.00s)\n"}
{"Action":"skip","Package":"orderflow/test/e2e","Test":"TestMail"}
{"Action":"pass","Package":"orderflow/test/e2e","Test":"TestOrder"}
{"Action":"output","Package":"x/test/e2e","Output":"roles: 57 roles, 462 grants: 0 missing, 1 problems in all\n"}
{"Action":"skip","Package":"orderflow/cmd/sim"}
`

func TestTestsAreCountedByPlace(t *testing.T) {
	s := suite(t, "test")
	r := Result{Suite: s}
	text := r.judge([]byte(strings.Replace(ranTests, ", 1 problems", ", 0 problems", 1)), nil)
	if r.Err != nil || r.Lacking != "" {
		t.Fatal(r.Err, r.Lacking)
	}
	want := []Row{
		{place: place{"Go", "unit tests"}, Passed: 1, Of: 1, Unit: "tests"},
		{place: place{"MiniStack", "end to end"}, Passed: 1, Of: 1, Unit: "tests"},
		{place: place{"MiniStack", "grants to roles, both ways"}, Passed: 462, Of: 462, Unit: "grants"},
	}
	if len(r.Rows) != len(want) {
		t.Fatalf("rows: %+v", r.Rows)
	}
	for i, row := range r.Rows {
		if row.place != want[i].place || row.Passed != want[i].Passed || row.Of != want[i].Of ||
			row.Unit != want[i].Unit {
			t.Errorf("row %d: %+v, want %+v", i, row, want[i])
		}
	}
	if got := r.Rows[1].Skipped; len(got) != 1 || got[0] != "test/e2e.TestMail: mail_test.go:7: there is no inbox" {
		t.Errorf("skipped: %q", got)
	}
	if !strings.Contains(text, "make: Entering") || !strings.Contains(text, "roles: 57") ||
		strings.Contains(text, "Action") {
		t.Errorf("text: %s", text)
	}
	if shown := table([]Result{r}); !strings.Contains(shown,
		"not run:\n  test/e2e.TestMail: mail_test.go:7: there is no inbox") {
		t.Errorf("the table lacks the skipped tests:\n%s", shown)
	}
}

func TestSuiteWithoutProofOfSuccessFails(t *testing.T) {
	for name, c := range map[string]struct {
		suite, output string
		err           error
		want          string
	}{
		"it failed":       {"reproducible", "108 of 108 packages are the same\n", errExit, "exit status 1"},
		"it says nothing": {"reproducible", "", nil, "no line with the counts"},
		"not all passed, but it exits 0": {"reproducible", "107 of 108 packages are the same\n", nil,
			"107 of 108 packages"},
		"nothing was looked at": {"reproducible", "0 of 0 packages are the same\n", nil, "0 of 0"},
		"failures by their count": {"conformance", "conformance: 2906 cases, 3 failures\n", nil,
			"2903 of 2906 cases"},
		"no test ran":                 {"oracle", "nothing here\n", nil, "printed no counts"},
		"a problem in a later figure": {"test", ranTests, nil, "461 of 462 grants"},
		"a test failed, and its own text": {"oracle",
			`{"Action":"output","Package":"p","Test":"TestX","Output":"x is 2, not 1\n"}` + "\n" +
				`{"Action":"fail","Package":"p","Test":"TestX"}` + "\n", errExit, "x is 2, not 1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Result{Suite: suite(t, c.suite)}
			r.judge([]byte(c.output), c.err)
			if r.Err == nil || !strings.Contains(r.Err.Error(), c.want) {
				t.Errorf("%v, want %q", r.Err, c.want)
			}
			if verdict([]Result{r}, false) == nil {
				t.Error("verdict reports no failure")
			}
		})
	}
}

func TestTableHasWhatTheMachineLacks(t *testing.T) {
	r := Result{Suite: suite(t, "oracle")}
	r.judge([]byte("  … install\noracle: cannot run here: DynamoDB Local needs Java\nmake: *** [oracle] Error 1\n"),
		errExit)
	if r.Err != nil || r.Lacking != "DynamoDB Local needs Java" {
		t.Errorf("%v, lacking %q", r.Err, r.Lacking)
	}
	if verdict([]Result{r}, false) != nil || verdict([]Result{r}, true) == nil {
		t.Error("a suite that did not run must fail only with -strict")
	}
	if shown := table([]Result{r}); !strings.Contains(shown, "not run") ||
		!strings.Contains(shown, "go run ./cmd/dev oracle: DynamoDB Local needs Java") {
		t.Errorf("the table:\n%s", shown)
	}
}

func TestListedAsNotRunNeedsAReason(t *testing.T) {
	const figure = "localstack: 30 of 31 tests passed, 1 listed as not run\n"
	told, silent, failed := Result{Suite: suite(t, "localstack")}, Result{Suite: suite(t, "localstack")},
		Result{Suite: suite(t, "localstack")}
	told.judge([]byte("not run on localstack: TestX: it has no X\n"+figure), nil)
	if shown := table([]Result{told}); told.Err != nil ||
		!strings.Contains(shown, "not run:\n  localstack: TestX: it has no X") {
		t.Errorf("%v\n%s", told.Err, shown)
	}
	silent.judge([]byte(figure), nil)
	failed.judge([]byte("not run on localstack: TestX: it has no X\n"+strings.Replace(figure, "30", "29", 1)), nil)
	if silent.Err == nil || failed.Err == nil {
		t.Errorf("without a reason: %v; one failed: %v", silent.Err, failed.Err)
	}
}

func TestSuiteWithoutTimeLeftDoesNotStart(t *testing.T) {
	const about, within = 4 * time.Minute, 25 * time.Minute
	if late(time.Hour, about, 0) != "" || late(21*time.Minute, about, within) != "" {
		t.Error("a suite without time left would start")
	}
	if why := late(22*time.Minute, about, within); why != "22m0s of 25m0s are over, and it takes about 4m0s" {
		t.Errorf("%q", why)
	}
}

func TestSuitesAreChosenByName(t *testing.T) {
	chosen, err := choose([]string{"prove", "lint"})
	if err != nil || len(chosen) != 2 || chosen[0].Name != "lint" {
		t.Errorf("%v, %v", chosen, err)
	}
	if _, err := choose([]string{"lint", "nonsense"}); err == nil {
		t.Error("an unknown suite was accepted")
	}
}

func suite(t *testing.T, name string) Suite {
	t.Helper()
	for _, s := range suites {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no suite %s", name)
	return Suite{}
}
