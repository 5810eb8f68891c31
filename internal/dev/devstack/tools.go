package devstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tool is a program that is installed into .tools/ at the version and hashes pinned in tools/.
type tool struct {
	stamp
	name  string
	dir   string // its directory, which is emptied first; "" if it has none
	needs func(ctx context.Context) error
	steps func(ctx context.Context) error
}

// install installs a tool that is missing or out of date.
func (rep *Reporter) install(ctx context.Context, t tool) error {
	if current, err := t.current(); err != nil || current {
		return err
	}
	if t.needs != nil {
		if err := t.needs(ctx); err != nil {
			return err
		}
	}
	return rep.Do("install "+t.name, func() error {
		if t.dir != "" {
			if err := os.RemoveAll(t.dir); err != nil {
				return err
			}
		}
		if err := t.steps(ctx); err != nil {
			return err
		}
		return t.write()
	})
}

// locked runs do while no other process installs.
func (r Repo) locked(do func() error) error {
	unlock, err := lock(r.Path(".tools"))
	if err != nil {
		return err
	}
	defer unlock()
	return do()
}

// Setup installs the emulator and the SAM CLI and, with lint, the tools of `make lint`, into
// .tools/. Tools at the pinned version are kept, which takes milliseconds.
func (r Repo) Setup(ctx context.Context, rep *Reporter, target Target, lint bool) error {
	p, err := target.product()
	if err != nil {
		return err
	}
	return r.locked(func() error {
		installs := []func() error{
			func() error { return p.setup(ctx, r, rep) },
			func() error { return rep.install(ctx, r.python("sam")) },
		}
		if lint {
			installs = append(installs,
				// One after the other: compiling uses all processors anyway.
				func() error {
					return errors.Join(rep.install(ctx, r.golang("oasdiff")), rep.install(ctx, r.golang("golangci-lint")))
				},
				func() error { return rep.install(ctx, r.aslValidator()) })
		}
		if err := r.setupUV(ctx, rep, "ministack", "sam"); err != nil {
			return err
		}
		return parallel(installs...)
	})
}

// SetupGo compiles the Go tool tools/<name> to .tools/bin/<name>.
func (r Repo) SetupGo(ctx context.Context, rep *Reporter, name string) error {
	return r.locked(func() error { return rep.install(ctx, r.golang(name)) })
}

// SetupPython installs an additional Python tool, tools/<name>.txt, into .tools/<name>.
func (r Repo) SetupPython(ctx context.Context, rep *Reporter, name string) error {
	return r.locked(func() error {
		if err := r.setupUV(ctx, rep, name); err != nil {
			return err
		}
		return rep.install(ctx, r.python(name))
	})
}

// DynamoDBLocal installs DynamoDB Local, Amazon's own emulator, and starts it with its log in dir.
func (r Repo) DynamoDBLocal(ctx context.Context, rep *Reporter, dir string) (endpoint string, stop func() error,
	err error) {
	t := r.dynamoDBLocal()
	if err := r.locked(func() error { return rep.install(ctx, t) }); err != nil {
		return "", nil, err
	}
	s, _, err := serve(ctx, dir, program{
		name: "dynamodb-local",
		argv: func(port int) []string {
			return []string{"java", "-Djava.library.path=" + t.dir, "-cp", filepath.Join(t.dir, "*"),
				r.Path("tools", "dynamodb-local", "Loopback.java"), "-inMemory", "-sharedDb", "-disableTelemetry",
				"-port", strconv.Itoa(port)}
		},
		ready: func(ctx context.Context, address string) bool {
			_, err := fetch(ctx, address)
			var silent *url.Error // any status is an answer
			return !errors.As(err, &silent)
		},
		limit: 30 * time.Second,
	})
	if err != nil {
		return "", nil, err
	}
	return s.URL, s.stop, nil
}

