package samlocal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/casing"
)

// cli is the SAM CLI in the clone.
type cli struct {
	repo   devstack.Repo
	dir    string // directory of its files
	env    []string
	engine *devstack.Engine
}

func newCLI(ctx context.Context, repo devstack.Repo, dir string, stack *devstack.Stack, engine *devstack.Engine) (*cli,
	error) {
	home := filepath.Join(dir, "home")
	if err := os.MkdirAll(filepath.Join(home, ".aws-sam"), 0o755); err != nil {
		return nil, err
	}
	// HOME is SAM's: set Go's directories explicitly.
	goEnv, err := exec.CommandContext(ctx, "go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return nil, err
	}
	dirs := strings.Fields(string(goEnv))
	env := append(os.Environ(), stack.Emulator.SAMEnviron(home)...)
	env = append(env, "GOCACHE="+dirs[0], "GOMODCACHE="+dirs[1])
	return &cli{repo: repo, dir: dir, env: append(env, engine.Environ()...), engine: engine}, nil
}

// command returns `sam args…` in the clone. When ctx ends it gets a signal first, so that it can
// remove its containers.
func (c *cli) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.repo.Path(".tools", "sam", "bin", "sam"), args...)
	cmd.Dir, cmd.Env = string(c.repo), c.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// build builds every function for this machine, apart from a user's own `sam build`.
func (c *cli) build(ctx context.Context) error {
	cmd := c.command(ctx, "build", "--config-env", devstack.Stage, "--build-dir", filepath.Join(c.dir, "build"),
		"--parameter-overrides", "Architecture="+devstack.HostArchitecture())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sam build: %w\n%s", errors.Join(err, ctx.Err()), out)
	}
	return c.toJSON(ctx)
}

// toJSON converts the built template to JSON: SAM reads it twice per command, and parsing YAML
// takes half a second of CPU time.
func (c *cli) toJSON(ctx context.Context) error {
	const convert = "import json, sys\nfrom samcli.yamlhelper import yaml_parse\n" +
		"json.dump(yaml_parse(open(sys.argv[1]).read()), open(sys.argv[2], 'w'))"
	cmd := exec.CommandContext(ctx, c.repo.Path(".tools", "sam", "bin", "python"), "-c", convert,
		filepath.Join(c.dir, "build", "template.yaml"), c.template())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("convert the built template to JSON: %w\n%s", errors.Join(err, ctx.Err()), out)
	}
	return nil
}

func (c *cli) template() string    { return filepath.Join(c.dir, "build", "template.json") }
func (c *cli) variables() string   { return filepath.Join(c.dir, "env.json") }
func (c *cli) log(n string) string { return filepath.Join(c.dir, n+".log") }

// writeVariables writes the deployed environment variables of functions, with the emulator's
// address for containers: SAM itself would resolve a table reference to a logical id. Traces of
// containers are not collected.
func (c *cli) writeVariables(ctx context.Context, stack *devstack.Stack, endpoint string) error {
	variables, err := stack.Environment(ctx)
	if err != nil {
		return err
	}
	for _, v := range variables {
		v["AWS_ENDPOINT_URL"], v["TRACES_URL"] = endpoint, ""
	}
	data, err := json.MarshalIndent(variables, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(c.variables(), data, 0o600)
}

// local runs `sam local args…` on the build.
func (c *cli) local(ctx context.Context, args ...string) (*exec.Cmd, error) {
	args = append([]string{"local"},
		append(args, "--template", c.template(), "--env-vars", c.variables(), "--region", devstack.Region,
			"--parameter-overrides", "Stage="+devstack.Stage+" Architecture="+devstack.HostArchitecture())...)
	has, err := c.engine.SkipsPull(ctx)
	if err != nil {
		return nil, err
	}
	if has {
		args = append(args, "--skip-pull-image")
	}
	return c.command(ctx, args...), nil
}

// invoke runs `sam local invoke <Function> -e <event>` and returns the function's result. SAM exits
// with 0 even if the function fails: then the result has errorType and errorMessage. After a
// timeout it is empty.
func (c *cli) invoke(ctx context.Context, function, event string) ([]byte, error) {
	cmd, err := c.local(ctx, "invoke", casing.Camel(function)+"Function", "--event", event)
	if err != nil {
		return nil, err
	}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w\n%s", errors.Join(err, ctx.Err()), said.Bytes())
	}
	return out.Bytes(), os.WriteFile(c.log(function), said.Bytes(), 0o600)
}

// api is a running `sam local start-api`.
type api struct {
	URL  string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	why  error         // why it ended
}

// startAPI starts the API at an address of this machine, and returns when it answers. A container
// serves all calls of its function.
func (c *cli) startAPI(ctx context.Context, address string) (*api, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return nil, err
	}
	cmd, err := c.local(ctx, "start-api", "--host", address, "--port", strconv.Itoa(port), "--warm-containers", "LAZY")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(c.log("start-api"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	a := &api{URL: "http://" + net.JoinHostPort(address, strconv.Itoa(port)), cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.why = cmd.Wait()
	}()
	if err := a.await(ctx, "/health/live"); err != nil {
		return nil, fmt.Errorf("%w (see %s)", errors.Join(err, a.stop()), log.Name())
	}
	return a, nil
}

// await returns when a path of the API answers with 200, within a minute.
func (a *api) await(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for !answers(ctx, a.URL+path) {
		select {
		case <-a.done:
			return fmt.Errorf("sam local start-api has ended: %w", a.why)
		case <-ctx.Done():
			return fmt.Errorf("%s of sam local start-api is not ready: %w", path, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

func (a *api) stop() error {
	if err := a.cmd.Cancel(); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	select {
	case <-a.done: // by the signal
		return nil
	case <-time.After(20 * time.Second):
		return syscall.Kill(-a.cmd.Process.Pid, syscall.SIGKILL)
	}
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}
