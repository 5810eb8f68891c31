package faultserver

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Fault is a way to fail.
type Fault struct {
	Name string
	// down, silent, plain and certificate affect connections, answer affects requests.
	down, silent, plain bool
	certificate         string
	answer              answer // instead of the handler
}

type answer func(s *Server, w http.ResponseWriter, r *http.Request)

// Faults of connections.
var (
	// None passes requests on.
	None = Fault{Name: "none", answer: pass}
	// Down refuses connections and closes those that are open.
	Down = Fault{Name: "connection refused", down: true, answer: pass}
	// Silent accepts connections and never answers. Open connections fall silent, too, and stay so:
	// half-open.
	Silent = Fault{Name: "half-open connection", silent: true, answer: pass}
	// Expired and SelfSigned present such a certificate; PlainHTTP speaks HTTP instead of TLS. They
	// need NewTLS.
	Expired    = Fault{Name: "expired certificate", certificate: expired, answer: pass}
	SelfSigned = Fault{Name: "self-signed certificate", certificate: selfSigned, answer: pass}
	PlainHTTP  = Fault{Name: "plain HTTP on a TLS port", plain: true, answer: pass}
)

// Faults of requests.
var (
	// Hang reads requests and never answers them.
	Hang = Fault{Name: "hang", answer: func(s *Server, _ http.ResponseWriter, r *http.Request) { s.wait(r, time.Hour) }}
	// Reset resets the connection after the request.
	Reset = Fault{Name: "reset", answer: raw(reset)}
	// Truncated closes the connection in the middle of the body.
	Truncated = Fault{Name: "truncated body", answer: raw(func(c net.Conn) {
		_, _ = io.WriteString(c,
			"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"+`{"id":"ch_1",`)
	})}
	// Garbage answers with something that is not HTTP.
	Garbage = Fault{Name: "garbage instead of HTTP", answer: raw(func(c net.Conn) {
		_, _ = io.WriteString(c, "220 mail.example ESMTP\r\n\x00\xff\r\n\r\n")
	})}
	// Oversized answers with a valid body of more than 1 MiB; Endless does so without
	// Content-Length.
	Oversized = with("oversized body", http.StatusOK, large, "Content-Length", strconv.Itoa(len(large)))
	Endless   = with("oversized body of unknown length", http.StatusOK, large)
	// NotJSON answers 200 with an HTML page.
	NotJSON = with("not JSON", http.StatusOK, "<html><body>Scheduled maintenance</body></html>",
		"Content-Type", "text/html")
)

// large is a JSON document of more than 1 MiB.
var large = `{"id":"` + strings.Repeat("x", 1<<20) + `"}`

// Latency passes requests on after d.
func Latency(d time.Duration) Fault {
	return Fault{Name: "latency", answer: func(s *Server, w http.ResponseWriter, r *http.Request) {
		if s.wait(r, d) {
			pass(s, w, r)
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
	header := []string{"Content-Type", "application/json"}
	if retryAfter > 0 {
		header = append(header, "Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	}
	return with(strconv.Itoa(status), status, `{"code":"fault","message":"as ordered"}`, header...)
}

// Redirect sends requests elsewhere.
func Redirect(to string) Fault {
	return with("redirect", http.StatusTemporaryRedirect, "", "Location", to)
}

// with answers with a status, a body and the names and values of headers.
func with(name string, status int, body string, header ...string) Fault {
	return Fault{Name: name, answer: func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		for field := range slices.Chunk(header, 2) {
			w.Header().Set(field[0], field[1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}}
}

// For applies f to the first n requests and passes the others on.
func (f Fault) For(n int64) Fault {
	return f.only(func(request int64) bool { return request <= n }, pass)
}

// Mixed applies another fault than f to every n-th request, as a failing server fails in more than
// one way. Both must be faults of requests.
func (f Fault) Mixed(n int64, other Fault) Fault {
	f.Name += " or " + other.Name
	return f.only(func(request int64) bool { return request%n != 0 }, other.answer)
}

// only applies f to the chosen requests, counted from 1.
func (f Fault) only(chosen func(request int64) bool, otherwise answer) Fault {
	var requests atomic.Int64
	fails := f.answer
	f.answer = func(s *Server, w http.ResponseWriter, r *http.Request) {
		if chosen(requests.Add(1)) {
			fails(s, w, r)
		} else {
			otherwise(s, w, r)
		}
	}
	return f
}

func pass(s *Server, w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

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
func raw(respond func(c net.Conn)) answer {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			respond(c)
			_ = c.Close()
		}
	}
}

// reset closes the connection with a TCP reset.
func reset(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_ = c.(*conn).Conn.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}
