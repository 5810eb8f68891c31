package strangler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/gateway/strangler/memory"
	"orderflow/internal/gateway/strangler/stranglertest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/resilience"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // thousands of fall-backs
	os.Exit(m.Run())
}

// rig is a router between two shops in memory.
type rig struct {
	*strangler.Router
	shops *stranglertest.Shops
	table stranglertest.Table
	told  stranglertest.Told
	clock *clock.Manual
}

var ada = stranglertest.As("ada")

func newRig(s strangler.Setting) *rig {
	r := &rig{clock: clock.At(time.Date(2026, 11, 28, 18, 0, 0, 0, time.UTC))}
	r.shops = stranglertest.Example(r.clock)
	r.table.Set(s)
	placements := memory.New(r.clock)
	r.Router = strangler.NewRouter(r.shops.Old(), r.shops.New(), &r.table, placements, &r.told, r.clock, &r.told)
	return r
}

// broken makes all calls of a side fail.
func (r *rig) broken(side strangler.Side) {
	r.shops.Fate = func(s strangler.Side, _ strangler.Route) stranglertest.Fate {
		if s == side {
			return stranglertest.Late
		}
		return stranglertest.Answered
	}
}

func (r *rig) works() { r.shops.Fate = nil }

func refusalOf(err error) strangler.Refusal {
	if r, ok := errors.AsType[*strangler.Refusal](err); ok {
		return *r
	}
	return strangler.Refusal{}
}

var (
	legacy = strangler.Setting{Mode: strangler.Legacy}
	shadow = strangler.Setting{Mode: strangler.Shadow}
	half   = strangler.Setting{Mode: strangler.Split, Weight: 100}
	none   = strangler.Setting{Mode: strangler.Split, Weight: 0}
	only   = strangler.Setting{Mode: strangler.New}
)

func TestTheModeSaysWhoseProductsAreServed(t *testing.T) {
	for setting, side := range map[strangler.Setting]string{
		legacy: "old", shadow: "old", none: "old", half: "new", only: "new",
	} {
		r := newRig(setting)
		r.shops.OldProducts[0].Title, r.shops.Catalog[0].Name = "old", "new"
		p, err1 := r.ReadProduct(t.Context(), ada, "1001")
		page, err2 := r.ListProducts(t.Context(), ada, "")
		if err1 != nil || err2 != nil || p.Title != side || page.Products[0].Title != side ||
			page.Products[0].ProductID != "1001" {
			t.Errorf("%+v: %+v, %+v, %v, %v", setting, p, page, err1, err2)
		}
	}
}

