package front

import (
	"io"
	"net/http"

	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/recorder"
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
	answer := recorder.Serve(h, in)
	_ = in.Body.Close()
	return &http.Response{
		StatusCode: answer.Status, Status: http.StatusText(answer.Status), Header: answer.Header(), Request: r,
		Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		Body: io.NopCloser(&answer.Body), ContentLength: int64(answer.Body.Len()),
	}, r.Context().Err()
}
