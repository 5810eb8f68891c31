// Package collector keeps the spans of a local stack and serves them with Zipkin's API
// (https://zipkin.io/zipkin-api/), for tests and for `orderflow trace`.
package collector

import (
	"cmp"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"orderflow/internal/platform/tracing/zipkin"
)

// Serve serves the spans of file at an address, and appends new ones to file. GET /health returns
// name. Serve returns only on failure.
func Serve(address, file, name string) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	store := &Store{Name: name}
	for lines := json.NewDecoder(f); ; {
		var span zipkin.Span
		if err := lines.Decode(&span); err == io.EOF {
			break
		} else if err != nil {
			log.Printf("%s: ignoring the rest of the file: %v", file, err)
			break
		}
		_ = store.Add([]zipkin.Span{span}) // it has no log yet
	}
	store.Log = f
	server := &http.Server{Addr: address, Handler: store.Handler(), ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

// Limit is the most spans kept; beyond it the older half is dropped.
const Limit = 200_000

// Store keeps spans in order of arrival. It is safe for concurrent use.
type Store struct {
	// Log gets every span as a line of JSON; it may be nil.
	Log io.Writer
	// Name is returned by GET /health: another server may have taken the port.
	Name string

	mu      sync.Mutex
	spans   []zipkin.Span
	byTrace map[string][]zipkin.Span
}

// Add keeps spans.
func (s *Store) Add(spans []zipkin.Span) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byTrace == nil {
		s.byTrace = map[string][]zipkin.Span{}
	}
	if len(s.spans)+len(spans) > Limit {
		s.forget(len(s.spans) / 2)
	}
	s.spans = append(s.spans, spans...)
	for _, span := range spans {
		s.byTrace[span.TraceID] = append(s.byTrace[span.TraceID], span)
	}
	if s.Log == nil {
		return nil
	}
	for _, span := range spans {
		if err := json.NewEncoder(s.Log).Encode(span); err != nil {
			return err
		}
	}
	return nil
}

// forget drops the n oldest spans.
func (s *Store) forget(n int) {
	for _, span := range s.spans[:n] {
		if rest := s.byTrace[span.TraceID][1:]; len(rest) > 0 {
			s.byTrace[span.TraceID] = rest
		} else {
			delete(s.byTrace, span.TraceID)
		}
	}
	s.spans = slices.Clone(s.spans[n:])
}

// Trace returns the spans of a trace by start time; none for an unknown trace.
func (s *Store) Trace(id string) []zipkin.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sorted(s.byTrace[id])
}

// Find returns up to limit traces with a span that has all the tags, newest first. An empty value
// matches any.
func (s *Store) Find(tags map[string]string, limit int) [][]zipkin.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := [][]zipkin.Span{}
	for _, spans := range s.byTrace {
		if slices.ContainsFunc(spans, func(span zipkin.Span) bool { return has(span, tags) }) {
			found = append(found, sorted(spans))
		}
	}
	slices.SortFunc(found, func(a, b []zipkin.Span) int { return cmp.Compare(b[0].Timestamp, a[0].Timestamp) })
	return found[:min(limit, len(found))]
}

func has(span zipkin.Span, tags map[string]string) bool {
	for name, want := range tags {
		if got, ok := span.Tags[name]; !ok || want != "" && got != want {
			return false
		}
	}
	return true
}

func sorted(spans []zipkin.Span) []zipkin.Span {
	return slices.SortedStableFunc(slices.Values(spans),
		func(a, b zipkin.Span) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
}

// Handler serves Zipkin's POST /api/v2/spans, GET /api/v2/trace/{id} and GET /api/v2/traces.
func (s *Store) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health",
		func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]string{"name": s.Name}) })
	mux.HandleFunc("POST /api/v2/spans", s.receive)
	mux.HandleFunc("GET /api/v2/trace/{id}", func(w http.ResponseWriter, r *http.Request) {
		spans := s.Trace(r.PathValue("id"))
		if len(spans) == 0 {
			http.Error(w, "no such trace", http.StatusNotFound)
			return
		}
		answer(w, spans)
	})
	mux.HandleFunc("GET /api/v2/traces", s.find)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fromPage(r) {
			http.Error(w, "requests from web pages are refused", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// fromPage reports whether a web page sent the request; pages must neither read nor write traces.
// The emulators have the same rule: see tools/webguard.
func fromPage(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return host != "localhost" && net.ParseIP(strings.Trim(host, "[]")) == nil || r.Header.Get("Origin") != "" ||
		site != "" && site != "none"
}

func (s *Store) receive(w http.ResponseWriter, r *http.Request) {
	var spans []zipkin.Span
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20)).Decode(&spans); err != nil {
		http.Error(w, "not a list of spans", http.StatusBadRequest)
		return
	}
	if err := s.Add(spans); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// find accepts Zipkin's limit and annotationQuery, such as "orderId=… and error".
func (s *Store) find(w http.ResponseWriter, r *http.Request) {
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
	answer(w, s.Find(tags, limit))
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}
