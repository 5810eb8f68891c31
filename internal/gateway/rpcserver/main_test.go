package rpcserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"orderflow/internal/gateway/rpcserver"
)

// run runs the process as the command does, and returns its URL.
func run(t *testing.T, args ...string) string {
	t.Helper()
	env := map[string]string{
		"STAGE": "dev", "DISCOVERY": "ssm:/orderflow/dev/discovery", "TABLE_NAME": "orderflow-gateway",
		"AWS_REGION": "us-east-1",
	}
	log, stdout := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- rpcserver.Main(ctx, append([]string{"-listen", "127.0.0.1:0", "-notice", "0s"}, args...),
			func(name string) (string, bool) { v, ok := env[name]; return v, ok }, stdout, io.Discard)
		_ = stdout.Close()
	}()
	t.Cleanup(func() {
		if stop(); <-code != 0 {
			t.Error("the process failed")
		}
	})
	for lines := bufio.NewScanner(log); lines.Scan(); {
		var entry struct{ Msg, Listen string }
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Listen != "" {
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return "http://" + entry.Listen
		}
	}
	t.Fatal("the process does not serve")
	return ""
}

func TestTheProcessKeepsTheDefaultLimits(t *testing.T) {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	late, send := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		run(t, "-drain", "1s")+"/grpc.health.v1.Health/Check", late)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	time.AfterFunc(300*time.Millisecond, func() {
		_, _ = send.Write(make([]byte, 5)) // an empty message
		_ = send.Close()
	})
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	if code := res.Trailer.Get("Grpc-Status"); code != "0" {
		t.Errorf("a request that arrives in 300 ms ends with status %q, %s%s", code,
			res.Trailer.Get("Grpc-Message"), res.Header.Get("Grpc-Message"))
	}
}
