package reporting_test

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/memory"
)

var topics = []string{"orderflow.orders.events", "orderflow.payments.events"}

// machine notes the executions that were started.
type machine struct {
	runs [][2]int64
	err  error
}

func (m *machine) Run(_ context.Context, r reporting.Rebuild) error {
	m.runs = append(m.runs, [2]int64{r.Generation, r.Run})
	return m.err
}

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Fatal(args ...any)
}

// fixture is a log, from which records are projected and reports rebuilt.
type fixture struct {
	t       tester
	clock   *clock.Manual
	log     *memory.Log
	store   *memory.Store
	machine *machine
	*reporting.Rebuilds
}

func newFixture(t tester) *fixture {
	c := clock.At(day)
	f := &fixture{t: t, clock: c, log: memory.NewLog(c, topics...), store: memory.New(c), machine: &machine{}}
	f.Rebuilds = f.over(f.store)
	return f
}

// over returns the use cases over a store that wraps the fixture's.
func (f *fixture) over(s reporting.Store) *reporting.Rebuilds {
	return reporting.NewRebuilds(reporting.New(s, f.clock, nil), f.log, f.machine)
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) append(events ...envelope.Event) {
	f.t.Helper()
	var messages []reporting.Message
	for _, e := range events {
		m, err := reporting.MessageOf(context.Background(), e)
		f.must(err)
		messages = append(messages, m)
	}
	for _, err := range f.log.Append(context.Background(), messages) {
		f.must(err)
	}
}

// deliver projects records of each source, from an offset on.
func (f *fixture) deliver(s *reporting.Service, from int64) {
	f.t.Helper()
	for _, p := range f.partitions() {
		f.must(s.ProjectSales(context.Background(), sourceOf(p), f.records(p, from, 10_000)))
	}
}

func (f *fixture) partitions() []reporting.Partition {
	all, err := f.log.Partitions(context.Background())
	f.must(err)
	return all
}

func (f *fixture) records(p reporting.Partition, from int64, most int) []reporting.Record {
	found, err := f.log.Read(context.Background(), p.Topic, p.Partition, from, most)
	f.must(err)
	return found
}

func sourceOf(p reporting.Partition) reporting.Source {
	return reporting.Source{Topic: p.Topic, Partition: p.Partition}
}

func (f *fixture) generations() reporting.Generations {
	g, err := f.store.Generations(context.Background())
	f.must(err)
	return g
}

// rebuild runs a rebuild to its end.
func (f *fixture) rebuild() reporting.Generations {
	f.t.Helper()
	r, err := f.Start(context.Background(), "ops", false)
	f.must(err)
	f.run(r.Generation)
	return f.generations()
}

// run does what the state machine does.
func (f *fixture) run(generation int64) {
	f.t.Helper()
	for n := 0; ; n++ {
		state, err := f.Build(context.Background(), generation)
		f.must(err)
		if state != reporting.Building {
			break
		}
		if n > 100 {
			f.t.Fatal("the rebuild does not end")
		}
	}
	for more, n := true, 0; more; n++ {
		var err error
		more, err = f.RemoveOld(context.Background())
		f.must(err)
		if n > 100 {
			f.t.Fatal("the removal does not end")
		}
	}
}

// fresh returns the rows of the whole log, read once.
func (f *fixture) fresh() reporting.Rows {
	store := memory.New(f.clock)
	f.deliver(reporting.New(store, f.clock, nil), 0)
	return store.All(1)
}

func TestRebuiltReportsServeAndTheOldOnesAreRemoved(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)), ended(orders.OrderConfirmed, "A", "", 10, 1), refunded("A", 4, 3, 2))
	f.deliver(f.Service, 0)
	want := f.store.All(1)
	g := f.rebuild()
	if r := g.Rebuild; g.Serving != 2 || g.Removed != 1 || r.State != reporting.Done || r.Read != 3 || r.Total != 3 ||
		r.By != "ops" || !g.Since.IsZero() {
		t.Errorf("generations %+v, %+v", g, r)
	}
	if got := f.store.All(2); len(want) == 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("rebuilt rows %v, want %v", got, want)
	}
	if left := f.store.All(1); len(left) != 0 {
		t.Errorf("left of the old ones: %v", left)
	}
	if !reflect.DeepEqual(f.machine.runs, [][2]int64{{2, 1}}) {
		t.Errorf("executions %v", f.machine.runs)
	}
	f.append(ended(orders.OrderConfirmed, "B", "", 7, 1))
	f.deliver(f.Service, 0)
	if got := f.store.All(2); !reflect.DeepEqual(got, f.fresh()) {
		t.Errorf("rows after the rebuild: %v", got)
	}
}

