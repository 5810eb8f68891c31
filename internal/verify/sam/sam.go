// Package sam runs the SAM CLI as a user would, with the checked-in samconfig.toml, and checks the
// results: `sam build` for both architectures and again after a change, `sam deploy` to an
// emulator, `sam delete`. It works on a copy of the sources.
package sam

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"orderflow/internal/dev/devstack"
)

// user is a user of the SAM CLI in a clone.
type user struct {
	CLI
	emulator *devstack.Emulator
}

// Run builds, deploys and deletes, and checks the results.
func Run(ctx context.Context) (err error) {
	repo, err := devstack.FindRepo()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "orderflow-sam-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	emulator, err := devstack.StartEmulator(ctx,
		devstack.Options{Repo: repo, Dir: filepath.Join(dir, "emulator"),
			Report: devstack.NewReporter(os.Stderr)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, emulator.Stop()) }()
	if err := os.Mkdir(filepath.Join(dir, "clone"), 0o755); err != nil {
		return err
	}
	clone, err := repo.CopyTo(ctx, filepath.Join(dir, "clone"))
	if err != nil {
		return err
	}
	cli, err := NewCLI(ctx, repo, clone, emulator, filepath.Join(dir, "home"))
	if err != nil {
		return err
	}
	u := user{cli, emulator}
	functions, err := u.builds(ctx)
	if err != nil {
		return err
	}
	made, left, err := u.deploysAndDeletes(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("sam: %d functions built for both architectures; of %d resources deployed, %d are left by sam delete\n",
		functions, made, len(left))
	if len(left) > 0 {
		return fmt.Errorf("left by sam delete: %s", strings.Join(left, ", "))
	}
	return nil
}

// succeeds runs `sam args…`, and fails if that fails.
func (u user) succeeds(ctx context.Context, args ...string) error {
	start := time.Now()
	_, err := u.Run(ctx, args...)
	if err == nil {
		fmt.Printf("  ✓ sam %s (%s)\n", strings.Join(args, " "), devstack.Seconds(time.Since(start)))
	}
	return err
}

// refuses runs `sam deploy` for the local stage, and fails unless that fails with a reason.
func (u user) refuses(ctx context.Context, reason string, args ...string) error {
	out, err := u.Run(ctx, append([]string{"deploy", "--config-env", "local"}, args...)...)
	if err == nil || !strings.Contains(out, reason) {
		//nolint:errorlint // nil if it succeeds
		return fmt.Errorf("sam deploy %s does not fail with %q (%v):\n%s", args, reason, err, out)
	}
	fmt.Printf("  ✓ sam deploy is refused: %s\n", reason)
	return nil
}

