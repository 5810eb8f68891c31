package devstack

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"orderflow/internal/platform/concurrent"
)

// GoFlags are the GOFLAGS of every build, vet and test: one set, so that they share the build
// cache. Without VCS stamps a binary changes only with its code, and unchanged functions are not
// redeployed.
const GoFlags = "-trimpath -tags=lambda.norpc -buildvcs=false"

// A Function is one Lambda function in the source tree.
type Function struct {
	Name string // the last element of its directory, unique in the repository
	Dir  string // relative to the root
}

// Functions returns the directories with a main.go under functions/ and sandbox/.
func (r Repo) Functions() ([]Function, error) {
	var all []Function
	byName := map[string]string{}
	for _, top := range []string{"functions", "sandbox"} {
		mains, err := filepath.Glob(r.Path(top, "*", "*", "main.go"))
		if err != nil {
			return nil, err
		}
		for _, main := range mains {
			dir, err := filepath.Rel(string(r), filepath.Dir(main))
			if err != nil {
				return nil, err
			}
			name := filepath.Base(dir)
			if other, taken := byName[name]; taken {
				// `go build -o dir/` would silently overwrite one with the other.
				return nil, fmt.Errorf("%s and %s have the same function name %q: rename one", other, dir, name)
			}
			byName[name] = dir
			all = append(all, Function{Name: name, Dir: dir})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no main.go under %s or %s", r.Path("functions"), r.Path("sandbox"))
	}
	slices.SortFunc(all, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// OwnStacks are the services with a stack of their own, whose templates are stacks/<service>/.
func (r Repo) OwnStacks() []string {
	templates, _ := filepath.Glob(r.Path("stacks", "*", "template.yaml")) // the pattern is correct
	var services []string
	for _, file := range templates {
		services = append(services, filepath.Base(filepath.Dir(file)))
	}
	return services
}

// Templates are the paths of all templates.
func (r Repo) Templates() []string {
	all := []string{cfnStacks[0].template, cfnStacks[1].template}
	for _, service := range r.OwnStacks() {
		_, template := own(service)
		all = append(all, template)
	}
	return all
}

// HostArchitecture is this machine's architecture in Lambda's terms: x86_64 or arm64.
func HostArchitecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// A Machine is a build target of functions.
type Machine struct {
	System       string // GOOS
	Architecture string // x86_64 or arm64
}

// Lambda is AWS's machine.
func Lambda(architecture string) Machine { return Machine{System: "linux", Architecture: architecture} }

// Host is this machine: emulators run functions as local processes.
func Host() Machine { return Machine{System: runtime.GOOS, Architecture: HostArchitecture()} }

// Build compiles every function for a machine, and packs each into its deployment package,
// .build/functions/<name>.zip. Unchanged functions keep their bytes.
func (r Repo) Build(ctx context.Context, rep *Reporter, m Machine) error {
	functions, err := r.Functions()
	if err != nil {
		return err
	}
	return r.building(func() error {
		bin, err := r.compile(ctx, rep, m, functions)
		if err != nil {
			return err
		}
		return rep.Do("pack them", func() error { return r.pack(ctx, bin, functions) })
	})
}

// building runs do while no other process builds.
func (r Repo) building(do func() error) error { return locked(r.Path(".build"), do) }

// Compile compiles functions as Build does, and returns the directory of their binaries, named by
// function. It does not touch the deployment packages.
func (r Repo) Compile(ctx context.Context, rep *Reporter, m Machine, functions []Function) (bin string, err error) {
	err = r.building(func() error {
		bin, err = r.compile(ctx, rep, m, functions)
		return err
	})
	return bin, err
}

// compile adds env to the environment of the compiler.
func (r Repo) compile(
	ctx context.Context, rep *Reporter, m Machine, functions []Function, env ...string,
) (bin string, err error) {
	goarch, ok := map[string]string{"x86_64": "amd64", "arm64": "arm64"}[m.Architecture]
	if !ok {
		return "", fmt.Errorf("unknown architecture %q: use x86_64 or arm64", m.Architecture)
	}
	bin = r.Path(".build", "bin", m.System+"-"+goarch)
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	step := fmt.Sprintf("build %d functions for %s %s", len(functions), m.System, m.Architecture)
	return bin, rep.Do(step, func() error {
		args := []string{"build", "-ldflags=-s -w", "-o", bin + string(filepath.Separator)}
		for _, f := range functions {
			args = append(args, "./"+filepath.ToSlash(f.Dir))
		}
		env := append(env, "GOFLAGS="+GoFlags, "CGO_ENABLED=0", "GOOS="+m.System, "GOARCH="+goarch)
		return command{dir: string(r), name: "go", args: args, env: environ(env...)}.run(ctx)
	})
}

// pack makes .build/functions hold exactly the packages of the given functions.
func (r Repo) pack(ctx context.Context, bin string, functions []Function) error {
	out := r.Path(".build", "functions")
	keep := map[string]bool{}
	for _, f := range functions {
		keep[f.Name+".zip"] = true
	}
	err := concurrent.Do(len(functions), runtime.NumCPU(), func(i int) error {
		bootstrap, to := filepath.Join(bin, functions[i].Name), filepath.Join(out, functions[i].Name+".zip")
		if err := context.Cause(ctx); err != nil || packed(to, bootstrap) {
			return err
		}
		var content bytes.Buffer
		if err := Pack(&content, bootstrap); err != nil {
			return err
		}
		return writeFile(to, content.Bytes(), 0o644)
	})
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(out)
	for _, e := range entries {
		if !keep[e.Name()] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(out, e.Name())))
		}
	}
	return err
}

