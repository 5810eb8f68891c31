// Package stripetest is an in-memory fake of Stripe for tests: PaymentIntents with manual capture,
// refunds and disputes by the rules of Stripe's documentation. It is strict about what matters
// most: which state allows which call; a key replays its first response, even a refusal or a 500; a
// key with other parameters is an error; the search lags.
package stripetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Key is the API key that the server accepts.
const Key = "sk_test_stripetest"

// Server is a Stripe account. It implements http.Handler.
type Server struct {
	// Searchable makes new intents searchable at once, instead of after Index.
	Searchable bool
	mu         sync.Mutex
	intents    []*intent // oldest first
	answers    map[string]answer
	disputes   map[string][]string // statuses by intent, oldest first
	indexed    int
	refused    string // a currency
	failures   []failure
	between    func(path string) func()
	versions   map[string]bool
	now        func() time.Time
}

// answer is the first response to a key.
type answer struct {
	request string
	status  int
	body    any
}

// failure is an error response for the next request to a path.
type failure struct {
	suffix           string
	status           int
	effect, replayed bool
}

// New returns an account without intents; now is its clock.
func New(now func() time.Time) *Server {
	return &Server{answers: map[string]answer{}, disputes: map[string][]string{}, versions: map[string]bool{}, now: now}
}

// Fail makes the next request whose path ends in suffix get status. effect says whether it takes
// effect nonetheless. replayed says whether Stripe keeps this response for the request's key, as it
// does for its own failures. Otherwise the failure is one of the network, and the key has the true
// response.
func (s *Server) Fail(suffix string, status int, effect, replayed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, failure{suffix: suffix, status: status, effect: effect, replayed: replayed})
}

// Between runs meanwhile once, before serving the next request whose path ends in suffix. meanwhile
// may use the server.
func (s *Server) Between(suffix string, meanwhile func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.between = func(path string) func() {
		if !strings.HasSuffix(path, suffix) {
			return func() {}
		}
		s.between = nil
		return meanwhile
	}
}

func (s *Server) meanwhile(path string) {
	s.mu.Lock()
	run := func() {}
	if s.between != nil {
		run = s.between(path)
	}
	s.mu.Unlock()
	run()
}

// Index makes all present intents searchable.
func (s *Server) Index() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indexed = len(s.intents)
}

// ForgetKeys drops all idempotency keys, as Stripe does after a day.
func (s *Server) ForgetKeys() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.answers)
}

// Dispute sets the status of the dispute of an intent's charge.
func (s *Server) Dispute(id, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disputes[id] = []string{status}
	s.find(id).charge.disputed = true
}

// Refund refunds a part of an order's captured charge, as the dashboard does. The amount is in
// Stripe's unit.
func (s *Server) Refund(order string, amount int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.intents {
		if i.metadata["order_id"] == order && i.status == "succeeded" {
			i.refund(amount)
		}
	}
}

// Set sets an intent's status, such as canceled when an authorization lapses.
func (s *Server) Set(id, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.find(id).status = status
}

// AddForeign adds a captured intent without an order, as other users of the account may, and
// returns its id.
func (s *Server) AddForeign() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := &intent{
		id: "pi_foreign", status: "succeeded", currency: "eur", amount: 100, created: s.now().Unix(),
		metadata: map[string]string{}, charge: &charge{id: "ch_foreign", paid: true, captured: true},
	}
	s.intents = append(s.intents, i)
	return i.id
}

// Statuses returns the status of every intent of an order, oldest first.
func (s *Server) Statuses(order string) []string {
	return each(s, order, func(i *intent) string { return i.status })
}

// Refuse makes the account refuse a currency, by its code in lower case.
func (s *Server) Refuse(currency string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = currency
}

// Amounts returns the amount of every intent of an order in Stripe's unit, oldest first.
func (s *Server) Amounts(order string) []int64 {
	return each(s, order, func(i *intent) int64 { return i.amount })
}

// IntentIDs returns the ids of every intent of an order, oldest first.
func (s *Server) IntentIDs(order string) []string {
	return each(s, order, func(i *intent) string { return i.id })
}

// each applies read to every intent of an order, oldest first.
func each[T any](s *Server, order string, read func(*intent) T) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []T
	for _, i := range s.intents {
		if i.metadata["order_id"] == order {
			all = append(all, read(i))
		}
	}
	return all
}

