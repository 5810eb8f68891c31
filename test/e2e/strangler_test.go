package e2e_test

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orderflow/internal/dev/intercept"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/ops/client"
	"orderflow/internal/verify/e2e"
)

// old makes a call to the old interface.
func old(t *testing.T, c *client.Client, method, path string, body, out any) error {
	t.Helper()
	_, err := c.Do(t.Context(), client.Call{Method: method, Path: "/legacy" + path, Body: body}, out)
	return err
}

func placement(requestID string) strangler.Placement {
	return strangler.Placement{
		RequestID: requestID, Lines: []strangler.RequestLine{{ProductID: "1001", Qty: 2}}, PayToken: "pm_card_visa",
		ShipTo: strangler.Address{
			FullName: "Ada Example", Street: "1 Sample Street", Town: "Berlin", Zip: "10115", CountryCode: "DE",
		},
	}
}

// wantRefusal checks that an error is an answer in the form of the old interface.
func wantRefusal(t *testing.T, err error, status int, code string) {
	t.Helper()
	wantProblem(t, err, status, "")
	var p *client.Problem
	if errors.As(err, &p) && !strings.Contains(string(p.Body), `"code":"`+code+`"`) {
		t.Errorf("%d %s, want the code %s", p.Status, p.Body, code)
	}
}

func TestOldClientsAreServedAtTheirAddresses(t *testing.T) {
	c := clientOf("otto", "")
	var products strangler.ProductPage
	if err := old(t, c, http.MethodGet, "/products", nil, &products); err != nil || len(products.Products) < 6 {
		t.Fatalf("products %+v, %v", products, err)
	}
	var p strangler.Product
	if err := old(t, c, http.MethodGet, "/products/1001", nil, &p); err != nil || p.ArticleNo != "MUG-BLUE" {
		t.Errorf("product %+v, %v", p, err)
	}
	var first, again, read, cancelled strangler.Order
	if err := old(t, c, http.MethodPost, "/orders", placement("e2e-1"), &first); err != nil || first.Total != "39.98" {
		t.Fatalf("order %+v, %v", first, err)
	}
	err := old(t, c, http.MethodPost, "/orders", placement("e2e-1"), &again)
	if err != nil || again.OrderID != first.OrderID {
		t.Errorf("sent again: %+v, %v; want order %s", again, err, first.OrderID)
	}
	path := "/orders/" + first.OrderID
	if err := old(t, c, http.MethodGet, path, nil, &read); err != nil || read.OrderID != first.OrderID {
		t.Errorf("read: %+v, %v", read, err)
	}
	note := strangler.Cancellation{Note: "too late"}
	if err := old(t, c, http.MethodPost, path+"/cancel", note, &cancelled); err != nil ||
		cancelled.State != strangler.StateCancelled || *cancelled.CancelNote != note.Note {
		t.Errorf("cancelled: %+v, %v", cancelled, err)
	}
	var orders strangler.OrderPage
	if err := old(t, c, http.MethodGet, "/orders", nil, &orders); err != nil || len(orders.Orders) != 4 ||
		orders.Orders[0].OrderID != first.OrderID {
		t.Errorf("orders %+v, %v; want the new one and three from before", orders, err)
	}

	other := clientOf("otilie", "")
	wantRefusal(t, old(t, other, http.MethodGet, path, nil, nil), http.StatusNotFound, "no_such_order")
	wantRefusal(t, old(t, other, http.MethodPost, path+"/cancel", note, nil), http.StatusNotFound, "no_such_order")
	wantRefusal(t, old(t, c, http.MethodGet, "/products/7", nil, nil), http.StatusNotFound, "no_such_product")
	changed := placement("e2e-1")
	changed.Lines[0].Qty = 3
	wantRefusal(t, old(t, c, http.MethodPost, "/orders", changed, nil), http.StatusConflict, "request_id_used")
	nobody := &client.Client{BaseURL: c.BaseURL}
	wantProblem(t, old(t, nobody, http.MethodGet, "/orders", nil, nil), http.StatusUnauthorized, "")
}

