package host

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/host/cloud"
)

func TestNegativeFlagsAreRefused(t *testing.T) {
	for _, args := range []string{"-dev -keep -1", "-dev -drain -1s", "", "-dev more", "-dev -store disk",
		"-dev -lease 999ms", "-dev -reserved-concurrency -1",
		"-dev -tracking-url http://x/{trackingNumber}", "-dev -tracking-url https://x"} {
		var said strings.Builder
		if code := Main(t.Context(), strings.Fields(args), os.LookupEnv, io.Discard, &said); code != exitUsage {
			t.Errorf("%q: exit %d, %s", args, code, said.String())
		}
	}
}

func TestATakenAddressIsRefusedWithAdvice(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	var said strings.Builder
	code := Main(t.Context(), []string{"-dev", "-dir", t.TempDir(), "-listen", taken.Addr().String()},
		os.LookupEnv, io.Discard, &said)
	if code != exitFailure || !strings.Contains(said.String(), "-listen") {
		t.Errorf("exit %d, %s", code, said.String())
	}
}

func TestThirdPartiesOutsideAreNamed(t *testing.T) {
	outside, err := parseOutside("carrier=https://ship.example/v1,payment-provider=http://127.0.0.1:1")
	if err != nil || outside["carrier"] != "https://ship.example/v1" || len(outside) != 2 {
		t.Error(outside, err)
	}
	at := register(&cloud.Parameters{}, outside)
	for name, want := range map[string]string{"carrier": "https://ship.example/v1", "legacy-shop": "http://legacy-shop"} {
		if got, err := at.Resolve(t.Context(), name); err != nil || got[0] != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, wrong := range []string{"carrier", "carrier=", "carrier=ship.example", "orders=http://x"} {
		if got, err := parseOutside(wrong); err == nil {
			t.Errorf("%q was taken for %v", wrong, got)
		}
	}
}

func TestAddressIsOneThatClientsCanCall(t *testing.T) {
	for listening, want := range map[string]string{
		"0.0.0.0:80": "http://127.0.0.1:80", "[::]:80": "http://127.0.0.1:80", "10.0.0.1:80": "http://10.0.0.1:80",
	} {
		at, err := net.ResolveTCPAddr("tcp", listening)
		if got := urlOf(at); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", listening, got, err, want)
		}
	}
}

func TestOnlyItsOwnerReadsTheKey(t *testing.T) {
	f := flags{dir: t.TempDir(), key: "k"}
	file := filepath.Join(f.dir, "stack.json")
	if err := os.WriteFile(file, nil, 0o644); err != nil { //nolint:gosec // what is to be mended
		t.Fatal(err)
	}
	if err := announce(f, "http://x", io.Discard); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// pipes is a listener of connections in memory.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (pipes) Close() error   { return nil }
func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestRequestThatDoesNotArriveEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended error
		server := newServer(context.Background(), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, ended = io.ReadAll(r.Body)
		}))
		connections := make(pipes)
		go func() { _ = server.Serve(connections) }()
		ours, theirs := net.Pipe()
		connections <- theirs
		go func() { _, _ = io.Copy(io.Discard, ours) }()
		_, err := io.WriteString(ours, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if err != nil || ended == nil {
			t.Errorf("%v; the body is still read after 30 s", err)
		}
		close(connections)
		_ = ours.Close()
		_ = server.Close()
	})
}

func TestOpenStreamDoesNotMakeTheEndFail(t *testing.T) {
	s := open(t, 10)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var said strings.Builder
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, t.Context(), listener, s.Host, time.Millisecond, &said) }()
	watch, err := http.NewRequestWithContext(t.Context(), "POST",
		urlOf(listener.Addr())+"/grpc.health.v1.Health/Watch", strings.NewReader("\x00\x00\x00\x00\x02{}"))
	if err != nil {
		t.Fatal(err)
	}
	watch.Header.Set("Content-Type", "application/connect+json")
	res, err := http.DefaultClient.Do(watch)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	defer func() { _ = res.Body.Close() }()
	s.stop()
	if status, o := s.call(t, "POST", "/v1/orders", "alice", "", mug); status != http.StatusAccepted {
		t.Fatal(status, o)
	}
	began := time.Now()
	stop()
	if err := <-ended; err != nil || time.Since(began) >= closing {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	if !strings.Contains(said.String(), "1 pending orders") {
		t.Errorf("said %q", said.String())
	}
}
