package legacy_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/sandbox/legacy"
	"orderflow/sandbox/legacy/memory"
	"orderflow/sandbox/sandboxtest"
)

var now = clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))

// server is an old shop and the customer who calls it.
type server struct {
	*testing.T
	http.Handler
	key, customer string
}

func newServer(t *testing.T) *server {
	shop := sandboxtest.NewLegacyShop(now)
	return &server{t, shop, string(shop.Key), "ada"}
}

// want sends a request, checks the response and returns its body.
func (s *server) want(request, body string, status int, answer string) string {
	s.Helper()
	method, target, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, "/legacy"+target, strings.NewReader(body))
	r.Header.Set(legacy.HeaderKey, s.key)
	r.Header.Set(legacy.HeaderCustomer, s.customer)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	got := strings.TrimSpace(w.Body.String())
	if w.Code != status || !strings.Contains(got, answer) {
		s.Errorf("%s: %d %s; want %d %s", request, w.Code, got, status, answer)
	}
	return got
}

func order(requestID, lines, token string) string {
	return `{"request_id":"` + requestID + `","lines":` + lines + `,"ship_to":{"full_name":"Ada","street":"Weg 1",` +
		`"town":"Berlin","zip":"10115","country_code":"DE"},"pay_token":"` + token + `"}`
}

const mugs, visa = `[{"product_id":"1001","qty":2}]`, "pm_card_visa"

func TestLifeOfAnOrder(t *testing.T) {
	s := newServer(t)
	paid := `{"order_id":"100004","state":"paid","lines":[{"product_id":"1001","qty":2,"price":"19.99"}],` +
		`"total":"39.98","currency":"EUR","placed_at":"2026-01-02 03:04:05","cancel_note":null}`
	s.want("POST /orders", order("a", mugs, visa), 201, paid)
	s.want("GET /orders/100004", "", 200, paid)
	cancelled := strings.NewReplacer("paid", "cancelled", "null", `"too late"`).Replace(paid)
	s.want("POST /orders/100004/cancel", `{"note":"too late"}`, 200, cancelled)
	s.want("POST /orders/100004/cancel", `{"note":"other"}`, 200, cancelled)
	s.want("GET /orders/100004", "", 200, cancelled)
}

func TestDeclinedOrderFailsAndCannotBeCancelled(t *testing.T) {
	s := newServer(t)
	s.want("POST /orders", order("a", mugs, "pm_card_visa_chargeDeclined"), 201, `"state":"failed"`)
	s.want("POST /orders/100004/cancel", `{}`, 409, `{"error":{"code":"not_cancellable","text":"`)
}

func TestRepeatedRequestPlacesOneOrder(t *testing.T) {
	s := newServer(t)
	first := s.want("POST /orders", order("a", mugs, visa), 201, `"order_id":"100004"`)
	s.want("POST /orders", order("a", mugs, visa), 201, first)
	cancelled := s.want("POST /orders/100004/cancel", `{}`, 200, "cancelled")
	s.want("POST /orders", order("a", mugs, visa), 201, cancelled) // the order as it is now
	s.want("POST /orders", order("a", `[{"product_id":"1001","qty":3}]`, visa), 409, `"code":"request_id_used"`)
	s.want("POST /orders", order("b", mugs, visa), 201, `"order_id":"100005"`)
	s.customer = "bob"
	s.want("POST /orders", order("a", mugs, visa), 201, `"order_id":"100009"`)
}

func TestCustomersFindTheirOrdersFromBefore(t *testing.T) {
	s := newServer(t)
	all := s.want("GET /orders", "", 200, `{"next_page":null,"orders":[{"order_id":"100003","state":"new"`)
	for _, part := range []string{`"100002","state":"cancelled"`, `"100001","state":"shipped"`, `"total":"47.98"`,
		`"placed_at":"2019-11-29 09:30:00"`, `"cancel_note":"changed my mind"`} {
		if !strings.Contains(all, part) {
			t.Errorf("orders %s, want %s", all, part)
		}
	}
	s.want("GET /orders", "", 200, all)
	s.want("POST /orders/100003/cancel", `{}`, 200, "cancelled")
	s.want("POST /orders/100001/cancel", `{}`, 409, "not_cancellable")
	s.customer = "bob"
	s.want("GET /orders/100003", "", 404, `"code":"no_such_order"`)
	s.want("POST /orders/100003/cancel", `{}`, 404, `"code":"no_such_order"`)
	s.want("GET /orders", "", 200, `"order_id":"100006"`)
}