// Customers read and order while the old shop's routes move to the services and back, and while the
// services' orders is down.
func TestAMigrationLosesAndDoublesNoOrder(t *testing.T) {
	var out bytes.Buffer
	err := shop().Strangler(t.Context(), &out, divert(t, intercept.Orders), e2e.Migration(stack.Emulator.Target))
	if err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	t.Log(out.String())
}

// An order of the services is served while the old shop is down, and the old shop's afterwards.
func TestADeadOldShopStopsOnlyItsOwnOrders(t *testing.T) {
	c := clientOf("oskar", "")
	products := filepath.Join(t.TempDir(), "products.json")
	if err := os.WriteFile(products, []byte(`{"1001":"MUG-BLUE"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	operate(t, 0, "strangler", "set", "place-order=new", "read-product=new", "--products", products, "--reason", "test")
	defer operate(t, 0, "strangler", "set", "all=legacy", "--reason", "test")
	shop := divert(t, intercept.OldShop) // restarts the router, which reads the table again
	var before strangler.OrderPage
	if err := old(t, c, http.MethodGet, "/orders", nil, &before); err != nil {
		t.Fatal(err)
	}
	if err := shop.Break(); err != nil {
		t.Fatal(err)
	}
	var placed, read strangler.Order
	err := old(t, c, http.MethodPost, "/orders", placement("e2e-2"), &placed)
	if err != nil || len(placed.OrderID) != 40 {
		t.Fatalf("order %+v, %v; want one of the services", placed, err)
	}
	err = old(t, c, http.MethodGet, "/orders/"+placed.OrderID, nil, &read)
	if err != nil || read.OrderID != placed.OrderID {
		t.Errorf("read: %+v, %v", read, err)
	}
	if err := old(t, c, http.MethodGet, "/products/1001", nil, nil); err != nil {
		t.Errorf("a product of the services: %v", err)
	}
	var page strangler.OrderPage
	err = old(t, c, http.MethodGet, "/orders", nil, &page)
	if err != nil || len(page.Orders) == 0 || page.NextPage == nil {
		t.Errorf("orders %+v, %v; want those of the services, and more later", page, err)
	}
	last := before.Orders[len(before.Orders)-1].OrderID // from before
	var p *client.Problem
	if err := old(t, c, http.MethodGet, "/orders/"+last, nil, nil); !errors.As(err, &p) || !p.Temporary() {
		t.Errorf("an order of the old shop: %v, want that it may be there later", err)
	}
	if err := shop.Mend(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the old shop's orders are back", func() error {
		return old(t, c, http.MethodGet, "/orders/"+last, nil, nil)
	})
}

func TestABadTableOfRoutesIsRefusedAndSurvived(t *testing.T) {
	operate(t, 2, "strangler", "set", "place-order=both", "--reason", "test")
	operate(t, 2, "strangler", "set", "place-order=shadow", "--reason", "test")
	name := stack.Outputs["LegacyRoutesParameter"]
	parameter := map[string]any{"Name": name, "Value": "{", "Type": "String", "Overwrite": true}
	api := awsapi.Client{Config: stack.Config()}
	if err := api.JSON(t.Context(), "ssm", "AmazonSSM.PutParameter", parameter, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	if err := stack.RestartProcesses(t.Context(), "route-legacy"); err != nil { // now nobody has a good one
		t.Fatal(err)
	}
	if err := old(t, clientOf("otto", ""), http.MethodGet, "/orders", nil, nil); err != nil {
		t.Errorf("orders under a bad table: %v", err)
	}
	if out := operate(t, 1, "strangler", "status"); !strings.Contains(out, "bad") {
		t.Errorf("status of a bad table:\n%s", out)
	}
	operate(t, 1, "strangler", "set", "place-order=legacy", "--reason", "test")
	operate(t, 0, "strangler", "set", "all=legacy", "--replace", "--reason", "test")
	operate(t, 0, "strangler", "status")
}