func TestAProductOfOneSideIsReadThere(t *testing.T) {
	tea := strangler.Table{}.ProductID("TEA")
	for _, name := range stranglertest.SettingNames {
		setting := stranglertest.Settings[name]
		r := newRig(setting)
		if p, err := r.ReadProduct(t.Context(), ada, tea); err != nil || p.Title != "Tea" || p.ProductID != tea {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		p, err := r.ReadProduct(t.Context(), ada, "1002")
		if setting.Mode == strangler.New {
			if refusalOf(err).Code != "no_such_product" {
				t.Errorf("%s asks the old shop: %+v, %v", name, p, err)
			}
		} else if err != nil || p.Title != "Teapot" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		for _, id := range []string{"9999", strangler.Table{}.ProductID("NONE"), strings.Repeat("1", 16)} {
			if _, err := r.ReadProduct(t.Context(), ada, id); refusalOf(err).Code != "no_such_product" {
				t.Errorf("%s %s: %v", name, id, err)
			}
		}
	}
}

func TestAFailingNewSideFallsBackForReadsInSplitOnly(t *testing.T) {
	for _, open := range []bool{false, true} {
		for setting, falls := range map[strangler.Setting]bool{half: true, only: false} {
			r := newRig(setting)
			r.broken(strangler.NewSide)
			r.shops.Open = open
			_, err1 := r.ReadProduct(t.Context(), ada, "1001")
			_, err2 := r.ListProducts(t.Context(), ada, "")
			if (err1 == nil) != falls || (err2 == nil) != falls {
				t.Errorf("%+v: %v, %v", setting, err1, err2)
			}
			want := []strangler.Route{strangler.ReadProduct, strangler.ListProducts}
			if told := r.told.Fallbacks; falls && !slices.Equal(told, want) || !falls && len(told) > 0 {
				t.Errorf("%+v: told %q", setting, told)
			}
		}
	}
}

func TestRefusalDoesNotFallBack(t *testing.T) {
	r := newRig(half)
	r.shops.Catalog = nil
	if _, err := r.ReadProduct(t.Context(), ada, "1001"); refusalOf(err).Status != 404 || len(r.told.Fallbacks) > 0 {
		t.Errorf("%v, told %q", err, r.told.Fallbacks)
	}
}

// slow is a new side that answers nothing.
type slow struct{ strangler.NewShop }

func (slow) Product(ctx context.Context, _ gateway.Caller, _ string) (gateway.Product, error) {
	<-ctx.Done()
	return gateway.Product{}, ctx.Err()
}

func TestASlowNewSideLeavesTimeForTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(half)
		router := strangler.NewRouter(r.shops.Old(), slow{r.shops.New()}, &r.table, memory.New(r.clock), &r.told,
			r.clock, &r.told)
		began := time.Now()
		if _, err := router.ReadProduct(t.Context(), ada, "1001"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 1500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

func TestOnlyAnswersInShadowAreCompared(t *testing.T) {
	for _, name := range stranglertest.SettingNames {
		r := newRig(stranglertest.Settings[name])
		p, err1 := r.ReadProduct(t.Context(), ada, "1001")
		page, err2 := r.ListProducts(t.Context(), ada, "1")
		_, err3 := r.ReadProduct(t.Context(), ada, "1002") // not on the new side
		if err1 != nil || err2 != nil || (err3 != nil) != (name == "new") {
			t.Fatal(err1, err2, err3)
		}
		if name != "shadow" {
			if len(r.told.Shadowed) > 0 {
				t.Errorf("%s: %+v", name, r.told.Shadowed)
			}
			continue
		}
		if len(r.told.Shadowed) != 2 {
			t.Fatalf("%+v", r.told.Shadowed)
		}
		one, all := r.told.Shadowed[0], r.told.Shadowed[1]
		if one.Route != strangler.ReadProduct || one.Answer != p ||
			all.Route != strangler.ListProducts || fmt.Sprint(all.Answer) != fmt.Sprint(page) {
			t.Errorf("%+v", r.told.Shadowed)
		}
		r.broken(strangler.OldSide)
		if _, err := r.ReadProduct(t.Context(), ada, "1001"); err == nil || len(r.told.Shadowed) != 2 {
			t.Errorf("a failure is compared: %v, %+v", err, r.told.Shadowed)
		}
	}
}

// many gives the new side n products, of which every other has an id of the old shop.
func (r *rig) many(n int) (ids []string) {
	r.shops.Catalog = nil
	for i := range n {
		sku := fmt.Sprintf("P-%04d", i)
		r.shops.Catalog = append(r.shops.Catalog, gateway.Product{SKU: sku})
		if i%2 == 0 {
			r.table.Products[fmt.Sprint(2000+i)] = sku
		}
		ids = append(ids, r.table.ProductID(sku))
	}
	return ids
}

func idsOf(page strangler.ProductPage) (ids []string) {
	for _, p := range page.Products {
		ids = append(ids, p.ProductID)
	}
	return ids
}

func TestPagesOfTheNewSideListEveryProductOnce(t *testing.T) {
	for _, n := range []int{0, 1, 19, 20, 21, 40, 205} {
		r := newRig(only)
		want := r.many(n)
		var byPosition, byNumber []string
		for page := ""; ; {
			found, err := r.ListProducts(t.Context(), ada, page)
			if err != nil || found.Products == nil {
				t.Fatalf("%d, page %q: %+v, %v", n, page, found, err)
			}
			byPosition = append(byPosition, idsOf(found)...)
			if found.NextPage == nil || len(byPosition) > n {
				break
			}
			page = *found.NextPage
		}
		for number := 1; number <= n/20+2; number++ {
			found, err := r.ListProducts(t.Context(), ada, fmt.Sprint(number))
			if err != nil {
				t.Fatal(err)
			}
			byNumber = append(byNumber, idsOf(found)...)
		}
		if !slices.Equal(byPosition, want) || !slices.Equal(byNumber, want) {
			t.Errorf("%d products: %d by position, %d by number", n, len(byPosition), len(byNumber))
		}
	}
}

func TestAPositionOnTheNewSideIsServedThereInEveryMode(t *testing.T) {
	r := newRig(only)
	want := r.many(30)
	first, err := r.ListProducts(t.Context(), ada, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stranglertest.SettingNames {
		setting := r.table.Products
		r.table.Set(stranglertest.Settings[name])
		r.table.Products = setting
		found, err := r.ListProducts(t.Context(), ada, *first.NextPage)
		if err != nil || !slices.Equal(idsOf(found), want[20:]) {
			t.Errorf("%s: %v, %v", name, idsOf(found), err)
		}
	}
}

func TestABadPageIsRefused(t *testing.T) {
	for _, setting := range []strangler.Setting{legacy, only} {
		for _, page := range []string{"0", "-1", "one", "१", strings.Repeat("1", 16), strings.Repeat("3", 49)} {
			r := newRig(setting)
			_, err1 := r.ListProducts(t.Context(), ada, page)
			_, err2 := r.ListOrders(t.Context(), ada, page)
			if refusalOf(err1).Status != 400 || refusalOf(err2).Status != 400 {
				t.Errorf("%+v, page %s: %v, %v", setting, page, err1, err2)
			}
		}
	}
	if _, err := newRig(legacy).ListOrders(t.Context(), ada, "51"); refusalOf(err).Status != 400 {
		t.Errorf("a walk over 50 pages: %v", err)
	}
}

func (r *rig) place(t *testing.T, requestID, productID string) (strangler.Side, error) {
	t.Helper()
	o, err := r.PlaceOrder(t.Context(), ada, stranglertest.Order(requestID, productID))
	owner, _, _ := strangler.OwnerOf(o.OrderID)
	return owner, err
}

func TestTheModeSaysWhereANewOrderIsPlaced(t *testing.T) {
	for setting, side := range map[strangler.Setting]strangler.Side{
		legacy: strangler.OldSide, none: strangler.OldSide, half: strangler.NewSide, only: strangler.NewSide,
	} {
		if got, err := newRig(setting).place(t, "r1", "1001"); err != nil || got != side {
			t.Errorf("%+v: %s, %v", setting, got, err)
		}
	}
}

func TestARepeatedRequestGoesWhereItFirstWent(t *testing.T) {
	for _, first := range stranglertest.SettingNames {
		for _, then := range stranglertest.SettingNames {
			r := newRig(stranglertest.Settings[first])
			one, err1 := r.PlaceOrder(t.Context(), ada, stranglertest.Order("r1", "1001"))
			r.table.Set(stranglertest.Settings[then])
			two, err2 := r.PlaceOrder(t.Context(), ada, stranglertest.Order("r1", "1001"))
			if err1 != nil || err2 != nil || one.OrderID != two.OrderID || len(r.shops.All) != 1 {
				t.Errorf("%s, then %s: %s and %s, %v, %v", first, then, one.OrderID, two.OrderID, err1, err2)
			}
		}
	}
}

func TestARepeatedRequestIsTranslatedAsItFirstWas(t *testing.T) {
	r := newRig(only)
	one, err := r.PlaceOrder(t.Context(), ada, stranglertest.Order("r1", "1001"))
	if err != nil {
		t.Fatal(err)
	}
	for name, products := range map[string]map[string]string{
		"the SKU was corrected": {"1001": "TEA"}, "a process without a table": {},
	} {
		r.table.Products = products
		two, err := r.PlaceOrder(t.Context(), ada, stranglertest.Order("r1", "1001"))
		if err != nil || two.OrderID != one.OrderID || len(r.shops.All) != 1 {
			t.Errorf("%s: %s, %v, %d orders", name, two.OrderID, err, len(r.shops.All))
		}
	}
	_, err = r.PlaceOrder(t.Context(), ada, stranglertest.Order("r1", "1002"))
	if refusalOf(err).Code != "request_id_used" {
		t.Errorf("another product: %v", err)
	}
}

// impatient is a new side that is slower than its caller's deadline.
type impatient struct{ strangler.NewShop }

func (impatient) Product(ctx context.Context, _ gateway.Caller, _ string) (gateway.Product, error) {
	<-ctx.Done()
	return gateway.Product{}, context.Cause(ctx)
}

func (impatient) Orders(ctx context.Context, _ gateway.Caller, _ gateway.OrderList) (gateway.OrderPage, error) {
	<-ctx.Done()
	return gateway.OrderPage{}, context.Cause(ctx)
}

func TestTheCallersDeadlineIsNoFallBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(half)
		router := strangler.NewRouter(
			r.shops.Old(), impatient{r.shops.New()}, &r.table, memory.New(r.clock), &r.told, r.clock, &r.told)
		ctx, cancel := deadline.Choose(deadline.Begin(t.Context()), 20*time.Millisecond)
		defer cancel()
		_, err1 := router.ReadProduct(ctx, ada, "1001")
		_, err2 := router.ListOrders(ctx, ada, "")
		if err1 == nil || err2 == nil || !deadline.Passed(ctx, err1) || len(r.told.Fallbacks) > 0 {
			t.Errorf("%v, %v, told %q", err1, err2, r.told.Fallbacks)
		}
	})
}

