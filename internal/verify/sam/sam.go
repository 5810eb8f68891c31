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
	"time"

	"orderflow/internal/dev/devstack"
)

// user is a user of the SAM CLI in a clone.
type user struct {
	sam   string
	clone devstack.Repo
	env   []string
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
		devstack.EmulatorOptions{Repo: repo, Dir: filepath.Join(dir, "emulator"),
			Report: devstack.NewReporter(os.Stderr)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, emulator.Stop()) }()
	for _, sub := range []string{"clone", "home"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	clone, err := repo.CopyTo(filepath.Join(dir, "clone"))
	if err != nil {
		return err
	}
	u := user{sam: repo.Path(".tools", "sam", "bin", "sam"), clone: clone,
		env: emulator.SAMEnviron(filepath.Join(dir, "home"))}
	// HOME is SAM's: set Go's directories explicitly.
	goEnv, err := exec.CommandContext(ctx, "go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return err
	}
	dirs := strings.Fields(string(goEnv))
	u.env = append(u.env, "GOCACHE="+dirs[0], "GOMODCACHE="+dirs[1])
	functions, err := u.builds(ctx)
	if err != nil {
		return err
	}
	made, left, err := u.deploysAndDeletes(ctx, emulator)
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

// types runs `sam args…` in the clone, and fails unless it succeeds or fails as wanted.
func (u user) types(ctx context.Context, succeeds bool, args ...string) (string, error) {
	start := time.Now()
	cmd := exec.CommandContext(ctx, u.sam, args...)
	cmd.Dir, cmd.Env = string(u.clone), append(os.Environ(), u.env...)
	out, err := cmd.CombinedOutput()
	if (err == nil) != succeeds {
		return "", fmt.Errorf("sam %s: %w\n%s", strings.Join(args, " "), errors.Join(err, ctx.Err()), out)
	}
	fmt.Printf("  ✓ sam %s (%s)\n", strings.Join(args, " "), devstack.Seconds(time.Since(start)))
	return string(out), nil
}

// binaries returns the hashes of the functions built by `sam build`. It fails unless all are linked
// statically and for the machine.
func (u user) binaries(machine elf.Machine) (map[string]string, error) {
	files, err := filepath.Glob(u.clone.Path(".aws-sam", "build", "*", "bootstrap"))
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
		for _, p := range binary.Progs {
			if p.Type == elf.PT_INTERP {
				return nil, fmt.Errorf("%s is linked dynamically", file)
			}
		}
		if binary.Machine != machine {
			return nil, fmt.Errorf("%s is for %v, not %v", file, binary.Machine, machine)
		}
		sums[filepath.Base(filepath.Dir(file))] = fmt.Sprintf("%x", sha256.Sum256(data))
	}
	return sums, nil
}

func (u user) builds(ctx context.Context) (functions int, err error) {
	all, err := u.clone.Functions()
	if err != nil {
		return 0, err
	}
	for _, f := range all {
		if strings.HasPrefix(f.Dir, "functions") {
			functions++
		}
	}
	out, err := u.types(ctx, false, "deploy", "--config-env", "local")
	if err == nil && !strings.Contains(out, ".packages/") {
		err = errors.New("it does not name what is missing:\n" + out)
	}
	if err != nil {
		return 0, fmt.Errorf("sam deploy with nothing built: %w", err)
	}
	other, machine := "arm64", map[string]elf.Machine{"arm64": elf.EM_AARCH64, "x86_64": elf.EM_X86_64}
	if devstack.HostArchitecture() == other {
		other = "x86_64"
	}
	build := func(architecture string) (map[string]string, error) {
		if _, err := u.types(ctx, true, "build", "--parameter-overrides", "Architecture="+architecture); err != nil {
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
	if err := change(u.clone.Path("internal", "platform", "function", "function.go")); err != nil {
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

// kept are the resources that `sam delete` keeps: the CLI's own bucket for packages and its stack,
// which other stacks share.
func kept(resource string) bool {
	return strings.HasPrefix(resource, "bucket: aws-sam-cli-managed-") ||
		resource == "stack: aws-sam-cli-managed-default"
}

// outlives reports whether the template retains a resource: the audit log and the secrets of third
// parties.
func outlives(resource string) bool {
	return strings.HasPrefix(resource, "secret: ") || strings.HasSuffix(resource, "/operator-actions")
}

// isRefused checks that a deployment which the template's Rules forbid, after SAM's transform,
// creates nothing.
func (u user) isRefused(ctx context.Context, emulator *devstack.Emulator) error {
	before, err := emulator.Inventory(ctx)
	if err != nil {
		return err
	}
	const want = "EmulatorEndpoint is only for stage local"
	out, err := u.types(ctx, false, "deploy", "--config-env", "local", "--stack-name", "orderflow-refused",
		"--parameter-overrides",
		"Stage=dev SenderIdentity=shop.example SenderAddress=orders@shop.example Architecture="+
			devstack.HostArchitecture()+" EmulatorEndpoint="+emulator.URL)
	if err == nil && !strings.Contains(out, want) {
		err = fmt.Errorf("missing %q in:\n%s", want, out)
	}
	if err != nil {
		return fmt.Errorf("sam deploy against a rule: %w", err)
	}
	after, err := emulator.Inventory(ctx)
	for _, r := range after {
		if !slices.Contains(before, r) && !kept(r) && r != "stack: orderflow-refused" {
			err = errors.Join(err, fmt.Errorf("created by a refused deployment: %s", r))
		}
	}
	return err
}

func (u user) deploysAndDeletes(ctx context.Context, emulator *devstack.Emulator) (made int, left []string, err error) {
	before, err := emulator.Inventory(ctx)
	if err != nil {
		return 0, nil, err
	}
	known := map[string]bool{}
	for _, r := range before {
		known[r] = true
	}
	if err := u.isRefused(ctx, emulator); err != nil {
		return 0, nil, err
	}
	if _, err := u.types(ctx, true, "deploy", "--config-env", "local", "--parameter-overrides",
		"Stage=local Architecture="+devstack.HostArchitecture()+" EmulatorEndpoint="+emulator.URL); err != nil {
		return 0, nil, err
	}
	during, err := emulator.Inventory(ctx)
	if err != nil {
		return 0, nil, err
	}
	kinds := map[string]int{}
	for _, r := range during {
		if !known[r] && !kept(r) {
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
	if _, err := u.types(ctx, true, "delete", "--config-env", "local", "--no-prompts"); err != nil {
		return 0, nil, err
	}
	after, err := emulator.Inventory(ctx)
	if err != nil {
		return 0, nil, err
	}
	for _, r := range during {
		if outlives(r) && !slices.Contains(after, r) {
			return 0, nil, fmt.Errorf("sam delete deleted %s, which the template retains", r)
		}
	}
	for _, r := range after {
		switch {
		case known[r]:
		case kept(r), outlives(r):
			fmt.Printf("  ✓ kept on purpose: %s\n", r)
		default:
			left = append(left, r)
		}
	}
	return made, left, nil
}
