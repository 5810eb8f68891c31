package httpclient

import (
	"net"
	"net/http"
	"time"
)

// connecting bounds the making of a connection, which continues after the attempt that needed it and delays
// other lookups of the same name. idling is how long a connection may be idle.
const (
	connecting = 3 * time.Second
	idling     = 90 * time.Second
)

// connections are shared by the process.
var connections = NewTransport()

// NewTransport returns a transport for clients.
//
// It speaks HTTP/1.1 only. There an attempt that times out closes its connection. Over HTTP/2 it would end
// its stream only, and all later calls would go into a connection that has died silently, as connections do
// while a process is frozen.
func NewTransport() *http.Transport {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connecting}).DialContext,
		TLSHandshakeTimeout: connecting,
		IdleConnTimeout:     idling,
		MaxIdleConnsPerHost: DefaultConcurrency, // the usual 2 would close most connections of calls that go out together
		Protocols:           new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}
