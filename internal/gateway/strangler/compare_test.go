package strangler_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/money"
)

// fixed are routes that never change.
type fixed strangler.Table

func (f fixed) Current(context.Context) strangler.Table { return strangler.Table(f) }

// exports are products of the new side, or an error.
type exports struct {
	products []gateway.Product
	err      error
	asked    []string
}

func (e *exports) ProductsBySKU(_ context.Context, skus []string) ([]gateway.Product, error) {
	e.asked = append(e.asked, skus...)
	var found []gateway.Product
	for _, p := range e.products {
		if slices.Contains(skus, p.SKU) {
			found = append(found, p)
		}
	}
	return found, e.err
}

var (
	mapped = strangler.Table{Products: map[string]string{"1001": "MUG-BLUE", "1002": "TEAPOT", "1003": "LAMP"}}

	oldMug = strangler.Product{ProductID: "1001", ArticleNo: "MUG-BLUE", Title: "Blue mug", Price: "19.90",
		Currency: "EUR"}
	oldTeapot = strangler.Product{ProductID: "1002", ArticleNo: "TEAPOT", Title: "Teapot", Price: "59.00",
		Currency: "EUR"}
	newMug    = gateway.Product{SKU: "MUG-BLUE", Name: "Blue mug", Price: money.Money{Currency: "EUR", Amount: 1990}}
	newTeapot = gateway.Product{SKU: "TEAPOT", Name: "Teapot", Price: money.Money{Currency: "EUR", Amount: 5900}}
)

// compare compares an answer that went through the queue with the new side's products.
func compare(t testing.TB, route strangler.Route, answer any, found ...gateway.Product) strangler.Difference {
	t.Helper()
	d, err := strangler.NewComparison(fixed(mapped), &exports{products: found}).
		Compare(t.Context(), queued(t, strangler.Shadowed{Route: route, Answer: answer}))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func queued(t testing.TB, s strangler.Shadowed) (out strangler.Shadowed) {
	t.Helper()
	text, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDifferencesAreFoundByField(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*strangler.Product)
		want   string
	}{
		"same":                          {func(*strangler.Product) {}, ""},
		"an amount without a zero":      {func(p *strangler.Product) { p.Price = "19.9" }, ""},
		"an amount with a zero":         {func(p *strangler.Product) { p.Price = "19.900" }, ""},
		"white space in a title":        {func(p *strangler.Product) { p.Title = " Blue  mug\n" }, ""},
		"a price a cent too low":        {func(p *strangler.Product) { p.Price = "19.89" }, "price"},
		"a price that is not an amount": {func(p *strangler.Product) { p.Price = "19,90" }, "price"},
		"a title that is cut":           {func(p *strangler.Product) { p.Title = "Blue m" }, "title"},
		"a title in capitals":           {func(p *strangler.Product) { p.Title = "BLUE MUG" }, "title"},
		"another article":               {func(p *strangler.Product) { p.ArticleNo = "MUG-RED" }, "article_no"},
		"another currency":              {func(p *strangler.Product) { p.Currency = "USD" }, "currency"},
		"two fields":                    {func(p *strangler.Product) { p.Price, p.Title = "1", "" }, "price title"},
	} {
		t.Run(name, func(t *testing.T) {
			old := oldMug
			c.change(&old)
			d := compare(t, strangler.ReadProduct, old, newMug)
			if strings.Join(d.Fields, " ") != c.want || (len(d.Products) > 0) != (c.want != "") {
				t.Errorf("%+v, want %q", d, c.want)
			}
		})
	}
}

// A field that is added to the old interface must be compared, too.
func TestEveryFieldOfAProductIsCompared(t *testing.T) {
	for i := range reflect.TypeFor[strangler.Product]().NumField() {
		old := oldMug
		reflect.ValueOf(&old).Elem().Field(i).SetString("7")
		if d := compare(t, strangler.ReadProduct, old, newMug); len(d.Fields) == 0 {
			t.Errorf("another %s is not found", reflect.TypeFor[strangler.Product]().Field(i).Name)
		}
	}
}

