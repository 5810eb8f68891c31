package devstack

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process identifies a process for good: ids are reused, but not with the same start time.
type process struct {
	PID     int    `json:"pid"`
	Started string `json:"started"`
}

func identify(pid int) (process, error) {
	if stat, err := procStat(strconv.Itoa(pid)); err == nil {
		if stat.state == "Z" {
			return process{}, errors.New("the process has ended")
		}
		boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
		return process{pid, strings.TrimSpace(string(boot)) + "/" + stat.started}, nil
	}
	started, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	return process{pid, strings.TrimSpace(string(started))}, err
}

// alive reports whether this process is still running.
func (p process) alive() bool {
	now, err := identify(p.PID)
	return p.PID > 0 && err == nil && now == p
}

// processes returns the running processes by id, without zombies; none without /proc.
func processes() map[int]stat {
	all := map[int]stat{}
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, entry := range entries {
		pid, _ := strconv.Atoi(filepath.Base(entry))
		if stat, err := procStat(filepath.Base(entry)); err == nil && stat.state != "Z" {
			all[pid] = stat
		}
	}
	return all
}

// groupMembers returns the running processes of a group.
func groupMembers(pgid int) (pids []int) {
	all := processes()
	if len(all) == 0 && syscall.Kill(-pgid, 0) == nil { // without /proc: only whether there are any
		return []int{pgid}
	}
	for pid, stat := range all {
		if stat.group == pgid {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// outsiders returns the leaders of other groups among the running descendants of a process. Without
// /proc it returns none.
func outsiders(pid int) (found []process) {
	all := processes()
	for child, stat := range all {
		if stat.group != child || child == pid {
			continue
		}
		for stat.parent > 0 && stat.parent != pid {
			stat = all[stat.parent]
		}
		if p, err := identify(child); err == nil && stat.parent == pid {
			found = append(found, p)
		}
	}
	return found
}

// endGroup ends every process of a group: with SIGTERM, and after grace with SIGKILL.
func endGroup(pgid int, grace time.Duration) error {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(-pgid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end process group %d: %w", pgid, err)
		}
		for deadline := time.Now().Add(grace); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if len(groupMembers(pgid)) == 0 {
				return nil
			}
		}
	}
	return fmt.Errorf("processes %v of group %d do not end: inspect them with ps", groupMembers(pgid), pgid)
}

type stat struct {
	parent, group  int
	state, started string
}

// procStat reads /proc/<pid>/stat.
func procStat(pid string) (stat, error) {
	data, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return stat{}, err
	}
	// The second field is the program's name in parentheses, which may contain blanks and
	// parentheses.
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(fields) < 20 {
		return stat{}, fmt.Errorf("unexpected /proc/%s/stat", pid)
	}
	parent, _ := strconv.Atoi(fields[1])
	group, _ := strconv.Atoi(fields[2])
	return stat{parent: parent, group: group, state: fields[0], started: fields[19]}, nil
}

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
	environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil || !e.contains(pid) {
		return ""
	}
	_, name, _ := strings.Cut("\x00"+string(environ), "\x00AWS_LAMBDA_FUNCTION_NAME=")
	name, _, _ = strings.Cut(name, "\x00")
	return name
}

// contains reports whether the program of a process is in the emulator's files, as functions are.
func (e *Emulator) contains(pid int) bool {
	exe, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "exe"))
	return err == nil && strings.HasPrefix(exe, e.files()+string(filepath.Separator))
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
		data, _ := os.ReadFile(thread) // empty if it has ended meanwhile
		first, _, _ := strings.Cut(string(data), " ")
		n, _ := strconv.ParseInt(first, 10, 64)
		sum += n
	}
	return sum
}
