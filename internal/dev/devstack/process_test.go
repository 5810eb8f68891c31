package devstack

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// running starts an idle program in the given process group, or in its own.
func running(t *testing.T, program string, group int, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program, "60")
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: group}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func TestOnlyFunctionsOfTheEmulatorCanBeKilled(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("no program `sleep` on the PATH")
	}
	program, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	e := emulatorOf(t.TempDir())
	bootstrap := filepath.Join(e.files(), "tmp", "bootstrap")
	if err := writeFile(bootstrap, program, 0o700); err != nil {
		t.Fatal(err)
	}
	const name = "AWS_LAMBDA_FUNCTION_NAME=orderflow-place-order"
	emulator := running(t, sleep, 0)
	e.Process.PID = emulator.Process.Pid
	function := running(t, bootstrap, e.Process.PID, name)
	running(t, sleep, e.Process.PID, name) // not a function's binary
	running(t, bootstrap, e.Process.PID)   // without a function's name
	running(t, bootstrap, 0, name)         // in another group

	found, err := e.Functions()
	if err != nil {
		t.Skip(err)
	}
	if len(found) != 1 || found[0].PID != function.Process.Pid || found[0].Function != "orderflow-place-order" {
		t.Fatalf("found %+v, want process %d only", found, function.Process.Pid)
	}
	if found[0].Worked() <= 0 {
		t.Error("the process has used no CPU time")
	}
	if killed, err := found[0].Kill(); !killed || err != nil {
		t.Errorf("Kill: %t, %v", killed, err)
	}
	_ = function.Wait()
	if killed, err := found[0].Kill(); killed || err != nil {
		t.Errorf("Kill of one that has ended: %t, %v", killed, err)
	}
	if found, err := e.Functions(); err != nil || len(found) != 0 {
		t.Errorf("after Kill: %+v, %v", found, err)
	}
}
