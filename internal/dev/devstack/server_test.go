package devstack

import (
	"context"
	"flag"
	"net"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"
)

// TestBeServer is the server that the tests below start: this binary with an address as its
// argument.
func TestBeServer(t *testing.T) {
	if flag.NArg() == 0 {
		t.Skip("started by TestServerOutlivesItsStarter")
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"name":"mine"}`))
	})
	t.Fatal(http.ListenAndServe(flag.Arg(0), handler)) //nolint:gosec // for a moment, on 127.0.0.1
}

func beServer(t *testing.T) Program {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Program{
		Name:  "any-server",
		Limit: 20 * time.Second,
		Argv: func(port int) []string {
			return []string{exe, "-test.run=^TestBeServer$", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
		},
		Ready: func(ctx context.Context, url string) bool {
			var answer struct{ Name string }
			return get(ctx, url, &answer) == nil && answer.Name == "mine"
		},
	}
}

func TestServerOutlivesItsStarter(t *testing.T) {
	dir := t.TempDir()
	first, started, err := Serve(t.Context(), dir, beServer(t))
	if err != nil || !started {
		t.Fatalf("started %t, %v", started, err)
	}
	t.Cleanup(func() { _, _ = stopServers(dir) })
	again, started, err := Serve(t.Context(), dir, beServer(t))
	if err != nil || started || again.URL != first.URL || again.Process != first.Process {
		t.Errorf("again: %+v, started %t, %v; want %+v", again, started, err, first)
	}
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	third, started, err := Serve(t.Context(), dir, beServer(t))
	if err != nil || !started || third.URL != first.URL || third.Process == first.Process {
		t.Errorf("after a crash: %+v, started %t, %v; want a new one at %s", third, started, err, first.URL)
	}
	changed := beServer(t)
	changed.Key = "another binary"
	fourth, started, err := Serve(t.Context(), dir, changed)
	if err != nil || !started || fourth.URL != first.URL || third.Process.alive() {
		t.Errorf("another binary: %+v, started %t, %v, the old one lives %t", fourth, started, err,
			third.Process.alive())
	}
	if _, started, err := Serve(t.Context(), dir, changed); err != nil || started {
		t.Errorf("the same binary again: started %t, %v", started, err)
	}
	if any, err := stopServers(dir); !any || err != nil || fourth.Process.alive() {
		t.Errorf("stop: %t, %v, alive %t", any, err, fourth.Process.alive())
	}
	if any, err := stopServers(dir); any || err != nil {
		t.Errorf("stop again: %t, %v", any, err)
	}
}

func TestServerThatDoesNotStartIsNotLeftBehind(t *testing.T) {
	p := beServer(t)
	p.Argv = func(int) []string { return []string{"sleep", "60"} }
	p.Limit = 100 * time.Millisecond
	dir := t.TempDir()
	s, _, err := Serve(t.Context(), dir, p)
	if err == nil || s.Process.alive() {
		t.Errorf("%v, alive %t", err, s.Process.alive())
	}
	p.Argv = func(int) []string { return []string{"false"} }
	if _, _, err := Serve(t.Context(), dir, p); err == nil {
		t.Error("no error for a program that ended at once")
	}
	if any, err := stopServers(dir); any || err != nil {
		t.Errorf("after a failed start: stopped %t, %v", any, err)
	}
}