func TestStoppedRebuildIsResumedWhereItWas(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)))
	if _, err := f.Stop(t.Context()); !errors.Is(err, reporting.ErrNoRebuild) {
		t.Errorf("Stop before the first rebuild: %v", err)
	}
	if _, err := f.Rebuild(t.Context()); !errors.Is(err, reporting.ErrNoRebuild) {
		t.Errorf("Rebuild before the first one: %v", err)
	}
	_, err := f.Start(t.Context(), "ops", false)
	f.must(err)
	for range 2 {
		r, err := f.Stop(t.Context())
		f.must(err)
		if r.State != reporting.Stopped {
			t.Errorf("state %s", r.State)
		}
	}
	if state, err := f.Build(t.Context(), 2); err != nil || state != reporting.Stopped || len(f.store.All(2)) > 0 {
		t.Errorf("built while stopped: %s, %v", state, err)
	}
	if g := f.rebuild(); g.Serving != 2 || g.Rebuild.Run != 2 {
		t.Errorf("resumed: %+v", g)
	}
	if _, err := f.Stop(t.Context()); !errors.Is(err, reporting.ErrNotBuilding) {
		t.Errorf("Stop afterwards: %v", err)
	}
}

func TestFreshRebuildDropsWhatTheStoppedOneHasBuilt(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)))
	_, err := f.Start(t.Context(), "ops", true)
	f.must(err)
	all := f.partitions()
	w := reporting.Write{Generation: 2, Source: sourceOf(all[0]), To: 1, Rows: reporting.Rows{}}
	w.Rows.Add(reporting.Sales, "2026-11-28", "EUR", reporting.Orders, 99) // of an older release
	f.must(f.store.Apply(t.Context(), w))
	_, err = f.Stop(t.Context())
	f.must(err)
	r, err := f.Start(t.Context(), "ops", true)
	f.must(err)
	f.run(r.Generation)
	if g := f.generations(); g.Serving != 3 || g.Removed != 2 || !reflect.DeepEqual(f.store.All(3), f.fresh()) {
		t.Errorf("generations %+v", g)
	}
	if left := f.store.All(2); len(left) > 0 {
		t.Errorf("left of the dropped one: %v", left)
	}
	if state, err := f.Build(t.Context(), 2); err != nil || state != reporting.Stopped {
		t.Errorf("the dropped one's execution: %s, %v", state, err)
	}
}

func TestRunningRebuildIsNotBegunTwice(t *testing.T) {
	f := newFixture(t)
	f.machine.err = fault.ErrLostRace // any error: the execution may not have started
	if _, err := f.Start(t.Context(), "ops", false); !errors.Is(err, f.machine.err) {
		t.Errorf("got %v", err)
	}
	f.machine.err = nil
	for range 2 {
		r, err := f.Start(t.Context(), "another", false)
		f.must(err)
		if r.By != "ops" || r.Run != 1 {
			t.Errorf("got %+v", r)
		}
	}
	f.clock.Advance(time.Hour) // the execution has failed
	r, err := f.Start(t.Context(), "another", false)
	f.must(err)
	if r.Run != 2 || !reflect.DeepEqual(f.machine.runs, [][2]int64{{2, 1}, {2, 1}, {2, 1}, {2, 2}}) {
		t.Errorf("got %+v, executions %v", r, f.machine.runs)
	}
}

func TestHistoryThatTheLogHasLostIsSaid(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)))
	f.deliver(f.Service, 0)
	f.clock.Advance(time.Hour)
	f.append(ended(orders.OrderConfirmed, "A", "", 10, 1))
	for _, p := range f.partitions() {
		f.log.Trim(p.Topic, p.Partition, p.End-1)
	}
	if g := f.rebuild(); !g.Since.Equal(f.clock.Now()) || !g.Rebuild.Since.Equal(g.Since) {
		t.Errorf("complete since %s, rebuild %+v", g.Since, g.Rebuild)
	}
}

func TestGapInWhatIsDeliveredIsSaid(t *testing.T) {
	f := newFixture(t)
	project(t, f.Service, records(t, 0, created("A", item("MUG", 2, 5))))
	if g := f.generations(); !g.Since.IsZero() {
		t.Errorf("complete since %s", g.Since)
	}
	project(t, f.Service, records(t, 3, created("B", item("MUG", 2, 5))))
	if g := f.generations(); !g.Since.Equal(day) {
		t.Errorf("complete since %s", g.Since)
	}
}

