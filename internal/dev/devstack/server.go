package devstack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"orderflow/internal/platform/clock"
)

// Server is a server on 127.0.0.1: the emulator, or one of those next to it, such as the collector.
// It outlives the process that started it.
type Server struct {
	URL     string  `json:"url"`
	Process process `json:"process"`
	Key     string  `json:"key,omitempty"` // of its program
	dir     string
	name    string // of its files in dir
}

// Program describes how to start a server.
type Program struct {
	Name  string
	Argv  func(port int) []string
	Env   []string // nil: this process's
	Dir   string   // working directory; "": that of the server's files
	Key   string   // a running server with another one is replaced
	state any      // what is kept of the server in a file; nil: the server itself
	Ready func(ctx context.Context, url string) bool
	Limit time.Duration // of the wait for Ready
}

func (s *Server) file() string { return filepath.Join(s.dir, s.name+".json") }
func (s *Server) log() string  { return filepath.Join(s.dir, s.name+".log") }

// Address is its host and port.
func (s *Server) Address() string { return strings.TrimPrefix(s.URL, "http://") }

// Log returns what the server has written to its output.
func (s *Server) Log() ([]byte, error) { return os.ReadFile(s.log()) }

// findServer returns the server last started in dir under name, which may have ended, or nil.
func findServer(dir, name string) (*Server, error) {
	s := &Server{dir: dir, name: name}
	if found, err := load(s.file(), s); !found {
		return nil, err
	}
	return s, nil
}

// Serve returns the server of dir, and starts it if it is not running, on its previous port if that
// is free.
func Serve(ctx context.Context, dir string, p Program) (s *Server, started bool, err error) {
	port := 0
	old, err := findServer(dir, p.Name)
	if err != nil {
		return nil, false, err
	}
	if old != nil {
		if old.Process.alive() && old.Key == p.Key && p.Ready(ctx, old.URL) {
			return old, false, nil
		}
		if err := old.Stop(); err != nil {
			return nil, false, err
		}
		port = portOf(old.URL)
		// The threads of a killed process may hold its port for a moment.
		for until := time.Now().Add(time.Second); !portIsFree(port) && time.Now().Before(until); {
			if err := clock.Sleep(ctx, 10*time.Millisecond); err != nil {
				return nil, false, err
			}
		}
	}
	if !portIsFree(port) {
		if port, err = FreePort(); err != nil {
			return nil, false, err
		}
	}
	s = &Server{URL: urlOf(port), Key: p.Key, dir: dir, name: p.Name}
	return s, true, s.start(ctx, p, port)
}

// start starts a server, and returns when it is ready.
func (s *Server) start(ctx context.Context, p Program, port int) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	log, err := os.Create(s.log())
	if err != nil {
		return err
	}
	defer log.Close()
	argv := p.Argv(port)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = cmp.Or(p.Dir, s.dir), p.Env, log, log
	// Its own session: it outlives this process, and it and its children form one group to be ended
	// together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the %s: %w", s.name, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if s.Process, err = identify(cmd.Process.Pid); err == nil {
		var state any = s
		if p.state != nil {
			state = p.state
		}
		err = save(s.file(), state)
	}
	if err == nil {
		err = s.await(ctx, p, ended)
	}
	if err != nil {
		output, _ := os.ReadFile(s.log())
		return errors.Join(fmt.Errorf("the %s did not start: %w; end of %s:\n%s", s.name, err, s.log(),
			tail(output, 15)),
			endGroup(cmd.Process.Pid, time.Second), os.Remove(s.file()))
	}
	return nil
}

// await returns when the server is ready.
func (s *Server) await(ctx context.Context, p Program, ended <-chan error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.Limit, fmt.Errorf("no answer from %s within %s", s.URL, p.Limit))
	defer cancel()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for !p.Ready(ctx, s.URL) {
		select {
		case err := <-ended:
			return fmt.Errorf("it ended at once (%v)", err) //nolint:errorlint // nil where it ended well
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-retry.C:
		}
	}
	return nil
}

// Kill ends the server at once, as a crash would. Serve starts it again, on its port.
func (s *Server) Kill() error {
	if !s.Process.alive() {
		return nil
	}
	if err := syscall.Kill(-s.Process.PID, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill the %s: %w", s.name, err)
	}
	return endGroup(s.Process.PID, time.Second)
}

// Stop ends the server, if it has not already ended.
func (s *Server) Stop() error { return s.StopWithin(5 * time.Second) }

// StopWithin is Stop with a time for the server to end by itself.
func (s *Server) StopWithin(grace time.Duration) error {
	if s.Process.alive() {
		if err := endGroup(s.Process.PID, grace); err != nil {
			return err
		}
	}
	return os.RemoveAll(s.file())
}

// collectorName names the collector's files; spans are in traces.jsonl.
const collectorName = "collector"

// collect returns the stack's trace collector, which is part of cmd/dev, and starts it if needed.
func (r Repo) collect(ctx context.Context, dir string) (*Server, error) {
	dev := r.Path(".build", "dev")
	err := command{dir: string(r), name: "go", args: []string{"build", "-o", dev, "./cmd/dev"},
		env: environ("GOFLAGS="+GoFlags, "CGO_ENABLED=0")}.run(ctx)
	if err != nil {
		return nil, err
	}
	name := "orderflow " + dir // the port may belong to another stack's collector
	s, _, err := Serve(ctx, dir, Program{
		Name: collectorName,
		Argv: func(port int) []string {
			return []string{dev, "collector", "--listen", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
				"--file", filepath.Join(dir, "traces.jsonl"), "--name", name}
		},
		Ready: func(ctx context.Context, url string) bool {
			var health struct{ Name string }
			return get(ctx, url+"/health", &health) == nil && health.Name == name
		},
		Limit: 20 * time.Second,
	})
	return s, err
}

// stopServers ends the servers of dir, except the emulator.
func stopServers(dir string) (stopped bool, err error) {
	files, _ := filepath.Glob(filepath.Join(dir, "*.json")) // the pattern is correct
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		s, failed := findServer(dir, name)
		if s != nil && s.Process.PID > 0 && name != emulatorName {
			stopped, failed = true, s.Stop()
		}
		err = errors.Join(err, failed)
	}
	return stopped, err
}

// get decodes the JSON response of a URL, within two seconds.
func get(ctx context.Context, url string, out any) error {
	body, err := fetch(ctx, url)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, out)
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	return io.ReadAll(resp.Body)
}

func urlOf(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }

// portOf returns the port of a URL, or 0.
func portOf(address string) int {
	u, err := url.Parse(address)
	if err != nil {
		return 0
	}
	port, _ := strconv.Atoi(u.Port())
	return port
}

// FreePort returns a currently free port of 127.0.0.1.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func portIsFree(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	l.Close()
	return port != 0
}
