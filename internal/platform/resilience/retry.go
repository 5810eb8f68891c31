package resilience

import (
	"sync"
	"time"
)

// Policy says how a call is repeated. Its zero value repeats nothing.
type Policy struct {
	// Attempts is how often a call is made at most, the first time included.
	Attempts int
	// Base is the longest wait before the second attempt; it doubles with each further one up to
	// Max.
	Base, Max time.Duration
}

// DefaultPolicy is what a call to a third party gets.
var DefaultPolicy = Policy{Attempts: 3, Base: 2 * time.Second, Max: 10 * time.Second}

// Wait returns how long to wait before attempt n, which is at least 2: a part, r of [0, 1), of an
// exponentially growing time, which spreads callers evenly ("full jitter",
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). A dependency that
// asked for a longer wait gets it.
func (p Policy) Wait(n int, r float64, asked time.Duration) time.Duration {
	longest := p.Max
	if n-2 < 16 {
		longest = min(p.Base<<(n-2), p.Max)
	}
	return max(time.Duration(r*float64(longest)), asked)
}

// Budget bounds the retries of a process to a part of its calls, so that retries do not add to an
// overload: each call adds a part of a token, each retry takes a whole one. (See "Retry Budget" in
// Finagle, and Site Reliability Engineering, ch. 21.)
type Budget struct {
	mu     sync.Mutex
	tenths int // of a token
}

// Of a Budget, in tenths: what a call adds and a retry takes, what a process starts with, so that
// its first call has its attempts, and what it can save up.
const (
	budgetCall    = 1
	budgetRetry   = 10
	budgetReserve = 20
	budgetMost    = 100
)

// NewBudget returns a budget of a tenth of the calls.
func NewBudget() *Budget { return &Budget{tenths: budgetReserve} }

// Called counts a call.
func (b *Budget) Called() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tenths = min(b.tenths+budgetCall, budgetMost)
}

// Spend takes a retry from the budget; false if there is none left.
func (b *Budget) Spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tenths < budgetRetry {
		return false
	}
	b.tenths -= budgetRetry
	return true
}
