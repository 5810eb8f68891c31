package strangler

import "orderflow/internal/gateway"

// What the tests of the anti-corruption layer use.
var (
	Decimal       = decimal
	OrderOf       = Table.order
	ProductOf     = Table.product
	RefusalOf     = refusal
	ParsePosition = parsePosition
)

// Request translates a placement that is sent for the first time.
func Request(t Table, in Placement) (gateway.OrderRequest, error) {
	return request(in, t.translation(in))
}

// Position returns a page parameter.
func Position(after string, offset int, newEnded, oldEnded bool) string {
	return position{after, offset, newEnded, oldEnded}.String()
}

// Position is what a page parameter says.
func (p position) Position() (after string, offset int, newEnded, oldEnded bool) {
	return p.after, p.offset, p.newEnded, p.oldEnded
}