// binaries returns the hashes of the functions built by `sam build`. It fails unless all are linked
// statically and for the machine.
func (u user) binaries(machine elf.Machine) (map[string]string, error) {
	files, err := filepath.Glob(u.sources.Path(".aws-sam", "build", "*", "bootstrap"))
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		binary, err := elf.NewFile(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		dynamic := slices.ContainsFunc(binary.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
		if dynamic || binary.Machine != machine {
			return nil, fmt.Errorf("%s is for %v, linked dynamically: %t; want a static one for %v", file,
				binary.Machine, dynamic, machine)
		}
		sums[filepath.Base(filepath.Dir(file))] = fmt.Sprintf("%x", sha256.Sum256(data))
	}
	return sums, nil
}

func (u user) builds(ctx context.Context) (functions int, err error) {
	all, err := u.sources.Functions()
	if err != nil {
		return 0, err
	}
	ofStack := map[string]int{}
	for _, f := range all {
		switch service := filepath.Base(filepath.Dir(f.Dir)); {
		case slices.Contains(u.sources.OwnStacks(), service):
			ofStack[service]++
		case strings.HasPrefix(f.Dir, "functions"):
			functions++
		}
	}
	if err := u.refuses(ctx, ".packages/"); err != nil { // nothing is built
		return 0, err
	}
	other, machine := "arm64", map[string]elf.Machine{"arm64": elf.EM_AARCH64, "x86_64": elf.EM_X86_64}
	if devstack.HostArchitecture() == other {
		other = "x86_64"
	}
	build := func(architecture string) (map[string]string, error) {
		if err := u.succeeds(ctx, "build", "--parameter-overrides", "Architecture="+architecture); err != nil {
			return nil, err
		}
		sums, err := u.binaries(machine[architecture])
		if err == nil && len(sums) != functions {
			err = fmt.Errorf("%d of %d functions were built", len(sums), functions)
		}
		return sums, err
	}
	if _, err := build(other); err != nil {
		return 0, err
	}
	before, err := build(devstack.HostArchitecture())
	if err != nil {
		return 0, err
	}
	if err := change(u.sources.Path("internal", "platform", "function", "function.go")); err != nil {
		return 0, err
	}
	after, err := build(devstack.HostArchitecture())
	if err != nil {
		return 0, err
	}
	for name, sum := range before {
		if after[name] == sum {
			return 0, fmt.Errorf("%s did not change, although a package that it imports did", name)
		}
	}
	fmt.Printf("  ✓ %d static functions for each architecture; a change of a common package changes all\n",
		functions)
	for _, service := range u.sources.OwnStacks() {
		one := u
		one.sources = devstack.Repo(u.sources.Path("stacks", service))
		architecture := devstack.HostArchitecture()
		if err := one.succeeds(ctx, "build", "--parameter-overrides", "Architecture="+architecture); err != nil {
			return 0, err
		}
		sums, err := one.binaries(machine[architecture])
		if err == nil && len(sums) != ofStack[service] {
			err = fmt.Errorf("%d of %d functions of %s were built", len(sums), ofStack[service], service)
		}
		if err != nil {
			return 0, err
		}
		fmt.Printf("  ✓ %d static functions of %s, in its stack of its own\n", len(sums), service)
	}
	return functions, nil
}

// change changes a package's code.
func change(file string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("\n// Changed is never set.\nvar Changed string\n\n" +
		"func init() {\n\tif Changed != \"\" {\n\t\tprintln(Changed)\n\t}\n}\n")
	return errors.Join(err, f.Close())
}

// kept reports whether `sam delete` keeps a resource: the CLI's own bucket for packages and its
// stack, which other stacks share.
func kept(resource string) bool {
	return strings.HasPrefix(resource, "bucket: aws-sam-cli-managed-") ||
		resource == "stack: aws-sam-cli-managed-default"
}

// outlives reports whether the template retains a resource: the audit log and the secrets of third
// parties.
func outlives(resource string) bool {
	return strings.HasPrefix(resource, "secret: ") || strings.HasSuffix(resource, "/operator-actions")
}

// added returns the resources that are there now, but not before.
func (u user) added(ctx context.Context, before []string) ([]string, error) {
	now, err := u.emulator.Inventory(ctx)
	return slices.DeleteFunc(now, func(r string) bool { return slices.Contains(before, r) }), err
}

// isRefused checks that a deployment which the template's Rules forbid, after SAM's transform,
// creates nothing.
func (u user) isRefused(ctx context.Context, before []string) error {
	if err := u.refuses(ctx, "EmulatorEndpoint is only for stage local", "--stack-name", "orderflow-refused",
		"--parameter-overrides",
		"Stage=dev SenderIdentity=shop.example SenderAddress=orders@shop.example Architecture="+
			devstack.HostArchitecture()+" EmulatorEndpoint="+u.emulator.URL); err != nil {
		return err
	}
	created, err := u.added(ctx, before)
	for _, r := range created {
		if !kept(r) && r != "stack: orderflow-refused" {
			err = errors.Join(err, fmt.Errorf("created by a refused deployment: %s", r))
		}
	}
	return err
}

func (u user) deploysAndDeletes(ctx context.Context) (made int, left []string, err error) {
	before, err := u.emulator.Inventory(ctx)
	if err != nil {
		return 0, nil, err
	}
	if err := u.isRefused(ctx, before); err != nil {
		return 0, nil, err
	}
	if err := u.succeeds(ctx, "deploy", "--config-env", "local", "--parameter-overrides",
		"Stage=local Architecture="+devstack.HostArchitecture()+" EmulatorEndpoint="+u.emulator.URL); err != nil {
		return 0, nil, err
	}
	deployed, err := u.added(ctx, before)
	if err != nil {
		return 0, nil, err
	}
	kinds := map[string]int{}
	for _, r := range deployed {
		if !kept(r) {
			made++
			kind, _, _ := strings.Cut(r, ":")
			kinds[kind]++
		}
	}
	fmt.Printf("  ✓ %d resources: %v\n", made, kinds)
	for _, kind := range []string{"table", "function", "log group", "queue", "topic", "parameter", "secret",
		"state machine", "user pool", "API", "role", "alarm"} {
		if kinds[kind] == 0 {
			return 0, nil, fmt.Errorf("no %s after the deployment, so its deletion cannot be checked", kind)
		}
	}
	if err := u.succeeds(ctx, "delete", "--config-env", "local", "--no-prompts"); err != nil {
		return 0, nil, err
	}
	remaining, err := u.added(ctx, before)
	for _, r := range deployed {
		switch stays := slices.Contains(remaining, r); {
		case outlives(r) && !stays:
			err = errors.Join(err, fmt.Errorf("sam delete deleted %s, which the template retains", r))
		case stays && (kept(r) || outlives(r)):
			fmt.Printf("  ✓ kept on purpose: %s\n", r)
		}
	}
	left = slices.DeleteFunc(remaining, func(r string) bool { return kept(r) || outlives(r) })
	return made, left, err
}

// CLI is the SAM CLI of a repository's tools, in a directory of sources.
type CLI struct {
	program string
	sources devstack.Repo
	env     []string
}

// NewCLI returns the SAM CLI for an emulator, with more environment variables. It keeps its files
// in home.
func NewCLI(ctx context.Context, repo, sources devstack.Repo, emulator *devstack.Emulator, home string,
	env ...string) (CLI, error) {
	if err := os.MkdirAll(filepath.Join(home, ".aws-sam"), 0o755); err != nil {
		return CLI{}, err
	}
	// HOME is SAM's: set Go's directories explicitly.
	dirs, err := exec.CommandContext(ctx, "go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return CLI{}, err
	}
	cache, modules, _ := strings.Cut(strings.TrimSpace(string(dirs)), "\n")
	env = slices.Concat(os.Environ(), emulator.SAMEnviron(home), env,
		[]string{"GOCACHE=" + cache, "GOMODCACHE=" + modules})
	return CLI{repo.Path(".tools", "sam", "bin", "sam"), sources, env}, nil
}

// Command returns `sam args…`. When ctx ends it gets a signal first, so that it can remove its
// containers.
func (c CLI) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.program, args...)
	cmd.Dir, cmd.Env = string(c.sources), c.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// Run runs `sam args…` and returns its output, which an error has, too.
func (c CLI) Run(ctx context.Context, args ...string) (string, error) {
	out, err := c.Command(ctx, args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("sam %s: %w\n%s", strings.Join(args, " "), errors.Join(err, ctx.Err()), out)
	}
	return string(out), err
}
