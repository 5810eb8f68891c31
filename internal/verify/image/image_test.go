// Package image tests the container images: what their files promise, and that the commands of the
// documentation build one and run it.
package image

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/bearer/issuer"
	"orderflow/internal/platform/clock"
)

func repo(t *testing.T) devstack.Repo {
	t.Helper()
	r, err := devstack.FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func read(t *testing.T, r devstack.Repo, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(r.Path(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// commands returns the lines of the block of a document that builds an image.
func commands(t *testing.T, r devstack.Repo, document, program string) string {
	t.Helper()
	for _, block := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(read(t, r, "docs", document), -1) {
		if strings.Contains(block[1], "docker build -f cmd/"+program+"/Containerfile ") {
			return block[1]
		}
	}
	t.Fatalf("docs/%s does not say how to build cmd/%s", document, program)
	return ""
}

func TestImagesAreOneStaticProgramThatIsNotRoot(t *testing.T) {
	r := repo(t)
	for program, document := range map[string]string{"serve": "one-process.md", "rpc": "deploy.md"} {
		var froms []string
		user := ""
		for line := range strings.Lines(read(t, r, "cmd", program, "Containerfile")) {
			word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch word {
			case "FROM":
				froms = append(froms, rest)
			case "USER":
				user = rest
			case "ENTRYPOINT":
				if !strings.HasPrefix(rest, `["/`+program+`", "-listen", "0.0.0.0:8080"`) {
					t.Errorf("%s: starts %s", program, rest)
				}
			}
		}
		if strings.Join(froms, " ") != "scratch" || user != "65532:65532" {
			t.Errorf("%s: from %q as %q: want scratch, and nobody", program, froms, user)
		}
		build := commands(t, r, document, program)
		if !strings.Contains(build, "CGO_ENABLED=0 GOOS=linux") || !strings.Contains(build, "./cmd/"+program+"\n") {
			t.Errorf("%s: not built statically for Linux:\n%s", program, build)
		}
	}
}

func TestProgramsOfImagesLeaveToolsOut(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "orderflow/cmd/serve", "orderflow/cmd/rpc")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		for _, never := range []string{"verify", "dev", "ops"} {
			if strings.HasPrefix(path, "orderflow/internal/"+never+"/") {
				t.Errorf("an image's program links %s", path)
			}
		}
	}
}

// engine returns the environment of commands that use a container engine, and skips the test where
// there is none. The engine of .ci/engine brings its own client.
func engine(t *testing.T, r devstack.Repo) []string {
	t.Helper()
	path := os.Getenv("PATH") + string(os.PathListSeparator) + r.Path(".tools", "engine", "root", "usr", "bin")
	env := append(os.Environ(), "PATH="+path)
	if out, err := shell(t.Context(), r, env, "docker version").CombinedOutput(); err != nil {
		t.Skipf("no container engine: %s", out)
	}
	return env
}

func shell(ctx context.Context, r devstack.Repo, env []string, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-euc", script)
	cmd.Dir, cmd.Env = string(r), env
	return cmd
}

// container is a container of this test, with its image.
type container struct {
	t             *testing.T
	repo          devstack.Repo
	env           []string // of commands
	name, address string
}

// newContainer returns a container that was not started yet, and removes it at the end of the test.
func newContainer(t *testing.T) container {
	t.Helper()
	r := repo(t)
	c := container{t: t, repo: r, env: engine(t, r), name: "orderflow-test-" + strings.ToLower(rand.Text()[:8])}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it only finds a free port
	if err != nil {
		t.Fatal(err)
	}
	c.address = listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		remove := fmt.Sprintf("docker rm --force %[1]s; docker rmi --force %[1]s", c.name)
		ctx := context.WithoutCancel(t.Context())
		if out, err := shell(ctx, r, c.env, remove).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	return c
}

// start builds the image and starts it by a document's commands.
func (c container) start(script string) {
	c.t.Helper()
	if out, err := shell(c.t.Context(), c.repo, c.env, script).CombinedOutput(); err != nil {
		c.t.Fatalf("%v\n%s\n%s", err, script, out)
	}
}

// stop stops the process, which must end by itself. Its root must have been read-only.
func (c container) stop() {
	c.t.Helper()
	stopped, err := shell(c.t.Context(), c.repo, c.env, fmt.Sprintf("docker stop --time 60 %[1]s >&2; "+
		"docker inspect %[1]s --format '{{.State.ExitCode}} {{.HostConfig.ReadonlyRootfs}}'", c.name)).Output()
	if err != nil || strings.TrimSpace(string(stopped)) != "0 true" {
		c.t.Errorf("it ended with %q, %v: want 0, with a read-only root", stopped, err)
	}
}

// The documented commands build the image and start it, with another name, port and directory.
func TestTheDocumentedImageServesAnOrder(t *testing.T) {
	c, dir := newContainer(t), t.TempDir()
	c.start(strings.NewReplacer(
		"-t orderflow ", "-t "+c.name+" ", " orderflow -dev", " "+c.name+" -dev", "127.0.0.1:8080:", c.address+":",
		"$PWD/.local/serve", dir, "docker run ", "docker run --detach --name "+c.name+" ",
	).Replace(commands(t, c.repo, "one-process.md", "serve")))
	order(t, c.address, dir)
	c.stop()
}

// The documented commands build the image, and the documented task is run as Fargate runs it.
func TestTheDocumentedImageServesRPC(t *testing.T) {
	c := newContainer(t)
	var task struct {
		ContainerDefinitions []struct {
			ReadonlyRootFilesystem bool
			User                   string
			Environment            []struct{ Name, Value string }
		}
	}
	_, text, _ := strings.Cut(read(t, c.repo, "docs", "deploy.md"), "```json\n{\"family\"")
	text, _, _ = strings.Cut(text, "```")
	if err := json.Unmarshal([]byte(`{"family"`+text), &task); err != nil || len(task.ContainerDefinitions) != 1 {
		t.Fatalf("the task of docs/deploy.md has %d containers, %v", len(task.ContainerDefinitions), err)
	}
	process := task.ContainerDefinitions[0]
	run := fmt.Sprintf("docker run --detach --name %s --read-only=%t --user %s --cap-drop ALL -p %s:8080 "+
		"-e AWS_REGION=eu-central-1", c.name, process.ReadonlyRootFilesystem, process.User, c.address)
	for _, v := range process.Environment {
		run += " -e " + v.Name + "=" + v.Value
	}
	c.start(strings.NewReplacer("arm64", runtime.GOARCH, "-t orderflow-rpc ", "-t "+c.name+" ").
		Replace(commands(t, c.repo, "deploy.md", "rpc")) + run + " " + c.name)
	plain := grpc.WithTransportCredentials(insecure.NewCredentials())
	connection, err := grpc.NewClient("passthrough:"+c.address, plain)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close() //nolint:errcheck // the process ends
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	health, err := healthv1.NewHealthClient(connection).
		Check(ctx, &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil || health.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("its health is %v, %v", health, err)
	}
	c.stop()
}

// order places an order at a process that starts, and waits until it is confirmed.
func order(t *testing.T, address, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := client.Client{BaseURL: "http://" + address, Token: func(context.Context) (string, error) {
		own, err := issuer.In(dir)
		if err != nil || own == nil {
			return "", errors.Join(err, errors.New("the process has written no key"))
		}
		return own.Token("alice", "", time.Now())
	}}
	request := client.OrderRequest{
		Items: []client.Item{{SKU: "MUG-BLUE", Quantity: 1}}, PaymentMethod: "pm_card_visa",
		ShippingAddress: client.Address{
			Name: "Ada", Line1: "1 Street", City: "Berlin", PostalCode: "10115", Country: "DE",
		},
	}
	placed, err := c.PlaceOrder(ctx, "image", request)
	for err != nil && clock.Sleep(ctx, 100*time.Millisecond) == nil { // it starts
		placed, err = c.PlaceOrder(ctx, "image", request)
	}
	if err == nil {
		placed, err = c.WaitFinal(ctx, placed.OrderID, nil)
	}
	if err != nil || placed.Status != client.Confirmed {
		t.Errorf("the order is %+v, %v", placed, err)
	}
}