func TestReportsThatBeganLateSaySo(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)))
	f.clock.Advance(time.Hour)
	f.append(ended(orders.OrderConfirmed, "A", "", 10, 1))
	var from int64
	for _, p := range f.partitions() {
		f.log.Trim(p.Topic, p.Partition, p.End-1) // before the first delivery
		from = max(from, p.End-1)
	}
	f.deliver(f.Service, from)
	if g := f.generations(); !g.Since.Equal(f.clock.Now()) {
		t.Errorf("complete since %s", g.Since)
	}
}

// late is a log whose partitions are looked at with consequences.
type late struct {
	reporting.Log
	look func()
}

func (l late) Partitions(ctx context.Context) ([]reporting.Partition, error) {
	l.look()
	return l.Log.Partitions(ctx)
}

// switching does something before each switch.
type switching struct {
	reporting.Store
	before func()
}

func (s *switching) Switch(
	ctx context.Context, g reporting.Generations, closing int64, seen []reporting.Progress,
) error {
	s.before()
	return s.Store.Switch(ctx, g, closing, seen)
}

func TestRebuildEndsWithAllThatTheServingReportsInclude(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)))
	f.deliver(f.Service, 0)
	tries := 0
	f.Rebuilds = f.over(&switching{f.store, func() {
		if tries++; tries < 15 {
			f.append(created("B"+strconv.Itoa(tries), item("MUG", 2, 5)))
			f.deliver(f.Service, 0)
		}
	}})
	f.rebuild()
	if got := f.store.All(2); tries != 15 || !reflect.DeepEqual(got, f.fresh()) {
		t.Errorf("rows %v after %d tries", got, tries)
	}
}

func TestBuildAndRemovalReturnInTime(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)))
	f.deliver(f.Service, 0)
	tries := 0
	f.Rebuilds = f.over(&switching{f.store, func() { // each time, there is more to read
		tries++
		f.clock.Advance(20 * time.Second)
		f.append(created("B"+strconv.Itoa(tries), item("MUG", 2, 5)))
		f.deliver(f.Service, 0)
	}})
	_, err := f.Start(t.Context(), "ops", false)
	f.must(err)
	state, err := f.Build(t.Context(), 2)
	if r, _ := f.Rebuild(t.Context()); err != nil || state != reporting.Building || tries != 3 || r.Read != 3 {
		t.Errorf("%s after %d tries, %v, %+v", state, tries, err, r)
	}
	f.Rebuilds = f.over(f.store)
	if state, err := f.Build(t.Context(), 2); err != nil || state != reporting.Switched {
		t.Fatal(state, err)
	}
	slow := f.over(&interleaved{f.store, func() { f.clock.Advance(50 * time.Second) }})
	if more, err := slow.RemoveOld(t.Context()); err != nil || !more {
		t.Errorf("RemoveOld: %t, %v", more, err)
	}
}

// interleaved pauses before each write of an invocation, and between its reads, so that others go
// on meanwhile and make it a zombie.
type interleaved struct {
	reporting.Store
	pause func()
}

func (i *interleaved) Progress(
	ctx context.Context, generation int64, of reporting.Source,
) (reporting.Progress, error) {
	i.pause()
	return i.Store.Progress(ctx, generation, of)
}

func (i *interleaved) Sources(ctx context.Context, generation int64) ([]reporting.Progress, error) {
	i.pause()
	return i.Store.Sources(ctx, generation)
}

func (i *interleaved) Apply(ctx context.Context, w reporting.Write) error {
	i.pause()
	return i.Store.Apply(ctx, w)
}

func (i *interleaved) SaveGenerations(ctx context.Context, g reporting.Generations) error {
	i.pause()
	return i.Store.SaveGenerations(ctx, g)
}

func (i *interleaved) Switch(
	ctx context.Context, g reporting.Generations, closing int64, seen []reporting.Progress,
) error {
	i.pause()
	return i.Store.Switch(ctx, g, closing, seen)
}

func (i *interleaved) Remove(ctx context.Context, generation int64) (bool, error) {
	i.pause()
	return i.Store.Remove(ctx, generation)
}

// load is invocations that run at the same time.
type load struct {
	*fixture
	rt        *rapid.T
	waiting   []envelope.Event // not yet in the log
	committed map[reporting.Source]int64
	paused    []func() bool // each goes on until its next pause, and returns false if it has ended
}