func TestOrdersAreListedInPages(t *testing.T) {
	s := newServer(t)
	for _, id := range strings.Split("abcdefghijklmnopqrst", "") {
		s.want("POST /orders", order(id, mugs, visa), 201, "")
	}
	first := s.want("GET /orders", "", 200, `{"next_page":"2","orders":[{"order_id":"100023"`)
	s.want("GET /orders?page=1", "", 200, first)
	second := s.want("GET /orders?page=2", "", 200, `{"next_page":null,"orders":[{"order_id":"100003"`)
	if n := strings.Count(first, "order_id"); n != 20 || strings.Count(second, "order_id") != 3 {
		t.Errorf("%d orders on page 1, want 20; on page 2: %s, want 3", n, second)
	}
	s.want("GET /orders?page=3", "", 200, `{"next_page":null,"orders":[]}`)
}

// The two bugs are part of the shop: the new side must be compared with them.
func TestListHasWrongPricesAndProductsHaveCutTitles(t *testing.T) {
	s := newServer(t)
	list := s.want("GET /products", "", 200, `{"next_page":null,"products":[{"product_id":"1001",`+
		`"article_no":"MUG-BLUE","title":"Mug, blue","price":"19.98","currency":"EUR"},`)
	for _, right := range []string{
		"25.00", "149.00", "12.00", "59.00", "8.90", "Teapot, cast iron", "Lamp, the last one",
	} {
		if !strings.Contains(list, `"`+right+`"`) {
			t.Errorf("products %s, want %s", list, right)
		}
	}
	s.want("GET /products/1001", "", 200, `"title":"Mug, blue","price":"19.99"`)
	s.want("GET /products/1003", "", 200, `"title":"Lamp, the last o","price":"149.00"`)
	s.want("GET /products/1005", "", 200, `"title":"Teapot, cast iro","price":"59.00"`)
	s.want("GET /products/1006", "", 200, `"title":"Notebook, dotted","price":"8.90"`)
	s.want("GET /products?page=2", "", 200, `{"next_page":null,"products":[]}`)
}

func TestOnlyCallersWithTheKeyAreServed(t *testing.T) {
	s := newServer(t)
	key := s.key
	for _, s.key = range []string{"", "wrong", key + "x"} {
		s.want("GET /products", "", 401, `{"error":{"code":"bad_key","text":"`)
		s.want("POST /orders", order("a", mugs, visa), 401, "bad_key")
	}
	s.key = key
	for _, s.customer = range []string{"", "a b", strings.Repeat("a", 65)} {
		s.want("GET /orders", "", 400, `{"error":{"code":"no_customer","text":"`)
	}
}

func TestShopWithoutItsKeyServesNoOne(t *testing.T) {
	s := newServer(t)
	s.Handler, s.key = legacy.Handler(memory.New(now), now, lost{}), ""
	s.want("GET /products", "", 500, `{"error":{"code":"internal","text":"`)
}

type lost struct{}

func (lost) Value(context.Context) ([]byte, error) { return nil, errors.New("no such secret") }

func TestMalformedRequestsAreRefused(t *testing.T) {
	s := newServer(t)
	good := order("a", mugs, visa)
	line := mugs[1 : len(mugs)-1]
	for _, bad := range []string{
		"", "[]", order("", mugs, visa), order("a b", mugs, visa), order(strings.Repeat("a", 65), mugs, visa),
		order("a", mugs, ""), order("a", "[]", visa), order("a", "["+strings.Repeat(line+",", 20)+line+"]", visa),
		strings.Replace(good, "1001", "999", 1), strings.Replace(good, ":2", ":0", 1),
		strings.Replace(good, ":2", ":100", 1), strings.Replace(good, ":2", ":1.5", 1),
		strings.Replace(good, "DE", "", 1), strings.Replace(good, "zip", "zap", 1),
	} {
		s.want("POST /orders", bad, 400, `"code":"invalid_request"`)
	}
	for _, page := range []string{"0", "-1", "x", "1001", "1.0"} {
		s.want("GET /orders?page="+page, "", 400, `"code":"invalid_request"`)
		s.want("GET /products?page="+page, "", 400, `"code":"invalid_request"`)
	}
	s.want("POST /orders/100001/cancel", "", 400, "invalid_request")
	s.want("POST /orders/100001/cancel", `{"note":"`+strings.Repeat("n", 201)+`"}`, 400, "invalid_request")
	for _, id := range []string{"x", "0", "-1", "+100001", "0100001", "1000000000000000", strings.Repeat("9", 30)} {
		s.want("GET /orders/"+id, "", 404, `"code":"no_such_order"`)
	}
	s.want("GET /products/9", "", 404, `"code":"no_such_product"`)
	s.want("GET /nowhere", "", 404, `{"error":{"code":"no_such_route"`)
	s.want("DELETE /orders/100001", "", 404, "no_such_route")
	s.want("GET /orders", "", 200, `"order_id":"100003"`) // nothing was placed
}
