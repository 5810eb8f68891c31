package handler

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/gateway/strangler/memory"
	"orderflow/internal/gateway/strangler/stranglertest"
	"orderflow/internal/platform/clock"
)

// legacyRig is the function over two shops in memory.
type legacyRig struct {
	shops *stranglertest.Shops
	table stranglertest.Table
}

func newLegacyRig(mode string) *legacyRig {
	r := &legacyRig{shops: stranglertest.Example(clock.At(time.Date(2026, 11, 28, 18, 0, 0, 0, time.UTC)))}
	r.table.Set(stranglertest.Settings[mode])
	return r
}

// send sends a request of the sample's customer: a method and a path, and a body unless it is "".
func (r *legacyRig) send(t *testing.T, operation, method, path, body string) response {
	t.Helper()
	var told stranglertest.Told
	h := routeLegacy(strangler.NewRouter(
		r.shops.Old(), r.shops.New(), &r.table, memory.New(r.shops.Clock), &told, r.shops.Clock, &told))
	return call(t, t.Context(), "route-legacy", operation, h, func(in *request) {
		in.HTTPMethod, in.Path, in.Body, in.PathParameters = method, path, body, nil
		in.Resource = path
		parts := strings.Split(strings.TrimPrefix(path, "/legacy/"), "/")
		if len(parts) > 1 {
			name := strings.TrimSuffix(parts[0], "s") + "_id"
			in.PathParameters = map[string]string{name: parts[1]}
			in.Resource = strings.Replace(path, parts[1], "{"+name+"}", 1)
		}
		if body != "" {
			in.Headers["content-type"] = "application/json"
		}
	})
}

const (
	legacyOrders = "/legacy/orders"
	legacyOrder  = `{"request_id":"r1","lines":[{"product_id":"1001","qty":1}],"ship_to":{"full_name":"Ada","street":"1 Way",` +
		`"town":"Berlin","zip":"10115","country_code":"DE"},"pay_token":"pm_card_visa"}`
)

func TestTheOldInterfaceIsServedFromEitherSide(t *testing.T) {
	for _, mode := range []string{"legacy", "split 100", "new"} {
		r := newLegacyRig(mode)
		placed := r.send(t, "placeLegacyOrder", http.MethodPost, legacyOrders, legacyOrder)
		var o strangler.Order
		must(t, json.Unmarshal([]byte(placed.Body), &o))
		if placed.StatusCode != http.StatusCreated || o.Total != "19.99" || o.CancelNote != nil ||
			!strings.Contains(placed.Body, `"cancel_note":null`) {
			t.Errorf("%s: %d %s", mode, placed.StatusCode, placed.Body)
		}
		for _, c := range []struct{ operation, method, path, body, want string }{
			{"readLegacyOrder", http.MethodGet, legacyOrders + "/" + o.OrderID, "", placed.Body},
			{"listLegacyOrders", http.MethodGet, legacyOrders, "", `{"orders":[` + placed.Body + `],"next_page":null}`},
			{"readLegacyProduct", http.MethodGet, "/legacy/products/1001", "",
				`{"product_id":"1001","article_no":"MUG-BLUE","title":"Blue mug","price":"19.99","currency":"EUR"}`},
			{"listLegacyProducts", http.MethodGet, "/legacy/products", "", ""},
			{"cancelLegacyOrder", http.MethodPost, legacyOrders + "/" + o.OrderID + "/cancel", `{"note":"twice"}`, ""},
		} {
			res := r.send(t, c.operation, c.method, c.path, c.body)
			if res.StatusCode != http.StatusOK || c.want != "" && res.Body != c.want {
				t.Errorf("%s %s: %d %s, want %s", mode, c.operation, res.StatusCode, res.Body, c.want)
			}
		}
		if !r.shops.All[0].Cancelled() {
			t.Errorf("%s: the order is not cancelled", mode)
		}
	}
}

func TestOldClientsGetErrorsInTheOldShape(t *testing.T) {
	for name, c := range map[string]struct {
		operation, method, path, body string
		down                          bool
		status                        int
		code                          string
	}{
		"refused by the old shop": {"readLegacyOrder", http.MethodGet, legacyOrders + "/100009", "", false, 404,
			"no_such_order"},
		"refused by the router": {"readLegacyOrder", http.MethodGet, legacyOrders + "/" + strings.Repeat("9", 40),
			"", false, 404, "no_such_order"},
		"no list": {"listLegacyOrders", http.MethodGet, legacyOrders, "", true, 503, "unavailable"},
		"both sides are down": {"placeLegacyOrder", http.MethodPost, legacyOrders, legacyOrder, true, 503,
			"unavailable"},
	} {
		r := newLegacyRig("legacy")
		if c.down {
			r.shops.Fate = func(strangler.Side, strangler.Route) stranglertest.Fate { return stranglertest.Late }
		}
		res := r.send(t, c.operation, c.method, c.path, c.body)
		var body strangler.ErrorBody
		must(t, json.Unmarshal([]byte(res.Body), &body))
		if res.StatusCode != c.status || body.Error.Code != c.code || body.Error.Text == "" {
			t.Errorf("%s: %d %s", name, res.StatusCode, res.Body)
		}
		if (res.Headers["Retry-After"] == "2") != (c.status == 503) {
			t.Errorf("%s: Retry-After %q", name, res.Headers["Retry-After"])
		}
	}
}

func TestARequestAgainstTheContractGetsAProblemDocument(t *testing.T) {
	for _, body := range []string{"", "{}", strings.Replace(legacyOrder, `"qty":1`, `"qty":0`, 1),
		strings.Replace(legacyOrder, "r1", "r 1", 1), strings.Replace(legacyOrder, `"10115"`, `""`, 1)} {
		r := newLegacyRig("legacy")
		res := r.send(t, "placeLegacyOrder", http.MethodPost, legacyOrders, body)
		if res.StatusCode != 400 || res.Headers["Content-Type"] != "application/problem+json" || len(r.shops.All) > 0 {
			t.Errorf("%s: %d %s", body, res.StatusCode, res.Body)
		}
	}
}
