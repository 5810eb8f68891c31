package strangler

// This file is the anti-corruption layer. It translates between the old interface and the services'
// contract, both ways and without a record of its own.
//
//	old interface                new side
//	order_id, 40 digits          the number of the ULID, plus 10^39
//	product_id                   the SKU by the table of routes; a SKU that is not in it is 9, 15
//	                             zeros, and two digits a character: its ASCII code less 32
//	price, total: decimal text   money in minor units, with the currency's decimal places
//	placed_at, UTC, seconds      createdAt
//	request_id                   Idempotency-Key
//	state new                    PENDING
//	state shipped                CONFIRMED: paid and handed over to the carrier
//	state failed                 REJECTED, NEEDS_ATTENTION
//	state cancelled              CANCELLED
//
// An id of at most 12 digits is the old shop's. docs/strangler.md lists what is lost.

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/money"
)

const (
	// maxOldID is the largest number of digits in an id of the old shop. Payment cards have 13 or
	// more, and their numbers are refused everywhere.
	maxOldID = 12
	// maxLine is the largest quantity of a line in the services' contract.
	maxLine = 999
	// orderDigits is the length of the id of an order of the new side.
	orderDigits = 40
	// encodedSKU begins the id of a product that the old shop does not have.
	encodedSKU = "9000000000000000"
)

// firstOrder is added to a ULID's number, so that all ids have the same length and no leading zero.
var firstOrder = new(big.Int).Exp(big.NewInt(10), big.NewInt(orderDigits-1), nil)

// OrderID returns the old interface's id of an order of the new side.
func OrderID(orderID string) (string, error) {
	id, err := ulid.ParseStrict(orderID)
	if err != nil {
		return "", fmt.Errorf("the id of an order is not a ULID: %w", err)
	}
	n := new(big.Int).SetBytes(id[:])
	return n.Add(n, firstOrder).String(), nil
}

// OwnerOf returns the side that owns an order, by its id in the old interface, and its id there. It
// returns false if no order can have the id.
func OwnerOf(orderID string) (owner Side, id string, ok bool) {
	switch {
	case isOld(orderID):
		return OldSide, orderID, true
	case len(orderID) != orderDigits || !digits(orderID):
		return "", "", false
	}
	n, _ := new(big.Int).SetString(orderID, 10)
	n.Sub(n, firstOrder)
	var u ulid.ULID
	if n.Sign() < 0 || n.BitLen() > len(u)*8 {
		return "", "", false
	}
	n.FillBytes(u[:])
	return NewSide, u.String(), true
}

// isOld reports whether an id or a page belongs to the old shop.
func isOld(id string) bool { return digits(id) && len(id) <= maxOldID }

func digits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// ProductID returns the old interface's id of a product of the new side.
func (t Table) ProductID(sku string) string {
	for id, s := range t.Products {
		if s == sku {
			return id
		}
	}
	return encodeSKU(sku)
}

func encodeSKU(sku string) string {
	var b strings.Builder
	b.WriteString(encodedSKU)
	for i := range len(sku) {
		fmt.Fprintf(&b, "%02d", sku[i]-' ')
	}
	return b.String()
}

// SKU returns the SKU of a product by its id in the old interface, or false if the new side has no
// such product.
func (t Table) SKU(productID string) (string, bool) {
	if s, ok := t.Products[productID]; ok {
		return s, true
	}
	s, ok := decodeSKU(productID)
	return s, ok && t.ProductID(s) == productID // a product of the table has only that id
}

func decodeSKU(productID string) (string, bool) {
	code, ok := strings.CutPrefix(productID, encodedSKU)
	if !ok || !digits(code) || len(code)%2 != 0 {
		return "", false
	}
	var b []byte
	for pair := range slices.Chunk([]byte(code), 2) {
		b = append(b, ' '+(pair[0]-'0')*10+pair[1]-'0')
	}
	return string(b), gateway.CheckSKU(string(b)) == nil
}

// decimal returns an amount as decimal text with the currency's decimal places.
func decimal(m money.Money) string {
	text, _, _ := strings.Cut(m.String(), " ")
	return text
}

