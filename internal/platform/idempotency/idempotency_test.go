package idempotency_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/memdb"
)

// counter is a store whose only effect is a count.
type counter struct {
	*memdb.Log
	clock *clock.Manual
	n     int
}

func newCounter() *counter {
	c := clock.At(time.Unix(0, 0))
	return &counter{Log: memdb.NewLog(c), clock: c}
}

// count sends a request that increments the count and returns it.
func (c *counter) count(log idempotency.Log, req idempotency.Request) (int, bool, error) {
	return idempotency.Do(context.Background(), log, req, func(_ context.Context, once idempotency.Once) (int, error) {
		n := c.n + 1
		return n, c.Commit(commit.With{Reply: once.Returning(n)}, func() error { c.n = n; return nil })
	})
}

func request(scope, key, content string) idempotency.Request {
	return idempotency.Request{Scope: scope, Key: key, Hash: idempotency.Hash([]byte(content))}
}

func TestReplayReturnsTheFirstResult(t *testing.T) {
	c := newCounter()
	for i := range 3 {
		n, replayed, err := c.count(c, request("me", "k", "x"))
		if n != 1 || replayed != (i > 0) || err != nil {
			t.Errorf("request %d = %d, %v, %v; want 1, %v", i, n, replayed, err, i > 0)
		}
	}
}

func TestKeyWithAnotherRequestIsRefused(t *testing.T) {
	c := newCounter()
	_, _, err := c.count(c, request("me", "k", "x"))
	must(t, err)
	n, replayed, err := c.count(c, request("me", "k", "y"))
	if !errors.Is(err, idempotency.ErrKeyReused) || fault.KindOf(err) != fault.Refused || replayed || n != 0 {
		t.Errorf("= %d, %v, %v; want ErrKeyReused of kind Refused and no result", n, replayed, err)
	}
}

func TestScopesHaveSeparateKeys(t *testing.T) {
	c := newCounter()
	for i, scope := range []string{"me#place", "you#place", "me#cancel"} {
		n, replayed, err := c.count(c, request(scope, "k", "x"))
		if n != i+1 || replayed || err != nil {
			t.Errorf("%s: %d, %v, %v; want another run", scope, n, replayed, err)
		}
	}
}

func TestRequestWithoutAKeyAlwaysRuns(t *testing.T) {
	c := newCounter()
	for i := range 3 {
		n, replayed, err := c.count(c, request("me", "", "x"))
		if n != i+1 || replayed || err != nil {
			t.Errorf("request %d = %d, %v, %v; want another run", i, n, replayed, err)
		}
	}
}

func TestKeyExpiresAfterADay(t *testing.T) {
	c := newCounter()
	_, _, err := c.count(c, request("me", "k", "x"))
	must(t, err)
	c.clock.Advance(24*time.Hour - time.Second)
	if _, replayed, err := c.count(c, request("me", "k", "x")); !replayed || err != nil {
		t.Errorf("before the expiry: replayed %v, %v; want true", replayed, err)
	}
	c.clock.Advance(time.Second)
	if n, replayed, err := c.count(c, request("me", "k", "y")); n != 2 || replayed || err != nil {
		t.Errorf("after the expiry: %d, %v, %v; want another run", n, replayed, err)
	}
}

func TestErrorIsNotRecorded(t *testing.T) {
	c := newCounter()
	failed := errors.New("failed")
	fail := func(context.Context, idempotency.Once) (int, error) { return 0, failed }
	_, replayed, err := idempotency.Do(t.Context(), c, request("me", "k", "x"), fail)
	if !errors.Is(err, failed) || replayed {
		t.Errorf("= %v, %v; want the run's error", replayed, err)
	}
	if n, replayed, err := c.count(c, request("me", "k", "other")); n != 1 || replayed || err != nil {
		t.Errorf("after a failure: %d, %v, %v; want a run, even of another request", n, replayed, err)
	}
}

// blind is a log that finds nothing in the first look-ups, as for the loser of a race.
type blind struct {
	idempotency.Log
	lookups int
}

func (l *blind) Reply(ctx context.Context, scope, key string) (idempotency.Record, bool, error) {
	if l.lookups > 0 {
		l.lookups--
		return idempotency.Record{}, false, nil
	}
	return l.Log.Reply(ctx, scope, key)
}

func TestLoserOfARaceReturnsTheWinnersResult(t *testing.T) {
	c := newCounter()
	_, _, err := c.count(c, request("me", "k", "x"))
	must(t, err)
	n, replayed, err := c.count(&blind{c, 1}, request("me", "k", "x"))
	if n != 1 || !replayed || err != nil || c.n != 1 {
		t.Errorf("= %d, %v, %v after %d effects; want the winner's 1", n, replayed, err, c.n)
	}
}

