package ddb_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/outbox"
)

func TestGetOfAMissingItemReturnsTheCallersError(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	must(t, table.Commit(t.Context(), commit.With{}, table.Save("p", "pot", pot{Cups: 3})))
	var got pot
	if err := table.Get(t.Context(), "p", "pot", &got, errFirst); err != nil || got.Cups != 3 {
		t.Errorf("Get = %+v, %v", got, err)
	}
	if err := table.Get(t.Context(), "none", "pot", &got, errFirst); !errors.Is(err, errFirst) {
		t.Errorf("Get of a missing item: %v, want the caller's error", err)
	}
}

func TestReachFailsForAMissingTable(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	must(t, table.Reach(t.Context()))
	gone := *table
	gone.Name += "-gone"
	var missing *types.ResourceNotFoundException
	if err := gone.Reach(t.Context()); !errors.As(err, &missing) {
		t.Errorf("missing table: %v", err)
	}
}

func TestGetAllLeavesOutMissingItems(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	must(t, table.Commit(t.Context(), commit.With{}, table.Save("a", "pot", pot{}), table.Save("b", "pot", pot{})))
	keys := []ddb.Values{ddb.Key("a", "pot"), ddb.Key("none", "pot"), ddb.Key("b", "pot")}
	got, err := table.GetAll(t.Context(), keys)
	if err != nil || len(got) != 2 {
		t.Errorf("GetAll = %d items, %v; want 2", len(got), err)
	}
	if got, err := table.GetAll(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("GetAll of no keys = %d items, %v", len(got), err)
	}
}

type owned struct {
	PK string `dynamodbav:"byOwnerPk"`
	SK string `dynamodbav:"byOwnerSk"`
}

// shelf returns a table with five pots of each of two owners.
func shelf(t *testing.T) *ddb.Table {
	t.Helper()
	table := ddbtest.NewTable(t, clock.At(start), "byOwner")
	for _, owner := range []string{"me", "you"} {
		for i := range 5 {
			op := table.Save("shelf#"+owner, fmt.Sprint(i), owned{owner, fmt.Sprint(9 - i)})
			must(t, table.Commit(t.Context(), commit.With{}, op))
		}
	}
	return table
}

