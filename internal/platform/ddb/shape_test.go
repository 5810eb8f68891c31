package ddb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
)

type handle struct {
	Side  string `dynamodbav:"side"`
	Metal string `dynamodbav:"metal,omitempty"`
}

type teapot struct {
	ddb.Opened
	Lid     string    `dynamodbav:"lid,omitempty"`
	Handles []handle  `dynamodbav:"handles" write:"once"`
	Spout   handle    `dynamodbav:"spout" write:"within"`
	Words   []string  `dynamodbav:"words"`
	Fired   time.Time `dynamodbav:"fired"`
	Version int64     `dynamodbav:"version"`
	Private string    `dynamodbav:"-"`
}

func TestWriteKeepsUnknownAttributes(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start), ddb.OpenIndex)
	pot := teapot{
		Opened: ddb.OpenSince("a", start), Lid: "round", Handles: []handle{{Side: "left"}, {Side: "right"}},
		Spout: handle{Side: "front", Metal: "tin"},
		Words: []string{"one", "two"}, Fired: start, Version: 1,
	}
	must(t, table.Commit(t.Context(), commit.With{}, table.SaveVersion("a", "pot", pot, 0)))
	newer := ddbtest.NewNewer(table)
	if grown, err := newer.Grow(t.Context()); err != nil || grown != 4 { // the item, two handles, the spout
		t.Fatalf("added %d attributes, %v", grown, err)
	}

	next := teapot{
		Handles: []handle{{Side: "changed"}}, Spout: handle{Side: "back"}, Fired: start.Add(time.Hour), Version: 2,
	}
	must(t, table.Commit(t.Context(), commit.With{}, table.SaveVersion("a", "pot", next, 1)))
	if lost, err := newer.Lost(t.Context()); err != nil || len(lost) > 0 {
		t.Errorf("lost: %v, %v", lost, err)
	}
	var got teapot
	must(t, table.Get(t.Context(), "a", "pot", &got, errFirst))
	if got.Lid != "" || got.Opened != (ddb.Opened{}) || len(got.Words) > 0 {
		t.Errorf("empty attributes still have values: %+v", got)
	}
	if got.Spout != next.Spout || !got.Fired.Equal(next.Fired) || got.Version != 2 {
		t.Errorf("%+v, want %+v", got, next)
	}
	if len(got.Handles) != 2 || got.Handles[0].Side != "left" {
		t.Errorf("an attribute that is written once was changed: %+v", got.Handles)
	}
}

func TestWriteWithoutAVersionKeepsUnknownAttributes(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	must(t, table.Commit(t.Context(), commit.With{}, table.Save("a", "pot", pot{Cups: 1})))
	newer := ddbtest.NewNewer(table)
	_, err := newer.Grow(t.Context())
	must(t, err)
	must(t, table.Commit(t.Context(), commit.With{}, table.Save("a", "pot", pot{Cups: 2})))
	given := ddb.Values{":n": ddb.Number(2)}
	op := table.SaveIf("a", "pot", pot{Cups: 3}, errFirst, "cups = :n", given)
	must(t, table.Commit(t.Context(), commit.With{}, op))
	if len(given) != 1 {
		t.Errorf("the caller's values became %v", given)
	}
	var got pot
	if err := table.Get(t.Context(), "a", "pot", &got, errFirst); err != nil || got.Cups != 3 {
		t.Errorf("%+v, %v; want 3 cups", got, err)
	}
	if lost, err := newer.Lost(t.Context()); err != nil || len(lost) > 0 {
		t.Errorf("lost: %v, %v", lost, err)
	}
}

func TestExpiredReplyIsReplacedAsAWhole(t *testing.T) {
	c := clock.At(start)
	table := ddbtest.NewTable(t, c)
	reply(t, table)
	newer := ddbtest.NewNewer(table)
	_, err := newer.Grow(t.Context())
	must(t, err)
	c.Advance(25 * time.Hour)
	reply(t, table)
	if lost, err := newer.Lost(t.Context()); err != nil || len(lost) != 1 {
		t.Errorf("lost %v, %v; want the expired reply's attribute", lost, err)
	}
}

// reply records the result of a request, always with the same key.
func reply(t *testing.T, table *ddb.Table) {
	t.Helper()
	run := func(ctx context.Context, once idempotency.Once) (int, error) {
		return 1, table.Commit(ctx, commit.With{Reply: once.Returning(1)})
	}
	_, _, err := idempotency.Do(t.Context(), table, idempotency.Request{Scope: "me", Key: "k"}, run)
	must(t, err)
}

func TestShapeThatWouldLoseAttributesIsRefused(t *testing.T) {
	table, calls := scripted(t, `{}`)
	shapes := map[string]any{
		"a struct": struct {
			A handle `dynamodbav:"a"`
		}{},
		"a list of structs": struct {
			A []handle `dynamodbav:"a"`
		}{},
		"a pointer to a struct": struct {
			A *handle `dynamodbav:"a"`
		}{},
		"a map": struct {
			A map[string]int `dynamodbav:"a"`
		}{},
		"an unknown way": struct {
			A int `dynamodbav:"a" write:"twice"`
		}{},
		"within a list": struct {
			A []handle `dynamodbav:"a" write:"within"`
		}{},
		"inside one within": struct {
			A struct {
				B handle `dynamodbav:"b"`
			} `dynamodbav:"a" write:"within"`
		}{},
		"inside an embedded": struct{ Bad }{},
		"no name":            struct{ A int }{},
		"no struct":          3,
	}
	for name, shape := range shapes {
		for range 2 { // the second result is cached
			ops := []ddb.Op{table.SaveVersion("a", "pot", shape, 1), table.SaveNew("a", "pot", shape, errFirst)}
			for _, op := range ops {
				err := table.Commit(t.Context(), commit.With{}, op)
				if fault.KindOf(err) != fault.Internal || !strings.Contains(fault.From(err).Code, "BadShape") {
					t.Errorf("%s: %v, want BadShape", name, err)
				}
			}
		}
	}
	err := table.Commit(t.Context(), commit.With{}, table.Save("a", "pot", teapot{}))
	if err == nil || errors.Is(err, fault.ErrLostRace) || *calls > 0 {
		t.Errorf("write:\"within\" without a version: %v after %d calls", err, *calls)
	}
}

// Bad is a shape that would lose unknown attributes of A.
type Bad struct {
	A handle `dynamodbav:"a"`
}
