package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"orderflow/api"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/money"
)

func errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// wantProblem checks a response's status and code; an empty code matches any.
func wantProblem(t *testing.T, err error, status int, code string) {
	t.Helper()
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != status || (code != "" && p.Code != code) {
		t.Errorf("got %v, want %d %s", err, status, code)
	}
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	body := "{\"items\":[{\"sku\":\"MUG-BLUE\",\"quantity\":1}],\"shippingAddress\":{\"name\":\"\xff\"," +
		"\"line1\":\"1 Street\",\"city\":\"X\",\"postalCode\":\"1\",\"country\":\"DE\"}," +
		"\"paymentMethod\":\"pm_card_visa\"}"
	wantAnswer(t, http.MethodPost, "/v1/orders", bearer(t, "mallory", ""), body, http.StatusBadRequest)
}

func TestBadOrdersAreRefusedAndNothingIsWritten(t *testing.T) {
	who := clientOf("mallory", "")
	line := `{"sku":"MUG-BLUE","quantity":1}`
	body := func(items, more string) string {
		return `{"items":[` + items +
			`],"shippingAddress":{"name":"M","line1":"1 Street","city":"X","postalCode":"1","country":"DE"},"paymentMethod":"pm_card_visa"` + more + `}`
	}
	var lines []string
	for i := range 41 {
		lines = append(lines, fmt.Sprintf(`{"sku":"SKU-%d","quantity":1}`, i))
	}
	cases := []struct {
		name, body string
		status     int
	}{
		{"unknown field", body(line, `,"discount":100`), 400},
		{"price from the client", body(`{"sku":"MUG-BLUE","quantity":1,"unitPrice":{"currency":"EUR","amount":1}}`, ""),
			400},
		{"wrong type", body(`{"sku":"MUG-BLUE","quantity":"1"}`, ""), 400},
		{"quantity 0", body(`{"sku":"MUG-BLUE","quantity":0}`, ""), 400},
		{"quantity 1000", body(`{"sku":"MUG-BLUE","quantity":1000}`, ""), 400},
		{"quantity negative", body(`{"sku":"MUG-BLUE","quantity":-1}`, ""), 400},
		{"quantity a fraction", body(`{"sku":"MUG-BLUE","quantity":1.5}`, ""), 400},
		{"no lines", body("", ""), 400},
		{"41 lines", body(strings.Join(lines, ","), ""), 400},
		{"malformed SKU", body(`{"sku":"../x","quantity":1}`, ""), 400},
		{"not JSON", `{"items":`, 400},
		{"no body", "", 400},
		{"1 MB", body(line, `,"note":"`+strings.Repeat("x", 1<<20)+`"`), 413},
		{"half a character", strings.Replace(body(line, ""), `"M"`, `"\ud800"`, 1), 400},
		{"name that turns the reading", strings.Replace(body(line, ""), `"M"`, "\"M\u202e\"", 1), 400},
		{"card number", strings.Replace(body(line, ""), "pm_card_visa", "4111111111111111", 1), 400},
		{"unknown SKU", body(`{"sku":"NO-SUCH","quantity":1}`, ""), 422},
		{"a SKU in two lines", body(line+","+line, ""), 422},
	}
	token := bearer(t, "mallory", "")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			wantAnswer(t, http.MethodPost, "/v1/orders", token, c.body, c.status)
		})
	}
	page, err := who.ListOrders(t.Context(), 100, "")
	if err != nil || len(page.Orders) != 0 {
		t.Errorf("%d orders after refusals only, %v", len(page.Orders), err)
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	alice, olga := bearer(t, "alice", ""), bearer(t, "olga", "operator")
	cases := []struct {
		name, method, path, token, body string
		status                          int
	}{
		{"no token", "GET", "/v1/orders", "", "", 401},
		{"garbage token", "GET", "/v1/orders", "garbage", "", 401},
		{"foreign token", "GET", "/v1/orders", foreign(alice), "", 401},
		{"malformed order id", "GET", "/v1/orders/42", alice, "", 400},
		{"unknown order", "GET", "/v1/orders/01JZX3M7Q8N5T2V4W6Y8A0B1C3", alice, "", 404},
		{"unknown order's summary", "GET", "/v1/orders/01JZX3M7Q8N5T2V4W6Y8A0B1C3/summary", alice, "", 404},
		{"limit 0", "GET", "/v1/orders?limit=0", alice, "", 400},
		{"limit with a sign", "GET", "/v1/orders?limit=%2B5", alice, "", 400},
		{"limit with a zero in front", "GET", "/v1/orders?limit=05", alice, "", 400},
		{"limit 101", "GET", "/v1/orders?limit=101", alice, "", 400},
		{"unknown parameter", "GET", "/v1/orders?all=true", alice, "", 400},
		{"made-up cursor", "GET", "/v1/orders?cursor=AAAA", alice, "", 400},
		{"product by a customer", "PUT", "/v1/products/MUG-BLUE", alice,
			`{"name":"Mug","price":{"currency":"EUR","amount":1}}`, 403},
		{"stock by a customer", "POST", "/v1/stock/MUG-BLUE/adjustments", alice, `{"delta":1,"reason":"mine"}`, 403},
		{"more taken than is there", "POST", "/v1/stock/MUG-BLUE/adjustments", olga,
			`{"delta":-100000,"reason":"lost"}`, 409},
		{"negative price", "PUT", "/v1/products/MUG-BLUE", olga,
			`{"name":"Mug","price":{"currency":"EUR","amount":-1}}`, 400},
		{"unknown product", "GET", "/v1/products/NO-SUCH", alice, "", 404},
		{"unknown stock", "GET", "/v1/stock/NO-SUCH", alice, "", 404},
		{"export without a key", "GET", "/v1/exports/products?skus=MUG-BLUE", "", "", 401},
		{"webhook with a wrong signature", "POST", "/v1/webhooks/carrier", "",
			`{"id":"cb_1","reference":"01JZX3M7Q8N5T2V4W6Y8A0B1C3","shipmentId":"shp_1","status":"BOOKED"}`, 401},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantAnswer(t, c.method, c.path, c.token, c.body, c.status) })
	}
}

