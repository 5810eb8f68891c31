// Package lineartest checks that inventory is linearizable over a store: there is a sequential
// order of the concurrent calls that explains all their results, in which a call that returned
// before another began comes first.
//
// It records histories of concurrent calls of the use cases, barriers included, and lets porcupine
// (https://github.com/anishathalye/porcupine) search for such an order, against the model in
// model.go.
package lineartest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/clock"
	with "orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
)

// Shape says which histories to record.
type Shape struct {
	Histories int // how many, each over a new store
	Clients   int // concurrent clients
	Calls     int // calls of each client
	// WholeOrders makes orders of two lines. Their histories cannot be partitioned by product, so
	// checking takes far longer.
	WholeOrders bool
	// Contended makes most reservations and adjustments conflict with others, so that products are
	// split. They are constantly merged again.
	Contended bool
}

// limit bounds the check of one history.
const limit = 8 * time.Second

// Run checks histories over the stores that open returns.
func Run(t *testing.T, shape Shape, open func(t *testing.T, c clock.Clock) inventory.Store) {
	for n := range shape.Histories {
		history := Record(t, uint64(n), shape, open(t, clock.System{}))
		switch Check(history, shape) {
		case porcupine.Illegal:
			t.Fatalf("history %d is not linearizable:\n%s", n, describe(history))
		case porcupine.Unknown:
			t.Fatalf("history %d was not decided within %s: make it shorter", n, limit)
		}
	}
}

// Check looks for a sequential order of the calls that the model accepts.
func Check(history []porcupine.Operation, shape Shape) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(model(!shape.WholeOrders), history, limit)
}

// Record records the calls of concurrent clients. The seed decides the calls, not their
// interleaving.
func Record(t *testing.T, seed uint64, shape Shape, store inventory.Store) []porcupine.Operation {
	t.Helper()
	if shape.Contended {
		store = &crowded{Store: store}
	}
	svc := inventory.New(store, clock.System{}, ids.Random(clock.System{}))
	start := time.Now()
	histories := make([][]porcupine.Operation, shape.Clients)
	var all sync.WaitGroup
	for client := range shape.Clients {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(client)))
			for range shape.Calls {
				c := draw(random, shape)
				op := porcupine.Operation{ClientId: client, Input: c, Call: int64(time.Since(start))}
				op.Output = c.run(t.Context(), svc)
				op.Return = int64(time.Since(start))
				histories[client] = append(histories[client], op)
				if shape.Contended && random.IntN(6) == 0 {
					_, _ = svc.MergeStock(t.Context()) // the outcome is unknown
				}
			}
		})
	}
	all.Wait()
	var history []porcupine.Operation
	for _, h := range histories {
		history = append(history, h...)
	}
	for _, op := range history {
		if op.Output.(answer).code == unexpected {
			t.Fatalf("%s", describe([]porcupine.Operation{op}))
		}
	}
	return history
}

// crowded is a store in which three of four reservations conflict with others, and half of the
// adjustments of split products.
type crowded struct {
	inventory.Store
	moves, adjusts atomic.Int64
}

func (s *crowded) Adjust(ctx context.Context, before, after []inventory.Shard, w with.With) error {
	if len(before) > 1 && s.adjusts.Add(1)%2 == 0 {
		return inventory.ErrContended
	}
	return s.Store.Adjust(ctx, before, after, w)
}

func (s *crowded) Move(
	ctx context.Context, r inventory.Reservation, from, to inventory.Bucket, w with.With,
) error {
	if from == inventory.Available && s.moves.Add(1)%4 > 0 {
		return &inventory.Blocked{SKU: r.Items[0].SKU, Err: inventory.ErrContended}
	}
	return s.Store.Move(ctx, r, from, to, w)
}

// kind is the use case of a call.
type kind string

const (
	reserve kind = "reserve"
	commit  kind = "commit"
	release kind = "release"
	adjust  kind = "adjust"
	get     kind = "get"
)

// call is one call. lines are the order's lines, or the product of adjust and get.
type call struct {
	kind  kind
	order string
	lines []contract.Line
	delta int
}

// answer is the result of a call.
type answer struct {
	status string // of a step
	stock  inventory.Stock
	code   string // of the error, or ""
	cause  error
}

// unexpected is the code of an error that is not a fault.
const unexpected = "Unexpected"

// draw returns a random call. Few products, little stock and few orders make calls conflict. An
// order's steps may come in any order and any number of times, as after late messages and zombie
// invocations.
func draw(r *rand.Rand, shape Shape) call {
	const products, orders = 3, 12
	order := r.IntN(orders)
	c := call{order: fmt.Sprint("order-", order)}
	// An order's lines depend only on its number.
	for n := 0; n < 1 || n < 2 && shape.WholeOrders; n++ {
		c.lines = append(c.lines, contract.Line{SKU: sku((order + n) % products), Quantity: 1 + order%3})
	}
	switch n := r.IntN(10); {
	case n < 3:
		c.kind = reserve
	case n < 5:
		c.kind = release
	case n < 6:
		c.kind = commit
	case n < 8:
		c.kind, c.delta = adjust, r.IntN(7)-2
		if shape.Contended { // shards need more stock, and run out of it
			c.delta = r.IntN(15) - 6
		}
	default:
		c.kind = get
	}
	if c.kind == adjust || c.kind == get {
		c.order, c.lines = "", []contract.Line{{SKU: sku(r.IntN(products))}}
	}
	return c
}

func sku(n int) string { return string(rune('A' + n)) }

func (c call) run(ctx context.Context, svc *inventory.Service) (a answer) {
	var err error
	var result contract.Result
	step := contract.Step{OrderID: c.order, CustomerID: "customer", Items: c.lines}
	switch c.kind {
	case reserve:
		result, err = svc.ReserveStock(ctx, step)
	case commit:
		result, err = svc.CommitStock(ctx, step)
	case release:
		result, err = svc.ReleaseStock(ctx, step)
	case adjust:
		adjusted := contract.Adjusted{SKU: c.lines[0].SKU, Delta: c.delta, Reason: "test", By: "test"}
		adjustment := inventory.Adjustment{Adjusted: adjusted, AllowUnknownSKU: true}
		a.stock, _, err = svc.AdjustStock(ctx, idempotency.Request{}, adjustment)
	case get:
		a.stock, err = svc.GetStock(ctx, c.lines[0].SKU)
	}
	if err == nil {
		a.status = result.Status
		return a
	}
	var f *fault.Error
	switch {
	case !errors.As(err, &f):
		return answer{code: unexpected, cause: err}
	case f.Kind == fault.Transient:
		return answer{code: busy}
	}
	return answer{code: f.Code}
}