func TestARefusedListIsRefused(t *testing.T) {
	r := newRig(half)
	router := strangler.NewRouter(
		r.shops.Old(), guarded{r.shops.New()}, &r.table, memory.New(r.clock), &r.told, r.clock, &r.told)
	page, err := router.ListOrders(t.Context(), ada, "")
	if refusalOf(err).Code != "unauthorized" || len(r.told.Fallbacks) > 0 {
		t.Errorf("%+v, %v, told %q", page, err, r.told.Fallbacks)
	}
}

func TestAPageThatIsCountedIsWholeOrFails(t *testing.T) {
	r := newRig(legacy)
	r.fill(t, rand.New(rand.NewPCG(7, 7)), 60)
	r.broken(strangler.NewSide)
	if page, err := r.ListOrders(t.Context(), ada, "2"); !errors.Is(err, stranglertest.ErrNoAnswer) {
		t.Errorf("page 2 while a side is down: %d orders, %v", len(page.Orders), err)
	}
	if page, err := r.ListOrders(t.Context(), ada, ""); err != nil || page.NextPage == nil {
		t.Errorf("the first page: %d orders, %v", len(page.Orders), err)
	}
}

// replaying is a new side that answers every cancellation as the first time.
type replaying struct{ strangler.NewShop }

func (s replaying) CancelOrder(
	ctx context.Context, as gateway.Caller, orderID string, in gateway.CancelRequest,
) (gateway.Order, error) {
	o, err := s.NewShop.CancelOrder(ctx, as, orderID, in)
	o.Status = "PENDING"
	return o, err
}