// golang is a Go tool. Its go.mod and go.sum have the versions and hashes; `go install …@version`
// would check no hash of ours.
func (r Repo) golang(name string) tool {
	bin := r.Path(".tools", "bin", name)
	return tool{
		name:  name + " (compiles it, once)",
		stamp: stamp{file: r.Path(".tools", "bin", "."+name), proof: bin, wantFile: r.Path("tools", name, "go.sum")},
		steps: func(ctx context.Context) error {
			// Not GoFlags: its tags would compile the dependencies a second time.
			return command{env: environ("GOFLAGS=-mod=readonly"), name: "go",
				args: []string{"build", "-C", r.Path("tools", name), "-o", bin, "tool"}}.run(ctx)
		},
	}
}

// dynamoDBLocal is installed by Maven, which checks downloads only against checksums of the same
// source.
func (r Repo) dynamoDBLocal() tool {
	const name = "dynamodb-local"
	dir, pom := r.Path(".tools", name), r.Path("tools", name, "pom.xml")
	return tool{
		name: "DynamoDB Local",
		dir:  dir,
		stamp: stamp{file: filepath.Join(dir, ".stamp"), proof: filepath.Join(dir, "sqlite4java-1.0.392.jar"),
			want: dir, wantFile: pom},
		needs: func(context.Context) error {
			for _, program := range []string{"java", "mvn"} {
				if _, err := exec.LookPath(program); err != nil {
					return Lacking(fmt.Sprintf("DynamoDB Local needs Maven and a Java development kit, 17 or newer (%v)", err))
				}
			}
			return nil
		},
		steps: func(ctx context.Context) error {
			err := command{name: "mvn",
				args: []string{"-q", "-B", "-f", pom, "-Dmaven.repo.local=" + r.Path(".tools", "cache", "m2"),
					"dependency:copy-dependencies", "-DoutputDirectory=" + dir}}.run(ctx)
			if err != nil {
				return err
			}
			if err := r.Pinned(name, dir); err != nil {
				return errors.Join(err, os.RemoveAll(dir))
			}
			return nil
		},
	}
}

func (r Repo) aslValidator() tool {
	dir, lockFile := r.Path(".tools", "node"), r.Path("tools", "asl-validator", "package-lock.json")
	return tool{
		name: "asl-validator",
		stamp: stamp{file: filepath.Join(dir, ".stamp"),
			proof: filepath.Join(dir, "node_modules", ".bin", "asl-validator"), wantFile: lockFile},
		needs: func(context.Context) error {
			if _, err := exec.LookPath("npm"); err != nil {
				return fmt.Errorf("`make lint` needs Node.js with npm on the PATH, for asl-validator: %w", err)
			}
			return nil
		},
		steps: func(ctx context.Context) error {
			err := errors.Join(os.MkdirAll(dir, 0o755), copyFile(lockFile, filepath.Join(dir, "package-lock.json")),
				copyFile(r.Path("tools", "asl-validator", "package.json"), filepath.Join(dir, "package.json")))
			if err != nil {
				return err
			}
			return command{dir: dir, name: "npm",
				args: []string{"ci", "--no-audit", "--no-fund", "--cache", r.Path(".tools", "cache", "npm")}}.run(ctx)
		},
	}
}

// python is tools/<name>.txt in a virtual environment .tools/<name>, installed by uv, or by pip where
// uv is not available.
func (r Repo) python(name string) tool {
	venv := r.Path(".tools", name)
	return tool{name: name, dir: venv, stamp: r.pythonStamp(name), steps: func(ctx context.Context) error {
		python, list := filepath.Join(venv, "bin", "python"), r.Path("tools", name+".txt")
		if current, _ := r.pythonStamp("uv").current(); !current || name == "uv" {
			if err := (command{name: "python3", args: []string{"-m", "venv", venv}}).run(ctx); err != nil {
				return fmt.Errorf("create a Python environment (Debian and Ubuntu need: apt install python3-venv): %w", err)
			}
			return command{name: python, args: []string{"-m", "pip", "install", "--quiet", "--no-cache-dir",
				"--disable-pip-version-check", "--require-hashes", "-r", list}}.run(ctx)
		}
		uv := command{name: r.Path(".tools", "uv", "bin", "uv"),
			// The cache is in the repository, where files are linked instead of copied.
			env: environ("UV_CACHE_DIR="+r.Path(".tools", "cache", "uv"), "UV_PYTHON_DOWNLOADS=never",
				"UV_NO_CONFIG=1", "VIRTUAL_ENV="),
			args: []string{"venv", "--quiet", "--no-project", "--python", "python3", venv}}
		if err := uv.run(ctx); err != nil {
			return err
		}
		uv.args = []string{"pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", list}
		return uv.run(ctx)
	}}
}

