package devstack

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRunningStackKeepsItsTarget(t *testing.T) {
	dir := t.TempDir()
	on := func(opts Options) (Options, error) {
		t.Helper()
		opts.Dir = dir
		return opts.onTarget()
	}
	if got, err := on(Options{}); err != nil || got.Target != MiniStack || got.NoAuthorizer {
		t.Errorf("a new stack is on %q, without an authorizer: %t, %v", got.Target, got.NoAuthorizer, err)
	}
	if _, err := on(Options{Target: "aws"}); err == nil || !strings.Contains(err.Error(), "localstack") {
		t.Errorf("an unknown target: %v, want an error that lists the targets", err)
	}
	if _, err := on(Options{Target: LocalStack, Discovery: "cloud-map"}); err == nil {
		t.Error("LocalStack with Cloud Map was accepted")
	}

	me, err := identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	running := emulatorOf(dir)
	running.Target, running.Process = LocalStack, me
	if err := save(running.file(), running); err != nil {
		t.Fatal(err)
	}
	if got, err := on(Options{}); err != nil || got.Target != LocalStack || !got.NoAuthorizer {
		t.Errorf("again: on %q, without an authorizer: %t, %v", got.Target, got.NoAuthorizer, err)
	}
	if _, err := on(Options{Target: MiniStack}); err == nil || !strings.Contains(err.Error(), "make down") {
		t.Errorf("another target while it runs: %v", err)
	}
	running.Process.Started += "0" // as if it had ended
	if err := save(running.file(), running); err != nil {
		t.Fatal(err)
	}
	if got, err := on(Options{Target: MiniStack}); err != nil || got.Target != MiniStack {
		t.Errorf("another target when it has ended: %q, %v", got.Target, err)
	}
}

func TestInboxOfEveryTargetIsRead(t *testing.T) {
	answers := map[string]string{
		"/_ministack/ses/messages": `{"messages":{"000000000000":[{"To":["ada@example.com"],"Subject":"Hello","BodyText":"Ada"}]}}`,
		"/_aws/ses":                `{"messages":[{"Id":"1","Destination":{"ToAddresses":["ada@example.com"]},"Subject":"Hello","Body":{"text_part":"Ada","html_part":null}}]}`,
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(answers[r.URL.Path]))
	}))
	defer web.Close()
	want := []Mail{{To: []string{"ada@example.com"}, Subject: "Hello", Text: "Ada"}}
	for _, target := range []Target{MiniStack, LocalStack} {
		if got, err := (&Emulator{Server: Server{URL: web.URL}, Target: target}).Inbox(t.Context()); err != nil ||
			!reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", target, got, err)
		}
	}
}

func TestWaitsAreScaledInWholeSeconds(t *testing.T) {
	const definition = `{"States":{"A":{"Retry":[{"IntervalSeconds":2,"MaxDelaySeconds":60,"MaxAttempts":9,"BackoffRate":2},{"IntervalSeconds":30}],"TimeoutSeconds":90}}}`
	for scale, want := range map[float64]string{
		1:    definition,
		.4:   `{"States":{"A":{"Retry":[{"IntervalSeconds":1,"MaxDelaySeconds":24,"MaxAttempts":9,"BackoffRate":2},{"IntervalSeconds":12}],"TimeoutSeconds":90}}}`,
		.001: `{"States":{"A":{"Retry":[{"IntervalSeconds":1,"MaxDelaySeconds":2,"MaxAttempts":9,"BackoffRate":2},{"IntervalSeconds":1}],"TimeoutSeconds":90}}}`,
	} {
		if got := scaledWaits(definition, scale); got != want {
			t.Errorf("%g: %s; want %s", scale, got, want)
		}
	}
}

func TestLocalStackSaysWhatItLacks(t *testing.T) {
	repo, err := FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for _, name := range []string{"bash", "dirname"} {
		path, err := exec.LookPath(name)
		if err := errors.Join(err, os.Symlink(path, filepath.Join(bin, name))); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(repo.localStackProgram(), "setup")
	cmd.Env = []string{"PATH=" + bin}
	out, err := cmd.CombinedOutput()
	if lacking := LackingIn(out); err == nil || !strings.Contains(lacking, "Java") {
		t.Errorf("without Java: %v, lacking %q in %s", err, lacking, out)
	}
}

// LocalStack's DynamoDB Local has its own session.
func TestStopEndsDescendantsInOtherSessions(t *testing.T) {
	shell := exec.Command("sh", "-c", "sh -c 'setsid sleep 60 & wait'")
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shell.Wait() })
	e := emulatorOf(t.TempDir())
	var err error
	if e.Process, err = identify(shell.Process.Pid); err != nil {
		t.Fatal(err)
	}
	var others []process
	for deadline := time.Now().Add(10 * time.Second); len(others) == 0 &&
		time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		others = outsiders(e.Process.PID)
	}
	if len(others) != 1 {
		t.Fatalf("found %v, want one", others)
	}
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
	if others[0].alive() || e.Process.alive() {
		t.Errorf("alive after Stop: %t %t", others[0].alive(), e.Process.alive())
	}
}
