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
	// FlushLimit is the longest that an invocation waits for its spans to be taken, where Exporter has none of its own.
	FlushLimit = 200 * time.Millisecond
	// Rest is how long a collector that failed is left alone.
	Rest = 5 * time.Second
	// Buffer is how many spans are kept; more are dropped.
	Buffer = 1000
)

// Exporter sends the spans of an invocation at its end, in one request. What is not taken then goes along with the next
// ones, as long as there is room; a span that comes twice is one to Zipkin.
type Exporter struct {
	// URL of the collector, such as http://127.0.0.1:9411; its path is Zipkin's.
	URL   string
	Clock clock.Clock
	Limit time.Duration

	mu       sync.Mutex
	spans    []Span
	failedAt time.Time
}

// transport is not that of package httpclient, which makes spans itself, and whose retries and breakers a span is not worth.
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
	// The invocation may have used up its own time; its spans are what tells of it.
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
	body, err := json.Marshal(spans)
	if err != nil {
		return false
	}
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
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4<<10)) // so that the connection can be used again
	return res.StatusCode/100 == 2
}
