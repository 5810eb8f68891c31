package sim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"orderflow/internal/payments/provider"
)

// network carries HTTP between functions and third parties. It is an http.RoundTripper that
// connects the services' clients to the sandbox's handlers without sockets.
type network struct {
	w         *World
	hosts     map[string]http.Handler // third parties, by name in the registry
	slept     time.Duration           // how long the running handler delays its answer
	downUntil map[string]time.Time    // end of a host's outage
}

var errNoAnswer = errors.New("simulated: no answer in time")

// RoundTrip sends a request.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if mutated := n.w.mutant.roundTrip; mutated != nil {
		return mutated(n, r)
	}
	return n.send(r)
}

func (n *network) send(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	n.w.breathe()
	if r.URL.Host == "shipping" {
		return n.webhook(r, body)
	}
	w, order, call := n.w, reference(r.URL.Path, body), r.URL.Host+" "+r.URL.Path
	if w.strikes(outage) {
		n.downUntil[r.URL.Host] = w.now.Add(w.between(10*time.Second, 90*time.Second))
	}
	switch {
	case w.now.Before(n.downUntil[r.URL.Host]):
		w.note(order, "%s: outage", call)
		return response(http.StatusServiceUnavailable, nil), nil
	case w.strikes(requestLost):
		w.note(order, "%s: request lost", call)
		return nil, n.noAnswer()
	case w.strikes(requestLate):
		w.note(order, "%s: request will be late", call)
		w.after(w.between(provider.Timeout, 3*time.Minute), func() {
			res := n.serve(r, body)
			w.note(order, "%s: late request answered %d", call, res.Code)
		})
		return nil, n.noAnswer()
	case w.strikes(overloaded):
		return response(http.StatusServiceUnavailable, nil), nil
	}
	n.slept = 0
	res := n.serve(r, body)
	if res.Code == http.StatusOK && strings.HasSuffix(r.URL.Path, "/void") && w.strikes(voidForgotten) {
		w.note(order, "the provider will forget this void")
		w.parties.forget(order)
	}
	if order != "" {
		w.note(order, "%s: %d %s", call, res.Code, brief(res.Body.Bytes()))
	}
	if w.strikes(requestTwice) {
		w.after(w.between(0, 3*time.Minute), func() {
			w.note(order, "%s: arrives a second time: %d", call, n.serve(r, body).Code)
		})
	}
	w.crash(crashAfter)
	switch {
	case n.slept >= provider.Timeout:
		return nil, n.noAnswer()
	case w.strikes(answerLost):
		w.note(order, "%s: answer lost", call)
		return nil, n.noAnswer()
	case w.strikes(answerFalse):
		if strings.HasSuffix(r.URL.Path, "/charges") && res.Code == http.StatusCreated {
			w.reach("the provider charged, but answered 500")
		}
		return response(http.StatusInternalServerError, nil), nil
	}
	return res.Result(), nil
}

// noAnswer waits until the client's timeout.
func (n *network) noAnswer() error {
	n.w.wait(provider.Timeout)
	return errNoAnswer
}

// serve lets the third party answer at once; faults inside it are not simulated.
func (n *network) serve(r *http.Request, body []byte) *httptest.ResponseRecorder {
	again := r.Clone(context.WithoutCancel(r.Context()))
	again.Body = io.NopCloser(bytes.NewReader(body))
	res := httptest.NewRecorder()
	n.hosts[r.URL.Host].ServeHTTP(res, again)
	if r.URL.Host == provider.Name && r.Method == http.MethodPost && res.Code < http.StatusMultipleChoices {
		n.w.changed(r.URL.Path, reference(r.URL.Path, body)) //nolint:contextcheck // happens elsewhere
	}
	return res
}

// webhook delivers the carrier's callback through the API to its function.
func (n *network) webhook(r *http.Request, body []byte) (*http.Response, error) {
	var res *http.Response
	n.w.pause(func(resume func()) {
		header := map[string]string{}
		for name := range r.Header {
			header[name] = r.Header.Get(name)
		}
		c := call{
			function: "receive-carrier-webhook", path: r.URL.Path, method: r.Method, header: header, body: body,
			order: reference("", body),
		}
		n.w.api(c, func(status int, answer []byte) {
			res = response(status, answer)
			resume()
		})
	})
	return res, nil
}

// reference finds the order of a call, for the timeline.
func reference(path string, body []byte) string {
	if parts := strings.Split(path, "/"); len(parts) > 3 {
		return parts[2]
	}
	return field(body, "reference")
}

// brief returns the beginning of a body, for the timeline.
func brief(b []byte) []byte { return bytes.TrimSpace(b[:min(len(b), 120)]) }

func response(status int, body []byte) *http.Response {
	return (&httptest.ResponseRecorder{Code: status, Body: bytes.NewBuffer(body)}).Result()
}
