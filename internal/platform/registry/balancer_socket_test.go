package registry_test

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/registry"
)

var ctx = context.Background()

// replica is a server that counts its calls, and can die and come back at its address.
type replica struct {
	t       *testing.T
	address string
	server  *httptest.Server
	calls   atomic.Int64
}

func (r *replica) start() {
	listener, err := net.Listen("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.address = listener.Addr().String()
	count := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { r.calls.Add(1) })
	r.server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: count}}
	r.server.Start()
	r.t.Cleanup(r.server.Close)
}

func (r *replica) kill() { r.server.CloseClientConnections(); r.server.Close() }

func TestDeadReplicaIsEjectedAndReadmitted(t *testing.T) {
	replicas := []*replica{
		{t: t, address: "127.0.0.1:0"}, {t: t, address: "127.0.0.1:0"}, {t: t, address: "127.0.0.1:0"},
	}
	var urls []string
	for _, r := range replicas {
		r.start()
		urls = append(urls, "http://"+r.address)
	}
	c := clock.At(time.Unix(0, 0))
	cache := registry.NewCache(registry.Fixed{"orders": strings.Join(urls, ",")}, c)
	b := registry.NewBalancer(cache, c, rand.New(rand.NewPCG(7, 7)).IntN)
	var failed atomic.Int64
	// calls makes n calls by four callers at once, and returns how many each replica got.
	calls := func(n int) (got [3]int64) {
		t.Helper()
		for _, r := range replicas {
			r.calls.Store(0)
		}
		failed.Store(0)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range n / 4 {
					url, done := pick(t, b)
					res, err := http.Get(url)
					if err == nil {
						_ = res.Body.Close()
					} else {
						failed.Add(1)
					}
					done(err != nil)
				}
			})
		}
		wg.Wait()
		for i, r := range replicas {
			got[i] = r.calls.Load()
		}
		return got
	}

	// A replica that a busy machine slows down gets fewer calls, rightly: the shares of equal ones
	// are held by TestCallsAreSpreadOverHealthyEndpoints.
	const some = 30
	if got := calls(600); min(got[0], got[1], got[2]) < some || failed.Load() != 0 {
		t.Errorf("all up: %v, %d failed; want some to each", got, failed.Load())
	}
	replicas[0].kill()
	// Of four callers at once, three may be on their way when the third failure is known.
	if got, bound := calls(600), int64(registry.Failures+3); got[0] != 0 || min(got[1], got[2]) < some ||
		failed.Load() < registry.Failures || failed.Load() > bound {
		t.Errorf("one dead: %v, %d failed; want at most %d failed and some to each other", got, failed.Load(), bound)
	}
	c.Advance(registry.Ejection)
	if calls(600); failed.Load() != 1 {
		t.Errorf("still dead after its ejection: %d calls failed, want one trial", failed.Load())
	}
	replicas[0].start()
	c.Advance(2 * registry.Ejection)
	if got := calls(600); min(got[0], got[1], got[2]) < some || failed.Load() != 0 {
		t.Errorf("back: %v, %d failed; want some to each", got, failed.Load())
	}
}
