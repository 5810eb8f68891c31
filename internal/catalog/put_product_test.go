package catalog_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"orderflow/internal/catalog"
	"orderflow/internal/catalog/contract"
	"orderflow/internal/catalog/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/schema"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func euro(cents int64) money.Money { return money.Money{Currency: "EUR", Amount: cents} }

func open() (*catalog.Service, *memory.Store, *clock.Manual) {
	c := clock.At(start)
	store := memory.New(c)
	return catalog.New(store, c, &ids.Sequence{}), store, c
}

func values(name string, price money.Money) catalog.Values {
	return catalog.Values{Name: name, Price: price}
}

func put(t *testing.T, svc *catalog.Service, name string, cents int64) catalog.Product {
	t.Helper()
	p, err := svc.PutProduct(t.Context(), "MUG", values(name, euro(cents)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// published takes the events from the outbox and validates them.
func published(t *testing.T, store *memory.Store) []contract.PriceChanged {
	t.Helper()
	schemas := schema.Load(contract.Schemas)
	var all []contract.PriceChanged
	for _, e := range store.TakeOutbox() {
		if err := schemas.Validate(e); err != nil {
			t.Errorf("event %s: %v", e.Type, err)
		}
		data, err := envelope.Decode[contract.PriceChanged](e)
		if err != nil || e.Type != contract.ProductPriceChanged || e.Subject != data.SKU ||
			e.AggregateVersion != data.Version {
			t.Errorf("event %+v of %+v: %v", e, data, err)
		}
		all = append(all, data)
	}
	return all
}

func TestNewProductIsVersionOneAndPublished(t *testing.T) {
	svc, store, _ := open()
	want := catalog.Product{SKU: "MUG", Name: "Mug", Words: "mug", Price: euro(1999), Version: 1, UpdatedAt: start}
	if got := put(t, svc, "Mug", 1999); got != want {
		t.Errorf("PutProduct = %+v, want %+v", got, want)
	}
	if got, err := svc.GetProduct(t.Context(), "MUG"); got != want || err != nil {
		t.Errorf("GetProduct = %+v, %v; want %+v", got, err, want)
	}
	events := published(t, store)
	event := contract.PriceChanged{SKU: "MUG", Name: "Mug", Price: euro(1999), Version: 1}
	if len(events) != 1 || events[0] != event {
		t.Errorf("published %+v", events)
	}
}

func TestChangeOfNameOrPriceIsANewVersion(t *testing.T) {
	svc, store, c := open()
	put(t, svc, "Mug", 1999)
	c.Advance(time.Hour)
	put(t, svc, "Blue mug", 1999)
	got := put(t, svc, "Blue mug", 0)
	want := catalog.Product{
		SKU: "MUG", Name: "Blue mug", Words: "blue mug", Price: euro(0), Version: 3, UpdatedAt: start.Add(time.Hour),
	}
	if got != want {
		t.Errorf("PutProduct = %+v, want %+v", got, want)
	}
	if events := published(t, store); len(events) != 3 || events[2].Version != 3 || events[2].Price != euro(0) {
		t.Errorf("published %+v", events)
	}
}

func TestSameNameAndPriceChangeNothing(t *testing.T) {
	svc, store, c := open()
	first := put(t, svc, "Mug", 1999)
	store.TakeOutbox()
	c.Advance(time.Hour)
	if again := put(t, svc, "Mug", 1999); again != first {
		t.Errorf("the second PutProduct = %+v, want the first result %+v", again, first)
	}
	if events := published(t, store); len(events) != 0 {
		t.Errorf("published %+v without a change", events)
	}
}

func TestUnknownCurrencyIsRefusedAndNothingWritten(t *testing.T) {
	svc, store, _ := open()
	price := money.Money{Currency: "XQQ", Amount: 1}
	if _, err := svc.PutProduct(t.Context(), "MUG", values("Mug", price)); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("PutProduct: %v, want ErrCurrency", err)
	}
	if _, err := svc.GetProduct(t.Context(), "MUG"); !errors.Is(err, catalog.ErrNoProduct) {
		t.Errorf("GetProduct: %v, want ErrNoProduct", err)
	}
	if events := published(t, store); len(events) != 0 {
		t.Errorf("published %+v", events)
	}
}

func TestConcurrentPutsGetOneVersionEach(t *testing.T) {
	svc, store, _ := open()
	const writers = 6
	var wg sync.WaitGroup
	for n := range writers {
		wg.Go(func() {
			if _, err := svc.PutProduct(context.Background(), "MUG", values("Mug", euro(int64(n)))); err != nil {
				t.Errorf("PutProduct: %v", err)
			}
		})
	}
	wg.Wait()
	seen := map[int64]bool{}
	for _, e := range published(t, store) {
		seen[e.Version] = true
	}
	if len(seen) != writers || !seen[1] || !seen[writers] {
		t.Errorf("versions published: %v, want 1 to %d", seen, writers)
	}
}

// raced is a store whose writes lose every race.
type raced struct{ *memory.Store }

func (raced) Save(context.Context, catalog.Product, catalog.Product, commit.With) error {
	return fault.ErrLostRace
}

func TestEndlessContentionIsTransient(t *testing.T) {
	c := clock.At(start)
	svc := catalog.New(raced{memory.New(c)}, c, &ids.Sequence{})
	_, err := svc.PutProduct(t.Context(), "MUG", values("Mug", euro(1)))
	if err == nil || fault.KindOf(err) != fault.Transient {
		t.Errorf("PutProduct: %v, want a transient error", err)
	}
}

func TestWhatPagesShowIsKeptUntilItIsSet(t *testing.T) {
	svc, store, _ := open()
	text, image, none, yes, no := "For tea", "https://shop.example/mug.jpg", "", true, false
	for _, c := range []struct {
		set     catalog.Values
		want    catalog.Product // without name, price and times
		publish bool
	}{
		{catalog.Values{Text: &text, ImageURL: &image, Category: &text, Unlisted: &yes},
			catalog.Product{Text: text, ImageURL: image, Category: text, Unlisted: true, Version: 1}, true},
		{catalog.Values{},
			catalog.Product{Text: text, ImageURL: image, Category: text, Unlisted: true, Version: 1}, false},
		{catalog.Values{Category: &none, Unlisted: &no},
			catalog.Product{Text: text, ImageURL: image, Version: 2}, false},
	} {
		c.set.Name, c.set.Price = "Mug", euro(1999)
		got, err := svc.PutProduct(t.Context(), "MUG", c.set)
		if err != nil {
			t.Fatal(err)
		}
		c.want.SKU, c.want.Name, c.want.Price, c.want.UpdatedAt = "MUG", "Mug", euro(1999), got.UpdatedAt
		c.want.Words = "mug"
		if got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
		if published := len(store.TakeOutbox()) > 0; published != c.publish {
			t.Errorf("version %d: published %v", got.Version, published)
		}
	}
}

func TestUnlistedProductsAreInNoList(t *testing.T) {
	svc, _, _ := open()
	yes := true
	for _, sku := range []string{"A", "B", "C"} {
		v := values("Mug", euro(1))
		if sku == "B" {
			v.Unlisted = &yes
		}
		if _, err := svc.PutProduct(t.Context(), sku, v); err != nil {
			t.Fatal(err)
		}
	}
	page, next, err := svc.ListProducts(t.Context(), catalog.Listing{Limit: 10})
	if err != nil || next != "" || len(page) != 2 || page[0].SKU != "A" || page[1].SKU != "C" {
		t.Errorf("%v, %q, %v; want A and C", page, next, err)
	}
	if named, err := svc.ListProductsBySKU(t.Context(), []string{"B"}); err != nil || len(named) != 1 {
		t.Errorf("by its SKU: %v, %v", named, err)
	}
}
