package devstack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const golangciLint = "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0"

// Setup installs the tools that running needs (emulator, SAM CLI) and, with lint, those that `make lint` needs, into
// .tools/. What is there already at the pinned version is left alone, which takes milliseconds.
func (r Repo) Setup(ctx context.Context, rep *Reporter, lint bool) error {
	unlock, err := lock(r.Path(".tools"))
	if err != nil {
		return err
	}
	defer unlock()
	installs := []func() error{
		func() error { return r.setupPython(ctx, rep, "ministack") },
		func() error { return r.setupPython(ctx, rep, "sam") },
	}
	if lint {
		installs = append(installs,
			func() error { return r.setupGolangciLint(ctx, rep) },
			func() error { return r.setupASLValidator(ctx, rep) })
	}
	if err := r.setupUV(ctx, rep, "ministack", "sam"); err != nil {
		return err
	}
	return parallel(installs...)
}

func (r Repo) setupGolangciLint(ctx context.Context, rep *Reporter) error {
	s := stamp{file: r.Path(".tools", "bin", ".golangci-lint"), proof: r.Path(".tools", "bin", "golangci-lint"), want: golangciLint}
	if current, err := s.current(); err != nil || current {
		return err
	}
	return rep.Do("install golangci-lint (compiles it: minutes, once)", func() error {
		// Its own GOFLAGS: the tags of this module would compile its dependencies a second time.
		env := environ("GOBIN="+r.Path(".tools", "bin"), "GOFLAGS=")
		if err := (command{env: env, name: "go", args: []string{"install", golangciLint}}).run(ctx); err != nil {
			return err
		}
		return s.write()
	})
}

func (r Repo) setupASLValidator(ctx context.Context, rep *Reporter) error {
	dir := r.Path(".tools", "node")
	s := stamp{file: filepath.Join(dir, ".stamp"), proof: filepath.Join(dir, "node_modules", ".bin", "asl-validator"),
		wantFile: r.Path("tools", "asl-validator", "package-lock.json")}
	if current, err := s.current(); err != nil || current {
		return err
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return fmt.Errorf("`make lint` checks the state machines with asl-validator, which needs Node.js with npm on the PATH: %w", err)
	}
	return rep.Do("install asl-validator", func() error {
		for _, name := range []string{"package.json", "package-lock.json"} {
			data, err := os.ReadFile(r.Path("tools", "asl-validator", name))
			if err != nil {
				return err
			}
			if err := writeFile(filepath.Join(dir, name), data, 0o644); err != nil {
				return err
			}
		}
		err := command{dir: dir, name: "npm", args: []string{"ci", "--no-audit", "--no-fund", "--cache", r.Path(".tools", "cache", "npm")}}.run(ctx)
		if err != nil {
			return err
		}
		return s.write()
	})
}
