package devstack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// FunctionProcess is a process in which the emulator runs a function. It never refers to another
// process that reuses the id.
type FunctionProcess struct {
	Function string // as deployed, such as orderflow-reserve-stock
	PID      int
	process  *os.Process
}

// Functions returns the running function processes of this emulator. It needs Linux.
func (e *Emulator) Functions() ([]FunctionProcess, error) {
	if _, err := procStat("self"); err != nil {
		return nil, fmt.Errorf("listing the processes of functions needs Linux: %w", err)
	}
	var all []FunctionProcess
	for _, pid := range groupMembers(e.Process.PID) {
		// Take the handle before inspecting the process: in the other order the id could be reused
		// in between.
		p, err := os.FindProcess(pid)
		if err != nil {
			return nil, err
		}
		if name := e.functionOf(pid); name != "" && p.Signal(syscall.Signal(0)) == nil {
			all = append(all, FunctionProcess{Function: name, PID: pid, process: p})
			continue
		}
		_ = p.Release()
	}
	return all, nil
}

// functionOf returns the function of a process in the emulator's group, or "" if it runs none.
func (e *Emulator) functionOf(pid int) string {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	exe, err := os.Readlink(filepath.Join(dir, "exe"))
	if err != nil || !strings.HasPrefix(exe, e.files()+string(filepath.Separator)) {
		return ""
	}
	environ, err := os.ReadFile(filepath.Join(dir, "environ"))
	if err != nil {
		return ""
	}
	for entry := range strings.SplitSeq(string(environ), "\x00") {
		if name, ok := strings.CutPrefix(entry, "AWS_LAMBDA_FUNCTION_NAME="); ok {
			return name
		}
	}
	return ""
}

// Kill ends the process at once, as a crash would. It returns false if the process has already
// ended.
func (f FunctionProcess) Kill() (bool, error) {
	err := f.process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		return false, nil
	}
	return err == nil, err
}

// Worked returns the process's CPU time in nanoseconds, which grows while it is busy.
func (f FunctionProcess) Worked() int64 {
	threads, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(f.PID), "task", "*", "schedstat"))
	var sum int64
	for _, thread := range threads {
		data, err := os.ReadFile(thread)
		if err != nil {
			continue // ended meanwhile
		}
		if first, _, ok := strings.Cut(string(data), " "); ok {
			n, _ := strconv.ParseInt(first, 10, 64)
			sum += n
		}
	}
	return sum
}
