package reporting

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"orderflow/internal/platform/fault"
)

const (
	// longestPeriod is the longest period of a report, in days.
	longestPeriod = 400
	// defaultPeriod is the period of a report without from.
	defaultPeriod = 30
	// readAtOnce is how many rows are read in one request; totalled is the maximum number that are
	// added up for one answer.
	readAtOnce = 1000
	totalled   = 50_000
)

// Errors of reading reports.
var (
	ErrPeriod = fault.New(fault.Invalid, "InvalidPeriod", "the period ends before it begins")
	// ErrTooMany: the sum would take longer than a request may.
	ErrTooMany = fault.New(fault.Refused, "PeriodTooLong",
		"the period has too many rows to add up; choose a shorter one")
)

// Query says which rows of a report to read.
type Query struct {
	Report Report
	// From and To are days, both included; "" for today and for 30 days up to To.
	From, To string
	// Total adds the days up.
	Total bool
	// Limit is the maximum number of rows of a page, 1 to 100.
	Limit int
	// Cursor is "" or the cursor of the previous page.
	Cursor string
}

// Page is a page of a report.
type Page struct {
	// Rows of the report: by day, or without a day and then those with the most units or orders
	// first.
	Rows []Row
	// Cursor is that of the next page, "" after the last.
	Cursor string
	// From and To are the period.
	From, To string
	// Generation is the generation that answered. Records before Since are not in it; Since is zero
	// if none are missing.
	Generation int64
	Since      time.Time
	// AsOf says how recent the report is: it includes all records that were appended until then to
	// each partition that the generation has read. It is the time of the last included event of the
	// partition that is furthest behind, or that has had no event for the longest time. It is zero
	// if that time is unknown for a partition.
	AsOf time.Time
	// Newest is when the newest event that the generation includes was appended; zero if that is
	// not known.
	Newest time.Time
}

// ReadReport returns a page of a report as it is now. No row is on two pages, whatever happens
// between them. A row that moves to a page that was already read is on none: a new row or, among
// totals, one that has moved up.
//
// It fails with fault.ErrCursor for a cursor that another report, period or generation returned.
func (s *Service) ReadReport(ctx context.Context, q Query) (page Page, err error) {
	q, err = q.complete(s.clock.Now())
	if err != nil {
		return page, err
	}
	after, err := q.decode()
	if err != nil {
		return page, err
	}
	err = s.served(ctx, func(g Generations) error {
		if q.Cursor != "" && after.Generation != g.Serving {
			return errRebuilt
		}
		page, err = s.page(ctx, g, q, after.Position)
		return err
	})
	return page, err
}

// errRebuilt: the rows before the cursor were of another generation.
var errRebuilt = fault.ErrCursor.Detailf("the reports have been rebuilt since; start again with the first page")

// served lets read read from the current generation. It repeats that if another generation is
// current by then, since rows of the old one may have been removed, or if the generation was found
// to lack records.
func (s *Service) served(ctx context.Context, read func(Generations) error) error {
	g, err := s.store.Generations(ctx)
	for range tries {
		if err == nil {
			err = read(g)
		}
		if err != nil {
			return err
		}
		before := g
		if g, err = s.store.Generations(ctx); err == nil && g.Serving == before.Serving && g.Since.Equal(before.Since) {
			return nil
		}
	}
	return cmp.Or[error](err, ErrOvertaken)
}

// page reads a page from a generation.
func (s *Service) page(ctx context.Context, g Generations, q Query, after position) (Page, error) {
	sources, err := s.store.Sources(ctx, g.Serving)
	if err != nil {
		return Page{}, err
	}
	page := Page{From: q.From, To: q.To, Generation: g.Serving, Since: g.Since}
	if len(sources) > 0 {
		byTime := func(a, b Progress) int { return a.At.Compare(b.At) }
		page.AsOf, page.Newest = slices.MinFunc(sources, byTime).At, slices.MaxFunc(sources, byTime).At
	}
	if q.Total {
		page.Rows, page.Cursor, err = s.total(ctx, g.Serving, q, after)
		return page, err
	}
	// One more row tells whether there is a next page.
	page.Rows, err = s.store.ReadRows(ctx, g.Serving, Range{q.Report, q.From, q.To}, after.row(q.Report), q.Limit+1)
	if len(page.Rows) > q.Limit {
		page.Rows = page.Rows[:q.Limit]
		last := page.Rows[q.Limit-1]
		page.Cursor = q.encode(g.Serving, position{Day: last.Day, Of: last.Of})
	}
	return page, err
}