func TestLoserWithAnotherRequestIsRefused(t *testing.T) {
	c := newCounter()
	_, _, err := c.count(c, request("me", "k", "x"))
	must(t, err)
	_, replayed, err := c.count(&blind{c, 1}, request("me", "k", "y"))
	if !errors.Is(err, idempotency.ErrKeyReused) || replayed {
		t.Errorf("= %v, %v; want ErrKeyReused", replayed, err)
	}
}

// unreachable is a log that cannot be read.
type unreachable struct{}

var errUnreachable = errors.New("unreachable")

func (unreachable) Reply(context.Context, string, string) (idempotency.Record, bool, error) {
	return idempotency.Record{}, false, errUnreachable
}

func TestNothingRunsWhileTheLogCannotBeRead(t *testing.T) {
	c := newCounter()
	_, replayed, err := c.count(unreachable{}, request("me", "k", "x"))
	if !errors.Is(err, errUnreachable) || replayed || c.n != 0 {
		t.Errorf("= %v, %v after %d effects; want the log's error and no effect", replayed, err, c.n)
	}
	if n, _, err := c.count(unreachable{}, request("me", "", "x")); n != 1 || err != nil {
		t.Errorf("without a key: %d, %v; want a run without a look-up", n, err)
	}
}

func TestUnencodableOrUnreadableResultIsADefect(t *testing.T) {
	c := newCounter()
	unencodable := func(_ context.Context, once idempotency.Once) (int, error) {
		return 1, c.Commit(commit.With{Reply: once.Returning(func() {})}, func() error { c.n++; return nil })
	}
	_, _, err := idempotency.Do(t.Context(), c, request("me", "k", "x"), unencodable)
	if fault.KindOf(err) != fault.Internal || c.n != 0 {
		t.Errorf("unencodable: %v after %d effects; want an internal error and no effect", err, c.n)
	}
	_, _, err = c.count(c, request("me", "k", "x"))
	must(t, err)
	text := func(context.Context, idempotency.Once) (string, error) { return "", nil }
	_, replayed, err := idempotency.Do(t.Context(), c, request("me", "k", "x"), text)
	if fault.KindOf(err) != fault.Internal || replayed {
		t.Errorf("unreadable: %v, %v; want an internal error", replayed, err)
	}
}

func TestDifferentPartsHaveDifferentHashes(t *testing.T) {
	hash := func(parts []string) string {
		var b [][]byte
		for _, p := range parts {
			b = append(b, []byte(p))
		}
		return idempotency.Hash(b...)
	}
	// A small alphabet with the bytes of a naive separator.
	parts := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("a\x001:")), 0, 3, -1), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		same := len(a) == len(b)
		for i := 0; same && i < len(a); i++ {
			same = a[i] == b[i]
		}
		if (hash(a) == hash(b)) != same {
			t.Errorf("%q and %q: same hash %v, want %v", a, b, !same, same)
		}
	})
	if hash([]string{"a\x00", "b"}) == hash([]string{"a", "\x00b"}) {
		t.Error("parts with NULs have the same hash")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// before is a request as the previous version of the code identifies it: by its bytes.
func before(bytes string) idempotency.Request {
	return idempotency.Request{Scope: "me", Key: "k", Hash: idempotency.Hash([]byte(bytes))}
}

// now is a request as this version identifies it: by its content.
func now(content, bytes string) idempotency.Request {
	req := before(bytes)
	req.Hash, req.Formerly = idempotency.Hash([]byte(content), nil), req.Hash
	return req
}

func TestReplayAcrossAReleaseReturnsTheFirstResult(t *testing.T) {
	for name, c := range map[string]struct{ first, second idempotency.Request }{
		"written before, sent again unchanged": {before("{ }"), now("{}", "{ }")},
		"written now, sent again unchanged":    {now("{}", "{ }"), now("{}", "{ }")},
		"written now, sent again reordered":    {now("{}", "{ }"), now("{}", "{}")},
	} {
		log := newCounter()
		_, _, err := log.count(log, c.first)
		must(t, err)
		if n, replayed, err := log.count(log, c.second); n != 1 || !replayed || err != nil {
			t.Errorf("%s: %d, %v, %v; want the first result", name, n, replayed, err)
		}
		for _, other := range []idempotency.Request{now("{1}", "{1}"), before("{1}")} {
			if _, _, err := log.count(log, other); !errors.Is(err, idempotency.ErrKeyReused) {
				t.Errorf("%s, then another request: %v, want ErrKeyReused", name, err)
			}
		}
	}
}
