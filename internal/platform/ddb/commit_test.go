package ddb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/storesuite"
)

// store is a minimal store over a table.
type store struct {
	*ddb.Table
	ddbtest.Stream
}

func TestTableKeepsTheProtocol(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (storesuite.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return store{table, ddbtest.Stream{Table: table}}, nil
	}
	storesuite.Run(t, open, storesuite.Suite[storesuite.Store]{})
}

var (
	start     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	errFirst  = errors.New("first refused")
	errSecond = errors.New("second refused")
)

type pot struct {
	Cups    int   `dynamodbav:"cups"`
	Version int64 `dynamodbav:"version"`
}

func events(t *testing.T, subjects ...string) (all []envelope.Event) {
	t.Helper()
	p := envelope.Publisher{Service: "tea", Clock: clock.At(start), IDs: ids.Random(clock.At(start))}
	for _, s := range subjects {
		all = append(all, p.New(t.Context(), "orderflow.tea.pot.brewed.v1", s, 1, struct{}{}))
	}
	return all
}

func TestRefusedCommitWritesNothing(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	must(t, table.Commit(t.Context(), commit.With{}, table.Save("taken", "pot", pot{Cups: 1})))
	_, err := barrier.Do(t.Context(), table, "s", "Step", func(ctx context.Context, once barrier.Once) (int, error) {
		return 1, table.Commit(ctx, commit.With{Barrier: once.Returning(1), Events: events(t, "a")},
			table.Save("new", "pot", pot{}),
			table.SaveNew("taken", "pot", pot{Cups: 2}, errFirst),
			table.SaveIf("none", "pot", pot{}, errSecond, "cups > :n", ddb.Values{":n": ddb.Number(0)}))
	})
	if !errors.Is(err, errFirst) {
		t.Errorf("Commit = %v, want the first refusal", err)
	}
	if ok, err := table.Find(t.Context(), "new", "pot", &pot{}); ok || err != nil {
		t.Errorf("an item was written: %v, %v", ok, err)
	}
	key := barrier.Key{Saga: "s", Step: "Step", Phase: barrier.Action}
	if found, err := table.Barriers(t.Context(), key); len(found) > 0 || err != nil {
		t.Errorf("the barrier was written: %v, %v", found, err)
	}
	if waiting, err := table.Waiting(t.Context()); len(waiting) != 0 || err != nil {
		t.Errorf("outbox holds %d events, %v", len(waiting), err)
	}
}

func TestLostRaceTakesPrecedenceOverARefusal(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	var once barrier.Once
	_, err := barrier.Do(t.Context(), table, "s", "Step", func(ctx context.Context, o barrier.Once) (int, error) {
		once = o
		return 1, table.Commit(ctx, commit.With{Barrier: o.Returning(1)}, table.Save("taken", "pot", pot{}))
	})
	must(t, err)
	// The write would be refused as well, because the item exists.
	op := table.SaveNew("taken", "pot", pot{}, errFirst)
	err = table.Commit(t.Context(), commit.With{Barrier: once.Returning(2)}, op)
	if !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("Commit = %v, want ErrLostRace", err)
	}
}

func TestSecondReplyWithAKeyLosesTheRace(t *testing.T) {
	c := clock.At(start)
	table := ddbtest.NewTable(t, c)
	var once idempotency.Once
	run := func(ctx context.Context, o idempotency.Once) (int, error) {
		once = o
		return 1, table.Commit(ctx, commit.With{Reply: o.Returning(1)})
	}
	_, _, err := idempotency.Do(t.Context(), table, idempotency.Request{Scope: "me", Key: "k"}, run)
	must(t, err)
	again := func() error {
		return table.Commit(t.Context(), commit.With{Reply: once.Returning(2)}, table.Save("p", "pot", pot{}))
	}
	if err := again(); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("before the expiry: %v, want ErrLostRace", err)
	}
	if ok, err := table.Find(t.Context(), "p", "pot", &pot{}); ok || err != nil {
		t.Errorf("the loser's change was written: %v, %v", ok, err)
	}
	c.Advance(idempotency.Retention)
	must(t, again())
}

