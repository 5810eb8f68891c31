package oldshop_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"orderflow/internal/gateway/oldshop"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/resilience"
	"orderflow/sandbox/sandboxtest"
)

// faulty serves requests with the sandbox's old shop, except those that fault answers.
type faulty struct {
	*sandboxtest.LegacyShop
	fault func(w http.ResponseWriter, r *http.Request) bool
	calls []string
	last  http.Header
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.calls, f.last = append(f.calls, r.Method+" "+r.URL.RequestURI()), r.Header
	if f.fault == nil || !f.fault(w, r) {
		f.LegacyShop.ServeHTTP(w, r)
	}
}

func open() (oldshop.Shop, *faulty) {
	shop := &faulty{LegacyShop: sandboxtest.NewLegacyShop(clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))}
	c := sandboxtest.Config(oldshop.Name, shop)
	c.Retry = resilience.Policy{} // the adapter's own
	c.Sleep = func(context.Context, time.Duration) error { return nil }
	return oldshop.New(c, shop.Key), shop
}

// answering returns an old shop that always gives the same response.
func answering(status int, body string) (oldshop.Shop, *faulty) {
	s, shop := open()
	shop.fault = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
	return s, shop
}

func placement(requestID string) strangler.Placement {
	return strangler.Placement{
		RequestID: requestID, Lines: []strangler.RequestLine{{ProductID: "1001", Qty: 2}}, PayToken: "pm_card_visa",
		ShipTo: strangler.Address{FullName: "Ada", Street: "Weg 1", Town: "Berlin", Zip: "10115", CountryCode: "DE"},
	}
}

// calls are the six operations, with their name.
var calls = map[strangler.Route]func(context.Context, strangler.OldShop) error{
	strangler.ListProducts: func(ctx context.Context, s strangler.OldShop) error {
		_, err := s.Products(ctx, "ada", 1)
		return err
	},
	strangler.ReadProduct: func(ctx context.Context, s strangler.OldShop) error {
		_, err := s.Product(ctx, "ada", "1001")
		return err
	},
	strangler.PlaceOrder: func(ctx context.Context, s strangler.OldShop) error {
		_, err := s.PlaceOrder(ctx, "ada", placement("k"))
		return err
	},
	strangler.ReadOrder: func(ctx context.Context, s strangler.OldShop) error {
		_, err := s.Order(ctx, "ada", "100003")
		return err
	},
	strangler.ListOrders: func(ctx context.Context, s strangler.OldShop) error {
		_, err := s.Orders(ctx, "ada", 1)
		return err
	},
	strangler.CancelOrder: func(ctx context.Context, s strangler.OldShop) error {
		_, err := s.CancelOrder(ctx, "ada", "100003", strangler.Cancellation{})
		return err
	},
}

func TestOldShopIsCalledByItsContract(t *testing.T) {
	s, shop := open()
	note := "too late"
	paid := strangler.Order{
		OrderID: "100004", State: strangler.StatePaid, Total: "39.98", Currency: "EUR", PlacedAt: "2026-01-02 03:04:05",
		Lines: []strangler.Line{{ProductID: "1001", Qty: 2, Price: "19.99"}},
	}
	cancelled := paid
	cancelled.State, cancelled.CancelNote = strangler.StateCancelled, &note
	ctx := t.Context()
	mug := strangler.Product{ProductID: "1001", ArticleNo: "MUG-BLUE", Title: "Mug, blue", Price: "19.99",
		Currency: "EUR"}
	want(t, mug)(s.Product(ctx, "ada", "1001"))
	want(t, paid)(s.PlaceOrder(ctx, "ada", placement("k")))
	want(t, paid)(s.PlaceOrder(ctx, "ada", placement("k")))
	want(t, paid)(s.Order(ctx, "ada", "100004"))
	want(t, cancelled)(s.CancelOrder(ctx, "ada", "100004", strangler.Cancellation{Note: note}))
	products, err := s.Products(ctx, "ada", 1)
	if err != nil || len(products.Products) != 6 || products.NextPage != nil {
		t.Errorf("products %+v, %v", products, err)
	}
	for n := range 20 {
		want(t, strangler.StatePaid)(stateOf(s.PlaceOrder(ctx, "ada", placement(fmt.Sprint(n)))))
	}
	orders, err := s.Orders(ctx, "ada", 1)
	if err != nil || len(orders.Orders) != 20 || orders.NextPage == nil || *orders.NextPage != "2" {
		t.Errorf("orders %+v, %v", orders, err)
	}
	orders, err = s.Orders(ctx, "ada", 2)
	if err != nil || len(orders.Orders) != 4 || orders.NextPage != nil ||
		!reflect.DeepEqual(orders.Orders[0], cancelled) {
		t.Errorf("orders %+v, %v", orders, err)
	}
	if len(shop.Orders("ada")) != 24 {
		t.Errorf("%d orders, want 3 from before and 21", len(shop.Orders("ada")))
	}
}

func stateOf(o strangler.Order, err error) (strangler.State, error) { return o.State, err }

