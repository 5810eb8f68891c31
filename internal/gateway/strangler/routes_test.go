package strangler_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"orderflow/internal/gateway/strangler"
)

// table returns a table in JSON with the settings of some routes replaced and more members.
func table(routes map[strangler.Route]string, members string) string {
	var all []string
	for _, r := range strangler.AllRoutes {
		setting := `{"mode":"legacy"}`
		if s, ok := routes[r]; ok {
			setting = s
		}
		all = append(all, fmt.Sprintf("%q:%s", r, setting))
	}
	return `{"routes":{` + strings.Join(all, ",") + `}` + members + `}`
}

func TestATableIsParsed(t *testing.T) {
	text := table(map[strangler.Route]string{strangler.PlaceOrder: `{"mode":"split","weight":10}`},
		`,"version":3,"changedBy":"ada","changedAt":"2026-11-28T18:00:00Z","reason":"go","products":{"1001":"MUG-BLUE"}`)
	got, err := strangler.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got.Routes[strangler.PlaceOrder] != (strangler.Setting{Mode: strangler.Split, Weight: 10}) ||
		got.Products["1001"] != "MUG-BLUE" || got.Version != 3 || got.ChangedBy != "ada" {
		t.Errorf("%+v", got)
	}
	again, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strangler.Parse(again); err != nil {
		t.Errorf("written again: %v", err)
	}
}

func TestTheTableInWhichTheOldShopServesEverythingIsValid(t *testing.T) {
	text, err := json.Marshal(strangler.AllLegacy())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strangler.Parse(text); err != nil {
		t.Error(err)
	}
}

func TestABadTableIsRefused(t *testing.T) {
	set := func(r strangler.Route, setting string) string {
		return table(map[strangler.Route]string{r: setting}, "")
	}
	for name, text := range map[string]string{
		"empty":                         ``,
		"not JSON":                      `{"routes"`,
		"two values":                    table(nil, "") + `{}`,
		"no routes":                     `{}`,
		"a route is missing":            `{"routes":{"place-order":{"mode":"new"}}}`,
		"an unknown route":              strings.Replace(table(nil, ""), `"routes":{`, `"routes":{"pay":{"mode":"new"},`, 1),
		"an unknown member":             table(nil, `,"weights":{}`),
		"an unknown mode":               set(strangler.PlaceOrder, `{"mode":"both"}`),
		"no mode":                       set(strangler.PlaceOrder, `{"weight":1}`),
		"a weight of 101":               set(strangler.PlaceOrder, `{"mode":"split","weight":101}`),
		"a negative weight":             set(strangler.PlaceOrder, `{"mode":"split","weight":-1}`),
		"a weight that is not a number": set(strangler.PlaceOrder, `{"mode":"split","weight":"10"}`),
		"a weight of another mode":      set(strangler.PlaceOrder, `{"mode":"new","weight":10}`),
		"a write in shadow":             set(strangler.PlaceOrder, `{"mode":"shadow"}`),
		"a cancellation in shadow":      set(strangler.CancelOrder, `{"mode":"shadow"}`),
		"an order in shadow":            set(strangler.ReadOrder, `{"mode":"shadow"}`),
		"orders in shadow":              set(strangler.ListOrders, `{"mode":"shadow"}`),
		"a product id of letters":       table(nil, `,"products":{"mug":"MUG-BLUE"}`),
		"a product id of 13 digits":     table(nil, `,"products":{"1234567890123":"MUG-BLUE"}`),
		"a SKU with a space":            table(nil, `,"products":{"1001":"MUG BLUE"}`),
		"a SKU that is not a string":    table(nil, `,"products":{"1001":5}`),
		"two products of one SKU":       table(nil, `,"products":{"1001":"MUG-BLUE","1002":"MUG-BLUE"}`),
		"too long":                      table(nil, strings.Repeat(" ", strangler.MaxTable)),
	} {
		if got, err := strangler.Parse([]byte(text)); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestOnlyProductsCanBeShadowed(t *testing.T) {
	for _, r := range strangler.AllRoutes {
		_, err := strangler.Parse([]byte(table(map[strangler.Route]string{r: `{"mode":"shadow"}`}, "")))
		if want := r == strangler.ListProducts || r == strangler.ReadProduct; (err == nil) != want {
			t.Errorf("%s: %v", r, err)
		}
	}
}

func TestAHigherWeightMovesCustomersToTheNewSideOnly(t *testing.T) {
	const customers = 10_000
	moved := 0
	for i := range customers {
		customer := fmt.Sprint("customer-", i)
		on := strangler.OldSide
		for w := range 101 {
			side := strangler.Setting{Mode: strangler.Split, Weight: w}.Side(customer)
			if on == strangler.NewSide && side == strangler.OldSide {
				t.Fatalf("%s goes back at weight %d", customer, w)
			}
			if on = side; w == 30 && on == strangler.NewSide {
				moved++
			}
		}
		if on != strangler.NewSide {
			t.Fatalf("%s is on the old side at weight 100", customer)
		}
	}
	if moved < customers*27/100 || moved > customers*33/100 {
		t.Errorf("at weight 30, %d of %d customers are on the new side", moved, customers)
	}
}

func TestOnlySplitAndNewServeFromTheNewSide(t *testing.T) {
	for mode, want := range map[strangler.Mode]strangler.Side{
		strangler.Legacy: strangler.OldSide, strangler.Shadow: strangler.OldSide, strangler.New: strangler.NewSide,
		strangler.Split: strangler.OldSide, // of weight 0
	} {
		if got := (strangler.Setting{Mode: mode}).Side("c"); got != want {
			t.Errorf("%s: %s", mode, got)
		}
	}
}
