package devstack

import (
	"context"
	"net"
	"path/filepath"
	"strconv"
	"time"
)

// collectorName names the collector's files; spans are in traces.jsonl.
const collectorName = "collector"

// buildCollector compiles cmd/dev, which contains the collector of spans, for this machine.
func (r Repo) buildCollector(ctx context.Context) error {
	return command{dir: string(r), name: "go", args: []string{"build", "-o", r.Path(".build", "dev"), "./cmd/dev"},
		env: environ("GOFLAGS="+GoFlags, "CGO_ENABLED=0")}.run(ctx)
}

// collect returns the stack's trace collector, and starts it if needed.
func (r Repo) collect(ctx context.Context, dir string) (*server, error) {
	name := "orderflow " + dir // the port may belong to another stack's collector
	s, _, err := serve(ctx, dir, program{
		name: collectorName,
		argv: func(port int) []string {
			return []string{r.Path(".build", "dev"), "collector", "--listen",
				net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
				"--file", filepath.Join(dir, "traces.jsonl"), "--name", name}
		},
		ready: func(ctx context.Context, url string) bool {
			var health struct{ Name string }
			return get(ctx, url+"/health", &health) == nil && health.Name == name
		},
		limit: 20 * time.Second,
	})
	return s, err
}
