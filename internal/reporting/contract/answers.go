package contract

import (
	"time"

	"orderflow/internal/platform/money"
)

// Entries of reports. Day is empty in totals.
type (
	// Sales are the sales in a currency.
	Sales struct {
		Day     string      `json:"day,omitempty"`
		Orders  int64       `json:"orders"`
		Units   int64       `json:"units"`
		Revenue money.Money `json:"revenue"`
		Refunds money.Money `json:"refunds"`
	}
	// ProductSales are the sales of a product in a currency.
	ProductSales struct {
		Day     string      `json:"day,omitempty"`
		SKU     string      `json:"sku"`
		Units   int64       `json:"units"`
		Revenue money.Money `json:"revenue"`
	}
	// Outcome is how many orders were placed, or ended in one way.
	Outcome struct {
		Day     string `json:"day,omitempty"`
		Outcome string `json:"outcome"`
		Reason  string `json:"reason,omitempty"`
		Orders  int64  `json:"orders"`
	}
	// Latency is how long orders took to their final status.
	Latency struct {
		Day    string `json:"day,omitempty"`
		Orders int64  `json:"orders"`
		P50    int64  `json:"p50Ms"`
		P95    int64  `json:"p95Ms"`
		P99    int64  `json:"p99Ms"`
	}
)

// Generation is the generation of the reports that answered.
type Generation struct {
	Number int64 `json:"number"`
	// CompleteSince is since when it has every event; nil if it has every event that was ever in
	// the log.
	CompleteSince *time.Time `json:"completeSince,omitempty"`
}

// ParkedRecord is a record of the log that no report includes.
type ParkedRecord struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Reason    string    `json:"reason"`
	ParkedAt  time.Time `json:"parkedAt"`
}

// Rebuild is a rebuild of the reports from the log.
type Rebuild struct {
	Generation    int64      `json:"generation"`
	State         string     `json:"state"`
	By            string     `json:"by"`
	StartedAt     time.Time  `json:"startedAt"`
	UpdatedAt     time.Time  `json:"updatedAt"`
	Read          int64      `json:"read"`
	Total         int64      `json:"total"`
	CompleteSince *time.Time `json:"completeSince,omitempty"`
}

// Reads says whether the rebuild still reads the log.
func (r Rebuild) Reads() bool { return r.State == "BUILDING" }
