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
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
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
	return withDynamoDB(ctx, repo, lib, func(ctx context.Context, endpoint string) error {
		test := exec.CommandContext(ctx, "go", append(append([]string{"test", "-count=1"}, args...), packages...)...)
		test.Dir, test.Stdout, test.Stderr = string(repo), os.Stdout, os.Stderr
		test.Env = append(os.Environ(), "GOFLAGS="+devstack.GoFlags, ddbtest.Endpoint+"="+endpoint)
		return test.Run()
	})
}

// stores returns the packages with DynamoDB stores.
func stores(repo devstack.Repo) (packages []string, err error) {
	for _, pattern := range []string{"internal/platform/ddb", "internal/*/dynamo", "sandbox/*/dynamo"} {
		dirs, err := fs.Glob(os.DirFS(string(repo)), pattern)
		if err != nil || len(dirs) == 0 {
			return nil, fmt.Errorf("no stores found in %s: %w", pattern, err)
		}
		for _, dir := range dirs {
			packages = append(packages, "./"+dir)
		}
	}
	return packages, nil
}

// withDynamoDB runs DynamoDB Local while use runs.
func withDynamoDB(ctx context.Context, repo devstack.Repo, lib string,
	use func(ctx context.Context, endpoint string) error) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	server := exec.CommandContext(ctx, "java", "-Djava.library.path="+lib, "-cp", filepath.Join(lib, "*"),
		repo.Path("tools", "dynamodb-local", "Loopback.java"), "-inMemory", "-sharedDb", "-disableTelemetry", "-port", port)
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		stop(fmt.Errorf("DynamoDB Local has ended: %w", server.Wait()))
		close(ended)
	}()
	defer func() {
		stop(nil)
		<-ended
	}()
	endpoint := "http://127.0.0.1:" + port
	if err := await(ctx, endpoint); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "  ✓ DynamoDB Local answers at", endpoint)
	return use(ctx, endpoint)
}

// await returns when the endpoint answers an HTTP request, whatever the status.
func await(ctx context.Context, endpoint string) error {
	for range 300 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			return res.Body.Close()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("DynamoDB Local does not answer")
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}
