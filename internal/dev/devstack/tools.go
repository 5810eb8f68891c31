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

	"orderflow/internal/platform/concurrent"
)

// tool is a program that is installed into .tools/.
type tool struct {
	name  string
	dir   string // its own directory; "" for a program in .tools/bin
	proof string // a file of it
	pins  string // the file with its version and hashes
	// needs fails if the machine lacks something; verify fails if something wrong was installed.
	needs, verify func() error
	commands      []command
}

// install installs a tool that is missing or out of date.
func (rep *Reporter) install(ctx context.Context, t tool) error {
	if current, err := t.current(); err != nil || current {
		return err
	}
	if t.needs != nil {
		if err := t.needs(); err != nil {
			return err
		}
	}
	return rep.Do("install "+t.name, func() error {
		if t.dir != "" {
			if err := errors.Join(os.RemoveAll(t.dir), os.MkdirAll(t.dir, 0o755)); err != nil {
				return err
			}
		}
		for _, c := range t.commands {
			if err := c.run(ctx); err != nil {
				return err
			}
		}
		if t.verify != nil {
			if err := t.verify(); err != nil {
				return errors.Join(err, os.RemoveAll(t.dir))
			}
		}
		return t.write()
	})
}

// stamp is the file that records what the tool was installed from.
func (t tool) stamp() string {
	if t.dir == "" {
		return filepath.Join(filepath.Dir(t.proof), "."+filepath.Base(t.proof))
	}
	return filepath.Join(t.dir, ".stamp")
}

// source is the stamp's content. Environments contain absolute paths: a moved clone needs new ones.
func (t tool) source() (string, error) {
	pins, err := os.ReadFile(t.pins)
	return fmt.Sprintf("%x\n", sha256.Sum256(append([]byte(t.dir), pins...))), err
}

// current reports whether the tool is installed and up to date.
func (t tool) current() (bool, error) {
	want, err := t.source()
	if err != nil {
		return false, err
	}
	have, _ := os.ReadFile(t.stamp())
	_, missing := os.Stat(t.proof)
	return string(have) == want && missing == nil, nil
}

func (t tool) write() error {
	source, err := t.source()
	if err != nil {
		return err
	}
	return writeFile(t.stamp(), []byte(source), 0o644)
}

// installing runs do while no other process installs.
func (r Repo) installing(do func() error) error { return locked(r.Path(".tools"), do) }

// Setup installs the emulator and the SAM CLI and, with lint, the tools of `make lint`, into
// .tools/. Tools at the pinned version are kept, which takes milliseconds.
func (r Repo) Setup(ctx context.Context, rep *Reporter, target Target, lint bool) error {
	if err := target.check(); err != nil {
		return err
	}
	return r.installing(func() error {
		installs := []func() error{
			func() error { return products[target].setup(ctx, r, rep) },
			func() error { return rep.install(ctx, r.python("sam")) },
		}
		if lint {
			installs = append(installs,
				// One after the other: compiling uses all processors anyway.
				func() error {
					return errors.Join(rep.install(ctx, r.golang("oasdiff")),
						rep.install(ctx, r.golang("golangci-lint")))
				},
				func() error { return rep.install(ctx, r.node()) })
		}
		if err := rep.install(ctx, r.uv()); err != nil {
			return err
		}
		return concurrent.All(installs...)
	})
}

// SetupGo compiles the Go tool tools/<name> to .tools/bin/<name>.
func (r Repo) SetupGo(ctx context.Context, rep *Reporter, name string) error {
	return r.installing(func() error { return rep.install(ctx, r.golang(name)) })
}

// GenerateGraphQL writes internal/gateway/graph/exec from api/schema.graphql.
func (r Repo) GenerateGraphQL(ctx context.Context, rep *Reporter) error {
	if err := r.SetupGo(ctx, rep, "gqlgen"); err != nil {
		return err
	}
	return command{dir: r.Path("internal", "gateway", "graph"), name: r.Path(".tools", "bin", "gqlgen"),
		args: []string{"generate", "--config", "gqlgen.yml"}}.run(ctx)
}

