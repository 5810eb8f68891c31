package zipkin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/tracing"
)

// Bounds of what tracing may cost a function.
const (
	// FlushLimit is how long an invocation waits for the collector at most, unless the Exporter has
	// its own limit.
	FlushLimit = 200 * time.Millisecond
	// Rest is how long nothing is sent to a collector that failed.
	Rest = 5 * time.Second
	// Buffer is how many spans are kept; more are dropped.
	Buffer = 1000
)

// Exporter sends the spans of an invocation at its end, in one request. Spans that the collector
// does not take are sent with the next ones, as long as there is room. Zipkin ignores a span that
// comes twice.
type Exporter struct {
	// URL of the collector, such as http://127.0.0.1:9411; its path is Zipkin's.
	URL   string
	Clock clock.Clock
	Limit time.Duration

	mu       sync.Mutex
	spans    []Span
	failedAt time.Time
}

// transport is not that of package httpclient: that makes spans itself, and a span needs no retry
// and no breaker.
var transport = &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute}

// Export keeps the span for the next flush.
func (e *Exporter) Export(f tracing.Finished) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.spans) < Buffer {
		e.spans = append(e.spans, Of(f))
	}
}

// Flush sends what was kept.
func (e *Exporter) Flush(ctx context.Context) {
	e.mu.Lock()
	if len(e.spans) == 0 || e.Clock.Now().Sub(e.failedAt) < Rest {
		e.mu.Unlock()
		return
	}
	spans := e.spans
	e.spans = nil
	e.mu.Unlock()
	// The invocation may have used up its time; its spans show that.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cmp.Or(e.Limit, FlushLimit))
	defer cancel()
	if !e.send(ctx, spans) {
		e.mu.Lock()
		e.failedAt = e.Clock.Now()
		e.spans = append(spans, e.spans...)[:min(len(spans)+len(e.spans), Buffer)]
		e.mu.Unlock()
	}
}

func (e *Exporter) send(ctx context.Context, spans []Span) bool {
	body, _ := json.Marshal(spans) // texts and numbers can always be encoded
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL+"/api/v2/spans", bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := transport.RoundTrip(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4<<10)) // or the connection cannot be reused
	return res.StatusCode/100 == 2
}
