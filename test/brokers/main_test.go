// Package brokers_test tests what needs the real brokers, Kafka and RabbitMQ: the brokers as
// package brokers starts them. `go run ./cmd/dev brokers` runs it; without the variable that this
// sets no test runs.
package brokers_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/testmain"
)

// real are the brokers under test.
var real *brokers.Brokers

func TestMain(m *testing.M) {
	testmain.Main(m, testmain.Suite{Name: "brokers", Needs: brokers.Wanted, Limit: 5 * time.Minute,
		Run: func(ctx context.Context, repo devstack.Repo, dir string) (code int, err error) {
			if real, err = brokers.Start(ctx, repo, devstack.NewReporter(os.Stderr), dir, "test"); err != nil {
				return 1, err
			}
			defer func() { err = errors.Join(err, real.Stop()) }()
			return m.Run(), nil
		}})
}
