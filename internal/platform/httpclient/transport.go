package httpclient

import (
	"net"
	"net/http"
	"time"
)

const (
	// connectTimeout limits a dial, which outlives its attempt and delays lookups of the same name.
	connectTimeout = 3 * time.Second
	idleTimeout    = 90 * time.Second
)

// connections are shared by the process.
var connections = NewTransport()

// NewTransport returns a transport for clients.
//
// It speaks HTTP/1.1 only, where an attempt that times out closes its connection. Over HTTP/2 it
// would only end its stream, and later calls would use a connection that died silently, as
// connections do while a process is frozen.
func NewTransport() *http.Transport {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout: connectTimeout,
		IdleConnTimeout:     idleTimeout,
		MaxIdleConnsPerHost: DefaultConcurrency, // the default, 2, would close most connections of concurrent calls
		Protocols:           new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}