// complete returns the query with its period.
func (q Query) complete(now time.Time) (Query, error) {
	q.To = cmp.Or(q.To, Day(now))
	to, err := time.Parse(time.DateOnly, q.To)
	if err != nil {
		return q, ErrPeriod.Detailf("%s is not a day", q.To)
	}
	q.From = cmp.Or(q.From, Day(to.AddDate(0, 0, 1-defaultPeriod)))
	from, err := time.Parse(time.DateOnly, q.From)
	switch days := int(to.Sub(from)/(24*time.Hour)) + 1; {
	case err != nil:
		return q, ErrPeriod.Detailf("%s is not a day", q.From)
	case days < 1:
		return q, ErrPeriod
	case days > longestPeriod:
		return q, ErrPeriod.Detailf("the period has %d days; the longest is %d", days, longestPeriod)
	}
	return q, nil
}

// total adds the days up, and returns a page of the sums after a position.
func (s *Service) total(ctx context.Context, generation int64, q Query, after position) ([]Row, string, error) {
	sums, read := Rows{}, 0
	var last RowID
	for {
		rows, err := s.store.ReadRows(ctx, generation, Range{q.Report, q.From, q.To}, last, readAtOnce)
		if err != nil {
			return nil, "", err
		}
		for _, r := range rows {
			for name, amount := range r.Amounts {
				sums.Add(q.Report, "", r.Of, name, amount)
			}
			last = r.RowID
		}
		if read += len(rows); len(rows) < readAtOnce {
			break
		}
		if read >= totalled {
			return nil, "", ErrTooMany
		}
	}
	var rest []Row
	for id, amounts := range sums {
		if r := (Row{id, amounts}); after == (position{}) || after.compare(rank(r)) < 0 {
			rest = append(rest, r)
		}
	}
	slices.SortFunc(rest, func(a, b Row) int { return rank(a).compare(rank(b)) })
	if len(rest) <= q.Limit {
		return rest, "", nil
	}
	return rest[:q.Limit], q.encode(generation, rank(rest[q.Limit-1])), nil
}

// position is that of the last row of a page.
type position struct {
	Day string `json:"day,omitempty"`
	Of  string `json:"of,omitempty"`
	// Count ranks totals. It only grows, so a row does not move from a page to a later one.
	Count int64 `json:"count,omitempty"`
}

// rank returns the position of a row among totals.
func rank(r Row) position { return position{Of: r.Of, Count: r.Amounts[Units] + r.Amounts[Orders]} }

// compare orders totals, those with the most units or orders first.
func (p position) compare(other position) int {
	return cmp.Or(cmp.Compare(other.Count, p.Count), cmp.Compare(p.Of, other.Of))
}

func (p position) row(report Report) RowID {
	if p == (position{}) {
		return RowID{}
	}
	return RowID{report, p.Day, p.Of}
}

// cursor is a position, and the query and the generation that it belongs to.
type cursor struct {
	Query      string   `json:"query"`
	Generation int64    `json:"generation"`
	Position   position `json:"position"`
}

func (q Query) key() string {
	by := "day"
	if q.Total {
		by = "total"
	}
	return strings.Join([]string{string(q.Report), q.From, q.To, by}, "/")
}

func (q Query) encode(generation int64, p position) string {
	b, _ := json.Marshal(cursor{q.key(), generation, p}) // strings and numbers can be encoded
	return base64.RawURLEncoding.EncodeToString(b)
}

func (q Query) decode() (c cursor, err error) {
	if q.Cursor == "" {
		return c, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil || json.Unmarshal(b, &c) != nil || c.Query != q.key() || c.Position == (position{}) {
		return c, fault.ErrCursor
	}
	return c, nil
}

// ParkedRecords returns a page of the parked records of the current generation, the newest first,
// and the cursor of the next page, which is "" after the last. It fails with fault.ErrCursor for a
// cursor that another list or another generation returned.
func (s *Service) ParkedRecords(
	ctx context.Context, limit int, cursor string,
) (page []Parked, next string, err error) {
	err = s.served(ctx, func(g Generations) error {
		page, next, err = s.store.ReadParked(ctx, g.Serving, limit, cursor)
		return err
	})
	return page, next, err
}
