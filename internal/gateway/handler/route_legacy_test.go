package handler

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/gateway/strangler/memory"
	"orderflow/internal/gateway/strangler/stranglertest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/metrics/metricstest"
)

// legacyRig is the function over two shops in memory.
type legacyRig struct {
	shops   *stranglertest.Shops
	table   stranglertest.Table
	new     strangler.NewShop
	timeout string // of the caller, in milliseconds; "" is none
	// recorded are the metrics of the last request.
	recorded []string
}

func newLegacyRig(mode string) *legacyRig {
	r := &legacyRig{shops: stranglertest.Example(clock.At(time.Date(2026, 11, 28, 18, 0, 0, 0, time.UTC)))}
	r.table.Set(stranglertest.Settings[mode])
	r.new = r.shops.New()
	return r
}

// send sends a request of the sample's customer: a method and a path, and a body unless it is "".
func (r *legacyRig) send(t *testing.T, operation, method, path, body string) response {
	t.Helper()
	var told stranglertest.Told
	h := routeLegacy(strangler.NewRouter(
		r.shops.Old(), r.new, &r.table, memory.New(r.shops.Clock), &told, r.shops.Clock, LegacyMonitor{}))
	ctx, recording := metricstest.On(t, r.shops.Clock)
	defer func() { r.recorded = recording.Take() }()
	return call(t, ctx, "route-legacy", operation, h, func(in *request) {
		if r.timeout != "" {
			in.Headers[httpclient.TimeoutHeader] = r.timeout
			in.MultiValueHeaders[httpclient.TimeoutHeader] = []string{r.timeout}
		}
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
		if c := r.shops.All[0].Customer; c == "" {
			t.Errorf("%s: the shop was not told whose order it is", mode)
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

// never is a new side that does not answer.
type never struct{ strangler.NewShop }

func (never) Product(ctx context.Context, _ gateway.Caller, _ string) (gateway.Product, error) {
	<-ctx.Done()
	return gateway.Product{}, fault.New(fault.Transient, "NoAnswer", "no answer").Because(context.Cause(ctx))
}

func TestTheCallersDeadlineIsA408AndNoFallBack(t *testing.T) {
	r := newLegacyRig("split 100")
	r.new, r.timeout = never{r.new}, "250"
	res := r.send(t, "readLegacyProduct", http.MethodGet, "/legacy/products/1001", "")
	if res.StatusCode != http.StatusRequestTimeout || slices.Contains(r.recorded, fellBack) {
		t.Errorf("%d %s, recorded %q", res.StatusCode, res.Body, r.recorded)
	}
}

const fellBack = "LegacyFallbacks 1 read-product"

func TestFallBacksAndBadTablesAreCounted(t *testing.T) {
	r := newLegacyRig("split 100")
	r.shops.Fate = func(s strangler.Side, _ strangler.Route) stranglertest.Fate {
		if s == strangler.NewSide {
			return stranglertest.Late
		}
		return stranglertest.Answered
	}
	res := r.send(t, "readLegacyProduct", http.MethodGet, "/legacy/products/1001", "")
	if res.StatusCode != http.StatusOK || !slices.Contains(r.recorded, fellBack) {
		t.Errorf("%d, recorded %q", res.StatusCode, r.recorded)
	}
	ctx, recording := metricstest.On(t, r.shops.Clock)
	invalid := func(context.Context) (string, error) { return "{", nil }
	strangler.NewSource(invalid, r.shops.Clock, LegacyMonitor{}).Current(ctx)
	if got := recording.Take(); !slices.Contains(got, "BadLegacyRoutes 1") {
		t.Errorf("a bad table: recorded %q", got)
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