func TestPagesListThePartitionInOrder(t *testing.T) {
	table := shelf(t)
	for _, c := range []struct {
		index, pkName, pk string
		descending        bool
		want              []string
	}{
		{"", "pk", "shelf#me", false, []string{"0", "1", "2", "3", "4"}},
		{"", "pk", "shelf#me", true, []string{"4", "3", "2", "1", "0"}},
		{"byOwner", "byOwnerPk", "me", false, []string{"4", "3", "2", "1", "0"}},
		{"byOwner", "byOwnerPk", "me", true, []string{"0", "1", "2", "3", "4"}},
		{"", "pk", "shelf#nobody", false, nil},
	} {
		var got []string
		cursor := ""
		for pages := 0; pages == 0 || cursor != ""; pages++ {
			items, next, err := table.Page(t.Context(), c.index, c.pkName, c.pk, c.descending, 2, cursor)
			if err != nil || len(items) > 2 || pages > 5 {
				t.Fatalf("page %d of %+v: %d items, %v", pages, c, len(items), err)
			}
			for _, values := range items {
				got = append(got, values["sk"].(*types.AttributeValueMemberS).Value)
			}
			cursor = next
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestForeignOrInvalidCursorIsRefused(t *testing.T) {
	table := shelf(t)
	_, mine, err := table.Page(t.Context(), "", "pk", "shelf#me", false, 2, "")
	must(t, err)
	_, indexed, err := table.Page(t.Context(), "byOwner", "byOwnerPk", "me", false, 2, "")
	must(t, err)
	plain := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for name, c := range map[string]struct{ index, pkName, pk, cursor string }{
		"another partition's": {"", "pk", "shelf#you", mine},
		"another owner's":     {"byOwner", "byOwnerPk", "you", indexed},
		"the table's":         {"byOwner", "byOwnerPk", "me", mine},
		"the index's":         {"", "pk", "shelf#me", indexed},
		"truncated":           {"", "pk", "shelf#me", mine[:len(mine)-2]},
		"garbage":             {"", "pk", "shelf#me", "garbage"},
		"not base64":          {"", "pk", "shelf#me", "%"},
		"missing key":         {"", "pk", "shelf#me", plain(`{"pk":"shelf#me"}`)},
		"empty key":           {"", "pk", "shelf#me", plain(`{"pk":"shelf#me","sk":""}`)},
		"extra key":           {"", "pk", "shelf#me", plain(`{"pk":"shelf#me","sk":"1","x":"y"}`)},
	} {
		items, _, err := table.Page(t.Context(), c.index, c.pkName, c.pk, false, 2, c.cursor)
		if !errors.Is(err, fault.ErrCursor) {
			t.Errorf("%s: %d items, %v; want ErrCursor", name, len(items), err)
		}
	}
}

func TestPublishedEventsMayBeDeletedTwice(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	var subjects []string
	for i := range 20 { // over all shards
		subjects = append(subjects, fmt.Sprint("pot-", i))
	}
	must(t, table.Commit(t.Context(), commit.With{Events: events(t, subjects...)}))
	waiting, err := table.Waiting(t.Context())
	if err != nil || len(waiting) != 20 {
		t.Fatalf("Waiting = %d events, %v; want 20", len(waiting), err)
	}
	var published []outbox.Item
	for n := range 8 {
		items, _, err := table.Page(t.Context(), "", "pk", fmt.Sprint("outbox#", n), false, 100, "")
		must(t, err)
		for _, values := range items {
			published = append(published, outbox.Item{
				PK: values["pk"].(*types.AttributeValueMemberS).Value,
				SK: values["sk"].(*types.AttributeValueMemberS).Value,
			})
		}
	}
	if len(published) != 20 {
		t.Fatalf("found %d items in the shards, want 20", len(published))
	}
	for range 2 {
		must(t, table.DeletePublished(t.Context(), published[:10]))
		if left, err := table.Waiting(t.Context()); err != nil || len(left) != 10 {
			t.Errorf("%d events are left, %v; want 10", len(left), err)
		}
	}
	must(t, table.DeletePublished(t.Context(), nil))
}

func TestEventsPutAsideWaitOutsideTheRelaysFilter(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	var all []outbox.Item
	for _, e := range events(t, "pot-1", "pot-2") {
		all = append(all, outbox.Item{Event: e}, outbox.Item{Event: e}) // a batch may have it twice
	}
	for range 2 {
		must(t, table.PutAside(t.Context(), all))
		waiting, err := table.Waiting(t.Context())
		if err != nil || len(waiting) != 2 {
			t.Fatalf("%d events wait, %v; want 2", len(waiting), err)
		}
		for _, item := range waiting {
			if strings.HasPrefix(item.PK, "outbox#") {
				t.Errorf("%s would be passed to the relay again", item.PK)
			}
		}
	}
	waiting, err := table.Waiting(t.Context())
	must(t, err)
	must(t, table.DeletePublished(t.Context(), waiting))
	if left, err := table.Waiting(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%d events are left, %v", len(left), err)
	}
}

// none is a topic that gets nothing.
type none struct{}

// Publish is part of outbox.Topic.
func (none) Publish(context.Context, []envelope.Event) (map[string]error, error) {
	return nil, errors.New("an event")
}

// deaf is a table whose relay loses heartbeats.
type deaf struct{ *ddb.Table }

// Heard is part of outbox.Store.
func (deaf) Heard(context.Context, string) (bool, error) { return false, nil }

func TestLostHeartbeatWaitsUntilTheNextArrives(t *testing.T) {
	c := clock.At(start)
	table := ddbtest.NewTable(t, c)
	beat := func(want time.Duration) {
		t.Helper()
		since, waits, err := table.Beat(t.Context())
		if err != nil || waits != (want > 0) || waits && c.Now().Sub(since) != want {
			t.Errorf("it waits: %t, since %v, %v; want %v", waits, since, err, want)
		}
		c.Advance(5 * time.Minute)
	}
	stream := ddbtest.Stream{Table: table}
	beat(0)
	must(t, stream.Relay(t.Context(), none{}, deaf{table})) // loses it
	beat(5 * time.Minute)
	beat(10 * time.Minute)
	must(t, stream.Relay(t.Context(), none{}, table))
	for range 2 {
		beat(0)
		must(t, stream.Relay(t.Context(), none{}, table))
	}
	if _, waits, err := table.Beating(t.Context()); waits || err != nil {
		t.Errorf("a heartbeat that arrived waits: %t, %v", waits, err)
	}
	beat(0)
	if since, waits, err := table.Beating(t.Context()); !waits || !since.Equal(c.Now().Add(-5*time.Minute)) {
		t.Errorf("a heartbeat that is under way waits: %t, since %v, %v", waits, since, err)
	}
	late, err := table.Heard(t.Context(), start.UTC().Format(time.RFC3339Nano))
	if err != nil || late {
		t.Errorf("the first heartbeat is deleted: %t, %v; want the last to stay", late, err)
	}
	beat(5 * time.Minute)
	if waiting, err := table.Waiting(t.Context()); err != nil || len(waiting) > 0 {
		t.Errorf("%d events wait, %v", len(waiting), err)
	}
}

func TestSweepFailsAndNamesWhatIsNotAnEvent(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	type event struct {
		Event any `dynamodbav:"event" write:"once"`
	}
	good := outbox.Item{Event: events(t, "pot-1")[0]}
	for n, e := range []event{{1}, {"{}"}} {
		sk := fmt.Sprint("sk-", n)
		must(t, table.Commit(t.Context(), commit.With{}, table.Save("outbox#0", sk, e)))
		must(t, table.PutAside(t.Context(), []outbox.Item{good, {Malformed: sk}, {Malformed: sk}}))
		got, err := table.Waiting(t.Context())
		if len(got) != 1 || !errors.Is(err, envelope.ErrMalformed) {
			t.Fatalf("Waiting = %v, %v; want the event and ErrMalformed", got, err)
		}
		for _, name := range []string{"outbox#0 " + sk, outbox.Item{Malformed: sk}.ID()} {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%v does not name %s", err, name)
			}
		}
	}
}

func TestFromEnvNeedsTableName(t *testing.T) {
	vars := map[string]string{
		"TABLE_NAME": "tea", "AWS_REGION": "r", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s",
	}
	env := function.NewEnv(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, clock.At(start))
	if table := ddb.FromEnv(env); table.Name != "tea" || env.Err() != nil {
		t.Errorf("table %q, %v", table.Name, env.Err())
	}
	delete(vars, "TABLE_NAME")
	if ddb.FromEnv(env); env.Err() == nil {
		t.Error("no error without TABLE_NAME")
	}
}
