package bench

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// burnt is the CPU time of the slow program, far above that of a program on a busy machine.
const burnt = 300 * time.Millisecond

// TestMain plays a measured program if the environment says so.
func TestMain(m *testing.M) {
	role, ok := os.LookupEnv("BENCH_ROLE")
	if !ok {
		os.Exit(m.Run())
	}
	switch role {
	case "burn":
		for worked := time.Duration(0); worked < burnt; {
			var usage syscall.Rusage
			if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
				os.Exit(1)
			}
			worked = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		}
	case "exit":
		fmt.Println("TABLE_NAME is not set")
		os.Exit(1)
	case "report": // as a runtime does that cannot start
		_, _ = http.Post("http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/init/error", "application/json", nil) //nolint:bodyclose // it ends here
	}
	if os.Getenv("WANT") != "" &&
		(os.Getenv("WANT") != "it" || os.Getenv("AWS_REGION") == "" || os.Getenv("HOME") != "") {
		fmt.Println("another environment")
		os.Exit(1)
	}
	_, _ = http.Get("http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/next") //nolint:bodyclose // it ends here
}

// program returns this test binary in a role.
func program(role string, env ...string) Program {
	p := Program{Name: role, Path: os.Args[0], Env: map[string]string{"BENCH_ROLE": role}}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		p.Env[name] = value
	}
	return p
}

func TestSlowStartExceedsTheLimits(t *testing.T) {
	poll := program("poll")
	base, starts, rounds, err := Measure(t.Context(), poll, []Program{poll, program("burn"), poll}, 3, time.Minute)
	if err != nil || rounds != 3 || len(starts) != 3 || base.Wall <= 0 || base.CPU <= 0 {
		t.Fatalf("%+v, %d rounds, %v", base, rounds, err)
	}
	burn := starts[1]
	if burn.Name != "burn" || burn.CPU < burnt || burn.Wall < burnt/2 ||
		burn.CPURatio <= MaxWorst || burn.WallRatio <= MaxWorst {
		t.Errorf("a start that burns CPU time: %+v against %+v", burn, base)
	}
	if v := Judge(starts, CPU); v.Slowest != "burn" || v.Err() == nil || v.Median > MaxMedian {
		t.Errorf("verdict %+v, %v", v, v.Err())
	}
}

func TestAtLeastThreeRoundsRunWhateverTheBudget(t *testing.T) {
	poll := program("poll")
	_, _, rounds, err := Measure(t.Context(), poll, []Program{poll}, 1000, time.Nanosecond)
	if err != nil || rounds != 3 {
		t.Errorf("%d rounds, %v", rounds, err)
	}
}

func TestProgramHasOnlyItsFunctionsEnvironment(t *testing.T) {
	t.Setenv("HOME", "/root")
	poll := program("poll", "WANT=it")
	if _, _, _, err := Measure(t.Context(), poll, []Program{poll}, 1, time.Minute); err != nil {
		t.Error(err)
	}
}

func TestErrorHasTheOutputOfAProgramThatDoesNotPoll(t *testing.T) {
	poll := program("poll")
	for _, p := range []Program{program("exit"), program("poll", "WANT=other")} {
		_, _, _, err := Measure(t.Context(), poll, []Program{p}, 3, time.Minute)
		if err == nil || !strings.Contains(err.Error(), p.Path) ||
			!strings.Contains(err.Error(), "TABLE_NAME is not set") &&
				!strings.Contains(err.Error(), "another environment") {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

func TestOtherRequestsAreNotPolls(t *testing.T) {
	api := listen()
	defer api.Close()
	api.patience = 2 * time.Second
	p := program("report")
	s, err := api.start(t.Context(), p.Path, p.Env)
	if err == nil || !strings.Contains(err.Error(), "no poll of the Runtime API") {
		t.Errorf("%+v, %v", s, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := api.start(ctx, p.Path, p.Env); err == nil {
		t.Errorf("cancelled: %+v", s)
	}
}

func TestLimits(t *testing.T) {
	at := func(ratios ...float64) (starts []Start) {
		for i, r := range ratios {
			starts = append(starts, Start{Name: fmt.Sprint(i), WallRatio: r, CPURatio: 1})
		}
		return starts
	}
	for _, c := range []struct {
		starts []Start
		ok     bool
	}{
		{at(1, 2, 3), true}, {at(1, 2, 3.01), false}, {at(1, 2.01, 2.5), false}, {at(2, 2, 2), true}, {at(1), true},
	} {
		if v := Judge(c.starts, Wall); (v.Err() == nil) != c.ok {
			t.Errorf("%+v: %v", v, v.Err())
		}
		if v := Judge(c.starts, CPU); v.Median != 1 || v.Err() != nil {
			t.Errorf("by CPU time: %+v", v)
		}
	}
}

func TestTableIsSortedByRatio(t *testing.T) {
	var out strings.Builder
	err := Print(&out, Start{Name: "hello", Wall: 2 * time.Millisecond, WallRatio: 1}, []Start{
		{Name: "b", Wall: 3 * time.Millisecond, WallRatio: 1.5, CPU: 4 * time.Millisecond, CPURatio: 1.75},
		{Name: "a", Wall: 5 * time.Millisecond, WallRatio: 2.5},
	}, map[string]Size{"b": {Binary: 8_460_000, Package: 3_840_000}})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if err != nil || len(lines) != 4 || !strings.HasSuffix(lines[1], " a") || !strings.HasSuffix(lines[3], " hello") {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if got := strings.Join(strings.Fields(lines[2]), " "); got != "3.00 1.50 4.00 1.75 8.5 3.8 b" {
		t.Errorf("line of b: %s", got)
	}
}
