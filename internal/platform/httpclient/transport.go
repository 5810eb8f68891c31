package httpclient

import (
	"net"
	"net/http"
	"time"
)

// Of all connections: how long it may take to make one, which goes on when the attempt that asked for it has ended, and holds
// up others that look up the same name; and how long one may be idle.
const (
	connecting = 3 * time.Second
	idling     = 90 * time.Second
)

// connections are those of the process.
var connections = NewTransport()

// NewTransport returns what keeps connections for clients.
//
// It speaks HTTP/1.1 only. An attempt that times out closes its connection then; over HTTP/2 it would only end its stream, and
// all later calls would go the same way into a connection that has died without a word, as they do while a process is frozen.
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
