package tables

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Contended stands in front of a Server and adds the effects of concurrent calls in DynamoDB, which
// a Server and every emulator leave out:
//
//   - A call takes its time, from half of Latency to one and a half.
//   - A transaction holds its items for that long. Another transaction, or a single write, that
//     includes one of them is refused at once, with TransactionConflict.
//   - Single writes of one item queue up.
//   - A partition key takes 1,000 write units a second, twice one per item of a transaction. What
//     exceeds them is refused as throttled. Every item counts as one of at most 1 KB.
type Contended struct {
	Next    http.Handler
	Latency time.Duration
	// Refused counts refused transactions, by code.
	Refused map[string]int

	mu     sync.Mutex
	held   map[string]bool      // items of transactions in progress
	free   map[string]time.Time // when the next single write of an item may begin
	second map[string]int64     // by partition key, the second of used
	used   map[string]int       // units in that second
}

// NewContended returns a handler that calls next.
func NewContended(next http.Handler, latency time.Duration) *Contended {
	return &Contended{
		Next: next, Latency: latency, Refused: map[string]int{}, held: map[string]bool{},
		free: map[string]time.Time{}, second: map[string]int64{}, used: map[string]int{},
	}
}

const (
	conflict  = "TransactionConflict"
	throttled = "ThrottlingError"
	partition = 1000 // units per second
)

// place is an item of a request.
type place struct{ partition, item string }

func placeOf(table string, key Item) place {
	pk := table + "\x00" + key["pk"].text()
	return place{pk, pk + "\x00" + key["sk"].text()}
}

// ServeHTTP answers a call after its time.
func (c *Contended) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var in request
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	takes := c.Latency/2 + rand.N(c.Latency+1) //nolint:gosec // latency, not a secret
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var places []place
	switch operation {
	case "TransactWriteItems":
		for _, i := range in.TransactItems {
			kind, write := i.write()
			if kind == "Put" {
				write.Key = write.Item
			}
			places = append(places, placeOf(write.TableName, write.Key))
		}
		if reasons := c.hold(places); reasons != nil {
			time.Sleep(takes)
			const cancelled = "TransactionCanceledException"
			refuse(w, &apiError{Type: cancelled, Message: "Transaction cancelled", Reasons: reasons})
			return
		}
		defer c.release(places)
	case "PutItem", "UpdateItem", "DeleteItem":
		if operation == "PutItem" {
			in.Key = in.Item
		}
		wait, refused := c.queue(placeOf(in.TableName, in.Key))
		if takes += wait; refused != nil {
			time.Sleep(takes)
			refuse(w, refused)
			return
		}
	}
	time.Sleep(takes)
	c.Next.ServeHTTP(w, r)
}

func refuse(w http.ResponseWriter, err *apiError) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(err)
}

// hold begins a transaction, or returns the reasons against it.
func (c *Contended) hold(places []place) []map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	reasons, refused := make([]map[string]any, len(places)), false
	for i, p := range places {
		code := "None"
		switch {
		case c.held[p.item]:
			code = conflict
		case !c.spend(p.partition, 2):
			code = throttled
		}
		if code != "None" {
			c.Refused[code]++
			refused = true
		}
		reasons[i] = map[string]any{"Code": code}
	}
	if refused {
		return reasons
	}
	for _, p := range places {
		c.held[p.item] = true
	}
	return nil
}

func (c *Contended) release(places []place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range places {
		delete(c.held, p.item)
	}
}

// queue admits a single write, after a wait, or refuses it.
func (c *Contended) queue(p place) (time.Duration, *apiError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[p.item] {
		return 0, &apiError{Type: conflict + "Exception", Message: "Transaction is ongoing for the item"}
	}
	if !c.spend(p.partition, 1) {
		return 0, &apiError{Type: "ThrottlingException", Message: "Throughput exceeds the partition's limit"}
	}
	now := time.Now()
	begins := c.free[p.item]
	if begins.Before(now) {
		begins = now
	}
	c.free[p.item] = begins.Add(time.Second / partition)
	return begins.Sub(now), nil
}

// spend takes write units from a partition, if this second has as many left.
func (c *Contended) spend(partitionKey string, units int) bool {
	if now := time.Now().Unix(); c.second[partitionKey] != now {
		c.second[partitionKey], c.used[partitionKey] = now, 0
	}
	c.used[partitionKey] += units
	return c.used[partitionKey] <= partition
}
