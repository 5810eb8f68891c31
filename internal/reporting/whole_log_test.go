package reporting_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/memory"
)

func TestRebuildFromATopicMadeAnewSaysWhatIsMissing(t *testing.T) {
	f := newFixture(t)
	for n := range 50 {
		id := "A" + strconv.Itoa(n)
		f.append(created(id, item("MUG", 2, 5)), ended(orders.OrderConfirmed, id, "", 10, 1))
	}
	f.deliver(f.Service, 0)
	id := reporting.RowID{Report: reporting.Sales, Day: "2026-11-28", Of: "EUR"}
	before := f.store.All(1)[id][reporting.Revenue]
	f.log = memory.NewLog(f.clock, topics...)
	f.append(created("B", item("MUG", 2, 5)))
	f.Rebuilds = f.over(f.store)
	g := f.rebuild()
	after := f.store.All(g.Serving)[id][reporting.Revenue]
	if after < before && g.Since.IsZero() {
		t.Errorf("revenue was %d and is %d, generation 1 is gone, and the reports claim to be complete", before, after)
	}
}

func TestFreshRebuildIsFreshAlsoAfterAFailedExecution(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)))
	f.deliver(f.Service, 0)
	_, err := f.Start(t.Context(), "ops", false)
	f.must(err)
	w := reporting.Write{Generation: 2, Source: sourceOf(f.partitions()[0]), To: 1, Rows: reporting.Rows{}}
	w.Rows.Add(reporting.Sales, "2026-11-28", "EUR", reporting.Orders, 99) // of an older release, with a defect
	f.must(f.store.Apply(t.Context(), w))
	f.clock.Advance(2 * time.Hour) // the execution has failed after 20 tries; a release repairs the code
	r, err := f.Start(t.Context(), "ops", true)
	f.must(err)
	f.run(r.Generation)
	id := reporting.RowID{Report: reporting.Sales, Day: "2026-11-28", Of: "EUR"}
	if n := f.store.All(f.generations().Serving)[id][reporting.Orders]; n != 0 {
		t.Errorf("a fresh rebuild serves %d orders of the old code", n)
	}
}

// wide is a log with many partitions, and a store whose requests take as long as DynamoDB's.
type wide struct{ partitions, records int }

func (w wide) Partitions(context.Context) (all []reporting.Partition, err error) {
	for n := range w.partitions {
		all = append(all, reporting.Partition{Topic: topics[0], Partition: int32(n), End: int64(w.records)})
	}
	return all, nil
}

func (w wide) Read(
	_ context.Context, topic string, p int32, from int64, most int,
) (all []reporting.Record, err error) {
	for n := from; n < min(from+int64(most), int64(w.records)); n++ {
		id := fmt.Sprintf("O%d-%d", p, n/2)
		e := created(id, item("MUG", 1, 5))
		if n%2 == 1 {
			e = ended(orders.OrderConfirmed, id, "", 5, 1)
		}
		m, err := reporting.MessageOf(context.Background(), e)
		if err != nil {
			return nil, err
		}
		all = append(all, reporting.Record{
			Topic: topic, Partition: p, Offset: n, Key: m.Key, Headers: m.Headers, Value: m.Value, Time: day,
		})
	}
	return all, nil
}

type paced struct {
	reporting.Store
	clock *clock.Manual
}

func (p paced) Facts(ctx context.Context, g int64, ids []string) (map[string]reporting.Facts, error) {
	p.clock.Advance(15 * time.Millisecond)
	return p.Store.Facts(ctx, g, ids)
}

func (p paced) Apply(ctx context.Context, w reporting.Write) error {
	p.clock.Advance(60 * time.Millisecond)
	return p.Store.Apply(ctx, w)
}

