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
	"os"
	"os/exec"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/ddb/ddbtest"
)

// Run runs the tests; args are passed to `go test`.
func Run(ctx context.Context, args []string) error {
	repo, err := devstack.FindRepo()
	if err != nil {
		return err
	}
	packages, err := stores(repo)
	if err != nil {
		return err
	}
	dir, err := repo.NewRun("oracle")
	if err != nil {
		return err
	}
	endpoint, stop, err := repo.DynamoDBLocal(ctx, devstack.NewReporter(os.Stderr), dir)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "  ✓ DynamoDB Local answers at", endpoint)
	test := exec.CommandContext(ctx, "go", append(append([]string{"test", "-count=1"}, args...), packages...)...)
	test.Dir, test.Stdout, test.Stderr = string(repo), os.Stdout, os.Stderr
	test.Env = append(os.Environ(), "GOFLAGS="+devstack.GoFlags, ddbtest.Endpoint+"="+endpoint)
	return errors.Join(test.Run(), stop(), os.RemoveAll(dir))
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
