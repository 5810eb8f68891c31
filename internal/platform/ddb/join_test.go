package ddb_test

import (
	"context"
	"errors"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/storesuite"
)

// kettle is an aggregate, and the host of the sagas with its id.
type kettle struct {
	ID      string
	Cups    int
	Version int64
}

// Identity is part of commit.Aggregate.
func (k kettle) Identity() (string, int64) { return k.ID, k.Version }

var kettles = ddb.Versioned[kettle, pot]{
	Key: ddb.Under("kettle#", "kettle"), Missing: errFirst,
	Encode: func(k kettle) pot { return pot{k.Cups, k.Version} },
	Decode: func(item pot, id string) kettle { return kettle{id, item.Cups, item.Version} },
}

// release is the code of a release, by how it writes.
type release func(*ddb.Table) *ddb.Table

// previous has no host, so it reads and writes as the code before hosts did. expanding is the code
// of this release while previous still runs, and current is the same code afterwards.
var (
	previous release = func(t *ddb.Table) *ddb.Table {
		old := *t
		old.Previous = true
		return &old
	}
	expanding release = func(t *ddb.Table) *ddb.Table { return previous(t.Hosting(kettles.Key)) }
	current   release = func(t *ddb.Table) *ddb.Table {
		now := t.Hosting(kettles.Key)
		now.Previous = false
		return now
	}
)

// sideBySide is a store of which each call runs one of two releases.
type sideBySide struct {
	ddbtest.Stream
	releases [2]*ddb.Table
	mu       *sync.Mutex
	chance   *rand.Rand
}

func (s sideBySide) either() *ddb.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.releases[s.chance.IntN(2)]
}

// Barriers is part of storesuite.Store.
func (s sideBySide) Barriers(ctx context.Context, keys ...barrier.Key) (map[barrier.Key]barrier.Record, error) {
	return s.either().Barriers(ctx, keys...)
}

// Reply is part of storesuite.Store.
func (s sideBySide) Reply(ctx context.Context, scope, key string) (idempotency.Record, bool, error) {
	return s.either().Reply(ctx, scope, key)
}

// Record is part of storesuite.Store.
func (s sideBySide) Record(ctx context.Context, with commit.With) error {
	return s.either().Record(ctx, with)
}

var kettleCases = storesuite.Suite[sideBySide]{Aggregates: []storesuite.Aggregates[sideBySide]{
	storesuite.Aggregate[sideBySide, kettle]{
		Get: func(s sideBySide, ctx context.Context, id string) (kettle, error) {
			return kettles.Get(ctx, s.either(), id)
		},
		GetMany: func(s sideBySide, ctx context.Context, ids []string) ([]kettle, error) {
			return kettles.GetMany(ctx, s.either(), ids)
		},
		Save: func(s sideBySide, ctx context.Context, k kettle, with commit.With) error {
			return kettles.Save(ctx, s.either(), k, with)
		},
		Missing:  errFirst,
		New:      func(id string, version int64) kettle { return kettle{id, 1, version} },
		Versions: []kettle{{"1", 1, 1}, {"1", 0, 2}},
	},
}}

func TestNeighbouringReleasesKeepTheProtocolSideBySide(t *testing.T) {
	for name, releases := range map[string][2]release{
		"previous and expanding": {previous, expanding}, "expanding": {expanding, expanding},
		"expanding and current": {expanding, current}, "current": {current, current},
	} {
		for seed := range uint64(3) {
			open := func(t *testing.T, c clock.Clock) (sideBySide, storesuite.Newer) {
				table := ddbtest.NewTable(t, c)
				return sideBySide{
					ddbtest.Stream{Table: table}, [2]*ddb.Table{releases[0](table), releases[1](table)},
					&sync.Mutex{}, rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // a repeatable choice
				}, ddbtest.NewNewer(table)
			}
			t.Run(name, func(t *testing.T) { storesuite.Run(t, open, kettleCases) })
		}
	}
}

// step commits a step of saga "1" with version 1 of its kettle.
func step(table *ddb.Table) error {
	_, err := barrier.Do(context.Background(), table, "1", "Boil", func(
		ctx context.Context, once barrier.Once,
	) (int, error) {
		return 1, kettles.Save(ctx, table, kettle{"1", 1, 1}, commit.With{Barrier: once.Returning(1)})
	})
	return err
}