func TestACancellationAnswersWithTheOrderAsItIs(t *testing.T) {
	r := newRig(only)
	var keys []string
	shop := keyed{replaying{r.shops.New()}, &keys}
	router := strangler.NewRouter(r.shops.Old(), shop, &r.table, memory.New(r.clock), &r.told, r.clock, &r.told)
	o, err := router.PlaceOrder(t.Context(), ada, stranglertest.Order("r1", "1001"))
	if err != nil {
		t.Fatal(err)
	}
	for _, note := range []string{"n", "n", "another"} {
		o, err := router.CancelOrder(t.Context(), ada, o.OrderID, strangler.Cancellation{Note: note})
		if err != nil || o.State != strangler.StateCancelled {
			t.Errorf("%s: %+v, %v", note, o, err)
		}
	}
	if len(keys) != 3 || keys[0] != keys[1] || keys[0] == keys[2] {
		t.Errorf("keys %q: the same for a repetition only", keys)
	}
}

// keyed records the idempotency keys of cancellations.
type keyed struct {
	strangler.NewShop
	keys *[]string
}

func (s keyed) CancelOrder(
	ctx context.Context, as gateway.Caller, orderID string, in gateway.CancelRequest,
) (gateway.Order, error) {
	*s.keys = append(*s.keys, as.IdempotencyKey)
	return s.NewShop.CancelOrder(ctx, as, orderID, in)
}

func TestTheOldShopTakesNewOrdersWhileTheNewSideIsDown(t *testing.T) {
	r := newRig(half)
	r.shops.Open = true
	side, err := r.place(t, "r1", "1001")
	if err != nil || side != strangler.OldSide ||
		!slices.Equal(r.told.Fallbacks, []strangler.Route{strangler.PlaceOrder}) {
		t.Errorf("%s, %v, told %q", side, err, r.told.Fallbacks)
	}
	r.clock.Advance(time.Second)
	if _, err := r.place(t, "r1", "1001"); err != nil || len(r.told.Fallbacks) != 1 || len(r.shops.All) != 1 {
		t.Errorf("a repetition: %v, told %q, %d orders", err, r.told.Fallbacks, len(r.shops.All))
	}
	r.shops.Open = false
	if side, err := r.place(t, "r2", "1001"); err != nil || side != strangler.NewSide {
		t.Errorf("after: %s, %v", side, err)
	}
}