func TestSaveFromAnotherVersionLosesTheRace(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	put := func(before int64) error {
		op := table.SaveVersion("p", "pot", pot{Version: before + 1}, before)
		return table.Commit(t.Context(), commit.With{}, op)
	}
	if err := put(1); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("over nothing: %v, want ErrLostRace", err)
	}
	must(t, put(0))
	must(t, put(1))
	for _, before := range []int64{0, 1, 3} {
		if err := put(before); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("from version %d over version 2: %v, want ErrLostRace", before, err)
		}
	}
}

func TestEmptyCommitSucceeds(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	must(t, table.Commit(t.Context(), commit.With{}))
}

func TestRefusalWithoutItsOwnErrorIsAnError(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	op := ddb.Op{Write: types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &table.Name, Key: ddb.Key("none", "pot"), ConditionExpression: aws.String("attribute_exists(pk)"),
	}}}
	if err := table.Commit(t.Context(), commit.With{}, op, table.Save("p", "pot", pot{})); err == nil {
		t.Error("Commit succeeded although nothing was written")
	}
}

func TestCommitEndsWithItsContext(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := table.Commit(ctx, commit.With{}, table.Save("p", "pot", pot{})); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit = %v, want context.Canceled", err)
	}
}

func TestUnencodableEventIsNotWritten(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	with := commit.With{Events: []envelope.Event{{ID: "1", Data: []byte("{")}}}
	if err := table.Commit(t.Context(), with, table.Save("p", "pot", pot{})); fault.KindOf(err) != fault.Internal {
		t.Errorf("Commit = %v, want an internal error", err)
	}
	if ok, err := table.Find(t.Context(), "p", "pot", &pot{}); ok || err != nil {
		t.Errorf("the change was written: %v, %v", ok, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The previous version of the code compares the attribute hash with the digest of the request's
// bytes. Its records have no other digest.
func TestReplyRecordsWorkForThePreviousVersionToo(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	do := func(req idempotency.Request) (int, bool, error) {
		return idempotency.Do(t.Context(), table, req, func(ctx context.Context, once idempotency.Once) (int, error) {
			return 1, table.Commit(ctx, commit.With{Reply: once.Returning(1)})
		})
	}
	_, _, err := do(idempotency.Request{Scope: "s", Key: "new", Hash: "content", Formerly: "bytes"})
	must(t, err)
	var item struct {
		Hash string `dynamodbav:"hash"`
	}
	if ok, err := table.Find(t.Context(), "reply#s", "new", &item); !ok || err != nil || item.Hash != "bytes" {
		t.Errorf("the previous version finds %t %+v, %v; want the digest of bytes", ok, item, err)
	}
	_, replayed, err := do(idempotency.Request{Scope: "s", Key: "new", Hash: "content", Formerly: "other bytes"})
	if !replayed || err != nil {
		t.Errorf("the same content in other bytes: %t, %v; want a replay", replayed, err)
	}
	old := struct {
		Hash      string `dynamodbav:"hash"`
		Result    string `dynamodbav:"result"`
		ExpiresAt int64  `dynamodbav:"expiresAt"`
	}{"bytes", "1", start.Add(time.Hour).Unix()}
	must(t, table.Commit(t.Context(), commit.With{}, table.Save("reply#s", "old", old)))
	_, replayed, err = do(idempotency.Request{Scope: "s", Key: "old", Hash: "content", Formerly: "bytes"})
	if !replayed || err != nil {
		t.Errorf("a record of the previous version: %t, %v; want a replay", replayed, err)
	}
	_, _, err = do(idempotency.Request{Scope: "s", Key: "old", Hash: "content", Formerly: "x"})
	if !errors.Is(err, idempotency.ErrKeyReused) {
		t.Errorf("another request: %v, want ErrKeyReused", err)
	}
}