// An undo and its step that run at the same time in two releases must not both find nothing.
func TestStepAndUndoOfNeighbouringReleasesRace(t *testing.T) {
	for name, releases := range map[string][2]release{
		"previous and expanding": {previous, expanding}, "expanding and previous": {expanding, previous},
		"expanding and current": {expanding, current}, "current and expanding": {current, expanding},
		"current": {current, current},
	} {
		t.Run(name, func(t *testing.T) {
			table := ddbtest.NewTable(t, clock.At(start))
			first, second := releases[0](table), releases[1](table)
			runs := 0
			_, err := barrier.Undo(t.Context(), first, "1", "Cool", []string{"Boil"}, func(
				ctx context.Context, done barrier.Done, once barrier.Once,
			) (bool, error) {
				if runs++; runs == 1 { // after the look, before the commit
					must(t, step(second))
				}
				return done["Boil"], first.Record(ctx, commit.With{Barrier: once.Returning(done["Boil"])})
			})
			if err != nil || runs != 2 {
				t.Errorf("%d runs, %v; want a second run that sees the step", runs, err)
			}
			if err := step(second); err != nil {
				t.Errorf("the step, again: %v", err)
			}
		})
	}
}

func TestChangeOfOneItemIsOneWrite(t *testing.T) {
	table, calls := scripted(t, `{}`)
	table = current(table)
	var once barrier.Once
	_, err := barrier.Do(t.Context(), table, "1", "Boil", func(_ context.Context, o barrier.Once) (int, error) {
		once = o
		return 1, nil
	})
	must(t, err)
	*calls = 0
	for n, with := range []commit.With{
		{}, {Events: events(t, "1")}, {Barrier: once.Returning(1)},
		{Barrier: once.Returning(1), Events: events(t, "1", "1")},
	} {
		must(t, kettles.Save(t.Context(), table, kettle{"1", 1, int64(n + 1)}, with))
		if *calls != n+1 {
			t.Errorf("%d calls for %d changes", *calls, n+1)
		}
	}
}

// attributesOf returns the attributes of the kettle.
func attributesOf(t *testing.T, table *ddb.Table) ddb.Values {
	t.Helper()
	out, err := table.Client.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &table.Name, Key: ddb.Key(kettles.Key("1")), ConsistentRead: aws.Bool(true),
	})
	must(t, err)
	return out.Item
}

func TestOutboxOfAnItemIsThatOfItsLastWrite(t *testing.T) {
	table := current(ddbtest.NewTable(t, clock.At(start)))
	for version, evented := range []bool{true, false, true, true, false} {
		with := commit.With{}
		if evented {
			with.Events = events(t, "1")
		}
		must(t, kettles.Save(t.Context(), table, kettle{"1", 1, int64(version + 1)}, with))
		if _, has := attributesOf(t, table)["outbox"]; has != evented {
			t.Errorf("version %d: has an outbox: %t, want %t", version+1, has, evented)
		}
	}
	if got, err := (ddbtest.Stream{Table: table}).Outbox(t.Context()); err != nil || len(got) != 3 {
		t.Errorf("the relay gets %d events, %v; want 3", len(got), err)
	}
}

func TestEventsGoIntoTheItemThatTakesThem(t *testing.T) {
	table := current(ddbtest.NewTable(t, clock.At(start)))
	has := func(pk, sk string) bool {
		var item struct {
			Outbox string `dynamodbav:"outbox"`
		}
		_, err := table.Find(t.Context(), pk, sk, &item)
		must(t, err)
		return item.Outbox != ""
	}
	small := table.Save("cup", "pot", pot{})
	small.Events = true
	for n, ops := range [][]ddb.Op{{small}, {}} {
		_, _, err := idempotency.Do(t.Context(), table, idempotency.Request{Scope: "s", Key: strconv.Itoa(n)}, func(
			ctx context.Context, once idempotency.Once,
		) (int, error) {
			with := commit.With{Events: events(t, "1"), Reply: once.Returning(1)}
			return 1, table.Commit(ctx, with, append(ops, kettles.Next(table, kettle{"1", 1, int64(n + 1)}))...)
		})
		must(t, err)
		reply, kettle := has("reply#s", strconv.Itoa(n)), has("kettle#1", "kettle")
		if taken := n == 0; !has("cup", "pot") || reply == taken || kettle {
			t.Errorf("change %d: the events are in the record: %t, in the aggregate: %t", n, reply, kettle)
		}
	}
}

