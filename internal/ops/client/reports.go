package client

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// reportPage is the size of a page of a report.
const reportPage = 100

// Report is a report of a period.
type Report[E any] struct {
	From string `json:"from"`
	To   string `json:"to"`
	// AsOf is until when the reports have every event of the log; nil if that is not known.
	AsOf *time.Time `json:"asOf,omitempty"`
	// NewestEventAt is when the newest event in the reports was appended; nil before the first one.
	NewestEventAt *time.Time `json:"newestEventAt,omitempty"`
	Generation    Generation `json:"generation"`
	Entries       []E        `json:"entries"`
}

// ReportQuery selects a report: sales, products, funnel or latency.
type ReportQuery struct {
	Name     string
	From, To string // days, or ""
	Total    bool
	Limit    int // the most entries; 0 for all
}

// ReadReport reads all pages of a report, again from the first one if the reports were rebuilt in
// between. E is the kind of its entries.
func ReadReport[E any](ctx context.Context, c *Client, q ReportQuery) (Report[E], error) {
	const tries = 3
	for n := 1; ; n++ {
		r, err := readPages[E](ctx, c, q)
		var problem *Problem
		if n == tries || !errors.As(err, &problem) || problem.Code != "InvalidCursor" {
			return r, err
		}
	}
}

func readPages[E any](ctx context.Context, c *Client, q ReportQuery) (Report[E], error) {
	r := Report[E]{Entries: []E{}}
	parameters := url.Values{"by": {"day"}}
	if q.Total {
		parameters.Set("by", "total")
	}
	for name, day := range map[string]string{"from": q.From, "to": q.To} {
		if day != "" {
			parameters.Set(name, day)
		}
	}
	for {
		size := reportPage
		if q.Limit > 0 {
			size = min(size, q.Limit-len(r.Entries))
		}
		parameters.Set("limit", strconv.Itoa(size))
		page, err := get[map[string]json.RawMessage](ctx, c, "/v1/reports/", q.Name, "?"+parameters.Encode())
		if err != nil {
			return r, err
		}
		var entries []E
		var cursor string
		var asOf, newest *time.Time
		for name, to := range map[string]any{
			"from": &r.From, "to": &r.To, "generation": &r.Generation, q.Name: &entries, "cursor": &cursor,
			"asOf": &asOf, "newestEventAt": &newest,
		} {
			if given, has := page[name]; has {
				if err := json.Unmarshal(given, to); err != nil {
					return r, err
				}
			}
		}
		r.Entries = append(r.Entries, entries...)
		r.AsOf, r.NewestEventAt = cmp.Or(r.AsOf, asOf), cmp.Or(r.NewestEventAt, newest) // those of the first page
		if cursor == "" || q.Limit > 0 && len(r.Entries) >= q.Limit {
			return r, nil
		}
		// The next pages are of the same period, even if the day ends meanwhile.
		parameters.Set("from", r.From)
		parameters.Set("to", r.To)
		parameters.Set("cursor", cursor)
	}
}

// ParkedPage is a page of parked records.
type ParkedPage struct {
	Records []ParkedRecord `json:"records"`
	Cursor  *string        `json:"cursor"`
}

// ParkedRecords lists parked records, the newest first.
func (c *Client) ParkedRecords(ctx context.Context, limit int, cursor string) (ParkedPage, error) {
	return get[ParkedPage](ctx, c, "/v1/reports/", "parked-records", page(limit, cursor))
}

// RebuildRequest says how to rebuild, and why.
type RebuildRequest struct {
	// Fresh starts over instead of resuming a stopped rebuild.
	Fresh  bool   `json:"fresh,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// StartRebuild begins a rebuild, or resumes the one that was stopped.
func (c *Client) StartRebuild(ctx context.Context, r RebuildRequest) (Rebuild, error) {
	return send[Rebuild](ctx, c, Call{Method: http.MethodPost, Path: "/v1/reports/rebuilds", Body: r})
}

// StopRebuild stops a rebuild.
func (c *Client) StopRebuild(ctx context.Context, reason string) (Rebuild, error) {
	return send[Rebuild](ctx, c, Call{
		Method: http.MethodPost, Path: "/v1/reports/rebuilds/latest/stop", Body: RebuildRequest{Reason: reason},
	})
}

// LatestRebuild reads the latest rebuild.
func (c *Client) LatestRebuild(ctx context.Context) (Rebuild, error) {
	return get[Rebuild](ctx, c, "/v1/reports/rebuilds/", "latest", "")
}