// SetupBuf installs buf, and returns where.
func (r Repo) SetupBuf(ctx context.Context, rep *Reporter) (program string, err error) {
	return r.Path(".tools", "node", "node_modules", ".bin", "buf"),
		r.installing(func() error { return rep.install(ctx, r.node()) })
}

// GenerateRPC writes api/rpc from api/proto.
func (r Repo) GenerateRPC(ctx context.Context, rep *Reporter) error {
	buf, err := r.SetupBuf(ctx, rep)
	if err != nil {
		return err
	}
	return command{dir: r.Path("api", "proto"), name: buf, args: []string{"generate"}}.run(ctx)
}

// SetupPython installs an additional Python tool, tools/<name>.txt, into .tools/<name>.
func (r Repo) SetupPython(ctx context.Context, rep *Reporter, name string) error {
	return r.installing(func() error {
		if err := rep.install(ctx, r.uv()); err != nil {
			return err
		}
		return rep.install(ctx, r.python(name))
	})
}

// DynamoDBLocal installs DynamoDB Local, Amazon's own emulator, and starts it with its log in dir.
func (r Repo) DynamoDBLocal(ctx context.Context, rep *Reporter, dir string) (endpoint string, stop func() error,
	err error) {
	t := r.dynamoDBLocal()
	if err := r.installing(func() error { return rep.install(ctx, t) }); err != nil {
		return "", nil, err
	}
	s, _, err := Serve(ctx, dir, Program{
		Name: "dynamodb-local",
		Argv: func(port int) []string {
			return []string{"java", "-Djava.library.path=" + t.dir, "-cp", filepath.Join(t.dir, "*"),
				r.Path("tools", "dynamodb-local", "Loopback.java"), "-inMemory", "-sharedDb", "-disableTelemetry",
				"-port", strconv.Itoa(port)}
		},
		Ready: func(ctx context.Context, address string) bool {
			_, err := fetch(ctx, address)
			var silent *url.Error // any status is an answer
			return !errors.As(err, &silent)
		},
		Limit: 30 * time.Second,
	})
	if err != nil {
		return "", nil, err
	}
	return s.URL, s.Stop, nil
}

// golang is a Go tool. Its go.mod and go.sum have the versions and hashes; `go install …@version`
// would check no pinned hash.
func (r Repo) golang(name string) tool {
	bin := r.Path(".tools", "bin", name)
	// Not GoFlags: its tags would compile the dependencies a second time.
	build := command{env: environ("GOFLAGS=-mod=readonly"), name: "go",
		args: []string{"build", "-C", r.Path("tools", name), "-o", bin, "tool"}}
	return tool{name: name + " (compiles it, once)", proof: bin, pins: r.Path("tools", name, "go.sum"),
		commands: []command{build}}
}

// dynamoDBLocal is Amazon's own emulator of DynamoDB.
func (r Repo) dynamoDBLocal() tool {
	return r.maven("dynamodb-local", "DynamoDB Local", "sqlite4java-1.0.392.jar")
}

// kafka is a Kafka broker.
func (r Repo) kafka() tool { return r.maven("kafka", "Kafka", "kafka_2.13-4.4.0.jar") }

// maven is what tools/<name>/pom.xml names, in .tools/<name>. Maven checks downloads only against
// checksums of the same source.
func (r Repo) maven(name, title, proof string) tool {
	dir, pom := r.Path(".tools", name), r.Path("tools", name, "pom.xml")
	copyAll := command{name: "mvn", args: []string{"-q", "-B", "-f", pom,
		"-Dmaven.repo.local=" + r.Path(".tools", "cache", "m2"), "dependency:copy-dependencies",
		"-DoutputDirectory=" + dir}}
	return tool{name: title, dir: dir, proof: filepath.Join(dir, proof), pins: pom,
		needs: func() error {
			return onPath(title+" needs Maven and a Java development kit, 17 or newer", "java", "mvn")
		},
		verify:   func() error { return r.Pinned(name, dir) },
		commands: []command{copyAll}}
}

