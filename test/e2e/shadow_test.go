package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/ops/routes"
)

// An answer of the old shop with a wrong price is put into the queue, as by route-legacy.
func TestShadowingFindsADifference(t *testing.T) {
	began := time.Now().Add(-time.Minute)
	page, err := customer().ListProducts(t.Context(), 1, "", "")
	if err != nil || len(page.Products) == 0 {
		t.Fatalf("%+v, %v", page, err)
	}
	p := page.Products[0]
	id := strangler.Table{}.ProductID(p.SKU)
	body, err := json.Marshal(strangler.Shadowed{Route: strangler.ReadProduct, Answer: strangler.Product{
		ProductID: id, ArticleNo: p.SKU, Title: p.Name, Price: fmt.Sprint(p.Price.Amount+1, ".00"),
		Currency: p.Price.Currency,
	}})
	if err != nil {
		t.Fatal(err)
	}
	sendToQueue(t, "compare-legacy-reads", string(body))
	log := routes.Log{Client: cloudwatchlogs.NewFromConfig(stack.Config()), Group: "/orderflow/orderflow/gateway"}
	eventually(t, 30*time.Second, "the difference is in the log", func() error {
		found, err := log.Fields(t.Context(), began)
		if err == nil && !slices.ContainsFunc(found, func(f routes.Finding) bool {
			return f.Route == strangler.ReadProduct && f.Field == "price" && slices.Contains(f.Products, id)
		}) {
			err = fmt.Errorf("found %+v", found)
		}
		return err
	})
}