// The previous release's event source passes only items under outbox# to the relay.
func TestEventsAreItemsWhileThePreviousReleaseRuns(t *testing.T) {
	table := expanding(ddbtest.NewTable(t, clock.At(start)))
	must(t, kettles.Save(t.Context(), current(table), kettle{"1", 1, 1}, commit.With{Events: events(t, "1")}))
	must(t, kettles.Save(t.Context(), table, kettle{"1", 1, 2}, commit.With{Events: events(t, "1")}))
	waiting, err := table.Waiting(t.Context())
	if _, has := attributesOf(t, table)["outbox"]; has || err != nil || len(waiting) != 1 {
		t.Errorf("%d events are items, %v; in the kettle: %t; want one item", len(waiting), err, has)
	}
}

func TestRecordInTheHostTakesPrecedenceOverARefusal(t *testing.T) {
	table := current(ddbtest.NewTable(t, clock.At(start)))
	must(t, step(table))
	for name, ops := range map[string][]ddb.Op{
		"one item": {table.SaveNew("kettle#1", "kettle", pot{}, errSecond)},
		"two items": {
			table.SaveNew("other", "pot", pot{}, errFirst), table.SaveNew("kettle#1", "kettle", pot{}, errSecond),
		},
		"the other is refused": {
			table.SaveIf("none", "pot", pot{}, errFirst, "attribute_exists(pk)", nil),
			table.Save("kettle#1", "kettle", pot{}),
		},
	} {
		for want, saga := range map[error]string{fault.ErrLostRace: "Boil", errSecond: "Pour"} {
			if name == "the other is refused" && want == errSecond {
				want = errFirst
			}
			var entry *barrier.Entry
			_, _ = barrier.Do(t.Context(), blind{}, "1", saga, func(_ context.Context, o barrier.Once) (int, error) {
				entry = o.Returning(2)
				return 0, nil
			})
			if err := table.Commit(t.Context(), commit.With{Barrier: entry}, ops...); !errors.Is(err, want) {
				t.Errorf("%s, step %s: %v, want %v", name, saga, err, want)
			}
		}
	}
	for name := range attributesOf(t, table) {
		if strings.Contains(name, "Pour") {
			t.Errorf("a refused commit left %s", name)
		}
	}
}

// blind is a log that finds nothing.
type blind struct{}

// Barriers is part of barrier.Log.
func (blind) Barriers(context.Context, ...barrier.Key) (map[barrier.Key]barrier.Record, error) {
	return nil, nil
}

// unheard passes calls on to the emulator. It fails instead of passing back the answer to the first
// write, which the SDK then repeats.
func unheard(t *testing.T, table *ddb.Table) *ddb.Table {
	t.Helper()
	emulator, err := url.Parse(ddbtest.Emulator(t))
	must(t, err)
	var lost atomic.Bool
	proxy := httputil.NewSingleHostReverseProxy(emulator)
	proxy.ModifyResponse = func(r *http.Response) error {
		_, call, _ := strings.Cut(r.Request.Header.Get("X-Amz-Target"), ".")
		if (call == "UpdateItem" || call == "PutItem") && !lost.Swap(true) {
			return errors.New("the answer is lost")
		}
		return nil
	}
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	deaf := *table
	options := table.Client.Options()
	options.BaseEndpoint = &server.URL
	deaf.Client = dynamodb.New(options)
	return &deaf
}

func TestWriteWhoseAnswerIsLostTakesEffectOnce(t *testing.T) {
	table := current(ddbtest.NewTable(t, clock.At(start)))
	must(t, step(unheard(t, table)))
	for range 3 {
		k, err := kettles.Get(t.Context(), table, "1")
		must(t, err)
		k.Version++
		must(t, kettles.Save(t.Context(), unheard(t, table), k, commit.With{})) // no record tells that it was written
		if err := kettles.Save(t.Context(), table, k, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("the same version from another run: %v, want ErrLostRace", err)
		}
	}
	if k, err := kettles.Get(t.Context(), table, "1"); err != nil || k.Version != 4 {
		t.Errorf("the kettle is %+v, %v", k, err)
	}
}

func TestRunReadsItsAggregateWithItsRecord(t *testing.T) {
	table, calls := scripted(t, `{}`)
	table = current(table)
	_, err := barrier.Do(t.Context(), table, "1", "Boil", func(ctx context.Context, once barrier.Once) (int, error) {
		for n, want := range []int{1, 2} { // with the record; then again
			if _, err := kettles.Get(ctx, table, "1"); !errors.Is(err, errFirst) || *calls != want {
				t.Errorf("read %d: %v after %d calls; want %d", n, err, *calls, want)
			}
		}
		return 1, table.Commit(ctx, commit.With{Barrier: once.Returning(1)})
	})
	must(t, err)
}

