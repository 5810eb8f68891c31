package registry_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/registry"
)

// source is a registry that counts, and can be told what to answer. Where gate is not nil, each
// question waits for it.
type source struct {
	mu    sync.Mutex
	url   string // empty: it fails
	calls atomic.Int64
	gate  chan struct{}
}

func (s *source) Resolve(ctx context.Context, name string) ([]string, error) {
	s.calls.Add(1)
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return registry.Fixed{name: s.url}.Resolve(ctx, name)
}

func (s *source) setURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = url
}

func cached(url string) (*source, *registry.Cache, *clock.Manual) {
	s, c := &source{url: url}, clock.At(time.Unix(0, 0))
	return s, registry.NewCache(s, c), c
}

func (s *source) wantCalls(t *testing.T, want int64) {
	t.Helper()
	if got := s.calls.Load(); got != want {
		t.Errorf("the registry was asked %d times, want %d", got, want)
	}
}

func TestAddressIsLookedUpOnceAMinute(t *testing.T) {
	s, r, c := cached("https://a")
	wantURLs(t, r, "orders", "https://a")
	s.setURL("https://b")
	c.Advance(registry.TTL - time.Nanosecond)
	wantURLs(t, r, "orders", "https://a")
	s.wantCalls(t, 1)
	c.Advance(time.Nanosecond)
	wantURLs(t, r, "orders", "https://b")
	wantURLs(t, r, "payments", "https://b")
	s.wantCalls(t, 3)
}

func TestOldAddressIsUsedWhileLookupsFailAndLookupsAreRare(t *testing.T) {
	s, r, c := cached("https://a")
	wantURLs(t, r, "orders", "https://a")
	s.setURL("")
	c.Advance(time.Hour)
	for range 5 {
		wantURLs(t, r, "orders", "https://a")
	}
	s.setURL("https://b")
	wantURLs(t, r, "orders", "https://a") // it is not looked up again at once
	s.wantCalls(t, 2)
	c.Advance(registry.Retry)
	wantURLs(t, r, "orders", "https://b")
}

func TestUnknownServiceIsLookedUpOnceASecond(t *testing.T) {
	s, r, c := cached("")
	for range 5 {
		if _, err := r.Resolve(t.Context(), "orders"); err == nil {
			t.Fatal("resolved")
		}
	}
	s.wantCalls(t, 1)
	s.setURL("https://a")
	c.Advance(time.Second)
	wantURLs(t, r, "orders", "https://a")
}

func TestRefreshLooksUpAtMostOnceInFiveSeconds(t *testing.T) {
	s, r, c := cached("https://a")
	r.Refresh("orders") // nothing is known of it yet
	wantURLs(t, r, "orders", "https://a")
	s.setURL("https://b")
	r.Refresh("orders")
	wantURLs(t, r, "orders", "https://a")
	c.Advance(registry.Retry)
	wantURLs(t, r, "orders", "https://a")
	for range 5 {
		r.Refresh("orders")
		wantURLs(t, r, "orders", "https://b")
	}
	s.wantCalls(t, 2)
}

func TestConcurrentCallersShareOneLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, c := cached("https://a")
		s.gate = make(chan struct{})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { wantURLs(t, r, "orders", "https://a") })
		}
		synctest.Wait()
		s.wantCalls(t, 1)
		close(s.gate)
		wg.Wait()

		s.gate = make(chan struct{})
		c.Advance(registry.TTL)
		wg.Go(func() { wantURLs(t, r, "orders", "https://a") })
		synctest.Wait()
		began := time.Now()
		wantURLs(t, r, "orders", "https://a") // the old one
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %v for another caller's lookup, although an old address is known", waited)
		}
		s.wantCalls(t, 2)
		close(s.gate)
		wg.Wait()
	})
}

func TestCancelledLookupIsTakenOverByAWaitingCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, _ := cached("https://a")
		s.gate = make(chan struct{})
		hasty, giveUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := r.Resolve(hasty, "orders"); !errors.Is(err, context.Canceled) {
				t.Errorf("who gave up got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() { wantURLs(t, r, "orders", "https://a") })
		synctest.Wait()
		giveUp()
		synctest.Wait()
		s.wantCalls(t, 2)
		close(s.gate)
		wg.Wait()
	})
}

func TestRegistryThatHangsCostsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, _ := cached("https://a")
		s.gate = make(chan struct{})
		began := time.Now()
		if _, err := r.Resolve(t.Context(), "orders"); err == nil {
			t.Error("resolved without an answer")
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}

func TestCallerWithoutTimeDoesNotWaitForASharedLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, cache, _ := cached("http://a")
		s.gate = make(chan struct{})
		asked := make(chan error)
		go func() {
			_, err := cache.Resolve(t.Context(), "orders")
			asked <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_, err := cache.Resolve(ctx, "orders")
			asked <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-asked; !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want that the caller went", err)
		}
		close(s.gate)
		if err := <-asked; err != nil {
			t.Error(err)
		}
		s.wantCalls(t, 1)
	})
}

func TestCallersDeadlineDoesNotEndASharedLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, _ := cached("https://a")
		s.gate = make(chan struct{})
		time.AfterFunc(500*time.Millisecond, func() { close(s.gate) })
		ctx, cancel := deadline.Choose(deadline.Begin(t.Context()), 250*time.Millisecond)
		defer cancel()
		if urls, err := r.Resolve(ctx, "orders"); err != nil || len(urls) != 1 {
			t.Errorf("%v, %v; want the address", urls, err)
		}
		wantURLs(t, r, "orders", "https://a")
		s.wantCalls(t, 1)
	})
}

func TestCallersWithShortDeadlinesShareAHangingLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, _ := cached("https://a")
		s.gate = make(chan struct{})
		for range 3 {
			ctx, cancel := deadline.Choose(deadline.Begin(t.Context()), 250*time.Millisecond)
			if _, err := r.Resolve(ctx, "orders"); err == nil {
				t.Error("resolved")
			}
			cancel()
		}
		s.wantCalls(t, 1)
	})
}