// rabbitMQ is a RabbitMQ broker with its Erlang, as Debian or Ubuntu have them. Their packages are
// verified by apt and unpacked; nothing is installed.
func (r Repo) rabbitMQ() tool {
	dir, script := r.Path(".tools", "rabbitmq"), r.Path("tools", "rabbitmq.sh")
	return tool{name: "RabbitMQ", dir: dir,
		proof: filepath.Join(dir, "usr", "lib", "rabbitmq", "bin", "rabbitmq-server"),
		pins:  script,
		needs: func() error {
			return onPath("RabbitMQ is unpacked from the packages of Debian or Ubuntu", "apt-get", "dpkg-deb")
		},
		commands: []command{{name: script, args: []string{dir}}}}
}

// SetupBrokers installs Kafka and RabbitMQ, and returns where.
func (r Repo) SetupBrokers(ctx context.Context, rep *Reporter) (kafka, rabbitMQ string, err error) {
	k, q := r.kafka(), r.rabbitMQ()
	return k.dir, q.dir, r.installing(func() error {
		return concurrent.All(
			func() error { return rep.install(ctx, k) },
			func() error { return rep.install(ctx, q) })
	})
}

// onPath fails with the sentence unless the programs are on the PATH.
func onPath(sentence string, programs ...string) error {
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			return Lacking(sentence + ": " + err.Error())
		}
	}
	return nil
}

// node are the JavaScript tools: asl-validator, buf, the audits of graphql-http, and axe-core.
func (r Repo) node() tool {
	dir, lockFile := r.Path(".tools", "node"), r.Path("tools", "node", "package-lock.json")
	return tool{name: "asl-validator, buf and graphql-http", dir: dir,
		proof: filepath.Join(dir, "node_modules", "graphql-http", "package.json"),
		pins:  lockFile,
		needs: func() error {
			if _, err := exec.LookPath("npm"); err != nil {
				return fmt.Errorf("npm of Node.js is required on the PATH, for asl-validator and buf: %w", err)
			}
			return nil
		},
		commands: []command{
			{name: "cp", args: []string{lockFile, r.Path("tools", "node", "package.json"), dir}},
			{dir: dir, name: "npm",
				args: []string{"ci", "--no-audit", "--no-fund", "--cache", r.Path(".tools", "cache", "npm")}},
		}}
}

// Python is the oldest Python that the tools run on.
const Python = "3.11"

// uv installs the other Python tools, several times as fast as pip, which installs it.
func (r Repo) uv() tool {
	venv, list := r.Path(".tools", "uv"), r.Path("tools", "uv.txt")
	python := filepath.Join(venv, "bin", "python")
	return tool{name: "uv", dir: venv, proof: python, pins: list,
		needs: func() error {
			tooOld := fmt.Sprintf("import sys; sys.exit(sys.version_info < tuple(map(int, '%s'.split('.'))))", Python)
			if err := exec.Command("python3", "-c", tooOld).Run(); err != nil {
				return fmt.Errorf("python3 %s or later is required on the PATH: %w", Python, err)
			}
			return nil
		},
		commands: []command{
			{name: "python3", args: []string{"-m", "venv", venv}},
			{name: python, args: []string{"-m", "pip", "install", "--quiet", "--no-cache-dir",
				"--disable-pip-version-check", "--require-hashes", "-r", list}},
		}}
}

// python is tools/<name>.txt in a virtual environment .tools/<name>.
func (r Repo) python(name string) tool {
	venv, list := r.Path(".tools", name), r.Path("tools", name+".txt")
	python, uv := filepath.Join(venv, "bin", "python"), filepath.Join(r.uv().dir, "bin", "uv")
	// The cache is in the repository, where files are linked instead of copied.
	env := environ("UV_CACHE_DIR="+r.Path(".tools", "cache", "uv"), "UV_PYTHON_DOWNLOADS=never", "UV_NO_CONFIG=1",
		"VIRTUAL_ENV=")
	return tool{name: name, dir: venv, proof: python, pins: list, commands: []command{
		{env: env, name: uv,
			args: []string{"venv", "--quiet", "--no-project", "--clear", "--python", "python3", venv}},
		{env: env, name: uv,
			args: []string{"pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", list}},
	}}
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
