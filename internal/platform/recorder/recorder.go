// Package recorder records the answer of an http.Handler, for callers without a connection.
package recorder

import (
	"bytes"
	"net/http"
)

// Answer is an http.ResponseWriter in memory.
type Answer struct {
	Status int
	Body   bytes.Buffer

	header http.Header
	sent   bool
}

// Serve returns what h answers to r.
func Serve(h http.Handler, r *http.Request) *Answer {
	a := &Answer{Status: http.StatusOK, header: http.Header{}}
	h.ServeHTTP(a, r)
	return a
}

// Header implements http.ResponseWriter.
func (a *Answer) Header() http.Header { return a.header }

// WriteHeader keeps the first status, like a server.
func (a *Answer) WriteHeader(status int) {
	if !a.sent {
		a.Status, a.sent = status, true
	}
}

// Write implements http.ResponseWriter. A later status has no effect.
func (a *Answer) Write(b []byte) (int, error) {
	a.sent = true
	return a.Body.Write(b)
}