func want[T any](t *testing.T, want T) func(T, error) {
	t.Helper()
	return func(got T, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
}

func TestRefusalsHaveTheOldShopsAnswer(t *testing.T) {
	s, _ := open()
	_, err := s.Orders(t.Context(), "ada", 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PlaceOrder(t.Context(), "ada", placement("used")); err != nil {
		t.Fatal(err)
	}
	wantRefusal := func(status int, code string) func(any, error) {
		return func(_ any, err error) {
			t.Helper()
			var refusal *strangler.Refusal
			if !errors.As(err, &refusal) || refusal.Status != status || refusal.Code != code || refusal.Text == "" {
				t.Errorf("%v, want %d %s", err, status, code)
			}
		}
	}
	other := placement("used")
	other.Lines[0].Qty = 3
	unknown := placement("unknown")
	unknown.Lines[0].ProductID = "7"
	product, err := s.Product(t.Context(), "ada", "7")
	wantRefusal(404, "no_such_product")(product, err)
	products, err := s.Products(t.Context(), "ada", 0)
	wantRefusal(400, "invalid_request")(products, err)
	for code, refused := range map[string]struct {
		status int
		call   func() (strangler.Order, error)
	}{
		"request_id_used": {409, func() (strangler.Order, error) { return s.PlaceOrder(t.Context(), "ada", other) }},
		"invalid_request": {400, func() (strangler.Order, error) { return s.PlaceOrder(t.Context(), "ada", unknown) }},
		"no_such_order":   {404, func() (strangler.Order, error) { return s.Order(t.Context(), "bob", "100003") }},
		"not_cancellable": {409, func() (strangler.Order, error) {
			return s.CancelOrder(t.Context(), "ada", "100001", strangler.Cancellation{})
		}},
	} {
		o, err := refused.call()
		wantRefusal(refused.status, code)(o, err)
	}
}

func TestKeyAndCustomerAreSentWithoutAToken(t *testing.T) {
	s, shop := open()
	for route, call := range calls {
		_ = call(t.Context(), s)
		if shop.last.Get("X-Shop-Key") != string(shop.Key) || shop.last.Get("X-Shop-Customer") != "ada" ||
			shop.last.Get("Authorization") != "" {
			t.Errorf("%s: header %v", route, shop.last)
		}
	}
}

func TestAnswersAboutUsAreNotTheClientsRefusal(t *testing.T) {
	for _, status := range []int{301, 400, 401, 403, 404, 405, 409, 413} {
		body := `{"error":{"code":"bad_key","text":"no"}}`
		if status == 400 || status == 404 || status == 409 {
			body = `{"message":"Missing Authentication Token"}` // of something in between
		}
		for route, call := range calls {
			s, _ := answering(status, body)
			err := call(t.Context(), s)
			if fault.KindOf(err) != fault.Internal || fault.From(err).Code != "OldShopRefused" {
				t.Errorf("%s, %d: %v, want OldShopRefused, internal", route, status, err)
			}
		}
	}
}

func TestAnswersThatMakeNoSenseAreFailures(t *testing.T) {
	for _, body := range []string{
		`{}`, `<html>`, `[]`, `{"products":null,"orders":null}`, `{"orders":[{"order_id":"1234567890123456"}]}`,
		`{"order_id":"1234567890123456","product_id":"7"}`, `{"orders":[{"order_id":"x"}]}`,
		`{"order_id":"1002132377986728715717885025437009904412"}`, // the new side's
		`{"orders":[{"order_id":"1002132377986728715717885025437009904412"}]}`,
	} {
		for route, call := range calls {
			s, _ := answering(200, body)
			if err := call(t.Context(), s); err == nil || fault.KindOf(err) != fault.Transient {
				t.Errorf("%s, %s: %v, want a transient fault", route, body, err)
			}
		}
	}
}

func TestOnlyWhatIsSafeToRepeatIsRetried(t *testing.T) {
	for route, call := range calls {
		s, shop := answering(503, `{}`)
		err := call(t.Context(), s)
		attempts := 2
		if route == strangler.CancelOrder {
			attempts = 1
		}
		if err == nil || fault.KindOf(err) != fault.Transient || len(shop.calls) != attempts {
			t.Errorf("%s: %v after %q, want a transient fault after %d calls", route, err, shop.calls, attempts)
		}
	}
}

func TestLostAnswerOfAPlacementPlacesOneOrder(t *testing.T) {
	s, shop := open()
	shop.fault = func(w http.ResponseWriter, r *http.Request) bool {
		shop.fault = nil
		shop.LegacyShop.ServeHTTP(discard{}, r)
		w.WriteHeader(http.StatusGatewayTimeout)
		return true
	}
	o, err := s.PlaceOrder(t.Context(), "ada", placement("k"))
	if err != nil || o.OrderID != "100004" || len(shop.Orders("ada")) != 4 {
		t.Errorf("%+v, %v; orders %+v; want 100004 and 3 from before", o, err, shop.Orders("ada"))
	}
}

// discard loses an answer.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

func TestIdsAreEscaped(t *testing.T) {
	s, shop := answering(404, `{"error":{"code":"no_such_order","text":"no"}}`)
	_, _ = s.Order(t.Context(), "ada", "1/cancel?x")
	_, _ = s.CancelOrder(t.Context(), "ada", "1?x#", strangler.Cancellation{})
	_, _ = s.Product(t.Context(), "ada", "../orders")
	got := strings.Join(shop.calls, " ")
	const want = "GET /legacy/orders/1%2Fcancel%3Fx POST /legacy/orders/1%3Fx%23/cancel " +
		"GET /legacy/products/..%2Forders"
	if got != want {
		t.Errorf("called %s, want %s", got, want)
	}
}

func TestWithoutTheKeyNothingIsSent(t *testing.T) {
	_, shop := open()
	s := oldshop.New(sandboxtest.Config(oldshop.Name, shop), lost{})
	for route, call := range calls {
		if err := call(t.Context(), s); !errors.Is(err, errLost) || len(shop.calls) > 0 {
			t.Errorf("%s: %v after %q", route, err, shop.calls)
		}
	}
}

var errLost = errors.New("no such secret")

type lost struct{}

func (lost) Value(context.Context) ([]byte, error) { return nil, errLost }
