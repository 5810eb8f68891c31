// Package oracle runs the tests of all DynamoDB stores, and the linearizability check, against
// DynamoDB Local, Amazon's own emulator. A test that passes with `make test`, on MiniStack, and
// fails here shows a deviation of MiniStack.
//
// It installs DynamoDB Local into .tools/ with Maven at the version of
// tools/dynamodb-local/pom.xml, and needs a Java development kit.
package oracle

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/ddb/ddbtest"
)

// Run runs the tests; args are passed to `go test`.
func Run(ctx context.Context, args []string) error {
	repo, err := devstack.FindRepo()
	if err != nil {
		return err
	}
	lib, err := repo.SetupDynamoDBLocal(ctx, devstack.NewReporter(os.Stderr))
	if err != nil {
		return err
	}
	packages, err := stores(repo)
	if err != nil {
		return err
	}
	return withDynamoDB(ctx, repo, lib, func(endpoint string) error {
		test := exec.CommandContext(ctx, "go", append(append([]string{"test", "-count=1"}, args...), packages...)...)
		test.Dir, test.Stdout, test.Stderr = string(repo), os.Stdout, os.Stderr
		test.Env = append(os.Environ(), "GOFLAGS="+devstack.GoFlags, ddbtest.Endpoint+"="+endpoint)
		return test.Run()
	})
}

// stores returns the packages with DynamoDB stores.
func stores(repo devstack.Repo) (packages []string, err error) {
	for _, pattern := range []string{"internal/platform/ddb", "internal/*/dynamo", "sandbox/*/dynamo"} {
		dirs, err := filepath.Glob(repo.Path(pattern))
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs {
			rel, err := filepath.Rel(string(repo), dir)
			if err != nil {
				return nil, err
			}
			packages = append(packages, "./"+filepath.ToSlash(rel))
		}
	}
	if len(packages) == 0 {
		return nil, errors.New("no stores found")
	}
	return packages, nil
}

// withDynamoDB runs DynamoDB Local while use runs.
func withDynamoDB(ctx context.Context, repo devstack.Repo, lib string, use func(endpoint string) error) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	server := exec.CommandContext(ctx, "java", "-Djava.library.path="+lib, "-cp", filepath.Join(lib, "*"),
		repo.Path("tools", "dynamodb-local", "Loopback.java"), "-inMemory", "-sharedDb", "-disableTelemetry", "-port",
		strconv.Itoa(port))
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = server.Wait() // killed, or its output says why it ended
		close(ended)
	}()
	defer func() {
		_ = server.Process.Kill()
		<-ended
	}()
	endpoint := "http://127.0.0.1:" + strconv.Itoa(port)
	if err := await(ctx, endpoint, ended); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "  ✓ DynamoDB Local answers at", endpoint)
	return use(endpoint)
}

// await returns when the endpoint answers an HTTP request, whatever the status.
func await(ctx context.Context, endpoint string, ended <-chan struct{}) error {
	for range 300 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			return res.Body.Close()
		}
		select {
		case <-ended:
			return errors.New("DynamoDB Local has ended")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("DynamoDB Local does not answer")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
