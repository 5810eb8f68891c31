package samlocal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"orderflow/internal/dev/httpfile"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
	"orderflow/internal/verify/e2e"
)

// collection is the test that sends docs/orderflow.http, with a subtest per request.
const collection = "TestTheCollectionForEditorsWorks"

// api is a running `sam local start-api`.
type api struct {
	URL  string
	stop func()
	done chan struct{} // closed when it has ended
	why  error         // why it ended
}

// serve starts `sam local start-api` at an address for containers, and points functions and third
// parties to it. A container serves all calls of its function.
func (w *world) serve(ctx context.Context) (*api, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(w.engine.Gateway, "0"))
	if err != nil {
		return nil, err
	}
	address := l.Addr().(*net.TCPAddr)
	log, err := os.Create(w.log("start-api"))
	if err := errors.Join(err, l.Close()); err != nil {
		return nil, err
	}
	running, end := context.WithCancel(ctx)
	a := &api{URL: "http://" + address.String(), done: make(chan struct{})}
	a.stop = func() { end(); <-a.done }
	go func() {
		defer close(a.done)
		cmd := w.local(running, "start-api", "--host", w.engine.Gateway, "--port", strconv.Itoa(address.Port),
			"--warm-containers", "LAZY")
		cmd.Stdout, cmd.Stderr = log, log
		a.why = errors.Join(cmd.Run(), log.Close())
	}()
	err = a.await(ctx, "/health/live")
	for _, service := range []string{"orders", "payments", "inventory", "shipping", "catalog"} {
		if err == nil {
			err = w.stack.SetAddress(ctx, service, a.URL)
		}
	}
	if err == nil { // readiness calls the services, whose containers are still starting: the first call times out
		err = a.await(ctx, "/health/ready")
	}
	if err != nil {
		a.stop()
		err = fmt.Errorf("%w (see %s)", err, log.Name())
	}
	return a, err
}

// await returns when a path of the API answers with 200, within a minute.
func (a *api) await(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	caller := client.Client{BaseURL: a.URL}
	for {
		_, err := caller.Do(ctx, client.Call{Method: http.MethodGet, Path: path}, nil)
		if err == nil {
			return nil
		}
		select {
		case <-a.done:
			return fmt.Errorf("sam local start-api has ended: %w", a.why)
		default:
		}
		if clock.Sleep(ctx, 200*time.Millisecond) != nil {
			return fmt.Errorf("%s of sam local start-api is not ready: %w", path, err)
		}
	}
}

// testAPI runs the tests of test/e2e against SAM's API, and returns how many requests of the
// collection got an expected response. Sagas run in the emulator behind it.
func (w *world) testAPI(ctx context.Context) (right, requests int, err error) {
	text, err := os.ReadFile(w.repo.Path("docs", "orderflow.http"))
	if err != nil {
		return 0, 0, err
	}
	all, err := httpfile.Parse(string(text))
	if err != nil {
		return 0, 0, err
	}
	if err := w.stack.Consume(ctx, true); err != nil {
		return 0, 0, err
	}
	served, err := w.serve(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer served.stop()
	parts, err := e2e.RunOn(ctx, e2e.SAMLocal, "ORDERFLOW_E2E_STACK="+filepath.Join(w.dir, "stack"),
		"ORDERFLOW_E2E_API="+served.URL)
	return parts[collection], len(all), err
}
