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

// counter is a store whose only effect is to count.
type counter struct {
	*memdb.Log
	clock *clock.Manual
	n     int
}

func newCounter() *counter {
	c := clock.At(time.Unix(0, 0))
	return &counter{Log: memdb.NewLog(c), clock: c}
}

// count sends a request that counts one on and returns the count.
func (c *counter) count(log idempotency.Log, req idempotency.Request) (int, bool, error) {
	return idempotency.Do(context.Background(), log, req, func(_ context.Context, once idempotency.Once) (int, error) {
		n := c.n + 1
		return n, c.Commit(commit.With{Reply: once.Returning(n)}, func() error { c.n = n; return nil })
	})
}

func request(scope, key, content string) idempotency.Request {
	return idempotency.Request{Scope: scope, Key: key, Hash: idempotency.Hash([]byte(content))}
}

func TestReplayReturnsTheFirstResultAndSaysSo(t *testing.T) {
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
		t.Errorf("= %d, %v, %v; want ErrKeyReused, which is refused, and no result", n, replayed, err)
	}
}

func TestKeyIsItsScopesOwn(t *testing.T) {
	c := newCounter()
	for i, scope := range []string{"me#place", "you#place", "me#cancel"} {
		n, replayed, err := c.count(c, request(scope, "k", "x"))
		if n != i+1 || replayed || err != nil {
			t.Errorf("%s: %d, %v, %v; want a run of its own", scope, n, replayed, err)
		}
	}
}

func TestWithoutAKeyEveryRequestRuns(t *testing.T) {
	c := newCounter()
	for i := range 3 {
		n, replayed, err := c.count(c, request("me", "", "x"))
		if n != i+1 || replayed || err != nil {
			t.Errorf("request %d = %d, %v, %v; want a run of its own", i, n, replayed, err)
		}
	}
}

func TestKeyIsRememberedForADay(t *testing.T) {
	c := newCounter()
	_, _, err := c.count(c, request("me", "k", "x"))
	must(t, err)
	c.clock.Advance(24*time.Hour - time.Second)
	if _, replayed, err := c.count(c, request("me", "k", "x")); !replayed || err != nil {
		t.Errorf("just before the end: replayed %v, %v; want true", replayed, err)
	}
	c.clock.Advance(time.Second)
	if n, replayed, err := c.count(c, request("me", "k", "y")); n != 2 || replayed || err != nil {
		t.Errorf("after the end: %d, %v, %v; want a new run", n, replayed, err)
	}
}

func TestErrorIsNotRemembered(t *testing.T) {
	c := newCounter()
	no := errors.New("no")
	_, replayed, err := idempotency.Do(t.Context(), c, request("me", "k", "x"), func(context.Context, idempotency.Once) (int, error) { return 0, no })
	if !errors.Is(err, no) || replayed {
		t.Errorf("= %v, %v; want the run's own error", replayed, err)
	}
	if n, replayed, err := c.count(c, request("me", "k", "other")); n != 1 || replayed || err != nil {
		t.Errorf("after a refusal: %d, %v, %v; want a run, even of another request", n, replayed, err)
	}
}

// liar is a log that finds nothing the first few times, as a log does for the loser of a race.
type liar struct {
	idempotency.Log
	lies int
}

func (l *liar) Reply(ctx context.Context, scope, key string) (idempotency.Record, bool, error) {
	if l.lies > 0 {
		l.lies--
		return idempotency.Record{}, false, nil
	}
	return l.Log.Reply(ctx, scope, key)
}

func TestLoserOfARaceReplaysTheWinner(t *testing.T) {
	c := newCounter()
	_, _, err := c.count(c, request("me", "k", "x"))
	must(t, err)
	n, replayed, err := c.count(&liar{c, 1}, request("me", "k", "x"))
	if n != 1 || !replayed || err != nil || c.n != 1 {
		t.Errorf("= %d, %v, %v after %d effects; want the winner's 1", n, replayed, err, c.n)
	}
}

func TestLoserWithAnotherRequestIsRefused(t *testing.T) {
	c := newCounter()
	_, _, err := c.count(c, request("me", "k", "x"))
	must(t, err)
	if _, replayed, err := c.count(&liar{c, 1}, request("me", "k", "y")); !errors.Is(err, idempotency.ErrKeyReused) || replayed {
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
	if _, replayed, err := c.count(unreachable{}, request("me", "k", "x")); !errors.Is(err, errUnreachable) || replayed || c.n != 0 {
		t.Errorf("= %v, %v after %d effects; want the log's error and none", replayed, err, c.n)
	}
	if n, _, err := c.count(unreachable{}, request("me", "", "x")); n != 1 || err != nil {
		t.Errorf("without a key: %d, %v; want a run that does not ask the log", n, err)
	}
}

func TestResultThatCannotBeKeptOrReadIsADefect(t *testing.T) {
	c := newCounter()
	_, _, err := idempotency.Do(t.Context(), c, request("me", "k", "x"), func(_ context.Context, once idempotency.Once) (int, error) {
		return 1, c.Commit(commit.With{Reply: once.Returning(func() {})}, func() error { c.n++; return nil })
	})
	if fault.KindOf(err) != fault.Internal || c.n != 0 {
		t.Errorf("unencodable: %v after %d effects; want an internal error and none", err, c.n)
	}
	_, _, err = c.count(c, request("me", "k", "x"))
	must(t, err)
	_, replayed, err := idempotency.Do(t.Context(), c, request("me", "k", "x"), func(context.Context, idempotency.Once) (string, error) { return "", nil })
	if fault.KindOf(err) != fault.Internal || replayed {
		t.Errorf("unreadable: %v, %v; want an internal error", replayed, err)
	}
}

func TestHashTellsDifferentPartsApart(t *testing.T) {
	hash := func(parts []string) string {
		var b [][]byte
		for _, p := range parts {
			b = append(b, []byte(p))
		}
		return idempotency.Hash(b...)
	}
	// A small alphabet, with the bytes a naive separator would be made of.
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
		t.Error("parts with NULs run together")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// before is a request as the version before this one identifies it: by its bytes.
func before(bytes string) idempotency.Request {
	return idempotency.Request{Scope: "me", Key: "k", Hash: idempotency.Hash([]byte(bytes))}
}

// now is the same request as this version identifies it, by what it says.
func now(says, bytes string) idempotency.Request {
	return idempotency.Request{Scope: "me", Key: "k", Hash: idempotency.Hash([]byte(says), nil), Formerly: before(bytes).Hash}
}

func TestAReplayAcrossAReleaseIsAReplay(t *testing.T) {
	for name, c := range map[string]struct{ first, second idempotency.Request }{
		"written before, sent again as it was": {before("{ }"), now("{}", "{ }")},
		"written now, sent again as it was":    {now("{}", "{ }"), now("{}", "{ }")},
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
