package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Setup installs the emulator and the SAM CLI and, with lint, the tools of `make lint`, into
// .tools/. Tools at the pinned version are kept, which takes milliseconds.
func (r Repo) Setup(ctx context.Context, rep *Reporter, target Target, lint bool) error {
	p, err := target.product()
	if err != nil {
		return err
	}
	unlock, err := lock(r.Path(".tools"))
	if err != nil {
		return err
	}
	defer unlock()
	installs := []func() error{
		func() error { return p.setup(ctx, r, rep) },
		func() error { return r.setupPython(ctx, rep, "sam") },
	}
	if lint {
		installs = append(installs,
			// One after the other: compiling uses all processors anyway.
			func() error {
				return errors.Join(r.setupGo(ctx, rep, "oasdiff"), r.setupGo(ctx, rep, "golangci-lint"))
			},
			func() error { return r.setupASLValidator(ctx, rep) })
	}
	if err := r.setupUV(ctx, rep, "ministack", "sam"); err != nil {
		return err
	}
	return parallel(installs...)
}

// SetupGo compiles the Go tool tools/<tool> to .tools/bin/<tool>.
func (r Repo) SetupGo(ctx context.Context, rep *Reporter, tool string) error {
	unlock, err := lock(r.Path(".tools"))
	if err != nil {
		return err
	}
	defer unlock()
	return r.setupGo(ctx, rep, tool)
}

// setupGo uses the versions and hashes of the tool's go.mod and go.sum; `go install …@version`
// would check no hash of ours.
func (r Repo) setupGo(ctx context.Context, rep *Reporter, tool string) error {
	bin := r.Path(".tools", "bin", tool)
	s := stamp{file: r.Path(".tools", "bin", "."+tool), proof: bin, wantFile: r.Path("tools", tool, "go.sum")}
	if current, err := s.current(); err != nil || current {
		return err
	}
	return rep.Do("install "+tool+" (compiles it, once)", func() error {
		// Not GoFlags: its tags would compile the dependencies a second time.
		err := command{env: environ("GOFLAGS=-mod=readonly"), name: "go",
			args: []string{"build", "-C", r.Path("tools", tool), "-o", bin, "tool"}}.run(ctx)
		if err != nil {
			return err
		}
		return s.write()
	})
}

// BillOfMaterials lists the modules of functions, commands and tests in a CycloneDX file. It has no
// time or serial number, so that the same sources have the same bill.
func (r Repo) BillOfMaterials(ctx context.Context, rep *Reporter, to string) error {
	const tool = "cyclonedx-gomod"
	if err := r.SetupGo(ctx, rep, tool); err != nil {
		return err
	}
	return command{dir: string(r),
		env:  environ("GOFLAGS=-tags=lambda.norpc", "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0"),
		name: r.Path(".tools", "bin", tool), args: []string{"mod", "-json", "-output-version", "1.5", "-std", "-test",
			"-noserial", "-notimestamp", "-short-purls", "-disable-html-escape", "-output", to, "."}}.run(ctx)
}

func (r Repo) setupASLValidator(ctx context.Context, rep *Reporter) error {
	dir := r.Path(".tools", "node")
	s := stamp{file: filepath.Join(dir, ".stamp"), proof: filepath.Join(dir, "node_modules", ".bin", "asl-validator"),
		wantFile: r.Path("tools", "asl-validator", "package-lock.json")}
	if current, err := s.current(); err != nil || current {
		return err
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return fmt.Errorf("`make lint` needs Node.js with npm on the PATH, for asl-validator: %w", err)
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
		err := command{dir: dir, name: "npm",
			args: []string{"ci", "--no-audit", "--no-fund", "--cache", r.Path(".tools", "cache", "npm")}}.run(ctx)
		if err != nil {
			return err
		}
		return s.write()
	})
}