func TestInModeNewTheOldShopTakesNoOrders(t *testing.T) {
	r := newRig(only)
	r.shops.Open = true
	if side, err := r.place(t, "r1", "1001"); !errors.Is(err, resilience.ErrOpen) || len(r.shops.All) > 0 {
		t.Errorf("%s, %v", side, err)
	}
}

func TestCircuitIsProbedByAReadAndNotByAnOrder(t *testing.T) {
	r := newRig(half)
	r.shops.Open = true
	var probes int
	r.shops.Probe = func() bool { probes++; return true }
	if side, err := r.place(t, "r1", "1001"); err != nil || side != strangler.NewSide || probes != 1 {
		t.Errorf("%s, %v, %d probes", side, err, probes)
	}
	if len(r.told.Fallbacks) > 0 {
		t.Errorf("told %q", r.told.Fallbacks)
	}
}

// guarded is a new side that is due for a probe and refuses every caller.
type guarded struct{ strangler.NewShop }

var errToken = fault.New(fault.Unauthenticated, "Unauthenticated", "the token has expired")

func (guarded) Down(context.Context, gateway.Backend) bool { return true }

func (guarded) Orders(context.Context, gateway.Caller, gateway.OrderList) (gateway.OrderPage, error) {
	return gateway.OrderPage{}, errToken
}

func (guarded) PlaceOrder(context.Context, gateway.Caller, gateway.OrderRequest) (gateway.Order, error) {
	return gateway.Order{}, errToken
}

func TestANewSideThatRefusesTheProbeIsNotDown(t *testing.T) {
	r := newRig(half)
	router := strangler.NewRouter(
		r.shops.Old(), guarded{r.shops.New()}, &r.table, memory.New(r.clock), &r.told, r.clock, &r.told)
	_, err := router.PlaceOrder(t.Context(), ada, stranglertest.Order("r1", "1001"))
	if refusalOf(err).Code != "unauthorized" || len(r.shops.All) > 0 || len(r.told.Fallbacks) > 0 {
		t.Errorf("%v, %d orders, told %q", err, len(r.shops.All), r.told.Fallbacks)
	}
}

func TestARequestWithAnUnknownOutcomeStaysOnItsSide(t *testing.T) {
	for _, fate := range []stranglertest.Fate{stranglertest.Lost, stranglertest.Late} {
		for _, c := range []struct {
			first, then strangler.Setting
			side        strangler.Side
		}{{half, legacy, strangler.NewSide}, {legacy, only, strangler.OldSide}} {
			r := newRig(c.first)
			r.shops.Fate = func(strangler.Side, strangler.Route) stranglertest.Fate { return fate }
			if _, err := r.place(t, "r1", "1001"); !errors.Is(err, stranglertest.ErrNoAnswer) {
				t.Fatal(err)
			}
			r.table.Set(c.then)
			r.works()
			r.shops.Open = c.side == strangler.NewSide
			if r.shops.Open {
				if _, err := r.place(t, "r1", "1001"); !errors.Is(err, resilience.ErrOpen) {
					t.Errorf("while the circuit is open: %v", err)
				}
				r.shops.Open = false
			}
			if side, err := r.place(t, "r1", "1001"); err != nil || side != c.side {
				t.Errorf("%s, %v", side, err)
			}
			for r.shops.Waiting() {
				r.shops.Deliver()
			}
			if len(r.shops.All) != 1 {
				t.Errorf("%d orders", len(r.shops.All))
			}
		}
	}
}

func TestAnOldRequestToTheNewSideIsRefused(t *testing.T) {
	r := newRig(only)
	if _, err := r.place(t, "r1", "1001"); err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(23 * time.Hour)
	if _, err := r.place(t, "r1", "1001"); err != nil {
		t.Errorf("after 23 h: %v", err)
	}
	r.clock.Advance(time.Second)
	if _, err := r.place(t, "r1", "1001"); refusalOf(err).Status != 409 || len(r.shops.All) != 1 {
		t.Errorf("later: %v, %d orders", err, len(r.shops.All))
	}
}