// Versions returns the API versions that requests have named; "" for a missing one.
func (s *Server) Versions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.versions))
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.meanwhile(r.URL.Path)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.versions[r.Header.Get("Stripe-Version")] = true
	status, body := s.serve(r)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have disconnected
}

func (s *Server) serve(r *http.Request) (int, any) {
	if r.Header.Get("Authorization") != "Bearer "+Key {
		return problem(http.StatusUnauthorized, invalidRequest, "", "Invalid API Key provided")
	}
	if r.Method == http.MethodPost && r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return problem(http.StatusBadRequest, invalidRequest, "", "The request body is not a form")
	}
	if err := r.ParseForm(); err != nil {
		return problem(http.StatusBadRequest, invalidRequest, "", "The request cannot be parsed")
	}
	if first, ok := s.answers[r.Header.Get("Idempotency-Key")]; ok && first.request != request(r) {
		return problem(http.StatusBadRequest, "idempotency_error", "",
			"Keys for idempotent requests can only be used with the same parameters they were first used with.")
	} else if ok {
		return first.status, first.body
	}
	return s.perform(r)
}

func (s *Server) record(r *http.Request, status int, body any) {
	if key := r.Header.Get("Idempotency-Key"); key != "" && r.Method == http.MethodPost {
		s.answers[key] = answer{request(r), status, body}
	}
}

func request(r *http.Request) string { return r.URL.Path + "?" + r.Form.Encode() }

func (s *Server) perform(r *http.Request) (status int, body any) {
	var begun bool
	for n, f := range s.failures {
		if !strings.HasSuffix(r.URL.Path, f.suffix) {
			continue
		}
		s.failures = append(s.failures[:n:n], s.failures[n+1:]...)
		if f.effect {
			status, body, begun = s.route(r)
			if begun && !f.replayed {
				s.record(r, status, body)
			}
		}
		status, body = problem(f.status, "api_error", "", "Something went wrong on Stripe's end")
		if f.replayed {
			s.record(r, status, body)
		}
		return status, body
	}
	status, body, begun = s.route(r)
	if begun {
		s.record(r, status, body)
	}
	return status, body
}

// route executes a request; begun is false if its parameters were invalid, which is not kept for
// its key.
func (s *Server) route(r *http.Request) (status int, body any, begun bool) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	form := r.Form
	switch at := fmt.Sprintf("%s %d %s", r.Method, len(parts), parts[len(parts)-1]); {
	case at == "POST 2 payment_intents":
		return s.create(form)
	case at == "GET 2 payment_intents":
		return s.list(form)
	case at == "GET 3 search":
		return s.search(form)
	case at == "POST 2 refunds":
		return s.refund(form)
	case at == "GET 2 disputes":
		return s.listDisputes(form)
	case len(parts) == 3 || len(parts) == 4 && r.Method == http.MethodPost:
		i := s.find(parts[2])
		if i == nil {
			status, body = problem(http.StatusNotFound, invalidRequest, "resource_missing", "No such payment_intent")
			return status, body, false
		}
		if len(parts) == 3 {
			return http.StatusOK, s.view(i, expands(form, "latest_charge")), true
		}
		return s.update(parts[3], i, form)
	}
	status, body = problem(http.StatusNotFound, invalidRequest, "", "Unrecognized request URL")
	return status, body, false
}

func (s *Server) find(id string) *intent {
	for _, i := range s.intents {
		if i.id == id {
			return i
		}
	}
	return nil
}

func expands(form url.Values, name string) bool { return slices.Contains(form["expand[]"], name) }

// invalidRequest is the type of errors in a request.
const invalidRequest = "invalid_request_error"

// invalid returns the 400 for invalid parameters; param and code may be empty.
func invalid(param, code, message string) (status int, body any, begun bool) {
	e := map[string]any{"type": invalidRequest, "message": message}
	for name, v := range map[string]string{"code": code, "param": param} {
		if v != "" {
			e[name] = v
		}
	}
	return http.StatusBadRequest, map[string]any{"error": e}, false
}

func problem(status int, kind, code, message string) (int, any) {
	e := map[string]any{"type": kind, "message": message}
	if code != "" {
		e["code"] = code
	}
	return status, map[string]any{"error": e}
}