// packed reports whether a package has the binary's content. `go build` renews the time of every
// binary, also of one that it does not link again.
func packed(name, bootstrap string) bool {
	archive, err := zip.OpenReader(name)
	if err != nil {
		return false
	}
	defer archive.Close()
	want, err := sum(bootstrap)
	return err == nil && archive.Comment == want
}

// Pack writes the deployment package of a binary. Its bytes depend only on the binary, whose
// SHA-256 is the archive's comment.
func Pack(out io.Writer, bootstrap string) error {
	in, err := os.Open(bootstrap)
	if err != nil {
		return err
	}
	defer in.Close()
	w := zip.NewWriter(out)
	// A tenth larger than at the default level, but three times as fast: every change waits for it.
	fast := func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) }
	w.RegisterCompressor(zip.Deflate, fast)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	entry, err := w.CreateHeader(header)
	content := sha256.New()
	if err == nil {
		_, err = io.Copy(io.MultiWriter(entry, content), in)
	}
	return errors.Join(err, w.SetComment(hex.EncodeToString(content.Sum(nil))), w.Close())
}

// Sums builds functions for architecture and returns the SHA-256 of their deployment packages, by
// function. env is added to the compiler's, such as GOCACHE=/empty/directory to compile everything.
func (r Repo) Sums(ctx context.Context, rep *Reporter, architecture string, functions []Function,
	env ...string) (sums map[string]string, err error) {
	sums = map[string]string{}
	return sums, r.building(func() error {
		bin, err := r.compile(ctx, rep, Lambda(architecture), functions, env...)
		if err != nil {
			return err
		}
		for _, f := range functions {
			h := sha256.New()
			if err := Pack(h, filepath.Join(bin, f.Name)); err != nil {
				return err
			}
			sums[f.Name] = hex.EncodeToString(h.Sum(nil))
		}
		return nil
	})
}

// CopyTo copies the sources, without what is hidden, into the directory dir.
func (r Repo) CopyTo(ctx context.Context, dir string) (Repo, error) {
	visible, err := filepath.Glob(r.Path("[^.]*"))
	if err != nil {
		return "", err
	}
	return Repo(dir), command{name: "cp", args: slices.Concat([]string{"-R"}, visible, []string{dir})}.run(ctx)
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
