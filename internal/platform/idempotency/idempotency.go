// Package idempotency makes an HTTP request with an Idempotency-Key take effect once
// (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).
//
// The record of the key is written in the transaction of the request's effect, so
// there is no lock that could expire and no half-done request: either both exist, or
// neither does. Two requests at once race for the record; the loser replays the winner.
package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"orderflow/internal/platform/fault"
)

// Retention is how long a key is remembered.
const Retention = 24 * time.Hour

// ErrKeyReused refuses a key that came before with another request.
var ErrKeyReused = fault.New(fault.Refused, "IdempotencyKeyReused", "this Idempotency-Key was used before with a different request")

// Request identifies a request.
type Request struct {
	// Scope is whose key it is and for what: the customer and the operation.
	Scope string
	// Key is the header's value; empty where the client sent none: then nothing is remembered.
	Key string
	// Hash is the digest of the request's content.
	Hash string
	// Formerly is the digest by which functions of the version before know the request, while both run and for as long as their
	// records are kept; empty where there never was another. It goes one release after its last use.
	Formerly string
}

// Hash digests the parts of a request that must be the same in a replay.
func Hash(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:", len(p)) // so that no two lists of parts read alike; a hash never fails
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Record is what the log keeps of a request.
type Record struct {
	Scope, Key string
	// Hash and Formerly are the request's. In a record of the version before, Hash is what is now Formerly.
	Hash, Formerly string
	Result         json.RawMessage
}

// of reports whether the record is of this request.
func (r Record) of(req Request) bool {
	return r.Hash == req.Hash || req.Formerly != "" && r.Hash == req.Formerly
}

// Log is where records are found.
type Log interface {
	// Reply returns the unexpired record of key in scope, read consistently; ok is false where there is none.
	Reply(ctx context.Context, scope, key string) (rec Record, ok bool, err error)
}

// Entry is what a run adds to the log. A store writes it in the transaction of the effect on
// condition that no unexpired one exists, else reports fault.ErrLostRace. A nil entry writes nothing.
type Entry struct {
	req    Request
	result any
}

// Record gives what to write.
func (e *Entry) Record() (Record, error) {
	b, err := json.Marshal(e.result)
	if err != nil {
		return Record{}, fault.New(fault.Internal, "UnencodableResult", "the result cannot be encoded").Because(err)
	}
	return Record{Scope: e.req.Scope, Key: e.req.Key, Hash: e.req.Hash, Formerly: e.req.Formerly, Result: b}, nil
}

// Once is given to a run; the run must put the entry that it makes into its commit.
type Once struct{ req Request }

// Returning makes the log entry of a run that returns result.
func (o Once) Returning(result any) *Entry {
	if o.req.Key == "" {
		return nil
	}
	return &Entry{req: o.req, result: result}
}

// Do runs the request unless it ran before; then it returns the first result with replayed true.
// Errors are not remembered: a refused request has changed nothing and may be sent again.
func Do[R any](ctx context.Context, log Log, req Request, run func(context.Context, Once) (R, error)) (r R, replayed bool, err error) {
	r, err = fault.RetryLostRace(func() (R, error) {
		replayed = false
		if req.Key != "" {
			rec, ok, err := log.Reply(ctx, req.Scope, req.Key)
			if err != nil || ok {
				replayed = ok
				return replay[R](rec, req, err)
			}
		}
		return run(ctx, Once{req})
	})
	return r, replayed && err == nil, err
}

func replay[R any](rec Record, req Request, err error) (R, error) {
	var r R
	if err != nil {
		return r, err
	}
	if !rec.of(req) {
		return r, ErrKeyReused
	}
	if err := json.Unmarshal(rec.Result, &r); err != nil {
		return r, fault.New(fault.Internal, "UnreadableResult", "the recorded result cannot be read").Because(err)
	}
	return r, nil
}
