package demo

import (
	"context"
	"strings"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/dynamo"
	warehouse "orderflow/internal/warehouse/dynamo"
)

// Reports reads all rows of the current reports.
func (s Shop) Reports(ctx context.Context, report reporting.Report) ([]reporting.Row, error) {
	store := s.reports()
	g, err := store.Generations(ctx)
	if err != nil {
		return nil, err
	}
	return allRows(ctx, store, g.Serving, report)
}

func (s Shop) reports() reporting.Store {
	return dynamo.Store{Table: ddb.Open(s.stack.Config(), s.stack.Outputs["ReportingTableName"], clock.System{})}
}

// allRows reads the rows of all days.
func allRows(
	ctx context.Context, store reporting.Store, generation int64, report reporting.Report,
) (all []reporting.Row, err error) {
	const page = 500
	for after := (reporting.RowID{}); ; after = all[len(all)-1].RowID {
		days := reporting.Range{Report: report, From: "2000-01-01", To: "2999-12-31"}
		rows, err := store.ReadRows(ctx, generation, days, after, page)
		if err != nil {
			return nil, err
		}
		if all = append(all, rows...); len(rows) < page {
			return all, nil
		}
	}
}

// totals reads what the demonstration compares, of one generation.
func (d *streams) totals(ctx context.Context) (t totals, err error) {
	store := d.reports()
	g, err := store.Generations(ctx)
	if err != nil {
		return t, err
	}
	if t.generation = g.Serving; g.Rebuild != nil {
		t.rebuild = string(g.Rebuild.State)
	}
	funnel, err := allRows(ctx, store, g.Serving, reporting.Funnel)
	if err != nil {
		return t, err
	}
	for _, row := range funnel {
		switch row.Of {
		case "PLACED":
			t.placed += int(row.Amounts[reporting.Orders])
		case string(reporting.Confirmed):
			t.confirmed += int(row.Amounts[reporting.Orders])
		}
	}
	products, err := allRows(ctx, store, g.Serving, reporting.Products)
	if err != nil {
		return t, err
	}
	for _, row := range products {
		if strings.HasSuffix(row.Of, "#"+d.sku) {
			t.pieces += int(row.Amounts[reporting.Units])
			t.revenue += row.Amounts[reporting.Revenue]
		}
	}
	for cursor := ""; ; {
		const page = 100
		parked, next, err := store.ReadParked(ctx, g.Serving, page, cursor)
		if t.parked += len(parked); err != nil || next == "" {
			return t, err
		}
		cursor = next
	}
}

// broken counts the malformed messages of the warehouse about accepted orders that were parked.
func (d *streams) broken(ctx context.Context, accepted map[string]bool) (n int, err error) {
	table := ddb.Open(d.stack.Config(), d.stack.Outputs["WarehouseTableName"], clock.System{})
	parked, err := warehouse.Store{Table: table}.Parked(ctx)
	for id := range accepted {
		for _, p := range parked {
			if strings.Contains(p.ID, id) {
				n++
			}
		}
	}
	return n, err
}

// rebuild begins a rebuild of the reports.
func (d *streams) rebuild(ctx context.Context) error {
	_, err := d.operations.Do(ctx, client.Call{Method: "POST", Path: "/v1/reports/rebuilds"}, nil)
	return err
}
