package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"orderflow/internal/platform/tracing/zipkin"
)

// Server answers for a store by HTTP: Zipkin's POST /api/v2/spans, GET /api/v2/trace/{id} and GET /api/v2/traces, and of its own
// PUT /forward?to=<url>, which sends all spans, those of before and those to come, on to a Zipkin.
type Server struct {
	Store *Store
	// Name is what GET /health answers with: another server may have the port.
	Name string

	mu   sync.Mutex
	to   string
	stop chan struct{}
}

const maxBody = 16 << 20

// Handler returns the routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]string{"name": s.Name}) })
	mux.HandleFunc("POST /api/v2/spans", s.take)
	mux.HandleFunc("GET /api/v2/trace/{id}", func(w http.ResponseWriter, r *http.Request) {
		spans := s.Store.Trace(r.PathValue("id"))
		if len(spans) == 0 {
			http.Error(w, "no such trace", http.StatusNotFound)
			return
		}
		answer(w, spans)
	})
	mux.HandleFunc("GET /api/v2/traces", s.find)
	mux.HandleFunc("PUT /forward", s.forward)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fromPage(r) {
			http.Error(w, "refused: a web page sent it", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// fromPage tells whether a browser sent a request for a web page, which must neither read traces nor have them sent elsewhere. The
// emulators have the same rule: tools/webguard says what gives a page away.
func fromPage(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return host != "localhost" && net.ParseIP(strings.Trim(host, "[]")) == nil || r.Header.Get("Origin") != "" || site != "" && site != "none"
}

func (s *Server) take(w http.ResponseWriter, r *http.Request) {
	var spans []zipkin.Span
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&spans); err != nil {
		http.Error(w, "not a list of spans", http.StatusBadRequest)
		return
	}
	if err := s.Store.Add(spans); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// find takes Zipkin's limit and annotationQuery, such as "orderId=… and error".
func (s *Server) find(w http.ResponseWriter, r *http.Request) {
	limit := 10
	if text := r.FormValue("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 {
			http.Error(w, "limit must be a number above 0", http.StatusBadRequest)
			return
		}
	}
	tags := map[string]string{}
	for term := range strings.SplitSeq(r.FormValue("annotationQuery"), " and ") {
		if name, value, _ := strings.Cut(strings.TrimSpace(term), "="); name != "" {
			tags[name] = value
		}
	}
	answer(w, s.Store.Find(tags, limit))
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever asked has gone
}

// forward begins to send spans to another place than before. To name the same one again changes nothing, unless it asks for all
// spans once more, as one that was started anew must.
func (s *Server) forward(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := r.FormValue("to")
	if to != "" && !loopback(to) {
		http.Error(w, "to must be an http address of this machine", http.StatusBadRequest)
		return
	}
	if to != s.to || r.FormValue("all") != "" {
		if s.stop != nil {
			close(s.stop)
		}
		s.to, s.stop = to, make(chan struct{})
		if to != "" {
			go s.send(to, s.stop) //nolint:contextcheck // it outlives this request
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// loopback tells whether an address is of this machine only.
func loopback(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "http" && u.User == nil && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback())
}

// again is how long a Zipkin that takes nothing is left alone.
const again = time.Second

func (s *Server) send(to string, stop <-chan struct{}) {
	sent := 0
	for {
		spans, next := s.Store.after(sent, stop)
		select {
		case <-stop:
			return
		default:
		}
		if err := post(to, spans); err == nil {
			sent = next
			continue
		}
		select {
		case <-stop:
			return
		case <-time.After(again):
		}
	}
}

func post(to string, spans []zipkin.Span) error {
	body, err := json.Marshal(spans)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to+"/api/v2/spans", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return errors.New(res.Status)
	}
	return nil
}
