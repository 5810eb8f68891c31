package eventsource

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// State is what a source has done since it was started.
type State struct {
	ID        string `json:"id"`
	Function  string `json:"function"`
	Source    string `json:"source"`
	Name      string `json:"name"`    // of the topic or queue
	Polling   bool   `json:"polling"` // connected to the broker
	Batches   int    `json:"batches"`
	Records   int    `json:"records"`   // of successful batches
	Failures  int    `json:"failures"`  // of functions
	Discarded int    `json:"discarded"` // records given up or too large
	Dropped   int    `json:"dropped"`   // by filters
	LastError string `json:"lastError,omitempty"`
}

type status struct {
	mu    sync.Mutex
	state State
}

func (s *status) update(change func(*State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.state)
}

func (s *status) failed(err error) {
	s.update(func(s *State) { s.Polling, s.LastError = false, err.Error() })
}

// States returns the state of every source, sorted by id.
func (s *Sources) States() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []State{}
	for _, id := range slices.Sorted(maps.Keys(s.running)) {
		one := s.running[id]
		one.status.update(func(state *State) {
			state.ID, state.Function, state.Source = id, one.mapping.Function, one.mapping.Source
			state.Name = one.mapping.name()
			all = append(all, *state)
		})
	}
	return all
}

// Handler answers GET /health with name, which tells these sources from another server at the
// address, and the states.
func (s *Sources) Handler(name string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"name": name, "sources": s.States()})
	})
	return mux
}
