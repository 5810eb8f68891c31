package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"orderflow/api"
	"orderflow/internal/platform/jsonschema"
)

const orderID = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

// good has valid values of path parameters.
var good = map[string]string{
	"orderId": orderID, "sku": "MUG-BLUE", "service": "orderflow.v1.OrderService", "method": "GetOrder",
	"order_id": "100001", "product_id": "1001",
}

// request returns a request for an operation; an empty body means none, query has no "?".
func request(op *api.Operation, query, body string) *http.Request {
	r := httptest.NewRequest(op.Method, "/?"+query, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	switch op.ID {
	case "listPayments", "listReservations", "listShipments":
		if query == "" {
			r.URL.RawQuery = "orderIds=" + orderID
		}
	case "listAvailability", "exportProducts":
		r.Header.Set("X-Export-Key", "key")
		if query == "" {
			r.URL.RawQuery = "skus=MUG-BLUE"
		}
	case "receivePaymentWebhook":
		r.Header.Set("Stripe-Signature", "t=1,v1="+strings.Repeat("0a", 32))
	case "receiveCarrierWebhook":
		r.Header.Set("X-Carrier-Timestamp", "1795406400")
		r.Header.Set("X-Carrier-Signature", "v1="+strings.Repeat("0a", 32))
	}
	return r
}

func load(t testing.TB, id string) *api.Operation {
	t.Helper()
	op, err := api.Load(id)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// bodies returns the example bodies of an operation, or one empty body if it takes none.
func bodies(t testing.TB, op route) map[string]string {
	t.Helper()
	if op.RequestBody == nil {
		return map[string]string{"none": ""}
	}
	texts := map[string]string{}
	for name, example := range op.RequestBody.Value.Content["application/json"].Examples {
		b, err := json.Marshal(example.Value.Value)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(b)
	}
	return texts
}

func TestExampleRequestsAreAccepted(t *testing.T) {
	for id, route := range routes(document(t)) {
		op := load(t, id)
		if op.ID != id || op.Method != route.method || op.Path != route.path {
			t.Errorf("%s was loaded as %s %s %s", id, op.ID, op.Method, op.Path)
		}
		for name, body := range bodies(t, route) {
			if err := op.Validate(request(op, "", body), good); err != nil {
				t.Errorf("%s %s: %v", id, name, err)
			}
		}
	}
}

func TestUnknownOperationsAreNotLoaded(t *testing.T) {
	for _, id := range []string{"", "nope", "../openapi"} {
		if _, err := api.Load(id); err == nil {
			t.Errorf("%q was loaded", id)
		}
	}
}

// order returns a valid order with the given lines.
func order(lines string) string {
	return `{"items":[` + lines + `],"shippingAddress":{"name":"Ada","line1":"1 St","city":"Berlin",` +
		`"postalCode":"10115","country":"DE"},"paymentMethod":"pm_card_visa"}`
}

const line = `{"sku":"MUG","quantity":1}`

// changed returns a valid order with a part of its text replaced.
func changed(from, to string) string { return strings.Replace(order(line), from, to, 1) }

func at(pointers ...string) []string { return pointers }

// want lists the pointers of the violations, in order.
var orderBodies = map[string]struct {
	body string
	want []string
}{
	"one line":              {order(line), nil},
	"40 lines":              {order(strings.Repeat(line+",", 39) + line), nil},
	"41 lines":              {order(strings.Repeat(line+",", 40) + line), at("/items")},
	"no line":               {order(""), at("/items")},
	"whole number as 7.0":   {order(`{"sku":"MUG","quantity":7.0}`), nil},
	"whole number as 7e1":   {order(`{"sku":"MUG","quantity":7e1}`), nil},
	"quantity 0":            {order(`{"sku":"MUG","quantity":0}`), at("/items/0/quantity")},
	"quantity 999":          {order(`{"sku":"MUG","quantity":999}`), nil},
	"quantity 1000":         {order(`{"sku":"MUG","quantity":1000}`), at("/items/0/quantity")},
	"quantity 1.5":          {order(`{"sku":"MUG","quantity":1.5}`), at("/items/0/quantity")},
	"quantity of 1e400":     {order(`{"sku":"MUG","quantity":1e400}`), at("")},
	"quantity beyond int64": {order(`{"sku":"MUG","quantity":92233720368547758080}`), at("/items/0/quantity")},
	"quantity as text":      {order(`{"sku":"MUG","quantity":"1"}`), at("/items/0/quantity")},
	"quantity null":         {order(`{"sku":"MUG","quantity":null}`), at("/items/0/quantity")},
	"price from the client": {order(`{"sku":"MUG","quantity":1,"unitPrice":1}`), at("/items/0/unitPrice")},
	"field in other case":   {order(`{"SKU":"MUG","quantity":1}`), at("/items/0/sku", "/items/0/SKU")},
	"malformed SKU":         {order(`{"sku":"-MUG","quantity":1}`), at("/items/0/sku")},
	"field twice":           {order(`{"sku":"MUG","quantity":1,"quantity":2}`), at("")},
	"several violations": {order(`{"sku":"","quantity":0},{"sku":1,"quantity":"x"}`),
		at("/items/0/quantity", "/items/0/sku", "/items/1/quantity", "/items/1/sku")},
	"unknown country":                {changed(`"DE"`, `"XX"`), at("/shippingAddress/country")},
	"blank name":                     {changed(`"Ada"`, `"  "`), at("/shippingAddress/name")},
	"newline in the name":            {changed(`"Ada"`, `"A\nB"`), at("/shippingAddress/name")},
	"name of Unicode blanks":         {changed("Ada", "\u00a0\u3164"), at("/shippingAddress/name")},
	"name with a direction override": {changed("Ada", "A\u202eda"), at("/shippingAddress/name")},
	"name with an escape sequence":   {changed("Ada", "A\u009b31m"), at("/shippingAddress/name")},
	"street of two lines":            {changed("1 St", "1 St\u20282 St"), at("/shippingAddress/line1")},
	"city with hidden characters":    {changed("Berlin", "Ber\u200blin"), at("/shippingAddress/city")},
	"name with a joiner in a word":   {changed("Ada", "می\u200cخواهم"), nil},
	"address without a postal code":  {changed(`"postalCode":"10115",`, ""), nil},
	"address with all parts":         {changed(`"city"`, `"line2":"Apt 4","region":"IL","city"`), nil},
	"blank second line":              {changed(`"city"`, `"line2":" ","city"`), at("/shippingAddress/line2")},
	"card number in the region": {changed(`"city"`, `"region":"4111111111111111","city"`),
		at("/shippingAddress/region")},
	"postal code of Japan":          {changed("10115", "〒100-0001"), nil},
	"empty postal code":             {changed("10115", ""), nil},
	"postal code of symbols":        {changed("10115", "〒<b>"), at("/shippingAddress/postalCode")},
	"unpaired surrogate":            {changed("Ada", `\ud800`), at("")},
	"card number as payment method": {changed("pm_card_visa", "4111111111111111"), at("/paymentMethod")},
	"card number in the street":     {changed("1 St", "1 St, 4111 1111 1111 1111"), at("/shippingAddress/line1")},
	"card number in the name":       {changed("Ada", "Ada 3782-822463-10005"), at("/shippingAddress/name")},
	"card number as postal code":    {changed("10115", "4111111111111111"), at("/shippingAddress/postalCode")},
	"card number as SKU":            {order(`{"sku":"4111111111111111","quantity":1}`), at("/items/0/sku")},
	"EAN as SKU":                    {order(`{"sku":"4222222222222","quantity":1}`), nil},
	"name of 100 letters":           {changed("Ada", strings.Repeat("Ä", 100)), nil},
	"name of 101 letters":           {changed("Ada", strings.Repeat("Ä", 101)), at("/shippingAddress/name")},
	"unknown / field":               {changed(`"items"`, `"a/b~":1,"items"`), at("/a~1b~0")},
	"missing fields":                {`{}`, at("/items", "/shippingAddress", "/paymentMethod")},
	"array":                         {`[]`, at("")},
	"null":                          {`null`, at("")},
	"no body":                       {``, at("")},
	"truncated":                     {order(line)[:50], at("")},
	"trailing data":                 {order(line) + `{}`, at("")},
	"not UTF-8":                     {changed("Ada", "\xff"), at("")},
	"deeply nested":                 {`{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, at("")},
}

func TestBodyOfAnOrder(t *testing.T) {
	op := load(t, "placeOrder")
	for name, c := range orderBodies {
		t.Run(name, func(t *testing.T) {
			expect(t, op.Validate(request(op, "", c.body), nil), c.want...)
		})
	}
}

// expect checks that err has violations at exactly these pointers.
func expect(t *testing.T, err error, pointers ...string) {
	t.Helper()
	var invalid *api.InvalidRequest
	if !errors.As(err, &invalid) {
		if err != nil || len(pointers) > 0 {
			t.Errorf("got %v, want violations at %q", err, pointers)
		}
		return
	}
	var got []string
	for _, v := range invalid.Violations {
		got = append(got, v.Pointer)
	}
	if strings.Join(got, " ") != strings.Join(pointers, " ") || len(got) != len(pointers) {
		t.Errorf("got %v, want violations at %q", err, pointers)
	}
}

func TestQueryPathAndHeaders(t *testing.T) {
	keys := func(values ...string) http.Header { return http.Header{"Idempotency-Key": values} }
	for _, c := range []struct {
		id, query, path string
		header          http.Header
		want            []string
	}{
		{id: "listOrders", query: "limit=100&cursor=abc_-="},
		{id: "listOrders", query: "limit=0", want: []string{"limit"}},
		{id: "listOrders", query: "limit=101", want: []string{"limit"}},
		{id: "listOrders", query: "limit=ten&page=2", want: []string{"limit", "page"}},
		{id: "listOrders", query: "limit=", want: []string{"limit"}},
		{id: "listOrders", query: "limit=5"},
		{id: "listOrders", query: "limit=%2B5", want: []string{"limit"}},
		{id: "listOrders", query: "limit=05", want: []string{"limit"}},
		{id: "listOrders", query: "limit=5+", want: []string{"limit"}},
		{id: "listOrders", query: "limit=5.0", want: []string{"limit"}},
		{id: "listOrders", query: "limit=0x5", want: []string{"limit"}},
		{id: "listOrders", query: "limit=%D9%A5", want: []string{"limit"}},
		{id: "listOrders", query: "limit=1&limit=2", want: []string{"limit"}},
		{id: "listOrders", query: "cursor=" + strings.Repeat("a", 1025), want: []string{"cursor"}},
		{id: "listOrders", query: "cursor=%zz", want: []string{""}},
		{id: "getOrder", path: orderID},
		{id: "getOrder", path: strings.ToLower(orderID), want: []string{"orderId"}},
		{id: "getOrder", path: orderID + "0", want: []string{"orderId"}},
		{id: "getOrder", path: "8" + orderID[1:], want: []string{"orderId"}},
		{id: "getOrder", want: []string{"orderId"}},
		{id: "getOrder", path: orderID, query: "verbose=1", want: []string{"verbose"}},
		{id: "getOrder", path: orderID, header: http.Header{"Traceparent": {"not one, and ignored"}}},
		{id: "cancelOrder", path: orderID, header: keys(strings.Repeat("k", 255))},
		{id: "cancelOrder", path: orderID, header: keys(strings.Repeat("k", 256)), want: []string{"Idempotency-Key"}},
		{id: "cancelOrder", path: orderID, header: keys(""), want: []string{"Idempotency-Key"}},
		{id: "cancelOrder", path: orderID, header: keys("a b"), want: []string{"Idempotency-Key"}},
		{id: "cancelOrder", path: orderID, header: keys("4111-1111-1111-1111"), want: []string{"Idempotency-Key"}},
		{id: "cancelOrder", path: orderID, header: keys("41111111-1111-1111-8a3b-9f0d1c2b3a4f")},
		{id: "cancelOrder", path: orderID, header: keys("a", "b"), want: []string{"Idempotency-Key"}},
	} {
		t.Run(c.id+" "+c.query+c.path, func(t *testing.T) {
			op := load(t, c.id)
			r := request(op, c.query, "")
			for name, values := range c.header {
				r.Header[name] = values
			}
			path := map[string]string{}
			if c.path != "" {
				path["orderId"] = c.path
			}
			expect(t, op.Validate(r, path), c.want...)
		})
	}
}

func TestContentTypeMustBeJSON(t *testing.T) {
	op := load(t, "placeOrder")
	for contentType, want := range map[string][]string{
		"application/json":                 nil,
		"Application/JSON; charset=UTF-8":  nil,
		"application/json; charset=latin1": {"Content-Type"},
		"text/plain":                       {"Content-Type"},
		"":                                 {"Content-Type"},
	} {
		r := request(op, "", order(line))
		r.Header.Set("Content-Type", contentType)
		expect(t, op.Validate(r, nil), want...)
	}
}

func TestUnexpectedBodyIsRefused(t *testing.T) {
	op := load(t, "getOrder")
	expect(t, op.Validate(request(op, "", "{}"), good), "")
}

func TestOptionalBodyMayBeEmpty(t *testing.T) {
	op := load(t, "cancelOrder")
	for body, want := range map[string][]string{
		"": nil, "{}": nil, " { } ": nil, `{"why":"x"}`: {"/why"}, "[]": {""}, "null": {""}, "{": {""},
	} {
		r := request(op, "", body)
		expect(t, op.Validate(r, good), want...)
		if left, err := io.ReadAll(r.Body); want == nil && (err != nil || len(left) > 0) {
			t.Errorf("%q leaves the body %q, %v; want none", body, left, err)
		}
	}
}

func TestAdjustmentByZeroIsRefused(t *testing.T) {
	op := load(t, "adjustStock")
	for _, delta := range []string{"0", "-0", "0.0", "1000001"} {
		expect(t, op.Validate(request(op, "", `{"delta":`+delta+`,"reason":"count"}`), good), "/delta")
	}
	expect(t, op.Validate(request(op, "", `{"delta":-5,"reason":"count"}`), good))
}

func TestReasonsAndProductNamesAreOneLineOfText(t *testing.T) {
	adjust, put := load(t, "adjustStock"), load(t, "putProduct")
	for _, text := range []string{"\u00a0", "a\u202eb", "a\u2029b", "a\u0085b", "a\ufeffb", "card 4111111111111111"} {
		expect(t, adjust.Validate(request(adjust, "", `{"delta":1,"reason":"`+text+`"}`), good), "/reason")
		product := `{"name":"` + text + `","price":{"currency":"EUR","amount":1}}`
		expect(t, put.Validate(request(put, "", product), good), "/name")
	}
}

// TestRequestTextsHaveAFormat checks that every string that people type has a format, also in
// future operations.
func TestRequestTextsHaveAFormat(t *testing.T) {
	var visit func(at string, s *jsonschema.Schema)
	visit = func(at string, s *jsonschema.Schema) {
		// Enumerations need no format, nor do patterns that allow no card number.
		allowsCard := s.Pattern == nil || s.Pattern.MatchString("4111111111111111")
		if s.Type == "string" && s.Format == "" && len(s.Enum) == 0 && allowsCard {
			t.Errorf("%s accepts any text: give it a format", at)
		}
		for name, property := range s.Properties {
			visit(at+"/"+name, property)
		}
		if s.Items != nil {
			visit(at+"/-", s.Items)
		}
	}
	seen := 0
	for id := range routes(document(t)) {
		op := load(t, id)
		if op.Public {
			continue // webhooks have the fields of third parties
		}
		for _, p := range op.Parameters {
			if p.Name != "cursor" && p.Name != "traceparent" {
				seen++
				visit(id+" "+p.Name, p.Schema)
			}
		}
		if op.Body != nil {
			seen++
			visit(id, op.Body)
		}
	}
	if seen < 15 {
		t.Errorf("only %d schemas were checked", seen)
	}
}

func TestBodyCanBeReadAfterValidation(t *testing.T) {
	op := load(t, "placeOrder")
	for number, plain := range map[string]string{"7": "7", "7.0": "7", "0.7e1": "7", " 7 ": "7"} {
		r := request(op, "", order(`{"sku":"MUG","quantity":`+number+`}`))
		if err := op.Validate(r, nil); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Contains(b, []byte(`"quantity":`+plain)) || r.ContentLength != int64(len(b)) {
			t.Errorf("%s: %v, length %d: %s", number, err, r.ContentLength, b)
		}
	}
}

func TestEqualBodiesHaveTheSameBytesAfterValidation(t *testing.T) {
	op := load(t, "adjustStock")
	for _, text := range []string{
		`{"delta":7,"reason":"<a>"}`, `{"delta":7.0,"reason":"<a>"}`, `{"reason":"<a>","delta":7}`,
		` {"reason":"\u003ca\u003e","delta":70e-1} `,
	} {
		r := request(op, "", text)
		if err := op.Validate(r, good); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if b, err := io.ReadAll(r.Body); string(b) != `{"delta":7,"reason":"<a>"}` || err != nil {
			t.Errorf("%s is read as %s, %v", text, b, err)
		}
	}
}

func TestViolationsDoNotRepeatTheRequest(t *testing.T) {
	const secret = "4111-1111"
	op := load(t, "placeOrder")
	body := strings.NewReplacer("Ada", secret+`\n`, "10115", secret+"?", "DE", secret, "pm_card_visa", secret+" ",
		"MUG", " "+secret).Replace(order(line))
	r := request(op, "", body)
	r.Header.Set("Idempotency-Key", secret+" ")
	err := op.Validate(r, nil)
	expect(t, err, "Idempotency-Key", "/items/0/sku", "/paymentMethod", "/shippingAddress/country",
		"/shippingAddress/name", "/shippingAddress/postalCode")
	if strings.Contains(err.Error(), secret) {
		t.Errorf("%v", err)
	}
}

func TestViolationsAreBounded(t *testing.T) {
	var fields []string
	for i := range 200 {
		fields = append(fields, strconv.Quote(strings.Repeat("x", 500)+strconv.Itoa(i))+":1")
	}
	op := load(t, "placeOrder")
	var invalid *api.InvalidRequest
	err := op.Validate(request(op, "", "{"+strings.Join(fields, ",")+"}"), nil)
	if !errors.As(err, &invalid) || len(invalid.Violations) != 50 || len(invalid.Violations[49].Pointer) > 100 {
		t.Errorf("got %v", err)
	}
}

func TestListParametersAreCheckedByValue(t *testing.T) {
	for query, want := range map[string]string{
		"orderIds=" + orderID:                          "",
		"orderIds=" + orderID + "," + orderID:          "",
		"orderIds=" + strings.Repeat(orderID+",", 50):  "at most 50",
		"orderIds=" + orderID + ",x":                   "pattern",
		"orderIds=":                                    "pattern",
		"orderIds=" + orderID + "&orderIds=" + orderID: "once",
	} {
		op := load(t, "listPayments")
		err := op.Validate(request(op, query, ""), nil)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
	}
}
