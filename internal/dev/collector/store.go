// Package collector keeps the spans of a local stack and serves them with Zipkin's API
// (https://zipkin.io/zipkin-api/), for tests and for `orderflow trace`.
package collector

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"sync"

	"orderflow/internal/platform/tracing/zipkin"
)

// Limit is the most spans kept; beyond it the older half is dropped.
const Limit = 200_000

// Store keeps spans in order of arrival. It is safe for concurrent use.
type Store struct {
	// Log gets every span as a line of JSON; it may be nil.
	Log io.Writer

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
