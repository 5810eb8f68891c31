// Package samlocal runs functions in containers with the SAM CLI: `sam local invoke` for every
// function of template.yaml, with its sample event of events/, and `sam local start-api`. They use
// a stack on the emulator. The expected results and effects are in testdata/. [Run] is `go run
// ./cmd/dev sam-local`.
package samlocal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/verify/sam"
)

// Options configure a run.
type Options struct {
	Repo devstack.Repo
	Dir  string // directory of all files of the run
	Out  io.Writer
}

// ErrWrong is returned if functions in containers do not behave as expected.
var ErrWrong = errors.New("functions in containers do not behave as expected")

// Run invokes every function, tests the API, and prints the results. It fails if one is not as
// expected.
func Run(ctx context.Context, o Options) (err error) {
	began := time.Now()
	wants, err := readWants(o.Repo)
	if err != nil {
		return err
	}
	functions, err := complete(o.Repo, wants)
	if err != nil {
		return err
	}
	w, err := begin(ctx, o, devstack.NewReporter(os.Stderr))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.end(ctx)) }()
	wrong, err := w.invokeAll(ctx, wants, o.Out)
	if err != nil {
		return err
	}
	right := functions - len(wrong)
	fmt.Fprintf(o.Out, "  functions: %d of %d, %s since the start\n", right, functions,
		devstack.Seconds(time.Since(began)))
	answered, requests, failed := w.testAPI(ctx)
	fmt.Fprintf(o.Out, "sam-local: %d of %d functions, %d of %d requests\n", right, functions, answered, requests)
	if right < functions || answered < requests {
		failed = errors.Join(failed, ErrWrong)
	}
	return errors.Join(failed, errors.Join(wrong...)) // again, as its line is far above
}

// world is the environment of functions in containers.
type world struct {
	repo      devstack.Repo
	dir       string // of its files
	stack     *devstack.Stack
	engine    *devstack.Engine
	sam       sam.CLI
	unpublish func() error
}

func begin(ctx context.Context, o Options, rep *devstack.Reporter) (w *world, err error) {
	w = &world{repo: o.Repo, dir: o.Dir, unpublish: func() error { return nil }}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.end(ctx))
		}
	}()
	if w.engine, err = devstack.FindEngine(ctx, rep); err != nil {
		return w, err
	}
	if w.stack, err = devstack.Start(ctx,
		devstack.Options{Repo: o.Repo, Dir: filepath.Join(o.Dir, "stack"), NoAuthorizer: true,
			Report: rep}); err != nil {
		return w, err
	}
	home := filepath.Join(o.Dir, "home")
	if w.sam, err = sam.NewCLI(ctx, o.Repo, o.Repo, w.stack.Emulator, home, w.engine.Environ()...); err != nil {
		return w, err
	}
	if err := rep.Do("sam build", func() error { return w.build(ctx) }); err != nil {
		return w, err
	}
	endpoint, unpublish, err := w.stack.Publish(ctx, w.engine.Gateway)
	if err != nil {
		return w, err
	}
	w.unpublish = unpublish
	return w, w.writeVariables(ctx, endpoint)
}

// end stops everything that begin started, even after ctx has ended.
func (w *world) end(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if w.engine != nil {
		_, err = w.engine.RemoveContainers(ctx, w.dir)
	}
	err = errors.Join(err, w.unpublish())
	if w.stack != nil {
		err = errors.Join(err, w.stack.Stop())
	}
	return err
}

func (w *world) template() string    { return filepath.Join(w.dir, "build", "template.json") }
func (w *world) variables() string   { return filepath.Join(w.dir, "env.json") }
func (w *world) log(n string) string { return filepath.Join(w.dir, n+".log") }

// build builds every function for this machine, apart from a user's own `sam build`. It converts
// the built template to JSON: SAM reads it twice per command, and parsing YAML takes half a second
// of CPU time.
func (w *world) build(ctx context.Context) error {
	if _, err := w.sam.Run(ctx, "build", "--config-env", devstack.Stage, "--build-dir", filepath.Join(w.dir, "build"),
		"--parameter-overrides", "Architecture="+devstack.HostArchitecture()); err != nil {
		return err
	}
	const convert = "import json, sys\nfrom samcli.yamlhelper import yaml_parse\n" +
		"json.dump(yaml_parse(open(sys.argv[1]).read()), open(sys.argv[2], 'w'))"
	cmd := exec.CommandContext(ctx, w.repo.Path(".tools", "sam", "bin", "python"), "-c", convert,
		filepath.Join(w.dir, "build", "template.yaml"), w.template())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("convert the built template to JSON: %w\n%s", errors.Join(err, ctx.Err()), out)
	}
	return nil
}

// writeVariables writes the deployed environment variables of functions, with the emulator's
// address for containers: SAM itself would resolve a table reference to a logical id. Traces of
// containers are not collected.
func (w *world) writeVariables(ctx context.Context, endpoint string) error {
	variables, err := w.stack.Environment(ctx)
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
	return os.WriteFile(w.variables(), data, 0o600)
}