// begin begins an invocation.
func (l *load) begin(run func(use *reporting.Rebuilds) error) {
	next, _ := iter.Pull(func(yield func(bool) bool) {
		err := run(l.over(&interleaved{l.store, func() { yield(true) }}))
		if err != nil && fault.KindOf(err) != fault.Transient && !errors.Is(err, reporting.ErrNotBuilding) &&
			!errors.Is(err, reporting.ErrNoRebuild) {
			l.rt.Fatal(err)
		}
	})
	l.paused = append(l.paused, func() bool { _, more := next(); return more })
}

// advance lets one of the invocations go on.
func (l *load) advance() {
	i := rapid.IntRange(0, len(l.paused)-1).Draw(l.rt, "invocation")
	if !l.paused[i]() {
		l.paused = slices.Delete(l.paused, i, i+1)
	}
}

func (l *load) act() {
	ctx := context.Background()
	switch rapid.IntRange(0, 6).Draw(l.rt, "action") {
	case 0, 1:
		n := rapid.IntRange(0, min(5, len(l.waiting))).Draw(l.rt, "appended")
		l.append(l.waiting[:n]...)
		l.waiting = l.waiting[n:]
	case 2, 3:
		p := rapid.SampledFrom(l.partitions()).Draw(l.rt, "partition")
		from := l.committed[sourceOf(p)]
		batch := l.records(p, from, rapid.IntRange(1, 4).Draw(l.rt, "batch"))
		heard := rapid.IntRange(0, 3).Draw(l.rt, "heard") > 0
		l.begin(func(use *reporting.Rebuilds) error {
			err := use.ProjectSales(ctx, sourceOf(p), batch)
			if err == nil && heard {
				l.committed[sourceOf(p)] = max(l.committed[sourceOf(p)], from+int64(len(batch)))
			}
			return err
		})
	case 4:
		fresh := rapid.Bool().Draw(l.rt, "fresh")
		l.begin(func(use *reporting.Rebuilds) error {
			_, err := use.Start(ctx, "ops", fresh)
			return err
		})
	case 5:
		l.begin(func(use *reporting.Rebuilds) error {
			r, err := use.Rebuild(ctx)
			if err == nil {
				_, err = use.Build(ctx, r.Generation)
			}
			if err == nil {
				_, err = use.RemoveOld(ctx)
			}
			return err
		})
	case 6:
		if rapid.Bool().Draw(l.rt, "stop") {
			l.begin(func(use *reporting.Rebuilds) error { _, err := use.Stop(ctx); return err })
		}
	}
}

// TestRebuildUnderLoadEqualsTheLog runs invocations that project, rebuild, stop, resume and remove
// at the same time, each paused again and again, while the log grows.
func TestRebuildUnderLoadEqualsTheLog(t *testing.T) {
	var switched, steps int
	rapid.Check(t, func(rt *rapid.T) {
		l := load{
			fixture: newFixture(rt), rt: rt, committed: map[reporting.Source]int64{},
			waiting: rapid.Permutation(story(rt)).Draw(rt, "events"),
		}
		for range rapid.IntRange(1, 60).Draw(rt, "actions") {
			if l.act(); len(l.paused) > 0 {
				for range rapid.IntRange(0, 9).Draw(rt, "steps") {
					if len(l.paused) > 0 {
						l.advance()
						steps++
					}
				}
			}
		}
		l.append(l.waiting...)
		for len(l.paused) > 0 {
			l.advance()
		}
		switched += int(l.generations().Serving - 1)
		for _, p := range l.partitions() { // what Kafka's event source had yet to deliver
			l.must(l.ProjectSales(context.Background(), sourceOf(p), l.records(p, l.committed[sourceOf(p)], 1000)))
		}
		want := l.fresh()
		if g := l.generations(); !reflect.DeepEqual(l.store.All(g.Serving), want) || !g.Since.IsZero() {
			rt.Errorf("generation %d since %s has %v, the log %v", g.Serving, g.Since, l.store.All(g.Serving), want)
		}
		l.rebuild()
		g := l.rebuild() // the first may have been under way
		if !reflect.DeepEqual(l.store.All(g.Serving), want) || g.Rebuild.State != reporting.Done {
			rt.Errorf("after a rebuild: generation %d has %v, the log %v", g.Serving, l.store.All(g.Serving), want)
		}
		for n := range g.Serving {
			if left := l.store.All(n); len(left) > 0 {
				rt.Errorf("left of generation %d: %v", n, left)
			}
		}
	})
	if switched == 0 {
		t.Error("no rebuild ended under load")
	}
	t.Logf("%d rebuilds ended under load, in %d steps", switched, steps)
}