func TestAnotherOrderWithTheSameRequestIDIsRefused(t *testing.T) {
	for _, setting := range []strangler.Setting{legacy, only} {
		r := newRig(setting)
		if _, err := r.place(t, "r1", "1001"); err != nil {
			t.Fatal(err)
		}
		other := stranglertest.Order("r1", "1001")
		other.Lines[0].Qty = 2
		_, err := r.PlaceOrder(t.Context(), ada, other)
		if got := refusalOf(err); got.Status != 409 || got.Code != "request_id_used" || len(r.shops.All) != 1 {
			t.Errorf("%+v: %v", setting, err)
		}
	}
}

func TestProductsOfOneSideAreOrderedThere(t *testing.T) {
	tea := strangler.Table{}.ProductID("TEA")
	for _, c := range []struct {
		setting strangler.Setting
		product string
		open    bool
		side    strangler.Side
		code    string
	}{
		{none, tea, false, strangler.NewSide, ""},
		{half, "1002", false, strangler.OldSide, ""},
		{half, "1002", true, strangler.OldSide, ""},
		{only, "1002", false, "", "no_such_product"},
		{legacy, tea, false, "", "no_such_product"},
	} {
		r := newRig(c.setting)
		r.shops.Open = c.open
		side, err := r.place(t, "r1", c.product)
		if side != c.side || refusalOf(err).Code != c.code || (err == nil) != (c.code == "") ||
			len(r.told.Fallbacks) > 0 {
			t.Errorf("%+v %s: %s, %v, told %q", c.setting, c.product, side, err, r.told.Fallbacks)
		}
	}
	r := newRig(half)
	r.shops.Open = true // the old shop does not have it
	if _, err := r.place(t, "r1", tea); !errors.Is(err, resilience.ErrOpen) {
		t.Errorf("%v", err)
	}
}

// forgetful is a store that fails.
type forgetful struct{}

var errStore = fault.New(fault.Transient, "Transient", "the table is busy")

func (forgetful) Decide(context.Context, string, string, strangler.Decision) (strangler.Decision, error) {
	return strangler.Decision{}, errStore
}

func TestWithoutARecordNothingIsPlaced(t *testing.T) {
	r := newRig(legacy)
	router := strangler.NewRouter(r.shops.Old(), r.shops.New(), &r.table, forgetful{}, &r.told, r.clock, &r.told)
	_, err := router.PlaceOrder(t.Context(), ada, stranglertest.Order("r1", "1001"))
	if !errors.Is(err, errStore) || len(r.shops.All) > 0 {
		t.Errorf("%v, %d orders", err, len(r.shops.All))
	}
}

func TestAnOrderIsReachableByItsAddressInEveryMode(t *testing.T) {
	for _, placed := range stranglertest.SettingNames {
		for _, then := range stranglertest.SettingNames {
			r := newRig(stranglertest.Settings[placed])
			o, err := r.PlaceOrder(t.Context(), ada, stranglertest.Order("r1", "1001"))
			if err != nil {
				t.Fatal(err)
			}
			r.table.Set(stranglertest.Settings[then])
			if got, err := r.ReadOrder(t.Context(), ada, o.OrderID); err != nil || fmt.Sprint(got) != fmt.Sprint(o) {
				t.Errorf("%s, then %s: %+v, %v", placed, then, got, err)
			}
			_, err = r.ReadOrder(t.Context(), stranglertest.As("bob"), o.OrderID)
			if refusalOf(err).Code != "no_such_order" {
				t.Errorf("another's order: %v", err)
			}
			got, err := r.CancelOrder(t.Context(), ada, o.OrderID, strangler.Cancellation{Note: "twice"})
			if err != nil || got.OrderID != o.OrderID || got.State != strangler.StateCancelled {
				t.Errorf("%s, then %s: %+v, %v", placed, then, got, err)
			}
		}
	}
	for _, id := range []string{"", "x", "100009", strings.Repeat("1", 20), strings.Repeat("1", 40),
		strings.Repeat("9", 40)} {
		r := newRig(half)
		_, err1 := r.ReadOrder(t.Context(), ada, id)
		_, err2 := r.CancelOrder(t.Context(), ada, id, strangler.Cancellation{})
		if refusalOf(err1).Code != "no_such_order" || refusalOf(err2).Code != "no_such_order" {
			t.Errorf("%s: %v, %v", id, err1, err2)
		}
	}
}

