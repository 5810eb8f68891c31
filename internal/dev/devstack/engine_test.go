package devstack

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeEngine answers as Docker does, and records the requests.
type fakeEngine struct {
	images map[string]bool
	asked  []string
}

func (f *fakeEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked = append(f.asked, r.Method+" "+r.URL.Path)
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	switch {
	case r.URL.Path == "/_ping":
	case strings.HasPrefix(r.URL.Path, "/images/"):
		if !f.images[strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/images/"), "/json")] {
			w.WriteHeader(http.StatusNotFound)
		}
	case r.URL.Path == "/networks/bridge":
		answer(map[string]any{"IPAM": map[string]any{"Config": []map[string]string{{"Gateway": "fd00::1"},
			{"Gateway": "127.0.0.1"}}}})
	case r.URL.Path == "/containers/json" &&
		strings.Contains(r.URL.Query().Get("filters"), "sam.cli.container.type=lambda"):
		mount := func(dir string) []map[string]string { return []map[string]string{{"Source": dir}} }
		answer([]map[string]any{{"Id": "ours", "Mounts": mount("/run-1/build/A")},
			{"Id": "theirs", "Mounts": mount("/run-10/build/A")}, {"Id": "bare"}})
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusConflict) // already being removed
	default:
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// startFake serves f at a socket and returns its DOCKER_HOST.
func startFake(t *testing.T, f *fakeEngine) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "d.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: f}} //nolint:gosec // of a test
	server.Start()
	t.Cleanup(server.Close)
	return "unix://" + socket
}

func TestRunningEngineIsUsed(t *testing.T) {
	f := &fakeEngine{images: map[string]bool{}}
	host := startFake(t, f)
	t.Setenv("DOCKER_HOST", host)
	e, err := FindEngine(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if e.Gateway != "127.0.0.1" || !slices.Equal(e.Environ(), []string{"DOCKER_HOST=" + host}) {
		t.Errorf("gateway %s, environment %v", e.Gateway, e.Environ())
	}
	if skips, err := e.SkipsPull(t.Context()); skips || err != nil {
		t.Errorf("without the image: %v, %v", skips, err)
	}
	f.images[imageRepository+":"+imageTag()] = true
	if skips, err := e.SkipsPull(t.Context()); !skips || err != nil {
		t.Errorf("with the image: %v, %v", skips, err)
	}
	if n, err := e.RemoveContainers(t.Context(), "/run-1"); n != 1 || err != nil ||
		f.asked[len(f.asked)-1] != "DELETE /containers/ours" {
		t.Errorf("%d containers removed, %v, %v", n, err, f.asked)
	}
}

func TestErrorNamesAnEngineThatDoesNotAnswer(t *testing.T) {
	for _, host := range []string{"unix://" + filepath.Join(t.TempDir(), "none.sock"), "tcp://127.0.0.1:1",
		"ssh://somewhere"} {
		t.Setenv("DOCKER_HOST", host)
		_, err := FindEngine(t.Context(), nil)
		if err == nil || !strings.Contains(err.Error(), host+" (from DOCKER_HOST)") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestConnectionsAreForwardedUntilTheEnd(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go forward(l, strings.TrimPrefix(server.URL, "http://"))
	say := func() (string, error) {
		req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost,
			"http://"+l.Addr().String(), strings.NewReader("tea"))
		if err != nil {
			return "", err
		}
		resp, err := (&http.Client{Timeout: 5 * time.Second,
			Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		return string(answer), err
	}
	if got, err := say(); got != "tea" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := say(); err == nil {
		t.Errorf("%q after the end", got)
	}
}
