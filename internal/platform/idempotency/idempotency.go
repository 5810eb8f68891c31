// Package idempotency makes an HTTP request with an Idempotency-Key take effect once
// (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).
//
// The record of the key is written in the transaction of the request's effect: either both exist or
// neither does. No lock can expire, and no request is half done. Concurrent requests race for the
// record; the loser returns the winner's result.
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

// ErrKeyReused refuses a key that was used with a different request.
var ErrKeyReused = fault.New(fault.Refused, "IdempotencyKeyReused",
	"this Idempotency-Key was used before with a different request")

// Request identifies a request.
type Request struct {
	// Scope is the customer and the operation that the key belongs to.
	Scope string
	// Key is the header's value. Without one, nothing is recorded.
	Key string
	// Hash is the digest of the request's content.
	Hash string
	// Formerly is the digest that the previous version of the code computes, if it differs. It is
	// needed while both versions run and while the previous one's records are kept.
	Formerly string
}

// Hash digests the parts of a request that must be the same in a replay.
func Hash(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:", len(p)) // keeps different lists of parts apart; a hash never fails
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Record is the log's record of a request.
type Record struct {
	Scope, Key string
	// Hash and Formerly are the request's. In a record of the previous version of the code, Hash is
	// what is now Formerly.
	Hash, Formerly string
	Result         json.RawMessage
}

// matches reports whether the record belongs to this request.
func (r Record) matches(req Request) bool {
	return r.Hash == req.Hash || req.Formerly != "" && r.Hash == req.Formerly
}

// Log holds the records.
type Log interface {
	// Reply returns the unexpired record of key in scope, read consistently; ok is false if none
	// exists.
	Reply(ctx context.Context, scope, key string) (rec Record, ok bool, err error)
}

// Entry is a run's addition to the log. A store writes it in the transaction of the effect,
// provided that no unexpired record exists, else it returns fault.ErrLostRace. A nil entry writes
// nothing.
type Entry struct {
	req    Request
	result any
}

// Record returns the record to write.
func (e *Entry) Record() (Record, error) {
	b, err := json.Marshal(e.result)
	if err != nil {
		return Record{}, fault.New(fault.Internal, "UnencodableResult", "the result cannot be encoded").Because(err)
	}
	return Record{Scope: e.req.Scope, Key: e.req.Key, Hash: e.req.Hash, Formerly: e.req.Formerly, Result: b}, nil
}

// Once makes the entry that a run must commit.
type Once struct{ req Request }

// Returning returns the entry of a run with this result.
func (o Once) Returning(result any) *Entry {
	if o.req.Key == "" {
		return nil
	}
	return &Entry{req: o.req, result: result}
}

// Do runs the request, unless it ran before: then it returns the recorded result, with replayed
// true. Errors are not recorded: a refused request has changed nothing and may be sent again.
func Do[R any](
	ctx context.Context, log Log, req Request, run func(context.Context, Once) (R, error),
) (r R, replayed bool, err error) {
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
	if !rec.matches(req) {
		return r, ErrKeyReused
	}
	if err := json.Unmarshal(rec.Result, &r); err != nil {
		return r, fault.New(fault.Internal, "UnreadableResult", "the recorded result cannot be read").Because(err)
	}
	return r, nil
}
