package faultserver

import (
	"net/http"
	"sync/atomic"
)

// Mixed applies another fault than f to every n-th request, as a server in trouble fails in more
// than one way. Both must be faults of requests.
func (f Fault) Mixed(n int64, other Fault) Fault {
	var requests atomic.Int64
	answer := f.answer
	f.Name += " or " + other.Name
	f.answer = func(s *Server, w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%n == 0 {
			other.answer(s, w, r)
			return
		}
		answer(s, w, r)
	}
	return f
}
