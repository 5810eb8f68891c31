package host

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
)

func TestReservedConcurrencyBoundsCallsAndCostsNoOrder(t *testing.T) {
	const reserved, orders = 2, 16
	var inside atomic.Pointer[http.ServeMux]
	var mu sync.Mutex
	running, most := 0, 0
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/charges" { // what authorize-payment calls
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(50 * time.Millisecond) // a provider in another process
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				running--
			}()
		}
		inside.Load().ServeHTTP(w, r)
	}))
	defer provider.Close()
	s := launch(t, Options{Reserved: reserved, Outside: map[string]string{"payment-provider": provider.URL}},
		clock.System{})
	inside.Store(s.sandbox.public)
	if err := s.stocked(t.Context()); err != nil {
		t.Fatal(err)
	}
	var placed sync.WaitGroup
	for n := range orders {
		placed.Go(func() {
			o := s.order(t, fmt.Sprint("customer", n), "MUG-BLUE", "pm_card_visa", "10115")
			if o["status"] != "CONFIRMED" {
				t.Errorf("%v", o)
			}
		})
	}
	placed.Wait()
	if most != reserved {
		t.Errorf("%d charges at once, want %d", most, reserved)
	}
}