// No function is involved.
func TestTheGatewaysOwnAnswersAreProblems(t *testing.T) {
	wantAnswer(t, http.MethodGet, "/v1/nothing", bearer(t, "alice", ""), "", 404)
}

func TestEveryOperationThatIsNotPublicAsksForAToken(t *testing.T) {
	files, err := os.ReadDir("../../api/operations")
	if err != nil {
		t.Fatal(err)
	}
	path := strings.NewReplacer("{orderId}", "01JZX3M7Q8N5T2V4W6Y8A0B1C3", "{sku}", "MUG-BLUE")
	asked := 0
	for _, f := range files {
		op, err := api.Load(strings.TrimSuffix(f.Name(), ".json"))
		if err != nil {
			t.Fatal(err)
		}
		if op.Public {
			continue
		}
		asked++
		for _, token := range []string{"", "garbage", foreign(bearer(t, "alice", ""))} {
			wantAnswer(t, op.Method, path.Replace(op.Path), token, "", 401)
		}
	}
	if asked < 19 {
		t.Errorf("only %d operations were called", asked)
	}
}

func TestAnotherCustomersOrderIsNotFound(t *testing.T) {
	t.Parallel()
	o := place(t, customerOf(t), order("CUP", 1, "pm_card_visa"))
	wantFinal(t, o, client.Confirmed, "")
	eve := bearer(t, "eve", "")
	for _, path := range []string{
		"/v1/orders/" + o.OrderID, "/v1/orders/" + o.OrderID + "/summary", "/v1/payments/order/" + o.OrderID,
		"/v1/reservations/order/" + o.OrderID, "/v1/shipments/order/" + o.OrderID,
	} {
		wantAnswer(t, http.MethodGet, path, eve, "", 404)
	}
	wantAnswer(t, http.MethodPost, "/v1/orders/"+o.OrderID+"/cancel", eve, "", 404)
	page, err := clientOf("eve", "").ListOrders(t.Context(), 100, "")
	if err != nil || len(page.Orders) != 0 {
		t.Errorf("eve sees %d orders, %v", len(page.Orders), err)
	}
}