func TestRebuildEndsIfRetentionHasEmptiedAPartition(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)), ended(orders.OrderConfirmed, "A", "", 10, 1), refunded("A", 4, 3, 2))
	f.deliver(f.Service, 0)
	for _, p := range f.partitions() {
		if p.Topic == topics[1] { // no refund for 30 days
			f.log.Trim(p.Topic, p.Partition, p.End)
		}
	}
	r, err := f.Start(t.Context(), "ops", false)
	f.must(err)
	var state reporting.State
	for range 20 {
		state, err = f.Build(t.Context(), r.Generation)
		f.must(err)
	}
	if state != reporting.Switched {
		r, _ = f.Rebuild(t.Context())
		t.Errorf("after 20,000 rounds the rebuild is %s: %+v", state, r)
	}
}

func TestRebuildSwitchesUnderSteadyLoad(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)))
	f.deliver(f.Service, 0)
	n := 0
	f.Rebuilds = reporting.NewRebuilds(f.Service, late{f.log, func() {
		n++
		f.append(created("B"+strconv.Itoa(n), item("MUG", 2, 5)))
		// The serving generation is always behind: it has not even read these records.
	}}, f.machine)
	r, err := f.Start(t.Context(), "ops", false)
	f.must(err)
	state, err := f.Build(t.Context(), r.Generation)
	f.must(err)
	if state != reporting.Switched {
		t.Errorf("after %d rounds with one event each: %s", n, state)
	}
}

func TestRebuildReadsOnUntilItIncludesWhatServes(t *testing.T) {
	f := newFixture(t)
	events := slices.Repeat([]envelope.Event{created("A", item("MUG", 2, 5))}, 1500) // more than it reads at once
	f.append(append(events, ended(orders.OrderConfirmed, "A", "", 10, 1))...)
	f.deliver(f.Service, 0)
	if g := f.rebuild(); g.Serving != 2 || !reflect.DeepEqual(f.store.All(2), f.fresh()) {
		t.Errorf("generation %d has %v", g.Serving, f.store.All(2))
	}
}

// grown is a log in which a topic gets another partition.
type grown struct {
	*memory.Log
	added reporting.Source
	extra []reporting.Record
}

func (g *grown) Partitions(ctx context.Context) ([]reporting.Partition, error) {
	all, err := g.Log.Partitions(ctx)
	if len(g.extra) > 0 {
		p := reporting.Partition{Topic: g.added.Topic, Partition: g.added.Partition, End: int64(len(g.extra))}
		all = append(all, p)
	}
	return all, err
}

func (g *grown) Read(
	ctx context.Context, topic string, p int32, from int64, most int,
) ([]reporting.Record, error) {
	if (reporting.Source{Topic: topic, Partition: p}) != g.added {
		return g.Log.Read(ctx, topic, p, from, most)
	}
	return g.extra[min(from, int64(len(g.extra))):], nil
}

func TestPartitionAddedDuringTheSwitchLosesNothing(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)))
	f.deliver(f.Service, 0)
	log := &grown{Log: f.log, added: reporting.Source{Topic: topics[0], Partition: 3}}
	deliver := func(orderID string) {
		r := records(t, int64(len(log.extra)), ended(orders.OrderConfirmed, orderID, "", 10, 1))[0]
		r.Topic, r.Partition = log.added.Topic, log.added.Partition
		log.extra = append(log.extra, r)
		f.must(f.ProjectSales(t.Context(), log.added, []reporting.Record{r}))
	}
	store := &switching{f.store, func() {
		if len(log.extra) == 0 {
			deliver("NEW0")
		}
	}}
	f.Rebuilds = reporting.NewRebuilds(reporting.New(store, f.clock, nil), log, f.machine)
	f.rebuild()
	deliver("NEW1")
	g := f.generations()
	id := reporting.RowID{Report: reporting.Sales, Day: "2026-11-28", Of: "EUR"}
	if got := f.store.All(g.Serving)[id][reporting.Orders]; g.Serving != 2 || got != 2 || !g.Since.IsZero() {
		t.Errorf("generation %d counts %d confirmed orders, want 2; complete since %s", g.Serving, got, g.Since)
	}
}

