package dynamo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"orderflow/internal/platform/money"
	"orderflow/internal/reporting"
)

// generations holds the number of the current generation, and the last rebuild.
type generations struct {
	rebuild
	Serving      int64     `dynamodbav:"serving"`
	ServingSince time.Time `dynamodbav:"servingSince,omitempty"`
	Anew         time.Time `dynamodbav:"anew,omitempty"`
	Removed      int64     `dynamodbav:"removed,omitempty"`
	Version      int64     `dynamodbav:"version"`
}

// rebuild is a reporting.Rebuild, or empty if there was none.
type rebuild struct {
	Generation int64           `dynamodbav:"newest,omitempty"`
	Run        int64           `dynamodbav:"run,omitempty"`
	State      reporting.State `dynamodbav:"state,omitempty"`
	By         string          `dynamodbav:"by,omitempty"`
	StartedAt  time.Time       `dynamodbav:"startedAt,omitempty"`
	UpdatedAt  time.Time       `dynamodbav:"updatedAt,omitempty"`
	Read       int64           `dynamodbav:"read,omitempty"`
	Total      int64           `dynamodbav:"total,omitempty"`
	Since      time.Time       `dynamodbav:"since,omitempty"`
}

func fromGenerations(g reporting.Generations) generations {
	item := generations{
		Serving: g.Serving, ServingSince: g.Since, Anew: g.Anew, Removed: g.Removed, Version: g.Version,
	}
	if g.Rebuild != nil {
		item.rebuild = rebuild(*g.Rebuild)
	}
	return item
}

func (item generations) domain() reporting.Generations {
	g := reporting.Generations{
		Serving: item.Serving, Since: item.ServingSince, Anew: item.Anew, Removed: item.Removed,
		Version: item.Version,
	}
	if last := reporting.Rebuild(item.rebuild); last.Generation > 0 {
		g.Rebuild = &last
	}
	return g
}

type progress struct {
	NextOffset int64     `dynamodbav:"upTo"`
	At         time.Time `dynamodbav:"at,omitempty"`
	Closed     bool      `dynamodbav:"closed,omitempty"`
}

func (item progress) domain(of reporting.Source) reporting.Progress {
	return reporting.Progress{Source: of, Next: item.NextOffset, At: item.At, Closed: item.Closed}
}

// facts are the known facts about an order. Refunds are several lists of the same length, since a
// list of structs could not keep the attributes of another version of the code.
type facts struct {
	OrderID          string      `dynamodbav:"orderId"`
	PlacedAt         time.Time   `dynamodbav:"placedAt,omitempty"`
	Lines            []line      `dynamodbav:"lines,omitempty" write:"once"`
	EndedAt          time.Time   `dynamodbav:"endedAt,omitempty"`
	Status           string      `dynamodbav:"status,omitempty"`
	Reason           string      `dynamodbav:"reason,omitempty"`
	TotalCurrency    string      `dynamodbav:"totalCurrency,omitempty"`
	Total            int64       `dynamodbav:"total,omitempty"`
	RefundVersions   []int64     `dynamodbav:"refundVersions,omitempty"`
	RefundTimes      []time.Time `dynamodbav:"refundTimes,omitempty"`
	RefundCurrencies []string    `dynamodbav:"refundCurrencies,omitempty"`
	RefundSums       []int64     `dynamodbav:"refundSums,omitempty"`
	Version          int64       `dynamodbav:"version"`
}

type line struct {
	SKU      string `dynamodbav:"sku"`
	Quantity int64  `dynamodbav:"quantity"`
	Currency string `dynamodbav:"currency"`
	Price    int64  `dynamodbav:"price"`
}

