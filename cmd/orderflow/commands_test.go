package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPlace(t *testing.T) {
	b := serve(t, map[string][]string{"POST /v1/orders": {"202 " + orderIn("PENDING", "null")}})
	out, _, err := run(t, b, "order", "place", "--item", "MUG-BLUE=2", "--item", "TEA=1",
		"--postal-code", "00000", "--payment-method", "pm_x")
	want := `POST /v1/orders {"items":[{"sku":"MUG-BLUE","quantity":2},{"sku":"TEA","quantity":1}],` +
		`"shippingAddress":{"name":"Ada Lovelace","line1":"12 St James Square","city":"Berlin",` +
		`"postalCode":"00000","country":"DE"},"paymentMethod":"pm_x"}`
	if err != nil || !slices.Equal(b.requests, []string{want}) {
		t.Errorf("sent %s, %v", b.requests, err)
	}
	if want := `order    ` + order + `
status   PENDING
reason   -
placed   2026-11-23T09:00:00Z
changed  2026-11-23T09:00:04Z
line     2 × MUG-BLUE at 19.99 EUR
total    39.98 EUR
paid by  pm_card_visa
ship to  Ada\u0009L, 1 A St, 10115 Berlin, DE
`; out != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

func TestPlaceAbroad(t *testing.T) {
	const inUSA = "--line1 1_St --line2 Apt_4 --city X --region IL --postal-code 62701 --country US"
	placed := strings.Replace(orderIn("PENDING", "null"), `"city"`, `"line2":"Apt 4","region":"IL","city"`, 1)
	for line, want := range map[string]string{
		inUSA: `"line1":"1_St","line2":"Apt_4","city":"X","region":"IL","postalCode":"62701","country":"US"`,

		"--line1 1_St --city Dubai --country AE": `"line1":"1_St","city":"Dubai","country":"AE"`,
	} {
		b := serve(t, map[string][]string{"POST /v1/orders": {"202 " + placed}})
		out, _, err := run(t, b, strings.Fields("order place --item MUG=1 "+line)...)
		if err != nil || len(b.requests) != 1 || !strings.Contains(b.requests[0], want) {
			t.Errorf("%s: sent %s, %v", line, b.requests, err)
		}
		if !strings.Contains(out, "L, 1 A St, Apt 4, 10115 Berlin, IL, DE\n") {
			t.Errorf("shown %s", out)
		}
	}
}

func TestOrderWithAnUnknownOutcomeCanBePlacedAgain(t *testing.T) {
	line := []string{"order", "place", "--item", "MUG=1", "--idempotency-key", "k1"}
	_, _, err := run(t, serve(t, map[string][]string{"POST /v1/orders": {"500 "}}), line...)
	if err == nil || !strings.Contains(err.Error(), "--idempotency-key k1") {
		t.Errorf("500: %v", err)
	}
	for _, refusal := range []string{"422 ", "429 ", `503 {"title":"Service Unavailable","code":"OrdersStopped"}`} {
		_, _, err = run(t, serve(t, map[string][]string{"POST /v1/orders": {refusal}}), line...)
		if err == nil || strings.Contains(err.Error(), "--idempotency-key") {
			t.Errorf("%s: %v", refusal, err)
		}
	}
}

func TestChangedTotalIsShown(t *testing.T) {
	const changed = `409 {"title":"Conflict","code":"TotalChanged","detail":"the order costs 41.00 EUR now"}`
	b := serve(t, map[string][]string{"POST /v1/orders": {changed}})
	_, _, err := run(t, b, "order", "place", "--item", "MUG=2", "--expect-total", "39.98")
	if err == nil || !strings.Contains(err.Error(), "41.00 EUR now") ||
		strings.Contains(err.Error(), "--idempotency-key") {
		t.Errorf("%v", err)
	}
	_, _, err = run(t, b, "order", "place", "--item", "MUG=2", "--expect-total", "much")
	if err == nil || exitCode(err) != exitUsage {
		t.Errorf("a total that is not an amount: %v", err)
	}
}

func TestWaitExitsByTheFinalStatus(t *testing.T) {
	get := "GET /v1/orders/" + order
	for _, c := range []struct {
		status, reason string
		code           int
	}{
		{"CONFIRMED", "null", 0},
		{"REJECTED", "PAYMENT_DECLINED", exitNotConfirmed},
		{"CANCELLED", "CANCELLED_BY_CUSTOMER", exitNotConfirmed},
	} {
		for _, line := range []string{"order watch " + order, "order place --item MUG=1 --wait"} {
			b := serve(t, map[string][]string{
				"POST /v1/orders": {"202 " + orderIn("PENDING", "null")},
				get:               {"200 " + orderIn("PENDING", "null"), "200 " + orderIn(c.status, c.reason)},
			})
			out, _, err := run(t, b, strings.Fields(line)...)
			code := 0
			if err != nil {
				code = exitCode(err)
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")
			if code != c.code || len(lines) != 2 ||
				!strings.HasSuffix(lines[0], "s  PENDING") || !strings.Contains(lines[1], c.status) {
				t.Errorf("%s: %s, %v", line, out, err)
			}
			if c.code != 0 && !strings.Contains(err.Error(), c.reason+"; `orderflow saga show "+order) {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

func TestWatchThatTimesOutSaysWhereToLook(t *testing.T) {
	b := serve(t, map[string][]string{"GET /v1/orders/" + order: {"200 " + orderIn("PENDING", "null")}})
	_, _, err := run(t, b, "order", "watch", order, "--timeout", "50ms")
	if err == nil || exitCode(err) != exitFailure || !strings.Contains(err.Error(), "saga show") {
		t.Errorf("%v", err)
	}
}

func TestWatchAsJSONIsTheFinalOrder(t *testing.T) {
	b := serve(t, map[string][]string{
		"GET /v1/orders/" + order: {"200 " + orderIn("PENDING", "null"), "200 " + orderIn("CONFIRMED", "null")},
	})
	out, _, err := run(t, b, "order", "watch", order, "-o", "json")
	var got struct{ Status string }
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || got.Status != "CONFIRMED" {
		t.Errorf("%s, %v", out, err)
	}
}

func TestListSaysHowToGetTheNextPage(t *testing.T) {
	page := `{"orders":[` + orderIn("REJECTED", "OUT_OF_STOCK") + `],"cursor":"abc"}`
	b := serve(t, map[string][]string{"GET /v1/orders?limit=1": {"200 " + page}})
	out, errs, err := run(t, b, "order", "list", "--limit", "1")
	want := "ORDER                       STATUS    REASON        LINES  TOTAL      PLACED\n" +
		order + "  REJECTED  OUT_OF_STOCK  1      39.98 EUR  2026-11-23T09:00:00Z\n"
	if err != nil || out != want || errs != "there is more: orderflow order list --limit=1 --cursor=abc\n" {
		t.Errorf("%s%s%v, want\n%s", out, errs, err, want)
	}
}

func TestOperatorsFindOrdersOfCustomers(t *testing.T) {
	found := func(id, tracking, cursor string) string {
		return `200 {"orders":[{"orderId":"` + id + `","customerId":"alice","status":"CONFIRMED","reason":null,` +
			`"trackingNumber":"` + tracking + `","total":{"currency":"EUR","amount":3998},` +
			`"createdAt":"2026-11-23T09:00:00Z"}],"cursor":` + cursor + `}`
	}
	b := serve(t, map[string][]string{
		"GET /v1/operator/orders?limit=20&olderThan=600&status=PENDING": {found(order, "", `"abc"`)},
		"GET /v1/operator/orders?limit=20&olderThan=600&status=it%27s":  {found(order, "", `"abc"`)},
		"GET /v1/operator/orders?customer=alice&limit=100":              {found("other", "T2", `"n"`)},
		"GET /v1/operator/orders?cursor=n&customer=alice&limit=100":     {found(order, "T1", "null")},
	})
	for line, want := range map[string]string{
		"order list --status PENDING --older-than 10m":  order + "  alice     CONFIRMED  -       39.98 EUR  -  ",
		"order list --customer alice --tracking T1":     order + "  alice     CONFIRMED  -       39.98 EUR  T1 ",
		"order list --tracking T1":                      "--tracking needs --customer",
		"order list --all --customer alice":             "--all or --customer",
		"order list --status PENDING --older-than soon": "invalid argument",
	} {
		out, errs, err := run(t, b, append(strings.Fields(line), "--token", "t")...)
		if shown := out + errs + fmt.Sprint(err); !strings.Contains(shown, want) || strings.Contains(shown, "T2") {
			t.Errorf("%s: %s, want %s", line, shown, want)
		}
	}
	_, errs, err := run(t, b, "order", "list", "--status", "it's", "--older-than", "10m", "--all", "--token", "t")
	const again = `orderflow order list --all=true --older-than=10m0s --status='it'\''s' --cursor=abc`
	if err != nil || errs != "there is more: "+again+"\n" {
		t.Errorf("%s%v, want %s", errs, err, again)
	}
}

func TestWideListsShowMoreOfEachOrder(t *testing.T) {
	const asked = `{"nextAction":{"type":"AUTHENTICATE","url":"https://bank.test/1","until":"2026-11-23T09:10:00Z"},` +
		`"trackingNumber":"T1",`
	own := strings.Replace(orderIn("PENDING", "null"), "{", asked, 1)
	found := `{"orderId":"` + order + `","customerId":"cust-1","status":"PENDING","reason":null,"cancelRequested":true,` +
		`"detail":"why it is so","total":{"currency":"EUR","amount":3998},"createdAt":"2026-11-23T09:00:00Z",` +
		`"updatedAt":"2026-11-23T09:00:04Z","customerActionUntil":"2026-11-23T09:10:00Z"}`
	b := serve(t, map[string][]string{
		"GET /v1/orders?limit=20":          {`200 {"orders":[` + own + `],"cursor":null}`},
		"GET /v1/operator/orders?limit=20": {`200 {"orders":[` + found + `],"cursor":null}`},
	})
	for line, want := range map[string]string{
		"order list --wide":       "AUTHENTICATE until 2026-11-23T09:10:00Z  T1        2 × MUG-BLUE\n",
		"order list --all --wide": "2026-11-23T09:00:04Z  act until 2026-11-23T09:10:00Z  requested     why it is so\n",
	} {
		out, _, err := run(t, b, append(strings.Fields(line), "--token", "t")...)
		if err != nil || !strings.HasSuffix(out, want) {
			t.Errorf("%s: %s, %v, want %s", line, out, err, want)
		}
	}
}

func TestCancel(t *testing.T) {
	b := serve(t, map[string][]string{"POST /v1/orders/" + order + "/cancel": {"202 " + orderIn("PENDING", "null")}})
	if out, _, err := run(t, b, "order", "cancel", order); err != nil || !strings.Contains(out, "PENDING") {
		t.Errorf("%s, %v", out, err)
	}
}

func TestStockIsAdjustedByTheDifference(t *testing.T) {
	const get, product, adjust = "GET /v1/stock/MUG", "GET /v1/products/MUG", "POST /v1/stock/MUG/adjustments"
	for _, c := range []struct {
		name, before, adjusted string
	}{
		{"more", `200 {"sku":"MUG","onHand":40}`, `{"delta":60,"reason":"counted"}`},
		{"less", `200 {"sku":"MUG","onHand":140}`, `{"delta":-40,"reason":"counted"}`},
		{"unchanged", `200 {"sku":"MUG","onHand":100}`, ""},
		{"some reserved", `200 {"sku":"MUG","onHand":40,"reserved":3,"available":37}`,
			`{"delta":60,"reason":"counted"}`},
		{"unchanged, some reserved", `200 {"sku":"MUG","onHand":100,"reserved":1,"available":99}`, ""},
		{"never stocked", `404 {"title":"Not Found","code":"StockNotFound"}`,
			`{"delta":100,"reason":"counted","allowUnknownSku":true}`},
	} {
		b := serve(t, map[string][]string{get: {c.before}, product: {`200 {"sku":"MUG"}`},
			adjust: {`200 {"sku":"MUG","onHand":100,"reserved":1,"shipped":2,"available":100}`}})
		out, _, err := run(t, b, "stock", "set", "MUG", "100", "--reason", "counted")
		want := []string{get}
		if strings.HasPrefix(c.before, "404") {
			want = append(want, product)
		}
		if c.adjusted != "" {
			want = append(want, adjust+" "+c.adjusted)
		}
		if err != nil || !slices.Equal(b.requests, want) || !strings.Contains(out, "100") {
			t.Errorf("%s: sent %s, printed %s, %v", c.name, b.requests, out, err)
		}
	}
}

func TestStockIsNotAdjustedByACountThatMoves(t *testing.T) {
	const get, adjust = "GET /v1/stock/MUG", "POST /v1/stock/MUG/adjustments"
	const moving, still = `200 {"sku":"MUG","onHand":41,"moving":true}`, `200 {"sku":"MUG","onHand":40}`
	b := serve(t, map[string][]string{get: {moving, still}, adjust: {`200 {"sku":"MUG","onHand":100}`}})
	_, _, err := run(t, b, "stock", "set", "MUG", "100", "--reason", "counted")
	want := []string{get, get, adjust + ` {"delta":60,"reason":"counted"}`}
	if err != nil || !slices.Equal(b.requests, want) {
		t.Errorf("sent %s, %v; want a second count", b.requests, err)
	}
	b = serve(t, map[string][]string{get: {moving}})
	_, _, err = run(t, b, "stock", "set", "MUG", "100", "--reason", "counted")
	if err == nil || exitCode(err) != exitFailure || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("sent %s, %v; want a refusal", b.requests, err)
	}
	if out, _, err := run(t, b, "stock", "get", "MUG"); err != nil || !strings.Contains(out, "moved pieces") {
		t.Errorf("%s, %v; want a note", out, err)
	}
}

func TestStockOfAnUnlistedSKUNeedsAFlag(t *testing.T) {
	const get, product, adjust = "GET /v1/stock/MGU", "GET /v1/products/MGU", "POST /v1/stock/MGU/adjustments"
	missing := map[string][]string{
		get:     {`404 {"title":"Not Found","code":"StockNotFound"}`},
		product: {`404 {"title":"Not Found","code":"ProductNotFound"}`},
		adjust:  {`200 {"sku":"MGU","onHand":7,"available":7}`},
	}
	b := serve(t, missing)
	_, _, err := run(t, b, "stock", "set", "MGU", "7")
	if err == nil || !strings.Contains(err.Error(), "--unlisted") || !slices.Equal(b.requests, []string{get, product}) {
		t.Errorf("sent %s, got %v", b.requests, err)
	}
	b = serve(t, missing)
	out, _, err := run(t, b, "stock", "set", "MGU", "7", "--unlisted")
	if err != nil || !strings.Contains(out, "7") || len(b.requests) != 2 ||
		!strings.HasPrefix(b.requests[1], adjust) || !strings.Contains(b.requests[1], `"allowUnknownSku":true`) {
		t.Errorf("--unlisted: sent %s, printed %s, %v", b.requests, out, err)
	}
	down := map[string][]string{get: missing[get], product: {`403 {"title":"Forbidden","code":"Forbidden"}`}}
	_, _, err = run(t, serve(t, down), "stock", "set", "MGU", "7")
	if err == nil || strings.Contains(err.Error(), "--unlisted") {
		t.Errorf("a catalog that refuses the request: %v", err)
	}
}

func TestPricesAreExact(t *testing.T) {
	for _, c := range []struct{ price, currency, want string }{
		{"19.99", "EUR", `{"currency":"EUR","amount":1999}`}, {"20", "EUR", `{"currency":"EUR","amount":2000}`},
		{"0.1", "EUR", `{"currency":"EUR","amount":10}`}, {"1200", "JPY", `{"currency":"JPY","amount":1200}`},
		{"1.234", "KWD", `{"currency":"KWD","amount":1234}`}, {"19.990", "EUR", `{"currency":"EUR","amount":1999}`},
	} {
		product := `{"sku":"MUG","name":"Mug","price":` + c.want + `,"version":1}`
		b := serve(t, map[string][]string{"PUT /v1/products/MUG": {"200 " + product}})
		_, _, err := run(t, b, "product", "put", "MUG", "--name", "Mug", "--price", c.price, "--currency", c.currency)
		want := `PUT /v1/products/MUG {"name":"Mug","price":` + c.want + `}`
		if err != nil || !slices.Equal(b.requests, []string{want}) || b.tokens[0] != "olga/operator" {
			t.Errorf("%s %s: sent %s as %s, %v", c.price, c.currency, b.requests, b.tokens, err)
		}
	}
}

func TestWhatIsNotSaidOfAProductStays(t *testing.T) {
	b := serve(t, map[string][]string{"PUT /v1/products/MUG": {`200 {"sku":"MUG"}`}})
	_, _, err := run(t, b, "product", "put", "MUG", "--name", "Mug", "--price", "5", "--category=", "--unlisted=false")
	const want = `PUT /v1/products/MUG ` +
		`{"name":"Mug","price":{"currency":"EUR","amount":500},"category":"","unlisted":false}`
	if err != nil || !slices.Equal(b.requests, []string{want}) {
		t.Errorf("sent %s, %v", b.requests, err)
	}
}

func TestProductsAsATable(t *testing.T) {
	product := `{"sku":"MUG","name":"Mug \u001b[31m","price":{"currency":"EUR","amount":5},"version":3}`
	page := `{"products":[` + product + `],"cursor":null}`
	stock := `{"availability":[{"sku":"MUG","status":"LOW","asOf":"2026-11-23T09:00:00.000Z"}]}`
	b := serve(t, map[string][]string{
		"GET /v1/products?limit=20": {"200 " + page}, "GET /v1/availability?skus=MUG": {"200 " + stock},
	})
	out, errs, err := run(t, b, "product", "list")
	const want = "SKU  NAME            PRICE     STOCK  VERSION\nMUG  Mug \\u001b[31m  0.05 EUR  LOW    3\n"
	if err != nil || out != want || errs != "" {
		t.Errorf("%q %s %v, want %q", out, errs, err, want)
	}
	b = serve(t, map[string][]string{"GET /v1/products?limit=20&name=red+m": {"200 " + page}})
	unknown := strings.ReplaceAll(want, "LOW  ", "-    ") // inventory does not answer
	if out, errs, err := run(t, b, "product", "list", "--name", "red m"); err != nil || out != unknown {
		t.Errorf("by name: %q %s %v, want %q", out, errs, err, unknown)
	}
}

// recorded returns a recorded history as Step Functions sends it, with timestamps as numbers.
func recorded(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../internal/ops/timeline/testdata/emulator/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	timestamp := regexp.MustCompile(`"timestamp": "([^"]+)"`)
	return "200 " + timestamp.ReplaceAllStringFunc(string(b), func(member string) string {
		at, err := time.Parse(time.RFC3339, strings.Split(member, `"`)[3])
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`"timestamp": %d.%03d`, at.Unix(), at.UnixMilli()%1000)
	})
}

func TestSagaShowsBothExecutions(t *testing.T) {
	golden, err := os.ReadFile("../../internal/ops/timeline/testdata/emulator/declined.txt")
	if err != nil {
		t.Fatal(err)
	}
	b := serve(t, map[string][]string{
		"POST /": {recorded(t, "declined.fulfil-order"), recorded(t, "declined.compensate-order"), none},
	})
	out, _, err := run(t, b, "saga", "show", order)
	_, body, _ := strings.Cut(string(golden), "\n")
	if err != nil || !strings.HasPrefix(out, "order "+order) || !strings.HasSuffix(out, body) {
		t.Fatalf("%s, %v", out, err)
	}
	const executions = "arn:aws:states:us-east-1:000000000000:execution:"
	if !strings.Contains(b.requests[0], `"executionArn":"`+executions+`fulfil:`+order+`"`) ||
		!strings.Contains(b.requests[1], `:execution:compensate:`+order) ||
		!strings.Contains(b.requests[1], `"includeExecutionData":true`) {
		t.Errorf("sent %s", b.requests)
	}
}

func TestSagaThatCannotBeReadIsAnError(t *testing.T) {
	for answer, want := range map[string]string{
		none: "order " + order + " has no saga",
		`400 {"__type":"InvalidArn","message":"no"}`: "the history of fulfil-order",
	} {
		_, _, err := run(t, serve(t, map[string][]string{"POST /": {answer}}), "saga", "show", order)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

const none = `400 {"__type":"ExecutionDoesNotExist","message":"no"}`

func TestSagaWithoutCompensation(t *testing.T) {
	b := serve(t, map[string][]string{"POST /": {recorded(t, "confirmed.fulfil-order"), none}})
	out, _, err := run(t, b, "saga", "show", order, "-o", "json")
	var got struct {
		OrderID    string
		Executions []struct{ Machine, Outcome string }
		Steps      []struct{ State string }
	}
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || got.OrderID != order || len(got.Executions) != 1 ||
		got.Executions[0].Machine != "fulfil-order" || got.Executions[0].Outcome != "SUCCEEDED" || len(got.Steps) != 8 {
		t.Errorf("%s, %v", out, err)
	}
}
