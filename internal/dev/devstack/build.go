package devstack

import (
	"archive/zip"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
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
		err := filepath.WalkDir(r.Path(top), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) || err == nil && d.Name() != "main.go" {
				return nil
			}
			if err != nil {
				return err
			}
			dir, err := filepath.Rel(string(r), filepath.Dir(path))
			if err != nil {
				return err
			}
			name := filepath.Base(dir)
			if other, taken := byName[name]; taken {
				// `go build -o dir/` would silently overwrite one with the other.
				return fmt.Errorf("%s and %s have the same function name %q: rename one", other, dir, name)
			}
			byName[name] = dir
			all = append(all, Function{Name: name, Dir: dir})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no main.go under %s or %s", r.Path("functions"), r.Path("sandbox"))
	}
	slices.SortFunc(all, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
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

// Build compiles every function for a machine into .build/functions/<name>/bootstrap, and packs
// each into .build/functions/<name>.zip, its deployment package. Unchanged functions keep their
// bytes.
func (r Repo) Build(ctx context.Context, rep *Reporter, m Machine) error {
	functions, err := r.Functions()
	if err != nil {
		return err
	}
	unlock, err := lock(r.Path(".build"))
	if err != nil {
		return err
	}
	defer unlock()
	bin, err := r.compile(ctx, rep, m, functions)
	if err != nil {
		return err
	}
	return rep.Do("pack them", func() error { return r.pack(ctx, bin, functions) })
}

// Compile compiles functions as Build does, and returns the directory of their binaries, named by
// function. It does not touch the deployment packages.
func (r Repo) Compile(ctx context.Context, rep *Reporter, m Machine, functions []Function) (bin string, err error) {
	unlock, err := lock(r.Path(".build"))
	if err != nil {
		return "", err
	}
	defer unlock()
	return r.compile(ctx, rep, m, functions)
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

// pack makes .build/functions hold exactly the given functions.
func (r Repo) pack(ctx context.Context, bin string, functions []Function) error {
	out := r.Path(".build", "functions")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var stale []string
	keep := map[string]bool{}
	for _, f := range functions {
		keep[f.Name], keep[f.Name+".zip"] = true, true
		changed, err := link(filepath.Join(bin, f.Name), filepath.Join(out, f.Name, "bootstrap"))
		if err != nil {
			return err
		}
		if changed || olderThan(filepath.Join(out, f.Name+".zip"), filepath.Join(bin, f.Name)) {
			stale = append(stale, f.Name)
		}
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !keep[e.Name()] {
			if err := os.RemoveAll(filepath.Join(out, e.Name())); err != nil {
				return err
			}
		}
	}

	work := make(chan string, len(stale))
	for _, name := range stale {
		work <- name
	}
	close(work)
	packers := make([]func() error, runtime.NumCPU())
	for i := range packers {
		packers[i] = func() error {
			for name := range work {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				if err := packOne(filepath.Join(out, name, "bootstrap"), filepath.Join(out, name+".zip")); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return parallel(packers...)
}

// link hard-links to to from, and reports whether it changed anything.
func link(from, to string) (changed bool, err error) {
	src, err := os.Stat(from)
	if err != nil {
		return false, err
	}
	if dst, err := os.Stat(to); err == nil && os.SameFile(src, dst) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return false, err
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, os.Link(from, to)
}

func olderThan(path, reference string) bool {
	p, err := os.Stat(path)
	if err != nil {
		return true
	}
	ref, err := os.Stat(reference)
	return err != nil || p.ModTime().Before(ref.ModTime())
}

// packOne writes the deployment package of a binary to a file.
func packOne(bootstrap, to string) error {
	out, err := os.CreateTemp(filepath.Dir(to), ".zip-*")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	if err := errors.Join(Pack(out, bootstrap), out.Chmod(0o644), out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), to)
}

// Pack writes the deployment package of a binary. Its bytes depend only on the binary.
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
	if err == nil {
		_, err = io.Copy(entry, in)
	}
	return errors.Join(err, w.Close())
}
