package e2e_test

import (
	"errors"
	"testing"
	"time"
)

func TestProductsAreListed(t *testing.T) {
	eventually(t, 10*time.Second, "the mug is among the products", func() error {
		for cursor, pages := "", 0; pages < 50; pages++ {
			page, err := customer().ListProducts(t.Context(), 2, cursor)
			if err != nil {
				return err
			}
			for _, p := range page.Products {
				if p.SKU == "MUG-BLUE" {
					return nil
				}
			}
			if page.Cursor == nil || *page.Cursor == "" {
				return errors.New("it is on no page")
			}
			cursor = *page.Cursor
		}
		return errors.New("the list does not end")
	})
}
