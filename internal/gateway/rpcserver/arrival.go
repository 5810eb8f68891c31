package rpcserver

import (
	"net/http"
	"time"

	"orderflow/internal/platform/clock"
)

// arriving bounds how long the messages of a request take to arrive: a client that sends nothing
// answers pings like any other. What a watch sends is not affected.
func arriving(next http.Handler, c clock.Clock, limit time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(c.Now().Add(limit)) // HTTP/2 supports it
		next.ServeHTTP(w, r)
	})
}
