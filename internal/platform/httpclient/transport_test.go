package httpclient_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
)

// wire is a listener whose connections can be cut without either end noticing.
type wire struct {
	net.Listener
	cut   *atomic.Bool
	count *atomic.Int32
}

func (w wire) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	w.count.Add(1)
	return &cord{Conn: c, cut: w.cut}, nil
}

type cord struct {
	net.Conn
	cut  *atomic.Bool
	dead atomic.Bool
}

func (c *cord) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if c.cut.Load() {
			c.dead.Store(true)
		}
		if err != nil || !c.dead.Load() {
			return n, err
		}
	}
}

func TestDeadConnectionCostsOneAttempt(t *testing.T) {
	var cut atomic.Bool
	var count atomic.Int32
	server := httptest.NewUnstartedServer(answering(200, "{}"))
	server.EnableHTTP2 = true // as providers do
	server.Listener = wire{server.Listener, &cut, &count}
	server.StartTLS()
	t.Cleanup(server.Close)

	transport := httpclient.NewTransport()
	trusted := server.Client().Transport.(*http.Transport).TLSClientConfig
	transport.TLSClientConfig = &tls.Config{RootCAs: trusted.RootCAs, MinVersion: tls.VersionTLS12}
	c := httpclient.New(httpclient.Config{
		Dependency: "teapot", Endpoints: registry.Fixed{"teapot": server.URL}, Clock: clock.System{},
		Timeout: 200 * time.Millisecond, Retry: resilience.Policy{Attempts: 1}, Transport: transport,
	})
	if err := c.Do(t.Context(), call(0), nil); err != nil {
		t.Fatal(err)
	}
	cut.Store(true)
	wantTransient(t, "dead connection", c.Do(t.Context(), call(1), nil))
	cut.Store(false)
	for n := range 5 {
		if err := c.Do(t.Context(), call(2+n), nil); err != nil {
			t.Errorf("call %d after that: %v", n, err)
		}
	}
	if n := count.Load(); n != 2 {
		t.Errorf("%d connections, want the dead one and one for the later calls", n)
	}
}