// product translates a product of the new side.
func (t Table) product(p gateway.Product) Product {
	return Product{
		ProductID: t.ProductID(p.SKU), ArticleNo: p.SKU, Title: p.Name,
		Price: decimal(p.Price), Currency: p.Price.Currency,
	}
}

// states has the states by the status of an order of the new side. A status added later is
// StateNew: the order exists, and is not known to be final.
var states = map[string]State{
	"PENDING": StateNew, "CONFIRMED": StateShipped, "REJECTED": StateFailed, "NEEDS_ATTENTION": StateFailed,
	"CANCELLED": StateCancelled,
}

// notes has the cancel notes by the reason of a cancelled order. The new side does not return the
// customer's own words.
var notes = map[string]string{
	"CANCELLED_BY_CUSTOMER": "cancelled by the customer", "CANCELLED_BY_OPERATOR": "cancelled by the shop",
}

// order translates an order of the new side.
func (t Table) order(o gateway.Order) (Order, error) {
	id, err := OrderID(o.OrderID)
	if err != nil {
		return Order{}, err
	}
	at, err := time.Parse(time.RFC3339, o.CreatedAt)
	if err != nil {
		return Order{}, err
	}
	old := Order{
		OrderID: id, State: cmp.Or(states[o.Status], StateNew), Total: decimal(o.Total), Currency: o.Total.Currency,
		PlacedAt: at.UTC().Format(TimeFormat),
	}
	for _, l := range o.Items {
		line := Line{ProductID: t.ProductID(l.SKU), Qty: l.Quantity, Price: decimal(l.UnitPrice)}
		old.Lines = append(old.Lines, line)
	}
	if old.State == StateCancelled && o.Reason != nil {
		if note, ok := notes[*o.Reason]; ok {
			old.CancelNote = &note
		}
	}
	return old, nil
}

// translation returns the SKUs of a placement's products, as in "1001=MUG-BLUE 1002=TEA", or "" if
// the new side lacks one.
func (t Table) translation(in Placement) string {
	var all []string
	for _, l := range in.Lines {
		s, ok := t.SKU(l.ProductID)
		if !ok {
			return ""
		}
		all = append(all, l.ProductID+"="+s)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

// request translates a placement by a translation of its products. The new side allows a product in
// one line only, so lines of the same product become one.
func request(in Placement, translation string) (gateway.OrderRequest, error) {
	if translation == "" {
		return gateway.OrderRequest{}, errNoProduct
	}
	skus := map[string]string{}
	for _, pair := range strings.Fields(translation) {
		id, s, _ := strings.Cut(pair, "=")
		skus[id] = s
	}
	req := gateway.OrderRequest{PaymentMethod: in.PayToken, ShippingAddress: gateway.AddressRequest{
		Name: in.ShipTo.FullName, Line1: in.ShipTo.Street, City: in.ShipTo.Town,
		Country: strings.ToUpper(in.ShipTo.CountryCode),
	}}
	if in.ShipTo.Zip != "" {
		req.ShippingAddress.PostalCode = &in.ShipTo.Zip
	}
	for _, l := range in.Lines {
		s, ok := skus[l.ProductID]
		if !ok {
			return gateway.OrderRequest{}, errReused
		}
		i := slices.IndexFunc(req.Items, func(item gateway.OrderRequestLine) bool { return item.SKU == s })
		if i < 0 {
			i, req.Items = len(req.Items), append(req.Items, gateway.OrderRequestLine{SKU: s})
		}
		if req.Items[i].Quantity += l.Qty; req.Items[i].Quantity > maxLine {
			return gateway.OrderRequest{}, badRequest("at most " + strconv.Itoa(maxLine) + " pieces of a product")
		}
	}
	return req, nil
}

// cancellation translates a cancellation.
func cancellation(in Cancellation) gateway.CancelRequest {
	if in.Note == "" {
		return gateway.CancelRequest{}
	}
	return gateway.CancelRequest{Reason: &in.Note}
}