func TestZombieOfADroppedRebuildLeavesNothing(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)))
	f.deliver(f.Service, 0)
	_, err := f.Start(t.Context(), "ops", false)
	f.must(err)
	rows := reporting.Rows{}
	rows.Add(reporting.Funnel, "2026-11-28", "PLACED", reporting.Orders, 1)
	w := reporting.Write{Generation: 2, Source: source, To: 1, Rows: rows}
	f.must(f.store.Apply(t.Context(), w))
	_, err = f.Stop(t.Context())
	f.must(err)
	r, err := f.Start(t.Context(), "ops", true)
	f.must(err)
	w.From, w.To = 1, 2
	f.must(f.store.Apply(t.Context(), w)) // before the removal
	f.run(r.Generation)
	w.From, w.To = 2, 3
	if err := f.store.Apply(t.Context(), w); !errors.Is(err, reporting.ErrClosed) {
		t.Errorf("a write after the removal: %v", err)
	}
	w.Source.Partition, w.From, w.To = 0, 0, 1
	if err := f.store.Apply(t.Context(), w); !errors.Is(err, reporting.ErrClosed) {
		t.Errorf("a first write after the removal: %v", err)
	}
	if left := f.store.All(2); len(left) > 0 {
		t.Errorf("left of generation 2: %v", left)
	}
}

func TestRebuildOfATopicMadeAnewEnds(t *testing.T) {
	f := newFixture(t)
	for n := range 5 {
		f.append(created("A"+strconv.Itoa(n), item("MUG", 2, 5)))
	}
	f.deliver(f.Service, 0)
	f.log = memory.NewLog(f.clock, topics...)
	f.append(created("A0", item("MUG", 2, 5)))
	f.Rebuilds = f.over(f.store)
	if g := f.rebuild(); g.Serving != 2 || !reflect.DeepEqual(f.store.All(2), f.fresh()) {
		t.Errorf("generation %d has %v", g.Serving, f.store.All(2))
	}
}

func TestRebuildOfADeletedTopicEnds(t *testing.T) {
	f := newFixture(t)
	gone := reporting.Source{Topic: "orderflow.old.events"}
	f.must(f.ProjectSales(t.Context(), gone, records(t, 0, created("A", item("MUG", 2, 5)))))
	if g := f.rebuild(); g.Serving != 2 {
		t.Errorf("generation %d serves", g.Serving)
	}
}

// slow is a log in which a Read waits for a second if there are no records.
type slow struct {
	reporting.Log
	wait func(time.Duration)
}

func (l slow) Read(ctx context.Context, topic string, p int32, from int64, most int) ([]reporting.Record, error) {
	found, err := l.Log.Read(ctx, topic, p, from, most)
	if len(found) == 0 {
		l.wait(time.Second)
	}
	return found, err
}

func TestRebuildOfAQuietLogEndsAtOnce(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5)))
	f.deliver(f.Service, 0)
	f.Rebuilds = reporting.NewRebuilds(f.Service, slow{f.log, f.clock.Advance}, f.machine)
	if f.rebuild(); !f.clock.Now().Equal(day) {
		t.Errorf("it took %s", f.clock.Now().Sub(day))
	}
}

func TestRebuildOfTooManyPartitionsIsRefused(t *testing.T) {
	f := newFixture(t)
	read := func(partition int) {
		of := reporting.Source{Topic: topics[0], Partition: int32(partition)}
		f.must(f.ProjectSales(t.Context(), of, records(t, 0, created("A", item("MUG", 2, 5)))))
	}
	for n := range reporting.MaxSources {
		read(n)
	}
	r, err := f.Start(t.Context(), "ops", false)
	f.must(err)
	read(reporting.MaxSources)
	if _, err := f.Build(t.Context(), r.Generation); !errors.Is(err, reporting.ErrTooManyPartitions) {
		t.Errorf("Build: %v", err)
	}
	_, err = f.Stop(t.Context())
	f.must(err)
	if _, err := f.Start(t.Context(), "ops", false); !errors.Is(err, reporting.ErrTooManyPartitions) {
		t.Errorf("Start: %v", err)
	}
	if g := f.generations(); g.Serving != 1 || g.Rebuild.State != reporting.Stopped {
		t.Errorf("generations %+v, %+v", g, g.Rebuild)
	}
}

func TestExecutionOfANewStackHasANewName(t *testing.T) {
	first := reporting.Rebuild{Generation: 2, Run: 1, StartedAt: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	again := first
	again.StartedAt = first.StartedAt.Add(time.Hour)
	if first.Execution() == again.Execution() {
		t.Errorf("the generation of a stack that was deployed again is built by %s, too", first.Execution())
	}
}