// walk follows the pages of a customer's orders to the end, and tries a page again that fails.
func (r *rig) walk(t *testing.T, fails func() bool) (ids []string) {
	t.Helper()
	for page, tries := "", 0; tries < 1000; tries++ {
		found, err := r.ListOrders(t.Context(), ada, page)
		if err != nil && !fails() {
			t.Fatal(err)
		}
		if err != nil {
			continue
		}
		for _, o := range found.Orders {
			ids = append(ids, o.OrderID)
		}
		if len(found.Orders) > strangler.PageSize {
			t.Fatalf("%d orders on a page", len(found.Orders))
		}
		if found.NextPage == nil {
			return ids
		}
		page = *found.NextPage
	}
	t.Fatal("the list has no end")
	return nil
}

// fill places orders on random sides, and returns their ids, newest first.
func (r *rig) fill(t *testing.T, random *rand.Rand, n int) (ids []string) {
	t.Helper()
	for i := range n {
		if r.table.Set(legacy); random.IntN(2) == 0 {
			r.table.Set(only)
		}
		if i%3 == 0 { // others are within the same second
			r.clock.Advance(time.Second)
		}
		o, err := r.PlaceOrder(t.Context(), ada, stranglertest.Order(fmt.Sprint(i), "1001"))
		if err != nil {
			t.Fatal(err)
		}
		ids = append([]string{o.OrderID}, ids...)
	}
	return ids
}

func TestTheListHasEveryOrderOfBothSidesOnceNewestFirst(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 1))
	for range 60 {
		r, n := newRig(legacy), random.IntN(130)
		want := r.fill(t, random, n)
		for _, name := range stranglertest.SettingNames {
			r.table.Set(stranglertest.Settings[name])
			got := r.walk(t, func() bool { return false })
			placedAt := func(id string) string {
				o, err := r.ReadOrder(t.Context(), ada, id)
				if err != nil {
					t.Fatal(err)
				}
				return o.PlacedAt
			}
			older := func(a, b string) int { return strings.Compare(placedAt(b), placedAt(a)) }
			if !slices.IsSortedFunc(got, older) {
				t.Fatalf("%s: not newest first", name)
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %d of %d orders", name, len(got), n)
			}
		}
	}
}

func TestPageNumbersWalkTheSameList(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 2))
	r := newRig(legacy)
	r.fill(t, random, 75)
	want := r.walk(t, func() bool { return false })
	var got []string
	for page := 1; page < 9; page++ {
		found, err := r.ListOrders(t.Context(), ada, fmt.Sprint(page))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range found.Orders {
			got = append(got, o.OrderID)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d orders by number, %d by next_page", len(got), len(want))
	}
}

func TestAFailingSideLosesNoOrderOfTheList(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 3))
	for range 100 {
		r := newRig(legacy)
		want := r.fill(t, random, random.IntN(90))
		failed := false
		r.shops.Fate = func(strangler.Side, strangler.Route) stranglertest.Fate {
			if random.IntN(3) == 0 {
				failed = true
				return stranglertest.Late
			}
			return stranglertest.Answered
		}
		got := r.walk(t, func() bool { return failed })
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%d of %d orders", len(got), len(want))
		}
	}
}

func TestOneSideIsListedWhileTheOtherIsDown(t *testing.T) {
	r := newRig(legacy)
	mine, err1 := r.PlaceOrder(t.Context(), ada, stranglertest.Order("1", "1001"))
	r.table.Set(only)
	other, err2 := r.PlaceOrder(t.Context(), ada, stranglertest.Order("2", "1001"))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for down, want := range map[strangler.Side]string{strangler.NewSide: mine.OrderID,
		strangler.OldSide: other.OrderID} {
		r.broken(down)
		page, err := r.ListOrders(t.Context(), ada, "")
		if err != nil || len(page.Orders) != 1 || page.Orders[0].OrderID != want || page.NextPage == nil {
			t.Fatalf("%s is down: %+v, %v", down, page, err)
		}
		if _, err := r.ListOrders(t.Context(), ada, *page.NextPage); !errors.Is(err, stranglertest.ErrNoAnswer) {
			t.Errorf("%s is down: the rest is not the end of the list: %v", down, err)
		}
	}
	if !slices.Equal(r.told.Fallbacks, []strangler.Route{strangler.ListOrders}) {
		t.Errorf("told %q", r.told.Fallbacks)
	}
}
