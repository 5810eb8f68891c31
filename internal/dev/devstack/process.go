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
	started, err := startOf(pid)
	if err != nil {
		return process{}, err
	}
	return process{PID: pid, Started: started}, nil
}

// alive reports whether this process is still running.
func (p process) alive() bool {
	if p.PID <= 0 {
		return false
	}
	started, err := startOf(p.PID)
	return err == nil && started == p.Started
}

// startOf returns the start time of a running process, in the operating system's format.
func startOf(pid int) (string, error) {
	if stat, err := procStat(strconv.Itoa(pid)); err == nil {
		if stat.state == "Z" {
			return "", errors.New("the process has ended")
		}
		boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
		return strings.TrimSpace(string(boot)) + "/" + stat.started, nil
	}
	out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(out)), nil
}

// groupMembers returns the running processes of a group.
func groupMembers(pgid int) []int {
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(entries) == 0 { // without /proc: only whether there are any
		if syscall.Kill(-pgid, 0) == nil {
			return []int{pgid}
		}
		return nil
	}
	var pids []int
	for _, entry := range entries {
		// Zombies (Z) are still listed.
		stat, err := procStat(filepath.Base(entry))
		if err == nil && stat.group == strconv.Itoa(pgid) && stat.state != "Z" {
			pid, _ := strconv.Atoi(filepath.Base(entry))
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// outsiders returns the leaders of other groups among the running descendants of a process. Without
// /proc it returns none.
func outsiders(pid int) []process {
	entries, _ := filepath.Glob("/proc/[0-9]*")
	children, leaders := map[string][]string{}, map[string]bool{}
	for _, entry := range entries {
		id := filepath.Base(entry)
		if stat, err := procStat(id); err == nil && stat.state != "Z" {
			children[stat.parent] = append(children[stat.parent], id)
			leaders[id] = stat.group == id
		}
	}
	var found []process
	for ids := children[strconv.Itoa(pid)]; len(ids) > 0; ids = ids[1:] {
		ids = append(ids, children[ids[0]]...)
		if child, _ := strconv.Atoi(ids[0]); leaders[ids[0]] {
			if p, err := identify(child); err == nil {
				found = append(found, p)
			}
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

type stat struct{ state, parent, group, started string }

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
	return stat{state: fields[0], parent: fields[1], group: fields[2], started: fields[19]}, nil
}
