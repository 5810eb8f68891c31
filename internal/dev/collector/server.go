package collector

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"

	"orderflow/internal/platform/tracing/zipkin"
)

// Server serves a store over HTTP: Zipkin's POST /api/v2/spans, GET /api/v2/trace/{id} and GET
// /api/v2/traces.
type Server struct {
	Store *Store
	// Name is returned by GET /health: another server may have the port.
	Name string
}

const maxBody = 16 << 20

// Handler returns the routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health",
		func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]string{"name": s.Name}) })
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

// find accepts Zipkin's limit and annotationQuery, such as "orderId=… and error".
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
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}