// setupUV installs uv if any of the tools is missing: it is several times as fast as pip. Machines
// without a uv build use pip.
func (r Repo) setupUV(ctx context.Context, rep *Reporter, tools ...string) error {
	missing := false
	for _, name := range tools {
		current, err := r.pythonStamp(name).current()
		if err != nil {
			return err
		}
		missing = missing || !current
	}
	if !missing {
		return nil
	}
	err := exec.CommandContext(ctx, "python3", "-c", "import sys; sys.exit(sys.version_info < (3, 10))").Run()
	if err != nil {
		return fmt.Errorf("python3 3.10 or later is required on the PATH: %w", err)
	}
	if err := rep.install(ctx, r.python("uv")); err != nil {
		rep.Printf("  uv is not available here, using pip instead: %v\n", err)
	}
	return ctx.Err()
}

// stamp records what an installed tool was made from.
type stamp struct {
	file     string // where it is recorded
	proof    string // a file of the tool
	want     string // what it should be made from …
	wantFile string // … besides the content of this file
}

func (r Repo) pythonStamp(name string) stamp {
	venv := r.Path(".tools", name)
	// Environments contain absolute paths: a moved clone needs new ones.
	return stamp{file: filepath.Join(venv, ".stamp"), proof: filepath.Join(venv, "bin", "python"), want: venv,
		wantFile: r.Path("tools", name+".txt")}
}

func (s stamp) content() (string, error) {
	data, err := os.ReadFile(s.wantFile)
	hash := sha256.Sum256(append([]byte(s.want), data...))
	return hex.EncodeToString(hash[:]), err
}

// current reports whether the tool is installed and up to date.
func (s stamp) current() (bool, error) {
	want, err := s.content()
	if err != nil {
		return false, err
	}
	have, err := os.ReadFile(s.file)
	if err != nil || strings.TrimSpace(string(have)) != want {
		return false, nil //nolint:nilerr // no stamp, or an old one
	}
	_, err = os.Stat(s.proof)
	return err == nil, nil
}

func (s stamp) write() error {
	want, err := s.content()
	if err != nil {
		return err
	}
	return writeFile(s.file, []byte(want+"\n"), 0o644)
}

// Pinned fails unless the files of dir are exactly those in tools/<tool>/sha256, a list in the form
// of `sha256sum`.
func (r Repo) Pinned(tool, dir string) error {
	list, err := os.ReadFile(r.Path("tools", tool, "sha256"))
	if err != nil {
		return err
	}
	want := map[string]string{}
	for line := range strings.Lines(string(list)) {
		hash, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		want[name] = hash
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		got, sumErr := sum(filepath.Join(dir, entry.Name()))
		switch pinned, known := want[entry.Name()]; {
		case sumErr != nil:
			err = errors.Join(err, sumErr)
		case !known:
			err = errors.Join(err, fmt.Errorf("%s is not in tools/%s/sha256", entry.Name(), tool))
		case pinned != got:
			err = errors.Join(err,
				fmt.Errorf("%s has the hash %s, which differs from tools/%s/sha256: do not use it",
					entry.Name(), got, tool))
		}
		delete(want, entry.Name())
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		err = errors.Join(err, fmt.Errorf("%s of tools/%s/sha256 is missing", name, tool))
	}
	return err
}

// sum returns the SHA-256 of a file in hexadecimal.
func sum(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