func TestProductsOfAPageAreComparedByTheirID(t *testing.T) {
	wrong, unknown := oldMug, oldMug
	wrong.Price, unknown.ProductID = "19.98", "1009" // not in the table of routes
	for name, c := range map[string]struct {
		old              []strangler.Product
		found            []gateway.Product
		fields, products string
	}{
		"same in another order": {[]strangler.Product{oldMug, oldTeapot},
			[]gateway.Product{newTeapot, newMug}, "", ""},
		"more on the new side": {[]strangler.Product{oldMug}, []gateway.Product{newTeapot, newMug}, "", ""},
		"an empty page":        {nil, []gateway.Product{newMug}, "", ""},
		"one differs": {[]strangler.Product{wrong, oldTeapot},
			[]gateway.Product{newTeapot, newMug}, "products[].price", "1001"},
		"one is missing": {[]strangler.Product{oldTeapot, oldMug}, []gateway.Product{newTeapot},
			"products[]", "1001"},
		"one has no SKU": {[]strangler.Product{oldTeapot, unknown}, []gateway.Product{newTeapot},
			"products[]", "1009"},
		"a field is named once": {[]strangler.Product{wrong, wrong}, []gateway.Product{newMug},
			"products[].price", "1001 1001"},
		"one differs, another's missing": {[]strangler.Product{wrong, oldTeapot}, []gateway.Product{newMug},
			"products[] products[].price", "1001 1002"},
	} {
		t.Run(name, func(t *testing.T) {
			d := compare(t, strangler.ListProducts, strangler.ProductPage{Products: c.old}, c.found...)
			if strings.Join(d.Fields, " ") != c.fields || strings.Join(d.Products, " ") != c.products {
				t.Errorf("%+v, want %q of %q", d, c.fields, c.products)
			}
		})
	}
}

func TestAProductThatOnlyTheOldShopHasDiffers(t *testing.T) {
	if d := compare(t, strangler.ReadProduct, oldMug); !slices.Equal(d.Fields, []string{"product"}) {
		t.Errorf("%+v", d)
	}
}

func TestFailureOfTheNewSideIsNotADifference(t *testing.T) {
	down := errors.New("down")
	c := strangler.NewComparison(fixed(mapped), &exports{err: down})
	d, err := c.Compare(t.Context(), strangler.Shadowed{Route: strangler.ReadProduct, Answer: oldMug})
	if !errors.Is(err, down) || len(d.Fields) > 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestOnlyAnswersAboutProductsAreCompared(t *testing.T) {
	e := &exports{}
	for _, s := range []strangler.Shadowed{
		{Route: strangler.ReadOrder, Answer: oldMug}, {Answer: oldMug},
		{Route: strangler.ReadProduct, Answer: []int{1}}, {Route: strangler.ListProducts, Answer: "page"},
	} {
		if d, err := strangler.NewComparison(fixed(mapped), e).Compare(t.Context(), s); err == nil {
			t.Errorf("%+v: %+v", s, d)
		}
	}
	if len(e.asked) > 0 {
		t.Errorf("asked for %q", e.asked)
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("Blue mug", "19.90", "EUR", "Blue mug", int64(1990))
	f.Add("", "", "", "", int64(0))
	f.Add("<Ada>", "-1", "JPY", "Ada", int64(-1))
	f.Fuzz(func(t *testing.T, title, price, currency, name string, amount int64) {
		old := strangler.Product{ProductID: "1001", ArticleNo: "MUG-BLUE", Title: title, Price: price,
			Currency: currency}
		found := gateway.Product{SKU: "MUG-BLUE", Name: name, Price: money.Money{Currency: "EUR", Amount: amount}}
		one := compare(t, strangler.ReadProduct, old, found)
		page := compare(t, strangler.ListProducts, strangler.ProductPage{Products: []strangler.Product{old}}, found)
		if len(one.Fields) != len(page.Fields) {
			t.Errorf("a product alone: %q, on a page: %q", one.Fields, page.Fields)
		}
		for i, field := range one.Fields {
			if !slices.Contains([]string{"title", "price", "currency"}, field) ||
				page.Fields[i] != "products[]."+field {
				t.Errorf("%q and %q are not paths", field, page.Fields[i])
			}
		}
	})
}
