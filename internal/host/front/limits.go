package front

import (
	"cmp"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/clock"
)

// Settings are those of the API in the template.
type Settings struct {
	// Binary are the media types whose bodies are handed over in base64.
	Binary []string
	Limits map[method]Limit
}

// method is a path of the contract and an HTTP method.
type method struct{ path, verb string }

// every is the default setting of methods.
var every = method{"/*", "*"}

// Limit is a rate of requests a second and the size of a burst.
type Limit struct{ Rate, Burst float64 }

// Read reads the settings of the stack's API.
func Read(stack *cfn.Stack) (s Settings, err error) {
	s.Limits = map[method]Limit{}
	for _, id := range stack.OfType("AWS::Serverless::Api") {
		b, err := json.Marshal(stack.Properties(id))
		if err != nil {
			return s, err
		}
		var p struct {
			BinaryMediaTypes []string
			MethodSettings   []struct {
				ResourcePath, HttpMethod                  string //nolint:revive // AWS's name
				ThrottlingRateLimit, ThrottlingBurstLimit float64
			}
		}
		if err := json.Unmarshal(b, &p); err != nil {
			return s, err
		}
		s.Binary = append(s.Binary, p.BinaryMediaTypes...)
		for _, m := range p.MethodSettings {
			path := m.ResourcePath
			if path != every.path { // /~1health~1live
				path = strings.ReplaceAll(strings.TrimPrefix(path, "/"), "~1", "/")
			}
			s.Limits[method{path, m.HttpMethod}] = Limit{m.ThrottlingRateLimit, m.ThrottlingBurstLimit}
		}
	}
	return s, nil
}

// bucket limits a rate: it fills with tokens up to a burst.
type bucket struct {
	limit Limit
	clock clock.Clock

	mu     sync.Mutex
	tokens float64
	filled time.Time
}

func newBucket(l Limit, c clock.Clock) *bucket {
	return &bucket{limit: l, clock: c, tokens: l.Burst, filled: c.Now()}
}

// take takes a token, if there is one.
func (b *bucket) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	b.tokens = min(b.limit.Burst, b.tokens+now.Sub(b.filled).Seconds()*b.limit.Rate)
	b.filled = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// admits takes a token for a request.
func (f *Front) admits(m method) bool {
	b := cmp.Or(f.buckets[m], f.buckets[every])
	return b == nil || b.take()
}