func TestListsArePaged(t *testing.T) {
	who := clientOf("pat", "")
	want := map[string]bool{}
	for range 5 {
		want[place(t, who, order("MUG-BLUE", 1, "pm_card_visa")).OrderID] = true
	}
	last, cursor := "~", ""
	for pages := 1; ; pages++ {
		page, err := who.ListOrders(t.Context(), 2, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Orders {
			if !want[o.OrderID] || o.OrderID >= last {
				t.Errorf("order %s is a duplicate, out of order, or not pat's", o.OrderID)
			}
			delete(want, o.OrderID)
			last = o.OrderID
		}
		if page.Cursor == nil || *page.Cursor == "" {
			break
		}
		cursor = *page.Cursor
		if pages > 5 {
			t.Fatal("the list does not end")
		}
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
}

func TestAPriceChangeCountsForLaterOrdersOnly(t *testing.T) {
	t.Parallel()
	sell(t, "PRICED", 1000, 10)
	before := place(t, customerOf(t), order("PRICED", 1, "pm_card_visa"))
	dearer := client.ProductValues{Name: "Test product", Price: money.Money{Currency: "EUR", Amount: 1500}}
	if _, err := operator().PutProduct(t.Context(), "PRICED", dearer); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "orders learns the new price", func() error {
		r := order("PRICED", 1, "pm_card_visa")
		r.ExpectedTotal = &money.Money{Currency: "EUR", Amount: 1500}
		_, err := customerOf(t).PlaceOrder(t.Context(), "", r)
		return err
	})
	stale := order("PRICED", 1, "pm_card_visa")
	stale.ExpectedTotal = &money.Money{Currency: "EUR", Amount: 1000}
	_, err := customerOf(t).PlaceOrder(t.Context(), "", stale)
	wantProblem(t, err, http.StatusConflict, "TotalChanged")
	var p *client.Problem
	if errors.As(err, &p) && (p.Total == nil || p.Total.Amount != 1500) {
		t.Errorf("the current total is %v, want 15.00 EUR", p.Total)
	}
	if got, err := customerOf(t).GetOrder(t.Context(), before.OrderID); err != nil || got.Total.Amount != 1000 {
		t.Errorf("the earlier order costs %s, %v", got.Total, err)
	}
}

func bearer(t *testing.T, user, role string) string {
	t.Helper()
	token, err := stack.Token(context.Background(), user, role)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// foreign returns the token with a wrong signature.
func foreign(token string) string {
	return token[:strings.LastIndex(token, ".")+1] + strings.ToLower(rand.Text()) + strings.Repeat("A", 300)
}

// No caller can cause, with a header, a response that triggers alarms.
// A summary has the parts that came in time, which may leave out the order.
func TestDeadlineThatACallerChoseIsNotOurFault(t *testing.T) {
	for path, want := range map[string][]int{
		"/health/ready": {200}, "/health/payments": {200}, "/v1/webhooks/carrier": {401}, "/v1/webhooks/payment": {401},
		"/v1/orders": {200, 408}, "/v1/orders/01JZX3M7Q8N5T2V4W6Y8A0B1C3/summary": {200, 404, 408},
	} {
		method, body := http.MethodGet, ""
		if strings.Contains(path, "webhooks") {
			method, body = http.MethodPost, "{}"
		}
		req, err := http.NewRequestWithContext(t.Context(), method, stack.Outputs["ApiUrl"]+path,
			strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Request-Timeout-Ms", "1")
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+bearer(t, "alice", ""))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if !slices.Contains(want, res.StatusCode) {
			t.Errorf("%s: %d %s, want one of %v", path, res.StatusCode, b, want)
		}
	}
}

// wantAnswer sends a request and checks for a problem document of that status.
func wantAnswer(t *testing.T, method, path, token, body string, status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, stack.Outputs["ApiUrl"]+path,
		bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if strings.Contains(path, "webhooks") {
		req.Header.Set("X-Carrier-Timestamp", "1767323045")
		req.Header.Set("X-Carrier-Signature", "v1="+strings.Repeat("0", 64))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Type, Title, Code string
		Status            int
	}
	err = json.Unmarshal(b, &p)
	if res.StatusCode != status || err != nil || p.Status != status || p.Code == "" ||
		res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s: %d %s %s, want a problem document of status %d", method, path, res.StatusCode,
			res.Header.Get("Content-Type"), b, status)
	}
}
