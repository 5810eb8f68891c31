package rpcserver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/resilience"
)

// bounded limits how long a client may take to send a request, and to read each piece of its
// answer. Pings do not detect a client that does neither. After the limit, a read fails or the
// stream is reset. The answer as a whole may take longer, such as that of a watch.
func bounded(next http.Handler, c clock.Clock, arrival, unread time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := answer{ResponseWriter: w, stream: http.NewResponseController(w), clock: c, unread: unread}
		_ = a.stream.SetReadDeadline(c.Now().Add(arrival)) // HTTP/2 supports both deadlines
		next.ServeHTTP(a, r)
		a.bound() // the rest is sent after the return
	})
}

// answer is a response that the client must read.
type answer struct {
	http.ResponseWriter

	stream *http.ResponseController
	clock  clock.Clock
	unread time.Duration
}

func (a answer) bound() { _ = a.stream.SetWriteDeadline(a.clock.Now().Add(a.unread)) }

func (a answer) unbound() { _ = a.stream.SetWriteDeadline(time.Time{}) }

// Write implements http.ResponseWriter.
func (a answer) Write(b []byte) (int, error) {
	a.bound()
	defer a.unbound()
	return a.ResponseWriter.Write(b)
}

// Flush implements http.Flusher. A failure shows at the next write.
func (a answer) Flush() {
	a.bound()
	defer a.unbound()
	_ = a.stream.Flush()
}

// maxHealthWatches bounds the streams that need no token.
const maxHealthWatches = 100

var errHealthWatches = connect.NewError(connect.CodeResourceExhausted,
	errors.New("too many clients watch the health; call Check"))

// health is the state of the services, which a bounded number of clients may watch.
type health struct {
	*grpchealth.StaticChecker

	places resilience.Bulkhead
}

// Watch implements grpchealth.Watcher.
func (h health) Watch(ctx context.Context, req *grpchealth.CheckRequest, changed func()) (func(), error) {
	leave, err := h.places.Enter()
	if err != nil {
		return nil, errHealthWatches
	}
	stop, err := h.StaticChecker.Watch(ctx, req, changed)
	if err != nil {
		leave()
		return nil, err
	}
	return func() { stop(); leave() }, nil
}
