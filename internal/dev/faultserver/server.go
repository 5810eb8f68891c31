// Package faultserver is an HTTP server, or a reverse proxy to a real one, that fails on demand, on
// real sockets.
//
//	server, err := faultserver.NewProxy(url)                   // or New(handler), NewTLS(handler)
//	server.Set(faultserver.Hang)                               // from now on
//	server.Set(faultserver.None)                               // healthy again, same address
//	server.Requests(), server.Connections(), server.Arrivals() // what reached it
//
// (Not toxiproxy: it breaks TCP streams, and cannot send a Retry-After, a bad certificate or a
// truncated body.)
package faultserver

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Server is a server that fails on demand. It is safe for concurrent use.
type Server struct {
	handler  http.Handler
	http     *http.Server
	address  string
	roots    *x509.CertPool         // for clients; nil without TLS
	shown    map[string]*tls.Config // by certificate; nil without TLS
	fault    atomic.Pointer[Fault]
	ended    chan struct{}
	serving  sync.WaitGroup
	upstream *http.Transport // a proxy's, else nil

	mu          sync.Mutex   // guards everything below
	listener    net.Listener // nil while the server is down
	open        map[*conn]bool
	connections int
	arrivals    []Arrival
}

// Arrival is a request that reached the server.
type Arrival struct {
	At    time.Time
	Path  string
	Fault string // name of the applied fault; "none" if the request was passed on
}

// New serves handler on a free port of 127.0.0.1. Close it when done.
func New(handler http.Handler) (*Server, error) { return (&Server{handler: handler}).start() }

// NewTLS is New over TLS. Clients must trust Roots.
func NewTLS(handler http.Handler) (*Server, error) {
	roots, shown, err := certificates()
	if err != nil {
		return nil, err
	}
	return (&Server{handler: handler, roots: roots, shown: shown}).start()
}

func (s *Server) start() (*Server, error) {
	s.open, s.ended = map[*conn]bool{}, make(chan struct{})
	s.fault.Store(&None)
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: time.Minute,
		ErrorLog: log.New(io.Discard, "", 0), // broken handshakes are intended
	}
	return s, s.listen("127.0.0.1:0")
}

// NewProxy is a proxy of the server with the base URL upstream, whose path is prepended to each
// request's.
func NewProxy(upstream string) (*Server, error) {
	u, err := url.Parse(upstream)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	s, err := New(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(u) },
		Transport: transport, ErrorLog: log.New(io.Discard, "", 0),
	})
	if err == nil {
		s.upstream = transport
	}
	return s, err
}

// listen listens on the address and serves.
func (s *Server) listen(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.listener, s.address = l, l.Addr().String()
	s.mu.Unlock()
	s.serving.Go(func() { _ = s.http.Serve(accepting{l, s}) }) // ends with its listener
	return nil
}

// URL is the server's base URL, which stays the same.
func (s *Server) URL() string {
	if s.shown != nil {
		return "https://" + s.address
	}
	return "http://" + s.address
}

// Roots are the root certificates for clients of a TLS server; nil without TLS.
func (s *Server) Roots() *x509.CertPool { return s.roots }

// Set applies f to all requests and connections from now on. It fails only if the address cannot be
// reused after Down.
func (s *Server) Set(f Fault) error {
	s.fault.Store(&f)
	s.mu.Lock()
	listener := s.listener
	if f.down {
		s.listener = nil
	}
	s.mu.Unlock()
	switch {
	case f.down && listener != nil:
		_ = listener.Close()
		s.DropConnections()
	case f.silent:
		s.each(func(c *conn) { c.silent.Store(true) })
	case f.certificate != "" || f.plain:
		s.DropConnections() // they were made before
	}
	if !f.down && listener == nil {
		return s.listen(s.address)
	}
	return nil
}

// DropConnections closes all connections, as a restarting server does.
func (s *Server) DropConnections() { s.each(func(c *conn) { _ = c.Close() }) }

func (s *Server) each(do func(*conn)) {
	s.mu.Lock()
	open := slices.Collect(maps.Keys(s.open))
	s.mu.Unlock()
	for _, c := range open {
		do(c)
	}
}

// Close ends the server and all hanging requests.
func (s *Server) Close() {
	close(s.ended)
	_ = s.http.Close()
	s.DropConnections()
	s.serving.Wait()
	if s.upstream != nil {
		s.upstream.CloseIdleConnections()
	}
}

// Connections counts accepted connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// Requests counts the requests that arrived. Those on silent connections or after failed handshakes
// did not.
func (s *Server) Requests() int { return len(s.Arrivals()) }

// Arrivals returns the requests that arrived, oldest first.
func (s *Server) Arrivals() []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.arrivals)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	f := s.fault.Load()
	s.mu.Lock()
	s.arrivals = append(s.arrivals, Arrival{At: time.Now(), Path: r.URL.Path, Fault: f.Name})
	s.mu.Unlock()
	body, err := io.ReadAll(r.Body) // otherwise the client's end is not detected
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.answer(s, w, r)
}

// accepting is a server's listener: it counts connections and applies their faults.
type accepting struct {
	net.Listener
	s *Server
}

func (a accepting) Accept() (net.Conn, error) {
	c, err := a.Listener.Accept()
	if err != nil {
		return nil, err
	}
	f := a.s.fault.Load()
	wrapped := &conn{Conn: c, s: a.s}
	wrapped.silent.Store(f.silent)
	a.s.mu.Lock()
	a.s.connections++
	a.s.open[wrapped] = true
	a.s.mu.Unlock()
	if a.s.shown == nil || f.plain {
		return wrapped, nil
	}
	return tls.Server(wrapped, a.s.shown[f.certificate]), nil
}

// conn is a connection that can fall silent for good: it drops all input and output.
type conn struct {
	net.Conn
	s      *Server
	silent atomic.Bool
}

func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.silent.Load() {
			return n, err
		}
	}
}

func (c *conn) Write(p []byte) (int, error) {
	if c.silent.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *conn) Close() error {
	c.s.mu.Lock()
	delete(c.s.open, c)
	c.s.mu.Unlock()
	return c.Conn.Close()
}

// The bad certificates of a TLS server.
const (
	expired    = "expired"
	selfSigned = "self-signed"
)

// certificates are created for each server. All are self-signed; the client trusts all but the bad
// one of that name.
func certificates() (roots *x509.CertPool, shown map[string]*tls.Config, err error) {
	roots, shown = x509.NewCertPool(), map[string]*tls.Config{}
	for _, name := range []string{"", expired, selfSigned} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		now := time.Now()
		template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-24 * time.Hour),
			NotAfter: now.Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
		if name == expired {
			template.NotAfter = now.Add(-time.Hour)
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			return nil, nil, err
		}
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, nil, err
		}
		if name != selfSigned {
			roots.AddCert(leaf)
		}
		shown[name] = &tls.Config{MinVersion: tls.VersionTLS12,
			Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}}}
	}
	return roots, shown, nil
}