func fromFacts(f reporting.Facts) facts {
	item := facts{OrderID: f.OrderID, Version: f.Version}
	if p := f.Placed; p != nil {
		item.PlacedAt = p.At
		for _, l := range p.Lines {
			item.Lines = append(item.Lines, line{l.SKU, l.Quantity, l.UnitPrice.Currency, l.UnitPrice.Amount})
		}
	}
	if e := f.Ended; e != nil {
		item.EndedAt, item.Status, item.Reason = e.At, string(e.Status), e.Reason
		item.TotalCurrency, item.Total = e.Total.Currency, e.Total.Amount
	}
	for _, r := range f.Refunds {
		item.RefundVersions = append(item.RefundVersions, r.Version)
		item.RefundTimes = append(item.RefundTimes, r.At)
		item.RefundCurrencies = append(item.RefundCurrencies, r.Sum.Currency)
		item.RefundSums = append(item.RefundSums, r.Sum.Amount)
	}
	return item
}

func (item facts) domain() reporting.Facts {
	f := reporting.Facts{OrderID: item.OrderID, Version: item.Version}
	if len(item.Lines) > 0 {
		f.Placed = &reporting.Placed{At: item.PlacedAt}
		for _, l := range item.Lines {
			price := money.Money{Currency: l.Currency, Amount: l.Price}
			f.Placed.Lines = append(f.Placed.Lines, reporting.Line{SKU: l.SKU, Quantity: l.Quantity, UnitPrice: price})
		}
	}
	if item.Status != "" {
		f.Ended = &reporting.Ended{
			At: item.EndedAt, Status: reporting.Status(item.Status), Reason: item.Reason,
			Total: money.Money{Currency: item.TotalCurrency, Amount: item.Total},
		}
	}
	for i, version := range item.RefundVersions {
		f.Refunds = append(f.Refunds, reporting.Refund{
			Version: version, At: item.RefundTimes[i],
			Sum: money.Money{Currency: item.RefundCurrencies[i], Amount: item.RefundSums[i]},
		})
	}
	return f
}

type parked struct {
	Topic     string    `dynamodbav:"topic"`
	Partition int32     `dynamodbav:"partition"`
	Offset    int64     `dynamodbav:"offset"`
	Reason    string    `dynamodbav:"reason"`
	At        time.Time `dynamodbav:"at"`
}

func fromParked(p reporting.Parked) parked {
	return parked{p.Topic, p.Partition, p.Offset, p.Reason, p.At}
}

func (item parked) domain() reporting.Parked {
	source := reporting.Source{Topic: item.Topic, Partition: item.Partition}
	return reporting.Parked{Source: source, Offset: item.Offset, Reason: item.Reason, At: item.At}
}

// Keys.

func under(generation int64, what string) string {
	return "G" + strconv.FormatInt(generation, 10) + "#" + what
}

func progressKey(generation int64, of reporting.Source) (pk, sk string) {
	return under(generation, "progress"), sourceKey(of)
}

func sourceKey(of reporting.Source) string { return of.Topic + "#" + strconv.Itoa(int(of.Partition)) }

func sourceOf(key string) reporting.Source {
	topic, partition, _ := strings.Cut(key, "#") // not in the names of topics
	n, _ := strconv.ParseInt(partition, 10, 32)
	return reporting.Source{Topic: topic, Partition: int32(n)}
}

func parkedPartition(generation int64) string { return under(generation, "parked") }

// parkedKey sorts by time, after the keys of records that earlier releases parked, which began with
// the topic, orderflow.….
func parkedKey(generation int64, p reporting.Parked) (pk, sk string) {
	at := p.At.UTC().Format("2006-01-02T15:04:05.000000000")
	return parkedPartition(generation), fmt.Sprintf("t%s#%s#%05d#%019d", at, p.Topic, p.Partition, p.Offset)
}

func rowKey(generation int64, id reporting.RowID) (pk, sk string) {
	return under(generation, string(id.Report)), rowSort(id)
}

func rowSort(id reporting.RowID) string { return id.Day + "#" + id.Of }

func rowOf(report reporting.Report, sk string) reporting.RowID {
	day, of, _ := strings.Cut(sk, "#")
	return reporting.RowID{Report: report, Day: day, Of: of}
}
