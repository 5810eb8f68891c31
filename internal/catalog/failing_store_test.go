package catalog_test

import (
	"context"
	"errors"
	"testing"

	"orderflow/internal/catalog"
	"orderflow/internal/catalog/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
)

var errTorn = errors.New("the store did not answer")

// torn is a store whose n-th call, counted from 1, fails.
type torn struct {
	catalog.Store
	failing int
}

func (s *torn) call() error {
	if s.failing--; s.failing == 0 {
		return errTorn
	}
	return nil
}

func (s *torn) Get(ctx context.Context, sku string) (catalog.Product, error) {
	if err := s.call(); err != nil {
		return catalog.Product{}, err
	}
	return s.Store.Get(ctx, sku)
}

func (s *torn) Save(ctx context.Context, before, after catalog.Product, with commit.With) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.Save(ctx, before, after, with)
}

func (s *torn) GetMany(ctx context.Context, skus []string) ([]catalog.Product, error) {
	if err := s.call(); err != nil {
		return nil, err
	}
	return s.Store.GetMany(ctx, skus)
}

func (s *torn) Entries(
	ctx context.Context, prefix string, limit int, cursor string,
) ([]catalog.Entry, string, error) {
	if err := s.call(); err != nil {
		return nil, "", err
	}
	return s.Store.Entries(ctx, prefix, limit, cursor)
}

func TestSearchInAFailingStoreFails(t *testing.T) {
	svc, store, c := open()
	put(t, svc, "Mug", 1999)
	if _, err := svc.PutProduct(t.Context(), "MUG-2", values("Mug", euro(1))); err != nil {
		t.Fatal(err)
	}
	const calls = 3 // for the product before, the index and the products
	for n := 1; n <= calls+1; n++ {
		torn := catalog.New(&torn{store, n}, c, &ids.Sequence{})
		found, _, err := torn.ListProducts(t.Context(), catalog.Listing{Limit: 1, Name: "m", After: "MUG"})
		if errors.Is(err, errTorn) != (n <= calls) || n > calls && (err != nil || len(found) != 1) {
			t.Errorf("call %d fails: %v, %v", n, found, err)
		}
	}
}

func TestFailingStoreIsNotAnEmptyOne(t *testing.T) {
	const calls = 2
	for n := 1; n <= calls+1; n++ {
		c := clock.At(start)
		store := &torn{memory.New(c), n}
		_, err := catalog.New(store, c, &ids.Sequence{}).PutProduct(t.Context(), "MUG", values("Mug", euro(1999)))
		if errors.Is(err, errTorn) != (n <= calls) || n > calls && err != nil {
			t.Errorf("call %d fails: %v", n, err)
		}
	}
}

func TestListHasPagesAndRefusesForeignCursors(t *testing.T) {
	svc, _, _ := open()
	put(t, svc, "Mug", 1999)
	if _, err := svc.PutProduct(t.Context(), "TEA", values("Tea", euro(799))); err != nil {
		t.Fatal(err)
	}
	first, next, err := svc.ListProducts(t.Context(), catalog.Listing{Limit: 1})
	if err != nil || len(first) != 1 || first[0].SKU != "MUG" || next == "" {
		t.Fatalf("first page %+v, cursor %q, %v", first, next, err)
	}
	last, next, err := svc.ListProducts(t.Context(), catalog.Listing{Limit: 1, Cursor: next})
	if err != nil || len(last) != 1 || last[0].SKU != "TEA" || next != "" {
		t.Errorf("last page %+v, cursor %q, %v", last, next, err)
	}
	foreign := catalog.Listing{Limit: 1, Cursor: "x"}
	if _, _, err := svc.ListProducts(t.Context(), foreign); !errors.Is(err, fault.ErrCursor) {
		t.Errorf("a foreign cursor: %v, want ErrCursor", err)
	}
}
