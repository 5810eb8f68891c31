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
	"syscall"
	"time"

	"orderflow/internal/platform/clock"
)

// server is an HTTP server on 127.0.0.1: the emulator, or the collector or the RPC process next to
// it. It outlives the process that started it.
type server struct {
	URL     string  `json:"url"`
	Process process `json:"process"`
	Key     string  `json:"key,omitempty"` // of its program
	dir     string
	name    string // of its files in dir
}

// program describes how to start a server.
type program struct {
	name  string
	argv  func(port int) []string
	env   []string // nil: this process's
	dir   string   // working directory; "": that of the server's files
	key   string   // a running server with another one is replaced
	state any      // what is kept of the server in a file; nil: the server itself
	ready func(ctx context.Context, url string) bool
	limit time.Duration // of the wait for ready
}

func (s *server) file() string { return filepath.Join(s.dir, s.name+".json") }
func (s *server) log() string  { return filepath.Join(s.dir, s.name+".log") }

// findServer returns the server last started in dir under name, which may have ended, or nil.
func findServer(dir, name string) (*server, error) {
	s := &server{dir: dir, name: name}
	if found, err := load(s.file(), s); !found {
		return nil, err
	}
	return s, nil
}

// serve returns the server of dir, and starts it if it is not running, on its previous port if that
// is free.
func serve(ctx context.Context, dir string, p program) (s *server, started bool, err error) {
	port := 0
	old, err := findServer(dir, p.name)
	if err != nil {
		return nil, false, err
	}
	if old != nil {
		if old.Process.alive() && old.Key == p.key && p.ready(ctx, old.URL) {
			return old, false, nil
		}
		if err := old.stop(); err != nil {
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
		if port, err = freePort(); err != nil {
			return nil, false, err
		}
	}
	s = &server{URL: urlOf(port), Key: p.key, dir: dir, name: p.name}
	return s, true, s.start(ctx, p, port)
}

// start starts a server, and returns when it is ready.
func (s *server) start(ctx context.Context, p program, port int) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	log, err := os.Create(s.log())
	if err != nil {
		return err
	}
	defer log.Close()
	argv := p.argv(port)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = cmp.Or(p.dir, s.dir), p.env, log, log
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
func (s *server) await(ctx context.Context, p program, ended <-chan error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.limit, fmt.Errorf("no answer from %s within %s", s.URL, p.limit))
	defer cancel()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for !p.ready(ctx, s.URL) {
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

// stop ends the server, if it has not already ended.
func (s *server) stop() error {
	if s.Process.alive() {
		if err := endGroup(s.Process.PID, 5*time.Second); err != nil {
			return err
		}
	}
	return os.RemoveAll(s.file())
}

// collectorName names the collector's files; spans are in traces.jsonl.
const collectorName = "collector"

// collect returns the stack's trace collector, which is part of cmd/dev, and starts it if needed.
func (r Repo) collect(ctx context.Context, dir string) (*server, error) {
	dev := r.Path(".build", "dev")
	err := command{dir: string(r), name: "go", args: []string{"build", "-o", dev, "./cmd/dev"},
		env: environ("GOFLAGS="+GoFlags, "CGO_ENABLED=0")}.run(ctx)
	if err != nil {
		return nil, err
	}
	name := "orderflow " + dir // the port may belong to another stack's collector
	s, _, err := serve(ctx, dir, program{
		name: collectorName,
		argv: func(port int) []string {
			return []string{dev, "collector", "--listen", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
				"--file", filepath.Join(dir, "traces.jsonl"), "--name", name}
		},
		ready: func(ctx context.Context, url string) bool {
			var health struct{ Name string }
			return get(ctx, url+"/health", &health) == nil && health.Name == name
		},
		limit: 20 * time.Second,
	})
	return s, err
}

// stopServers ends the collector and the RPC process of dir, if any.
func stopServers(dir string) (stopped bool, err error) {
	for _, name := range []string{rpcName, collectorName} {
		s, failed := findServer(dir, name)
		if s != nil {
			stopped, failed = true, s.stop()
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

// freePort returns a currently free port of 127.0.0.1.
func freePort() (int, error) {
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
