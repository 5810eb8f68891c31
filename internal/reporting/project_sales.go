package reporting

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
)

const (
	// tries is how often records are projected again after another invocation was faster.
	tries = 8
	// ordersAtOnce is how many orders' facts are read in one request.
	ordersAtOnce = 100
)

// Service implements reporting's use cases on its store.
type Service struct {
	store Store
	clock clock.Clock
	// watch is notified of projected records.
	watch Watch
}

// Watch is notified of projected records. Its methods must not block.
type Watch interface {
	// Projected: records of a source were projected, the last of which was appended at a time.
	Projected(ctx context.Context, records int, last time.Time)
	// Parked: a record was parked.
	Parked(ctx context.Context, p Parked)
	// Lost: records of a source had left the log before they were projected.
	Lost(ctx context.Context, of Source)
}

// New returns the use cases. watch may be nil.
func New(store Store, c clock.Clock, watch Watch) *Service {
	if watch == nil {
		watch = nobody{}
	}
	return &Service{store: store, clock: c, watch: watch}
}

type nobody struct{}

func (nobody) Projected(context.Context, int, time.Time) {}
func (nobody) Parked(context.Context, Parked)            {}
func (nobody) Lost(context.Context, Source)              {}

// ProjectSales adds records of one source, in the order of their offsets, to the current
// generation. Records that it already includes change nothing. If it fails, some of the records may
// be included; all must be delivered again.
func (s *Service) ProjectSales(ctx context.Context, of Source, records []Record) error {
	if len(records) == 0 {
		return nil
	}
	var err error
	for range tries {
		var g Generations
		if g, err = s.store.Generations(ctx); err != nil {
			return err
		}
		if err = s.project(ctx, g.Serving, of, records); !again(err) {
			break
		}
	}
	if err == nil {
		s.watch.Projected(ctx, len(records), records[len(records)-1].Time)
	}
	return err
}

func again(err error) bool { return errors.Is(err, ErrOvertaken) || errors.Is(err, ErrClosed) }

// project adds records to a generation, in as many transactions as they need. A record that the
// store can never hold is found by halving, and parked.
func (s *Service) project(ctx context.Context, generation int64, of Source, records []Record) error {
	err := s.write(ctx, generation, of, records, nil)
	switch half := len(records) / 2; {
	case !errors.Is(err, ErrUnstorable):
		return err
	case half == 0:
		return s.write(ctx, generation, of, records, err)
	default:
		if err = s.project(ctx, generation, of, records[:half]); err != nil {
			return err
		}
		return s.project(ctx, generation, of, records[half:])
	}
}

// write adds the content of records to a generation, or parks them if a reason is given.
func (s *Service) write(ctx context.Context, generation int64, of Source, records []Record, refused error) error {
	progress, err := s.store.Progress(ctx, generation, of)
	if err != nil {
		return err
	}
	if progress.Closed {
		return ErrClosed
	}
	b := batch{
		Write: Write{
			Generation: generation, Source: of, From: progress.Next, To: progress.Next, At: progress.At, Rows: Rows{},
		},
		known: map[string]Facts{}, changed: map[string]Facts{},
	}
	records = unread(records, progress)
	if len(records) == 0 {
		return nil
	}
	if first := records[0]; first.Offset != progress.Next {
		slog.ErrorContext(ctx, "records have left the log before they were projected", "topic", of.Topic,
			"partition", of.Partition, "expected", progress.Next, "offset", first.Offset, "appendedAt", first.Time)
		if err := s.missing(ctx, generation, first.Time, first.Offset < progress.Next); err != nil {
			return err
		}
		s.watch.Lost(ctx, of)
	}
	told, orders := make([]told, len(records)), map[string]bool{}
	for i, r := range records {
		if told[i] = s.tell(ctx, of, r, refused); told[i].orderID != "" {
			orders[told[i].orderID] = true
		}
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(orders)), ordersAtOnce) {
		facts, err := s.store.Facts(ctx, generation, ids)
		if err != nil {
			return err
		}
		for id, f := range facts {
			b.known[id] = f
		}
	}
	for i, r := range records {
		if !b.take(told[i], r) {
			if err := s.flush(ctx, &b); err != nil {
				return err
			}
			b.take(told[i], r)
		}
	}
	return s.flush(ctx, &b)
}

// unread returns the records that a generation does not include. All included records were appended
// until progress.At. So a later record at an offset that the generation has passed belongs to a
// topic that was deleted and recreated, as do all records after it. A record that is projected
// twice nevertheless counts once, since facts do.
func unread(records []Record, progress Progress) []Record {
	for i, r := range records {
		if r.Offset >= progress.Next || r.Time.After(progress.At) {
			return records[i:]
		}
	}
	return nil
}

// told is the result of reading a record: news, a reason to park it, or nothing.
type told struct {
	news
	parked *Parked
}

func (s *Service) tell(ctx context.Context, of Source, r Record, refused error) told {
	e, err := EventOf(r)
	var n news
	if err == nil {
		n, err = read(e)
	}
	if err == nil && refused == nil {
		return told{news: n}
	}
	err = cmp.Or(err, refused)
	p := Parked{of, r.Offset, fault.From(err).Code, s.clock.Now()}
	slog.ErrorContext(ctx, "a record cannot be projected and is parked", "topic", of.Topic,
		"partition", of.Partition, "offset", r.Offset, "reason", p.Reason, "error", err.Error())
	return told{parked: &p}
}

// batch collects a Write.
type batch struct {
	Write
	known   map[string]Facts // as stored once the changed ones are written
	changed map[string]Facts
}

// take adds the content of a record, if the write still fits into a transaction with it.
func (b *batch) take(t told, r Record) bool {
	before := b.known[t.orderID]
	learned, changed := before.learn(t.news)
	more := Rows{}
	if changed {
		more.add(contributions(learned), 1)
		more.add(contributions(before), -1)
	}
	held := len(b.changed) + len(b.Rows) + len(b.Parked)
	actions := held
	for id := range more {
		if _, already := b.Rows[id]; !already {
			actions++
		}
	}
	_, already := b.changed[t.orderID]
	if changed && !already {
		actions++
	}
	if t.parked != nil {
		actions++
	}
	if actions > MaxActions && held > 0 {
		return false
	}
	if changed {
		if !already {
			learned.Version++
		}
		b.known[t.orderID], b.changed[t.orderID] = learned, learned
		b.Rows.add(more, 1)
	}
	if t.parked != nil {
		b.Parked = append(b.Parked, *t.parked)
	}
	b.To = r.Offset + 1
	if r.Time.After(b.At) { // producers' clocks differ
		b.At = r.Time.UTC()
	}
	return true
}

// flush writes the collected changes, and begins the next write.
func (s *Service) flush(ctx context.Context, b *batch) error {
	w := b.Write
	for _, id := range slices.Sorted(maps.Keys(b.changed)) {
		w.Facts = append(w.Facts, b.changed[id])
	}
	if err := s.store.Apply(ctx, w); err != nil {
		return err
	}
	for _, p := range w.Parked {
		s.watch.Parked(ctx, p)
	}
	b.Write = Write{Generation: w.Generation, Source: w.Source, From: w.To, To: w.To, At: w.At, Rows: Rows{}}
	b.changed = map[string]Facts{}
	return nil
}
