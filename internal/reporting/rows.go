package reporting

import (
	"cmp"
	"time"
)

// Report is a kind of report.
type Report string

// Reports, the subjects of their rows, and the names of their amounts.
const (
	// Sales has orders, units, revenue and refunds of a currency. Amounts of money are in its minor
	// units. Revenue and units count on the day of the confirmation, a refund on its own day.
	Sales Report = "sales"
	// Products has units and revenue of a product in a currency: <currency>#<sku>.
	Products Report = "products"
	// Funnel has the orders that were PLACED, or that ended: CONFIRMED, REJECTED#<reason>,
	// CANCELLED#<reason>.
	Funnel Report = "funnel"
	// Latency is a sketch of the times from placing an order to its final status. Its amounts are
	// the numbers of orders in each bin.
	Latency Report = "latency"
)

// Names of amounts.
const (
	Orders  = "orders"
	Units   = "units"
	Revenue = "revenue"
	Refunds = "refunds"
)

// RowID names a row: a report, a day (UTC, 2026-11-28), and the row's subject.
type RowID struct {
	Report Report
	Day    string
	Of     string
}

// Compare orders rows by report, day and subject.
func (id RowID) Compare(other RowID) int {
	return cmp.Or(cmp.Compare(id.Report, other.Report), cmp.Compare(id.Day, other.Day), cmp.Compare(id.Of, other.Of))
}

// Amounts are a row's amounts by name, none of them 0.
type Amounts map[string]int64

// Rows are rows, or changes to add to rows.
type Rows map[RowID]Amounts

// Add adds to an amount.
func (r Rows) Add(report Report, day, of, name string, amount int64) {
	id := RowID{report, day, of}
	if r[id] == nil {
		r[id] = Amounts{}
	}
	if r[id][name] += amount; r[id][name] == 0 {
		delete(r[id], name)
	}
	if len(r[id]) == 0 {
		delete(r, id)
	}
}

// add adds rows times factor.
func (r Rows) add(other Rows, factor int64) {
	for id, amounts := range other {
		for name, amount := range amounts {
			r.Add(id.Report, id.Day, id.Of, name, factor*amount)
		}
	}
}

// Day returns a time's day.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// contributions are what an order adds to the reports, given the facts known of it.
func contributions(f Facts) Rows {
	rows := Rows{}
	if f.Placed != nil {
		rows.Add(Funnel, Day(f.Placed.At), "PLACED", Orders, 1)
	}
	if f.Ended == nil {
		return rows
	}
	day, of := Day(f.Ended.At), string(f.Ended.Status)
	if f.Ended.Reason != "" {
		of += "#" + f.Ended.Reason
	}
	rows.Add(Funnel, day, of, Orders, 1)
	if f.Placed != nil {
		rows.Add(Latency, day, "", Bin(f.Ended.At.Sub(f.Placed.At)), 1)
	}
	if f.Ended.Status == Confirmed {
		rows.sale(f, day)
	}
	return rows
}

// sale adds a confirmed order.
func (r Rows) sale(f Facts, day string) {
	currency := f.Ended.Total.Currency
	r.Add(Sales, day, currency, Orders, 1)
	r.Add(Sales, day, currency, Revenue, f.Ended.Total.Amount)
	if f.Placed != nil {
		for _, line := range f.Placed.Lines {
			of := line.UnitPrice.Currency + "#" + line.SKU
			r.Add(Sales, day, currency, Units, line.Quantity)
			r.Add(Products, day, of, Units, line.Quantity)
			r.Add(Products, day, of, Revenue, line.Quantity*line.UnitPrice.Amount)
		}
	}
	// Sums only grow. A refund in another currency than the order's is a sum of its own: amounts of
	// different currencies are never added up.
	before := map[string]int64{}
	for _, refund := range f.Refunds {
		of := refund.Sum.Currency
		if more := refund.Sum.Amount - before[of]; more > 0 {
			r.Add(Sales, Day(refund.At), of, Refunds, more)
			before[of] = refund.Sum.Amount
		}
	}
}