func TestBuildOfTheMostPartitionsReturnsInTime(t *testing.T) {
	c := clock.At(day)
	store := memory.New(c)
	for n := range reporting.MaxSources { // the reports that serve include all of it
		of := reporting.Source{Topic: topics[0], Partition: int32(n)}
		if err := store.Apply(t.Context(), reporting.Write{Generation: 1, Source: of, To: 3000}); err != nil {
			t.Fatal(err)
		}
	}
	s := reporting.NewRebuilds(reporting.New(paced{store, c}, c, nil), wide{reporting.MaxSources, 3000}, &machine{})
	r, err := s.Start(t.Context(), "ops", false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Build(t.Context(), r.Generation)
	if took := c.Now().Sub(day); err != nil || took > 74*time.Second {
		t.Errorf("an invocation with a timeout of 75 s takes %s, %v", took, err)
	}
}

func TestRebuildOverAnEmptyTableReadsTheWholeLog(t *testing.T) {
	f := newFixture(t)
	for n := range 3000 {
		id := "A" + strconv.Itoa(n)
		f.append(created(id, item("MUG", 2, 5)), ended(orders.OrderConfirmed, id, "", 10, 1))
	}
	g := f.rebuild() // over an empty table, which is as after the deployment
	id := reporting.RowID{Report: reporting.Sales, Day: "2026-11-28", Of: "EUR"}
	got, want := f.store.All(g.Serving)[id][reporting.Orders], f.fresh()[id][reporting.Orders]
	if got != want {
		t.Errorf("%s with %d of %d records read: %d confirmed orders of %d; complete since %v (zero: all)",
			g.Rebuild.State, g.Rebuild.Read, g.Rebuild.Total, got, want, g.Since)
	}
	ends := f.partitions() // the group's offsets
	f.append(created("NEW", item("MUG", 2, 5)), ended(orders.OrderConfirmed, "NEW", "", 10, 1))
	for _, p := range ends {
		f.must(f.ProjectSales(t.Context(), sourceOf(p), f.records(p, p.End, 100)))
	}
	got, want = f.store.All(g.Serving)[id][reporting.Orders], f.fresh()[id][reporting.Orders]
	if got != want {
		t.Errorf("for good: %d confirmed orders of %d, complete since %v", got, want, f.generations().Since)
	}
}

func TestRebuildReadsWhatTheProjectionGaveUpOn(t *testing.T) {
	f := newFixture(t)
	var of reporting.Source
	for n := 0; ; n++ {
		f.append(created("A", item("MUG", 2, 5))) // one key, one partition
		for _, p := range f.partitions() {
			if p.End > 0 {
				of = sourceOf(p)
			}
		}
		if n == 999 {
			break
		}
	}
	p := reporting.Partition{Topic: of.Topic, Partition: of.Partition}
	f.must(f.ProjectSales(t.Context(), of, f.records(p, 0, 1000)))
	f.append(ended(orders.OrderConfirmed, "A", "", 10, 1)) // this is in the failure queue; its offset is committed
	g := f.rebuild()
	id := reporting.RowID{Report: reporting.Sales, Day: "2026-11-28", Of: "EUR"}
	if n := f.store.All(g.Serving)[id][reporting.Orders]; n != 1 {
		t.Errorf("%s with %d of %d records read, complete since %v, without the record that was given up on",
			g.Rebuild.State, g.Rebuild.Read, g.Rebuild.Total, g.Since)
	}
}

// anew has the topics of the log made anew, without records.
func (f *fixture) anew() {
	f.clock.Advance(time.Hour)
	f.log = memory.NewLog(f.clock, topics...)
	f.Rebuilds = f.over(f.store)
}

func TestRecordsOfATopicMadeAnewAreProjected(t *testing.T) {
	f := newFixture(t)
	for n := range 50 {
		id := "A" + strconv.Itoa(n)
		f.append(created(id, item("MUG", 2, 5)), ended(orders.OrderConfirmed, id, "", 10, 1))
	}
	f.deliver(f.Service, 0)
	f.anew()
	f.append(created("B", item("MUG", 2, 5)))
	watch := &watched{}
	svc := reporting.New(f.store, f.clock, watch)
	f.deliver(svc, 0)
	f.append(ended(orders.OrderConfirmed, "B", "", 10, 1))
	f.deliver(svc, 0) // the first record comes again
	id := reporting.RowID{Report: reporting.Sales, Day: "2026-11-28", Of: "EUR"}
	if n := f.store.All(1)[id][reporting.Orders]; n != 51 {
		t.Errorf("%d confirmed orders, want 51", n)
	}
	if g := f.generations(); !g.Since.Equal(day.Add(time.Hour)) {
		t.Errorf("the reports claim to be complete since %s", g.Since)
	}
	if len(watch.lost) != 1 {
		t.Errorf("told of losses in %v", watch.lost)
	}
}

// Once the new topic has more records than the old one had, its offsets tell nothing any more.
func TestNoRebuildForgetsThatATopicWasMadeAnew(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)))
	f.deliver(f.Service, 0)
	f.anew()
	for range 5 {
		f.append(created("A", item("MUG", 2, 5)))
		f.deliver(f.Service, 0)
	}
	for range 2 {
		if g := f.rebuild(); g.Since.Before(day.Add(time.Hour)) {
			t.Errorf("generation %d claims to be complete since %s", g.Serving, g.Since)
		}
	}
}

func TestTopicMadeAnewDuringARebuildIsRead(t *testing.T) {
	f := newFixture(t)
	for range 9 {
		f.append(created("A", item("MUG", 2, 5)))
	}
	f.deliver(f.Service, 0)
	r, err := f.Start(t.Context(), "ops", false)
	f.must(err)
	stalled := reporting.NewRebuilds(reporting.New(f.store, f.clock, nil), &stalling{f.log, 1}, f.machine)
	if _, err := stalled.Build(t.Context(), r.Generation); !errors.Is(err, errStalled) {
		t.Fatal(err)
	}
	f.anew()
	f.append(created("B", item("MUG", 2, 5)))
	f.run(r.Generation)
	g := f.generations()
	placed := f.store.All(g.Serving)[reporting.RowID{Report: reporting.Funnel, Day: "2026-11-28", Of: "PLACED"}]
	if placed[reporting.Orders] != 2 || g.Since.Before(day.Add(time.Hour)) {
		t.Errorf("%v, complete since %s", placed, g.Since)
	}
}

// stalling is a log of which some reads succeed.
type stalling struct {
	reporting.Log
	left int
}

var errStalled = errors.New("no answer")

func (s *stalling) Read(ctx context.Context, topic string, p int32, from int64, most int) ([]reporting.Record, error) {
	if s.left--; s.left < 0 {
		return nil, errStalled
	}
	return s.Log.Read(ctx, topic, p, from, min(most, 5))
}

// watched notes what a Watch is told.
type watched struct {
	reporting.Watch
	lost []reporting.Source
}

func (*watched) Projected(context.Context, int, time.Time) {}

func (w *watched) Lost(_ context.Context, of reporting.Source) { w.lost = append(w.lost, of) }

// A producer whose clock is behind may append after another.
func TestRepetitionsAreNotATopicMadeAnew(t *testing.T) {
	svc, store := open()
	all := records(t, 0, created("A", item("MUG", 1, 1)), created("B", item("MUG", 1, 1)))
	all[0].Time, all[1].Time = day.Add(time.Second), day
	project(t, svc, all)
	project(t, svc, all)
	if g, err := store.Generations(t.Context()); err != nil || !g.Since.IsZero() || !g.Anew.IsZero() {
		t.Errorf("%+v, %v", g, err)
	}
}
