package faultserver

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is a way to fail.
type Fault struct {
	Name string
	// down, silent, plain and certificate affect connections, answer affects requests.
	down, silent, plain bool
	certificate         string
	// answer replaces the handler.
	answer func(s *Server, w http.ResponseWriter, r *http.Request)
}

// Faults of connections.
var (
	// None is no fault.
	None = Fault{Name: "none"}
	// Down refuses connections and closes those that are open.
	Down = Fault{Name: "connection refused", down: true}
	// Silent accepts connections and never answers. Open connections fall silent, too, and stay so:
	// half-open.
	Silent = Fault{Name: "half-open connection", silent: true}
	// Expired and SelfSigned present such a certificate; PlainHTTP speaks HTTP instead of TLS. They
	// need NewTLS.
	Expired    = Fault{Name: "expired certificate", certificate: expired}
	SelfSigned = Fault{Name: "self-signed certificate", certificate: selfSigned}
	PlainHTTP  = Fault{Name: "plain HTTP on a TLS port", plain: true}
)

// Faults of requests.
var (
	// Hang reads requests and never answers them.
	Hang = Fault{Name: "hang", answer: func(s *Server, _ http.ResponseWriter, r *http.Request) { s.wait(r, time.Hour) }}
	// Reset resets the connection after the request.
	Reset = Fault{Name: "reset", answer: raw(func(s *Server, c net.Conn) { _ = lowest(c).reset() })}
	// Truncated closes the connection in the middle of the body.
	Truncated = Fault{Name: "truncated body", answer: raw(func(_ *Server, c net.Conn) {
		_, _ = io.WriteString(c,
			"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"+`{"id":"ch_1",`)
	})}
	// Oversized answers with a valid body of more than 1 MiB; Endless does so without
	// Content-Length.
	Oversized = Fault{Name: "oversized body", answer: func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(large)))
		_, _ = io.WriteString(w, large)
	}}
	Endless = Fault{Name: "oversized body of untold length",
		answer: func(_ *Server, w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, large)
		}}
	// Garbage answers with something that is not HTTP.
	Garbage = Fault{Name: "garbage instead of HTTP", answer: raw(func(_ *Server, c net.Conn) {
		_, _ = io.WriteString(c, "220 mail.example ESMTP\r\n\x00\xff\r\n\r\n")
	})}
	// NotJSON answers 200 with an HTML page.
	NotJSON = Fault{Name: "not JSON", answer: func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><body>Scheduled maintenance</body></html>")
	}}
)

// large is a JSON document of more than 1 MiB.
var large = `{"id":"` + strings.Repeat("x", 1<<20) + `"}`

// Latency passes requests on after d.
func Latency(d time.Duration) Fault {
	return Fault{Name: "latency", answer: func(s *Server, w http.ResponseWriter, r *http.Request) {
		if s.wait(r, d) {
			s.handler.ServeHTTP(w, r)
		}
	}}
}

// SlowBody sends the headers at once, and then one byte every d.
func SlowBody(d time.Duration) Fault {
	return Fault{Name: "slow body", answer: func(s *Server, w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := io.WriteString(w, " "); err != nil || http.NewResponseController(w).Flush() != nil ||
				!s.wait(r, d) {
				return
			}
		}
	}}
}

// Status answers with an error status, and with a Retry-After unless retryAfter is 0.
func Status(status int, retryAfter time.Duration) Fault {
	return Fault{Name: strconv.Itoa(status), answer: func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"code":"fault","message":"as ordered"}`)
	}}
}

// Redirect sends requests elsewhere.
func Redirect(to string) Fault {
	return Fault{Name: "redirect", answer: func(_ *Server, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	}}
}

// For applies f to the first n requests and passes the others on.
func (f Fault) For(n int) Fault {
	left := make(chan struct{}, n)
	for range n {
		left <- struct{}{}
	}
	answer := f.answer
	f.answer = func(s *Server, w http.ResponseWriter, r *http.Request) {
		select {
		case <-left:
			answer(s, w, r)
		default:
			s.handler.ServeHTTP(w, r)
		}
	}
	return f
}

// wait waits for d; false if the client or the server ends first.
func (s *Server) wait(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
	case <-s.ended:
	}
	return false
}

// raw takes over the connection, and closes it at the end.
func raw(answer func(s *Server, c net.Conn)) func(*Server, http.ResponseWriter, *http.Request) {
	return func(s *Server, w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		answer(s, c)
		_ = c.Close()
	}
}

// lowest returns the connection under TLS, if any.
func lowest(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return c.(*conn)
}