// local returns `sam local args…` on the build.
func (w *world) local(ctx context.Context, args ...string) *exec.Cmd {
	args = slices.Concat([]string{"local"}, args, []string{"--template", w.template(), "--env-vars", w.variables(),
		"--region", devstack.Region,
		"--parameter-overrides", "Stage=" + devstack.Stage + " Architecture=" + devstack.HostArchitecture()})
	if has, err := w.engine.SkipsPull(ctx); err == nil && has {
		args = append(args, "--skip-pull-image")
	}
	return w.sam.Command(ctx, args...)
}

// invoke runs `sam local invoke <Function> -e <event>` and returns the function's result. SAM exits
// with 0 even if the function fails: then the result has errorType and errorMessage. After a
// timeout it is empty.
func (w *world) invoke(ctx context.Context, function, event string) ([]byte, error) {
	cmd := w.local(ctx, "invoke", casing.Camel(function)+"Function", "--event", event)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w\n%s", errors.Join(err, ctx.Err()), log.Bytes())
	}
	return out.Bytes(), os.WriteFile(w.log(function), log.Bytes(), 0o600)
}

// last is the service that is invoked last: its state machines call functions of all services.
const last = "fulfilment"

// invokeAll invokes each function with its sample event and returns an error for each that did not
// behave as expected. Functions of a service run in sequence, as they build on each other; services
// run concurrently.
func (w *world) invokeAll(ctx context.Context, wants map[string][]want, out io.Writer) (wrong []error, err error) {
	if err := stockTea(ctx, w.stack); err != nil {
		return nil, err
	}
	// Then only the functions invoked here consume messages.
	if err := w.stack.Consume(ctx, false); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	inSequence := func(list []want) error {
		for _, wanted := range list {
			began := time.Now()
			err := w.check(ctx, wanted)
			mu.Lock()
			if err != nil {
				err = fmt.Errorf("%s: %w", wanted.Function, err)
				fmt.Fprintf(out, "  ✗ %v\n", err)
				wrong = append(wrong, err)
			} else {
				fmt.Fprintf(out, "  ✓ %s (%s)\n", wanted.Function, devstack.Seconds(time.Since(began)))
			}
			mu.Unlock()
		}
		return ctx.Err()
	}
	var lists [][]want
	for service, list := range wants {
		if service != last {
			lists = append(lists, list)
		}
	}
	slices.SortFunc(lists, func(a, b []want) int { return len(b) - len(a) })
	// Each waits for its container.
	err = concurrent.Do(len(lists), runtime.NumCPU()+1, func(i int) error { return inSequence(lists[i]) })
	err = errors.Join(err, inSequence(wants[last]))
	return wrong, err
}

func (w *world) check(ctx context.Context, wanted want) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	event := w.repo.Path("events", wanted.service, wanted.Function+".json")
	if err := wanted.prepare(ctx, w.stack, event); err != nil {
		return err
	}
	body, err := patiently(ctx, wanted, func() ([]byte, error) { return w.invoke(ctx, wanted.Function, event) })
	if err != nil {
		return err
	}
	return wanted.checkEffects(ctx, w.stack, body)
}

// attempts is how often a function is invoked that fails.
const attempts = 3

// patiently invokes a function and checks its answer. Like its callers on AWS (clients, Step
// Functions, queues), it tries again if the invocation failed: on a busy machine, containers and
// functions run out of time. A wrong answer is final.
func patiently(ctx context.Context, wanted want, invoke func() ([]byte, error)) (body map[string]any, err error) {
	for attempt := 1; ; attempt++ {
		answer, failed := invoke()
		if failed == nil {
			body, failed = wanted.check(answer)
		}
		if failed == nil {
			return body, nil
		}
		err = errors.Join(err, failed)
		after, again := retryAfter(answer)
		if !again || attempt == attempts {
			return nil, err
		}
		if slept := clock.Sleep(ctx, after); slept != nil {
			return nil, slept
		}
	}
}

// pause is the time before a function that failed is invoked again, if it names none.
const pause = time.Second

// retryAfter returns whether an answer is a failure, after which callers try again, and when.
// Without an answer, the container failed or the function ran out of time.
func retryAfter(answer []byte) (after time.Duration, again bool) {
	var response struct {
		StatusCode        int
		Headers           map[string]string
		ErrorType         string
		BatchItemFailures []any
	}
	if len(bytes.TrimSpace(answer)) == 0 {
		return pause, true
	}
	if json.Unmarshal(answer, &response) != nil {
		return 0, false
	}
	again = response.StatusCode >= http.StatusInternalServerError || response.ErrorType != "" ||
		len(response.BatchItemFailures) > 0
	if seconds, err := strconv.ParseUint(response.Headers["Retry-After"], 10, 16); err == nil {
		return time.Duration(seconds) * time.Second, again
	}
	return pause, again
}
