package e2e_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/money"
)

func TestMisspeltSKUIsRefused(t *testing.T) {
	_, err := operator().AdjustStock(t.Context(), "", "MUG-BLEU", client.Adjustment{Delta: 5, Reason: "test"})
	wantProblem(t, err, 422, "UnknownSku")
	_, err = operator().GetStock(t.Context(), "MUG-BLEU")
	wantProblem(t, err, 404, "StockNotFound")

	learnt := client.ProductValues{Name: "Test product", Price: money.Money{Currency: "EUR", Amount: 100}}
	if _, err := operator().PutProduct(t.Context(), "LEARNT", learnt); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "inventory learns of a new product", func() error {
		_, err := operator().AdjustStock(t.Context(), "", "LEARNT", client.Adjustment{Delta: 5, Reason: "test"})
		return err
	})
}

func TestProductsAreListed(t *testing.T) {
	eventually(t, 10*time.Second, "the mug is among the products", func() error {
		for cursor, pages := "", 0; pages < 50; pages++ {
			page, err := customer().ListProducts(t.Context(), 2, cursor, "")
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

func TestAnybodyFindsProductsAndWhatIsInStock(t *testing.T) {
	price := money.Money{Currency: "EUR", Amount: 100}
	for _, name := range []string{"Grüne Karaffe", "Grüne Kanne"} { // the first name is gone
		values := client.ProductValues{Name: name, Price: price}
		if _, err := operator().PutProduct(t.Context(), "FOUND", values); err != nil {
			t.Fatal(err)
		}
	}
	var stock client.Stock
	eventually(t, 30*time.Second, "inventory learns of a new product", func() (err error) {
		stock, err = operator().AdjustStock(t.Context(), "", "FOUND", client.Adjustment{Delta: 3, Reason: "test"})
		return err
	})
	status := "LOW"
	if stock.Available >= 10 { // earlier runs have stocked it, too
		status = "IN_STOCK"
	}
	for path, want := range map[string]string{
		"/v1/products?name=kann%20GRUN":       `"sku":"FOUND"`,
		"/v1/products?name=karaffe":           `"products":[]`,
		"/v1/availability?skus=NO-SUCH,FOUND": `"sku":"FOUND","status":"` + status + `"`,
		"/v1/availability?skus=FOUND,NO-SUCH": `"sku":"NO-SUCH","status":"OUT_OF_STOCK"`,
	} {
		status, body, _, err := anonymously(t.Context(), path)
		if err != nil || status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s, %v; want %s", path, status, body, err, want)
		}
	}
}

func TestProductsAreExportedToOtherSystems(t *testing.T) {
	url := stack.Outputs["ApiUrl"] + "/v1/exports/products?skus=MUG-BLUE,NO-SUCH"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Export-Key", string(secret(t, "product-export")))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || strings.Count(string(body), `"sku"`) != 1 {
		t.Errorf("%d %s, %v; want the mug only", res.StatusCode, body, err)
	}
}
