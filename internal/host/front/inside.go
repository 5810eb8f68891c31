package front

import (
	"bytes"
	"io"
	"net/http"

	"orderflow/internal/platform/httpclient"
)

// Inside carries requests to hosts of this process, without a network.
type Inside map[string]http.Handler

// outside carries requests to all others.
var outside = httpclient.NewTransport()

// RoundTrip hands a request to the host that it names; see http.RoundTripper.
func (hosts Inside) RoundTrip(r *http.Request) (*http.Response, error) {
	h := hosts[r.URL.Host]
	if h == nil {
		return outside.RoundTrip(r)
	}
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.RequestURI, in.Host, in.RemoteAddr = r.URL.RequestURI(), r.URL.Host, "127.0.0.1:0"
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(w, in)
	_ = in.Body.Close()
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Request: r,
		Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
	}, r.Context().Err()
}

// recorder keeps what a handler writes.
type recorder struct {
	header http.Header
	status int
	sent   bool
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

// WriteHeader keeps the first status, like a server.
func (w *recorder) WriteHeader(status int) {
	if !w.sent {
		w.status, w.sent = status, true
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.sent = true
	return w.body.Write(b)
}
