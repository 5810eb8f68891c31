package lineartest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"orderflow/internal/inventory"
)

// busy is the code of a transient error. It may occur at any time and changes nothing.
const busy = "Busy"

// progress is the progress of an order.
type progress string

const (
	untouched progress = ""
	reserved  progress = "reserved"
	committed progress = "committed"
	// A released order stays released. Its progress before that decides the results of repeated
	// steps.
	releasedReserved  progress = "reserved, released"
	releasedCommitted progress = "committed, released"
	releasedUntouched progress = "released before it was reserved"
)

// warehouse is the sequential model. A product exists from its first adjustment on.
type warehouse struct {
	stock  map[string]inventory.Stock
	orders map[string]progress
}

func (w warehouse) clone() warehouse { return warehouse{maps.Clone(w.stock), maps.Clone(w.orders)} }

// model returns the warehouse as a model of porcupine; by product, each product's history is
// checked separately.
func model(byProduct bool) porcupine.Model {
	m := porcupine.Model{
		Init: func() any { return warehouse{map[string]inventory.Stock{}, map[string]progress{}} },
		Step: func(state, input, output any) (bool, any) {
			w, c, a := state.(warehouse), input.(call), output.(answer)
			if a.code == busy {
				return true, w
			}
			next := w.clone()
			want := next.apply(c)
			if a.stock.Moving { // only the sum is exact
				a.stock, want.stock = total(a.stock), total(want.stock)
			}
			return want == a, next
		},
		Equal: func(a, b any) bool {
			x, y := a.(warehouse), b.(warehouse)
			return maps.Equal(x.stock, y.stock) && maps.Equal(x.orders, y.orders)
		},
	}
	if byProduct {
		m.Partition = func(history []porcupine.Operation) [][]porcupine.Operation {
			byProduct := map[string][]porcupine.Operation{}
			for _, op := range history {
				product := op.Input.(call).lines[0].SKU
				byProduct[product] = append(byProduct[product], op)
			}
			return slices.Collect(maps.Values(byProduct))
		}
	}
	return m
}

// total returns stock with all units in one bucket.
func total(s inventory.Stock) inventory.Stock {
	return inventory.Stock{SKU: s.SKU, Available: s.Available + s.Reserved + s.Shipped}
}

// apply applies a call and returns its result.
func (w warehouse) apply(c call) answer {
	switch c.kind {
	case get:
		if s, known := w.stock[c.lines[0].SKU]; known {
			return answer{stock: s}
		}
		return answer{code: inventory.ErrNoStock.Code}
	case adjust:
		s := w.stock[c.lines[0].SKU]
		s.SKU = c.lines[0].SKU
		if s.Available += c.delta; s.Available < 0 {
			return answer{code: inventory.ErrBelowZero.Code}
		}
		w.stock[s.SKU] = s
		return answer{stock: s}
	case reserve:
		return w.reserve(c)
	case commit:
		return w.commit(c)
	default:
		return w.release(c)
	}
}

func (w warehouse) reserve(c call) answer {
	switch w.orders[c.order] {
	case releasedUntouched:
		return answer{code: "StepCompensated"}
	case untouched:
		for _, l := range c.lines {
			if w.stock[l.SKU].Available < l.Quantity {
				return answer{code: inventory.ErrOutOfStock.Code}
			}
		}
		w.move(c, -1, 1, 0)
		w.orders[c.order] = reserved
	}
	return answer{status: "RESERVED"}
}

func (w warehouse) commit(c call) answer {
	switch w.orders[c.order] {
	case untouched:
		return answer{code: inventory.ErrNoReservation.Code}
	case releasedReserved, releasedUntouched:
		return answer{code: "StepCompensated"}
	case reserved:
		w.move(c, 0, -1, 1)
		w.orders[c.order] = committed
	}
	return answer{status: "COMMITTED"}
}

func (w warehouse) release(c call) answer {
	switch w.orders[c.order] {
	case untouched, releasedUntouched:
		w.orders[c.order] = releasedUntouched
		return answer{}
	case reserved:
		w.move(c, 1, -1, 0)
		w.orders[c.order] = releasedReserved
	case committed:
		w.move(c, 1, 0, -1)
		w.orders[c.order] = releasedCommitted
	}
	return answer{status: "RELEASED"}
}

// move adds each line's quantity, times the bucket's factor, to every bucket.
func (w warehouse) move(c call, available, reserved, shipped int) {
	for _, l := range c.lines {
		s := w.stock[l.SKU]
		s.Available += available * l.Quantity
		s.Reserved += reserved * l.Quantity
		s.Shipped += shipped * l.Quantity
		w.stock[l.SKU] = s
	}
}

// describe lists a history in the order of the returns.
func describe(history []porcupine.Operation) string {
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return int(a.Return - b.Return) })
	var text strings.Builder
	for _, op := range history {
		c, a := op.Input.(call), op.Output.(answer)
		fmt.Fprintf(&text, "%9d–%9d µs  client %d  ", op.Call/1000, op.Return/1000, op.ClientId)
		fmt.Fprintf(&text, "%s %s %v %+d  →  %s%s %+v", c.kind, c.order, c.lines, c.delta, a.status, a.code, a.stock)
		if a.cause != nil {
			fmt.Fprintf(&text, " %v", a.cause)
		}
		text.WriteByte('\n')
	}
	return text.String()
}
