package strangler

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"sync"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/jsonschema"
)

// Route is a route of the old shop's interface.
type Route string

// The routes.
const (
	ListProducts Route = "list-products"
	ReadProduct  Route = "read-product"
	PlaceOrder   Route = "place-order"
	ReadOrder    Route = "read-order"
	ListOrders   Route = "list-orders"
	CancelOrder  Route = "cancel-order"
)

// AllRoutes are the routes, in the order of reports.
var AllRoutes = [...]Route{ListProducts, ReadProduct, PlaceOrder, ReadOrder, ListOrders, CancelOrder}

// ByOwner reports whether the side that owns an order serves the route, whatever its mode: an order
// must stay reachable after every change of the table.
func (r Route) ByOwner() bool { return r == ReadOrder || r == ListOrders || r == CancelOrder }

// Mode says how a route is served.
type Mode string

// The modes.
const (
	// Legacy: by the old shop.
	Legacy Mode = "legacy"
	// Shadow: by the old shop, and the answer is compared with the new side's later. Only products
	// are on both sides, so only their routes can be in this mode.
	Shadow Mode = "shadow"
	// Split: by the new side for Weight percent of the customers, and by the old shop if the new
	// side is down.
	Split Mode = "split"
	// New: by the new side only. The old shop gets no new orders.
	New Mode = "new"
)

// Setting is the mode of a route. Weight belongs to Split.
type Setting struct {
	Mode   Mode `json:"mode"`
	Weight int  `json:"weight,omitempty"`
}

// Side is one of the two shops.
type Side string

// The sides.
const (
	OldSide Side = "old"
	NewSide Side = "new"
)

// Side returns the side that serves a customer. It depends only on the customer and the weight, and
// a higher weight moves customers only to the new side.
func (s Setting) Side(customer string) Side {
	h := fnv.New32a()
	_, _ = h.Write([]byte(customer)) // never fails
	if s.Mode == New || s.Mode == Split && int(h.Sum32()%100) < s.Weight {
		return NewSide
	}
	return OldSide
}

// Table is the table of routes.
type Table struct {
	Version   int64             `json:"version"`
	ChangedBy string            `json:"changedBy,omitempty"`
	ChangedAt string            `json:"changedAt,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	Routes    map[Route]Setting `json:"routes"`
	// Products has the SKU of each product of the old shop, by its id there.
	Products map[string]string `json:"products"`
}

// AllLegacy is the table in which the old shop serves everything.
func AllLegacy() Table {
	t := Table{Routes: map[Route]Setting{}, Products: map[string]string{}}
	for _, r := range AllRoutes {
		t.Routes[r] = Setting{Mode: Legacy}
	}
	return t
}

//go:embed routes_schema.json
var tableSchema []byte

var parsedSchema = sync.OnceValues(func() (*jsonschema.Schema, error) { return jsonschema.Parse(tableSchema) })

// MaxTable is the largest value of a standard parameter, in bytes. It has room for some 150
// products.
const MaxTable = 4096

// Parse reads a table and refuses one that does not match routes_schema.json. The error says what
// is wrong, for an operator.
func Parse(text []byte) (Table, error) {
	if len(text) > MaxTable {
		return Table{}, fmt.Errorf("the table has %d bytes; a parameter has at most %d", len(text), MaxTable)
	}
	schema, err := parsedSchema()
	if err != nil {
		return Table{}, err
	}
	if err := schema.Validate(text); err != nil {
		return Table{}, err
	}
	t := AllLegacy()
	if err := json.Unmarshal(text, &t); err != nil {
		return Table{}, err
	}
	return t, t.check()
}

// check checks what the schema cannot say.
func (t Table) check() error {
	for _, r := range AllRoutes {
		if s := t.Routes[r]; s.Weight != 0 && s.Mode != Split {
			return fmt.Errorf("/routes/%s: only the mode split has a weight", r)
		}
	}
	ids := map[string]string{}
	for id, s := range t.Products {
		switch other, twice := ids[s]; {
		case !isOld(id):
			return fmt.Errorf("/products: an id of the old shop has 1 to 12 digits")
		case gateway.CheckSKU(s) != nil:
			return fmt.Errorf("/products/%s: not a SKU", id)
		case twice:
			return fmt.Errorf("/products: %s and %s have the same SKU", id, other)
		}
		ids[s] = id
	}
	return nil
}
