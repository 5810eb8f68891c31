package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/graph"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

// shop has orders 00 to 69, newest first, and records the calls.
type shop struct {
	gateway.Shop
	mu     sync.Mutex
	calls  []string
	broken map[string]error
	hangs  string
	as     gateway.Caller
	placed gateway.OrderRequest
	page   *gateway.OrderPage
	// fails is a SKU with which a call for products fails. Then such calls take a while.
	fails         string
	running, most int // calls for products
}

func (s *shop) call(ctx context.Context, as gateway.Caller, name string, args ...any) error {
	s.mu.Lock()
	s.calls, s.as = append(s.calls, strings.TrimSpace(name+" "+fmt.Sprint(args...))), as
	err, hangs := s.broken[name], s.hangs == name
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func id(n int) string { return fmt.Sprintf("01KAQ5M3Z8V7D2X4C6B9N1T0%02d", n) }

func numbered(n int) gateway.Order {
	return gateway.Order{
		OrderID: id(n), Status: "CONFIRMED", Total: money.Money{Currency: "EUR", Amount: 3_000_000_000},
		PaymentMethod: "pm",
		Items:         []gateway.OrderLine{{SKU: fmt.Sprint("SKU-", n%10), Quantity: 2}, {SKU: "MUG", Quantity: 1}},
	}
}

func (s *shop) Order(ctx context.Context, as gateway.Caller, orderID string) (gateway.Order, error) {
	err := s.call(ctx, as, "order", orderID)
	return numbered(7), err
}

func (s *shop) Orders(ctx context.Context, as gateway.Caller, l gateway.OrderList) (gateway.OrderPage, error) {
	err := s.call(ctx, as, "orders", l)
	if s.page != nil {
		return *s.page, err
	}
	var page gateway.OrderPage
	for n := 69; n >= 0; n-- {
		switch {
		case l.After != "" && id(n) >= l.After, l.Cursor != "" && id(n) >= l.Cursor:
		case len(page.Orders) < l.Limit:
			page.Orders = append(page.Orders, numbered(n))
		default:
			cursor := page.Orders[len(page.Orders)-1].OrderID
			page.Cursor = &cursor
		}
	}
	return page, err
}

func (s *shop) Payments(ctx context.Context, as gateway.Caller, ids []string) (all []gateway.Payment, err error) {
	err = s.call(ctx, as, "payments", len(ids))
	for _, id := range ids[1:] { // the first has none yet
		all = append(all, gateway.Payment{OrderID: id, Status: "CAPTURED"})
	}
	return all, err
}

func (s *shop) Reservations(
	ctx context.Context, as gateway.Caller, ids []string,
) (all []gateway.Reservations, err error) {
	err = s.call(ctx, as, "reservations", len(ids))
	for _, id := range ids {
		all = append(all, gateway.Reservations{OrderID: id, Status: "COMMITTED"})
	}
	return all, err
}

func (s *shop) Shipments(ctx context.Context, as gateway.Caller, ids []string) (all []gateway.Shipment, err error) {
	err = s.call(ctx, as, "shipments", len(ids))
	for _, id := range ids {
		all = append(all, gateway.Shipment{OrderID: id, Status: "BOOKED"})
	}
	return all, err
}

func (s *shop) ProductsBySKU(ctx context.Context, as gateway.Caller, skus []string) (all []gateway.Product, err error) {
	err = s.call(ctx, as, "products by SKU", len(skus))
	if s.fails != "" {
		s.mu.Lock()
		s.running++
		s.most = max(s.most, s.running)
		s.mu.Unlock()
		time.Sleep(20 * time.Millisecond) // longer than to start the others
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
		if slices.Contains(skus, s.fails) {
			return nil, errors.New("too many for the table")
		}
	}
	for _, sku := range skus {
		all = append(all, gateway.Product{SKU: sku, Name: "a " + sku})
	}
	return all, err
}

func (s *shop) Availability(
	ctx context.Context, as gateway.Caller, skus []string,
) (all []gateway.Availability, err error) {
	err = s.call(ctx, as, "availability", len(skus))
	for _, sku := range skus {
		all = append(all, gateway.Availability{SKU: sku, Status: "LOW", AsOf: "2026-11-23T09:00:00.000Z"})
	}
	return all, err
}

func (s *shop) Product(ctx context.Context, as gateway.Caller, sku string) (gateway.Product, error) {
	return gateway.Product{SKU: sku}, s.call(ctx, as, "product", sku)
}

func (s *shop) Products(
	ctx context.Context, as gateway.Caller, list gateway.ProductList,
) (page gateway.ProductPage, err error) {
	for n := range list.Limit {
		page.Products = append(page.Products, gateway.Product{SKU: fmt.Sprint("SKU-", n)})
	}
	return page, s.call(ctx, as, "list products", list)
}

func (s *shop) Stock(ctx context.Context, as gateway.Caller, sku string) (gateway.Stock, error) {
	return gateway.Stock{SKU: sku}, s.call(ctx, as, "stock", sku)
}

func (s *shop) PutProduct(
	ctx context.Context, as gateway.Caller, sku string, _ gateway.ProductRequest,
) (gateway.Product, error) {
	return gateway.Product{SKU: sku}, s.call(ctx, as, "put", sku)
}

func (s *shop) AdjustStock(
	ctx context.Context, as gateway.Caller, sku string, _ gateway.StockAdjustment,
) (gateway.Stock, error) {
	return gateway.Stock{SKU: sku}, s.call(ctx, as, "adjust", sku)
}

func (s *shop) PlaceOrder(ctx context.Context, as gateway.Caller, in gateway.OrderRequest) (gateway.Order, error) {
	err := s.call(ctx, as, "place")
	s.placed = in
	return numbered(1), err
}

// run executes a request as alice and returns the data as JSON and the errors as "path code".
func run(t *testing.T, s *shop, query string, variables map[string]any) (data string, errs []string, valid bool) {
	t.Helper()
	out, valid, err := graph.New(s, true).Serve(t.Context(), gateway.Caller{Authorization: "alice"},
		graph.Request{Query: query, Variables: variables})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range out.Errors {
		errs = append(errs, fmt.Sprint(e.Path.String(), " ", e.Extensions["code"]))
	}
	return string(out.Data), errs, valid
}

const everything = `query All($first: Int!, $after: String) { orders(first: $first, after: $after) {
	edges { cursor node { orderId status total { amount } items { quantity product { name } }
		payment { status } reservations { status } shipment { status } } }
	pageInfo { hasNextPage endCursor } } }`

func TestPageOfOrdersWithAllPartsCostsFiveCalls(t *testing.T) {
	s := &shop{}
	data, errs, _ := run(t, s, everything, map[string]any{"first": json.Number("20")})
	if errs != nil {
		t.Fatal(errs)
	}
	slices.Sort(s.calls)
	want := []string{"orders {20 { } }", "payments 20", "products by SKU 11", "reservations 20", "shipments 20"}
	if !slices.Equal(s.calls, want) {
		t.Errorf("%d calls %q, want %q", len(s.calls), s.calls, want)
	}
	var out struct {
		Orders struct {
			Edges []struct {
				Node struct {
					OrderID string
					Total   struct{ Amount int64 }
					Items   []struct{ Product struct{ Name string } }
					Payment *struct{ Status string }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(data), &out); err != nil || len(out.Orders.Edges) != 20 {
		t.Fatalf("%v, %d orders", err, len(out.Orders.Edges))
	}
	first, second := out.Orders.Edges[0].Node, out.Orders.Edges[1].Node
	if first.OrderID != id(69) || first.Payment != nil || first.Total.Amount != 3_000_000_000 ||
		first.Items[0].Product.Name != "a SKU-9" || second.Payment == nil || second.Payment.Status != "CAPTURED" {
		t.Errorf("%+v, %+v", first, second)
	}
}

func TestCursorsContinueAfterAnyOrder(t *testing.T) {
	s := &shop{}
	var seen []string
	var after any
	for range 10 {
		data, errs, _ := run(t, s, everything, map[string]any{"first": 30, "after": after})
		var out struct {
			Orders struct {
				Edges []struct {
					Cursor string
					Node   struct{ OrderID string }
				}
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		if err := json.Unmarshal([]byte(data), &out); err != nil || errs != nil {
			t.Fatal(err, errs)
		}
		for _, e := range out.Orders.Edges {
			seen = append(seen, e.Node.OrderID)
		}
		if after = out.Orders.PageInfo.EndCursor; !out.Orders.PageInfo.HasNextPage {
			break
		}
	}
	if len(seen) != 70 || seen[0] != id(69) || seen[69] != id(0) {
		t.Errorf("%d orders: %q", len(seen), seen)
	}
	for _, cursor := range []string{"x", "", "cHJvZHVjdDpNVUc"} { // the last is of a product
		_, errs, _ := run(t, s, everything, map[string]any{"first": 1, "after": cursor})
		if !slices.Equal(errs, []string{"orders InvalidCursor"}) {
			t.Errorf("%q: %q", cursor, errs)
		}
	}
}

func TestPartThatFailsIsNullAndTheRestIsServed(t *testing.T) {
	const q = `{ order(orderId: "01KAQ5M3Z8V7D2X4C6B9N1T007") { orderId payment { status } shipment { status } } }`
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"failure": {errors.New("the password is secret"), "Unavailable"},
		"refusal": {fault.New(fault.Forbidden, "Forbidden", "no"), "Forbidden"},
	} {
		data, errs, valid := run(t, &shop{broken: map[string]error{"payments": c.err}}, q, nil)
		want := `{"order":{"orderId":"` + id(7) + `","payment":null,"shipment":{"status":"BOOKED"}}}`
		if data != want || !slices.Equal(errs, []string{"order.payment " + c.code}) || !valid {
			t.Errorf("%s: %s %q, want %s", name, data, errs, want)
		}
	}
	s := &shop{broken: map[string]error{"order": fault.New(fault.NotFound, "OrderNotFound", "there is no such order")}}
	if data, errs, _ := run(t, s, q, nil); data != `{"order":null}` || !slices.Equal(errs, []string{"order OrderNotFound"}) {
		t.Errorf("%s %q", data, errs)
	}
}

func TestPartThatHangsEndsWithTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data, errs, _ := run(t, &shop{hangs: "payments"}, `{ order(orderId: "01KAQ5M3Z8V7D2X4C6B9N1T007") { payment { status } shipment { status } } }`, nil)
		if data != `{"order":{"payment":null,"shipment":{"status":"BOOKED"}}}` || !slices.Equal(errs, []string{"order.payment Unavailable"}) {
			t.Errorf("%s %q", data, errs)
		}
	})
}

func TestAvailabilityOfAPageCostsOneCall(t *testing.T) {
	for query, want := range map[string][]string{
		`{ products(first: 30) { nodes { sku available { status asOf } } } }`: {"availability 30", "list products {30 { } }"},
		`{ products(first: 30) { nodes { sku } } }`:                           {"list products {30 { } }"},
		`{ products(first: 2, name: "red mug") { nodes { name } } }`:          {"list products {2 { } red mug}"},
		`{ product(sku: "MUG") { available { sku status } } }`:                {"availability 1", "product MUG"},
		`{ orders { nodes { items { product { available { status } } } } } }`: {
			"availability 11", "orders {20 { } }", "products by SKU 11"},
	} {
		s := &shop{}
		data, errs, _ := run(t, s, query, nil)
		slices.Sort(s.calls)
		if !slices.Equal(s.calls, want) || errs != nil {
			t.Errorf("%s: %q, %q; want %q", query, s.calls, errs, want)
		}
		if strings.Contains(query, "status") && (strings.Contains(data, "null") || !strings.Contains(data, `"LOW"`)) {
			t.Errorf("%s: %s", query, data)
		}
	}
}

func TestProductIsShownWithoutAvailability(t *testing.T) {
	const q = `{ product(sku: "MUG") { sku available { status } } }`
	const want = `{"product":{"sku":"MUG","available":null}}`
	synctest.Test(t, func(t *testing.T) {
		for name, s := range map[string]*shop{
			"inventory fails": {broken: map[string]error{"availability": errors.New("down")}},
			"inventory hangs": {hangs: "availability"},
		} {
			data, errs, valid := run(t, s, q, nil)
			if data != want || !slices.Equal(errs, []string{"product.available Unavailable"}) || !valid {
				t.Errorf("%s: %s %q", name, data, errs)
			}
		}
	})
}

func TestCallForSomeProductsThatFailsHidesNoOthers(t *testing.T) {
	s := &shop{page: &gateway.OrderPage{}, fails: "SKU-060"}
	for n := range 10 {
		o := numbered(n)
		for i := range 25 {
			o.Items = append(o.Items, gateway.OrderLine{SKU: fmt.Sprintf("SKU-%03d", n*25+i)})
		}
		s.page.Orders = append(s.page.Orders, o)
	}
	data, errs, _ := run(t, s, `{ orders { nodes { items { product { sku } } } } }`, nil)
	// 261 SKUs are 6 calls, one of which fails. 10 orders have the SKU MUG.
	if n := strings.Count(data, `"product":{`); n != 220 || len(errs) != 50 || len(s.calls) != 7 || s.most != 4 {
		t.Errorf("%d products, %d errors, calls %q, %d at a time", n, len(errs), s.calls, s.most)
	}
}

func TestCauseIsHidden(t *testing.T) {
	s := &shop{broken: map[string]error{"order": errors.New("the password is secret")}}
	out, _, _ := graph.New(s, true).Serve(t.Context(), gateway.Caller{}, graph.Request{Query: `{ order(orderId: "01KAQ5M3Z8V7D2X4C6B9N1T007") { orderId } }`})
	if b, _ := json.Marshal(out); strings.Contains(string(b), "secret") {
		t.Errorf("%s", b)
	}
}

func TestAConditionThatIsNullIsRefused(t *testing.T) {
	const condition = `query($b: Boolean = true) { `
	for _, query := range []string{
		condition + `product(sku: "A") @include(if: $b) { name } }`, condition + `... @skip(if: $b) { __typename } }`,
		condition + `...f } fragment f on Query @skip(if: $b) { __typename }`,
		condition + `...f @include(if: $b) } fragment f on Query { __typename }`,
	} {
		s := &shop{}
		data, errs, valid := run(t, s, query, map[string]any{"b": nil})
		if valid || data != "" || len(errs) == 0 || !strings.HasSuffix(errs[0], " InvalidRequest") || len(s.calls) > 0 {
			t.Errorf("%s: %s %q, valid %t, %d calls", query, data, errs, valid, len(s.calls))
		}
	}
}

func TestRefusedOperationsMakeNoCalls(t *testing.T) {
	const fragments = `{ order(orderId: "01KAQ5M3Z8V7D2X4C6B9N1T007") { ...f } }
		fragment f on Order { payment { amount { amount } } }`
	wide := strings.Repeat("orderId ", 220)
	for name, c := range map[string]struct {
		query string
		code  string
	}{
		"syntax":        {"{", "InvalidRequest"},
		"unknown field": {"{ nope }", "InvalidRequest"},
		"cost":          {"{ orders(first: 50) { nodes { " + wide + " } } }", "QueryTooLarge"},
		"cost of lines": {"{ orders(first: 50) { nodes { reservations { " +
			lists("items { sku quantity }") + " } } } }", "QueryTooLarge"},
		"cost of changes": {"{ orders(first: 50) { nodes { " +
			lists("changes { status at }") + " } } }", "QueryTooLarge"},
		"page":       {"{ orders(first: 51) { nodes { orderId } } }", "QueryTooLarge"},
		"empty page": {"{ orders(first: 0) { nodes { orderId } } }", "InvalidRequest"},
		"aliases":    {"{ " + aliases(31) + " }", "QueryTooLarge"},
		"directives": {"{ order(orderId: \"01KAQ5M3Z8V7D2X4C6B9N1T007\") { " +
			strings.Repeat("orderId @include(if: true) ", 31) + " } }", "QueryTooLarge"},
		"tokens": {"{ order(orderId: \"01KAQ5M3Z8V7D2X4C6B9N1T007\") { " +
			strings.Repeat("orderId ", 5000) + " } }", "InvalidRequest"},
		"no such name": {"query A { order(orderId: \"01KAQ5M3Z8V7D2X4C6B9N1T007\") { orderId } } " +
			"query B { order(orderId: \"01KAQ5M3Z8V7D2X4C6B9N1T007\") { orderId } }", "InvalidRequest"},
		"fragment bombs": {bomb(20), "QueryTooLarge"},
	} {
		s := &shop{}
		data, errs, valid := run(t, s, c.query, nil)
		if valid || len(data) > 0 || len(errs) == 0 || !strings.HasSuffix(errs[0], " "+c.code) || len(s.calls) > 0 {
			t.Errorf("%s: %s %q, valid %t, %d calls; want %s", name, data, errs, valid, len(s.calls), c.code)
		}
	}
	s := &shop{}
	if _, errs, valid := run(t, s, fragments, nil); errs != nil || !valid {
		t.Errorf("a query within the limits: %q", errs)
	}
}

// lists asks for a list ten times.
func lists(field string) string {
	var b strings.Builder
	for i := range 10 {
		fmt.Fprintf(&b, "a%d: %s ", i, field)
	}
	return b.String()
}

func aliases(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d: order(orderId: \"01KAQ5M3Z8V7D2X4C6B9N1T007\") { orderId } ", i)
	}
	return b.String()
}

// bomb nests fragments that each spread the next one twice.
func bomb(n int) string {
	var b strings.Builder
	b.WriteString("{ order(orderId: \"01KAQ5M3Z8V7D2X4C6B9N1T007\") { ...f0 } } ")
	for i := range n {
		fmt.Fprintf(&b, "fragment f%d on Order { ...f%d ...f%d } ", i, i+1, i+1)
	}
	fmt.Fprintf(&b, "fragment f%d on Order { orderId }", n)
	return b.String()
}

func TestRootFieldsAreFew(t *testing.T) {
	for query, ok := range map[string]bool{
		"{ " + aliases(8) + " }": true, "{ " + aliases(9) + " }": false,
		"mutation { " + cancels(3) + " }": true, "mutation { " + cancels(4) + " }": false,
	} {
		s := &shop{}
		if _, errs, valid := run(t, s, query, nil); valid != ok {
			t.Errorf("%s: %q, %d calls", query, errs, len(s.calls))
		}
	}
}

func cancels(n int) string {
	return strings.ReplaceAll(aliases(n), "order(", "cancelOrder(idempotencyKey: \"k\", ")
}

func (s *shop) CancelOrder(
	ctx context.Context, as gateway.Caller, _ string, _ gateway.CancelRequest,
) (gateway.Order, error) {
	err := s.call(ctx, as, "cancel")
	return numbered(1), err
}

func TestUnsendableValuesMakeNoCalls(t *testing.T) {
	for _, query := range []string{
		`{ order(orderId: "..") { orderId } }`, `{ order(orderId: "") { orderId } }`, `{ product(sku: "..") { name } }`,
		`{ product(sku: "a/b") { name } }`, `{ product(sku: "") { name } }`,
		`mutation { cancelOrder(orderId: "` + id(1) + `", idempotencyKey: "a\nb") { orderId } }`,
		`mutation { cancelOrder(orderId: "` + id(1) + `", idempotencyKey: "") { orderId } }`,
		`mutation { cancelOrder(orderId: "` + id(1) + `", idempotencyKey: "4111111111111111") { orderId } }`,
	} {
		s := &shop{}
		if _, errs, _ := run(t, s, query, nil); len(errs) != 1 || !strings.HasSuffix(errs[0], " InvalidRequest") ||
			len(s.calls) > 0 {
			t.Errorf("%s: %q, %d calls", query, errs, len(s.calls))
		}
	}
}

func TestArgumentsOfAnotherTypeAreInvalidRequests(t *testing.T) {
	const adjust = `mutation($v: Int64!) { adjustStock(sku: "MUG", input: {delta: $v, reason: "r"}, idempotencyKey: "k") { onHand } }`
	const place = `mutation($v: CountryCode!) { placeOrder(idempotencyKey: "k", input: {items: [], paymentMethod: "pm",
		shippingAddress: {name: "n", line1: "l", city: "c", country: $v}}) { orderId } }`
	for _, c := range []struct {
		query string
		value any
	}{
		{adjust, json.Number("1.5")}, {adjust, true}, {adjust, json.Number("9223372036854775808")}, {adjust, []any{}},
		{place, map[string]any{"code": "DE"}},
		{strings.ReplaceAll(strings.Replace(adjust, "($v: Int64!)", "", 1), "$v", "1.5"), nil},
		{strings.ReplaceAll(strings.Replace(adjust, "($v: Int64!)", "", 1), "$v", "9223372036854775808"), nil},
		{`{ orders(first: 9223372036854775808) { nodes { orderId } } }`, nil},
		{`query($v: Int!) { orders(first: $v) { nodes { orderId } } }`, json.Number("1.5")},
		{`{ orders(first: 1.5) { nodes { orderId } } }`, nil},
	} {
		s := &shop{}
		if _, errs, _ := run(t, s, c.query, map[string]any{"v": c.value}); len(errs) != 1 ||
			!strings.HasSuffix(errs[0], " InvalidRequest") || len(s.calls) > 0 {
			t.Errorf("%s with %v: %q, %d calls", c.query, c.value, errs, len(s.calls))
		}
	}
}

func TestValueNewerThanTheSchemaIsNull(t *testing.T) {
	s := &shop{page: &gateway.OrderPage{Orders: []gateway.Order{numbered(1), numbered(2)}}}
	s.page.Orders[0].Status = "ON_HOLD"
	data, errs, _ := run(t, s, `{ orders { nodes { orderId status payment { dispute } } } }`, nil)
	want := `{"orders":{"nodes":[{"orderId":"` + id(1) + `","status":null,"payment":null},{"orderId":"` + id(2) +
		`","status":"CONFIRMED","payment":{"dispute":null}}]}}`
	if data != want || !slices.Equal(errs, []string{"orders.nodes[0].status UnknownValue"}) {
		t.Errorf("%s, %q; want %s", data, errs, want)
	}
}

func TestPageOfAStatusMayEndBeyondItsLastOrder(t *testing.T) {
	s := &shop{}
	after := "beyond"
	s.page = &gateway.OrderPage{Cursor: &after} // nothing found so far
	data, errs, _ := run(t, s, everything, map[string]any{"first": 5})
	var out struct {
		Orders struct {
			PageInfo struct {
				HasNextPage bool
				EndCursor   string
			}
		}
	}
	if err := json.Unmarshal([]byte(data), &out); err != nil || errs != nil || !out.Orders.PageInfo.HasNextPage {
		t.Fatalf("%s, %q, %v", data, errs, err)
	}
	s.calls = nil
	run(t, s, everything, map[string]any{"first": 5, "after": out.Orders.PageInfo.EndCursor})
	if want := []string{"orders {5 {beyond } }"}; !slices.Equal(s.calls, want) {
		t.Errorf("called %q, want %q", s.calls, want)
	}
}

func TestErrorsAreFew(t *testing.T) {
	s := &shop{broken: map[string]error{"products by SKU": fault.New(fault.Transient, "DependencyUnavailable", "down")}}
	out, valid, _ := graph.New(s, true).Serve(t.Context(), gateway.Caller{}, graph.Request{
		Query: `{ orders(first: 50) { nodes { items { product { name } } } } }`})
	if len(out.Errors) != 51 || !valid {
		t.Errorf("%d errors", len(out.Errors))
	}
}

func TestIntrospectionCanBeDisabled(t *testing.T) {
	for _, enabled := range []bool{true, false} {
		out, valid, _ := graph.New(&shop{}, enabled).Serve(t.Context(), gateway.Caller{},
			graph.Request{Query: `{ __schema { queryType { name fields { type { ofType { ofType { ofType { ofType { name } } } } } } } } __type(name: "Order") { name } }`})
		if valid != enabled || (out.Errors == nil) != enabled {
			t.Errorf("enabled %t: valid %t, %v", enabled, valid, out.Errors)
		}
	}
}

func TestPlaceOrderHandsOnTheKeyAndTheInput(t *testing.T) {
	s := &shop{}
	input := map[string]any{
		"items":           []any{map[string]any{"sku": "MUG", "quantity": json.Number("2")}},
		"shippingAddress": map[string]any{"name": "Ada", "line1": "1 St", "city": "Berlin", "country": "DE"},
		"paymentMethod":   "pm",
		"expectedTotal":   map[string]any{"currency": "EUR", "amount": json.Number("3000000000")},
	}
	const q = `mutation($in: OrderRequest!) { placeOrder(input: $in, idempotencyKey: "k1") { orderId status } }`
	data, errs, _ := run(t, s, q, map[string]any{"in": input})
	if errs != nil || !strings.Contains(data, id(1)) {
		t.Fatalf("%s %q", data, errs)
	}
	if s.as != (gateway.Caller{Authorization: "alice", IdempotencyKey: "k1"}) {
		t.Errorf("called as %+v", s.as)
	}
	b, _ := json.Marshal(s.placed)
	const want = `{"items":[{"sku":"MUG","quantity":2}],"shippingAddress":{"name":"Ada","line1":"1 St","city":"Berlin","country":"DE"},` +
		`"paymentMethod":"pm","expectedTotal":{"currency":"EUR","amount":3000000000}}`
	if string(b) != want {
		t.Errorf("placed %s\nwant   %s", b, want)
	}
	delete(input, "paymentMethod")
	s = &shop{}
	_, errs, valid := run(t, s, q, map[string]any{"in": maps.Clone(input)})
	if valid || len(errs) != 1 || len(s.calls) > 0 {
		t.Errorf("without a payment method: %q, %d calls", errs, len(s.calls))
	}
}
