package orders

import (
	"fmt"
	"strings"

	"orderflow/internal/orders/contract"
)

// Shortage says how many pieces of a line were missing.
type Shortage = contract.Shortage

// short returns the shortages of an order's lines from a step's input; see contract.Reject. Entries
// that cannot be read, or that exceed the ordered quantity, are left out: they must not fail the
// order.
func (o Order) short(text string) (all []Shortage) {
	for _, field := range strings.Fields(text) {
		var line, missing int
		_, err := fmt.Sscanf(field, "%d:%d", &line, &missing)
		if err != nil || line < 1 || line > len(o.Items) || missing < 1 || missing > o.Items[line-1].Quantity {
			continue
		}
		all = append(all, Shortage{SKU: o.Items[line-1].SKU, Missing: missing})
	}
	return all
}