func TestAggregateThatChangesAfterTheLookIsReadAgain(t *testing.T) {
	table := current(ddbtest.NewTable(t, clock.At(start)))
	must(t, kettles.Save(t.Context(), table, kettle{"1", 1, 1}, commit.With{}))
	runs := 0
	_, err := barrier.Do(t.Context(), table, "1", "Pour", func(ctx context.Context, once barrier.Once) (int, error) {
		if runs++; runs == 1 {
			must(t, kettles.Save(t.Context(), table, kettle{"1", 5, 2}, commit.With{}))
		}
		k, err := kettles.Get(ctx, table, "1")
		if err != nil {
			return 0, err
		}
		k.Cups, k.Version = k.Cups+1, k.Version+1
		if err := kettles.Save(ctx, table, k, commit.With{Barrier: once.Returning(1)}); err != nil {
			return 0, err
		}
		if saved, err := kettles.Get(ctx, table, "1"); err != nil || saved != k {
			t.Errorf("after the write: %+v, %v; want %+v", saved, err, k)
		}
		return 1, nil
	})
	must(t, err)
	if k, err := kettles.Get(t.Context(), table, "1"); err != nil || k != (kettle{"1", 6, 3}) || runs != 2 {
		t.Errorf("%+v, %v after %d runs; want 6 cups after 2", k, err, runs)
	}
}

func TestRunReadsItsAggregateAfterItsOwnWrite(t *testing.T) {
	table := current(ddbtest.NewTable(t, clock.At(start)))
	_, err := barrier.Do(t.Context(), table, "1", "Boil", func(ctx context.Context, once barrier.Once) (int, error) {
		must(t, kettles.Save(ctx, table, kettle{"1", 1, 1}, commit.With{Barrier: once.Returning(1)}))
		if k, err := kettles.Get(ctx, table, "1"); err != nil || k.Version != 1 {
			t.Errorf("%+v, %v; want what was written", k, err)
		}
		return 1, nil
	})
	must(t, err)
}

func TestNewItemWhoseAnswerIsLostIsNotRefused(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	put := table.SaveNew("pot#1", "pot", pot{1, 1}, errFirst)
	must(t, unheard(t, table).Commit(t.Context(), commit.With{}, put))
	if err := table.Commit(t.Context(), commit.With{}, put); !errors.Is(err, errFirst) {
		t.Errorf("the item, again: %v, want its refusal", err)
	}
}

func TestRecordJoinsAConditionOfAlternatives(t *testing.T) {
	table := current(ddbtest.NewTable(t, clock.At(start)))
	must(t, step(table))
	write := table.SaveIf("kettle#1", "kettle", pot{5, 2}, errFirst, "version = :one OR cups = :none",
		ddb.Values{":one": ddb.Number(1), ":none": ddb.Number(0)})
	var entry *barrier.Entry
	_, _ = barrier.Do(t.Context(), blind{}, "1", "Boil", func(_ context.Context, o barrier.Once) (int, error) {
		entry = o.Returning(2)
		return 0, nil
	})
	if err := table.Commit(t.Context(), commit.With{Barrier: entry}, write); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("a step that is recorded, again: %v, want ErrLostRace", err)
	}
}

func TestRecordOfAnEventIsAnItemThatExpires(t *testing.T) {
	table := current(ddbtest.NewTable(t, clock.At(start)))
	must(t, barrier.Consume(t.Context(), table, "boil", "1", func(ctx context.Context, once barrier.Once) error {
		return kettles.Save(ctx, table, kettle{"1", 1, 1}, commit.With{Barrier: once.Returning(1)})
	}))
	items, _, err := table.Page(t.Context(), "", "pk", "barrier#event-1", false, 2, "")
	if err != nil || len(items) != 1 || items[0]["expiresAt"] == nil {
		t.Errorf("items of the event: %v, %v; want one that expires", items, err)
	}
}

func TestRunDoesNotTakeItsHostForAnotherAggregate(t *testing.T) {
	table := current(ddbtest.NewTable(t, clock.At(start)))
	must(t, kettles.Save(t.Context(), table, kettle{"1", 1, 1}, commit.With{}))
	must(t, kettles.Save(t.Context(), table, kettle{"2", 2, 1}, commit.With{}))
	_, err := barrier.Do(t.Context(), table, "1", "Boil", func(ctx context.Context, once barrier.Once) (int, error) {
		if k, err := kettles.Get(ctx, table, "2"); err != nil || k.Cups != 2 {
			t.Errorf("the other kettle is %+v, %v", k, err)
		}
		return 1, table.Commit(ctx, commit.With{Barrier: once.Returning(1)})
	})
	must(t, err)
}
