// Package demo demonstrates Orderflow on a running stack: it stocks a shop and places orders, some
// of which fail.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/ops/client"
	"orderflow/internal/ops/repair"
	"orderflow/internal/ops/timeline"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/resilience"
	"orderflow/sandbox/assortment"
)

// Shop is a running stack.
type Shop struct {
	Customer, Operator *client.Client
	Sandbox            *client.Client // of the third parties
	stack              *devstack.Stack
}

// Of returns the shop of a local stack; customer is the user who places the orders.
func Of(stack *devstack.Stack, customer string) Shop {
	s := Shop{stack: stack, Sandbox: &client.Client{BaseURL: stack.Outputs["SandboxUrl"]}}
	s.Customer, s.Operator = s.CustomerNamed(customer), s.signedIn("olga", "operator")
	return s
}

// CustomerNamed returns a client for another customer.
func (s Shop) CustomerNamed(user string) *client.Client { return s.signedIn(user, "") }

func (s Shop) signedIn(user, role string) *client.Client {
	return &client.Client{BaseURL: s.stack.Outputs["ApiUrl"], Token: func(ctx context.Context) (string, error) {
		return s.stack.Token(ctx, user, role)
	}}
}

// Saga reads the executions of an order's state machines.
func (s Shop) Saga(ctx context.Context, orderID string) (timeline.Timeline, error) {
	return timeline.Load(ctx, sfn.NewFromConfig(s.stack.Config()), timeline.Machines{
		FulfilOrder: s.stack.Outputs["FulfilOrderArn"], CompensateOrder: s.stack.Outputs["CompensateOrderArn"],
	}, orderID)
}

// Machines are the ARNs of the saga's state machines.
func (s Shop) Machines() []string {
	return []string{s.stack.Outputs["FulfilOrderArn"], s.stack.Outputs["CompensateOrderArn"]}
}

// Running lists the running executions of state machines.
func (s Shop) Running(ctx context.Context, machines ...string) (all []types.ExecutionListItem, err error) {
	for _, machine := range machines {
		pages := sfn.NewListExecutionsPaginator(sfn.NewFromConfig(s.stack.Config()), &sfn.ListExecutionsInput{
			StateMachineArn: &machine, StatusFilter: types.ExecutionStatusRunning, MaxResults: 1000,
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			all = append(all, page.Executions...)
		}
	}
	return all, nil
}

// Circuit reads payments' circuit of its provider.
func (s Shop) Circuit(ctx context.Context) (resilience.Circuit, error) {
	if s.stack.Emulator.Target == devstack.OneProcess {
		process := repair.Process{API: awsapi.Client{Config: s.stack.Config()}}
		return repair.ProcessCircuits{Process: process, Service: "payments"}.Circuit(ctx, provider)
	}
	return ddb.Open(s.stack.Config(), s.stack.Outputs["PaymentsTableName"], clock.System{}).Circuit(ctx, provider)
}

// provider is the name of the payment provider.
const provider = "payment-provider"

// Ready waits until the shop is ready, or ctx ends.
func (s Shop) Ready(ctx context.Context) error {
	for {
		err := s.Operator.Ready(ctx)
		if err != nil && clock.Sleep(ctx, time.Second) == nil {
			continue
		}
		if err != nil {
			err = fmt.Errorf("the services are not ready (see `go run ./cmd/orderflow health`): %w", err)
		}
		return err
	}
}

// Sell creates a product and adds pieces to its stock.
func (s Shop) Sell(ctx context.Context, sku, name string, cents int64, pieces int) error {
	price := money.Money{Currency: "EUR", Amount: cents}
	if _, err := s.Operator.PutProduct(ctx, sku, client.ProductValues{Name: name, Price: price}); err != nil {
		return fmt.Errorf("put product %s: %w", sku, err)
	}
	if pieces <= 0 {
		return nil
	}
	// Inventory learns of the product from an event, which may not have arrived yet.
	adjustment := client.Adjustment{Delta: pieces, Reason: "for sale", AllowUnknownSKU: true}
	if _, err := s.Operator.AdjustStock(ctx, "", sku, adjustment); err != nil {
		return fmt.Errorf("stock %s: %w", sku, err)
	}
	return nil
}

// Stock creates the products and tops up their stock.
func (s Shop) Stock(ctx context.Context) error {
	for _, p := range assortment.Products {
		have, err := s.stock(ctx, p.SKU)
		if err == nil {
			err = s.Sell(ctx, p.SKU, p.Name, p.Cents, p.Pieces-have.OnHand)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stock reads a product's stock, which is zero if it was never stocked.
func (s Shop) stock(ctx context.Context, sku string) (client.Stock, error) {
	st, err := s.Operator.GetStock(ctx, sku)
	var problem *client.Problem
	if errors.As(err, &problem) && problem.Status == http.StatusNotFound {
		return client.Stock{SKU: sku}, nil
	}
	return st, err
}

// Payment methods and postal codes that the sandbox knows.
const (
	good    = "pm_card_visa"
	stuck   = "sandbox_void_error"
	berlin  = "10115"
	refused = "00000"
)

func request(sku string, quantity int, method, postalCode string) client.OrderRequest {
	return client.OrderRequest{
		Items:         []client.Item{{SKU: sku, Quantity: quantity}},
		PaymentMethod: method,
		ShippingAddress: client.Address{
			Name: "Ada Example", Line1: "1 Sample Street", City: "Berlin", PostalCode: postalCode, Country: "DE",
		},
	}
}

// place places an order. It retries, as the price of a new product reaches orders with an event.
func (s Shop) place(ctx context.Context, r client.OrderRequest) (client.Order, error) {
	const patience = 30
	var problem *client.Problem
	for try := 1; ; try++ {
		o, err := s.Customer.PlaceOrder(ctx, "", r)
		if try == patience || !errors.As(err, &problem) || problem.Status != http.StatusUnprocessableEntity {
			return o, err
		}
		if err := clock.Sleep(ctx, 500*time.Millisecond); err != nil {
			return o, err
		}
	}
}

// confirms places an order and checks that it is confirmed.
func (s Shop) confirms(ctx context.Context, sku string) error {
	o, err := s.place(ctx, request(sku, 1, good, berlin))
	if err == nil {
		o, err = s.Customer.WaitFinal(ctx, o.OrderID, nil)
	}
	if err == nil && o.Status != client.Confirmed {
		err = fmt.Errorf("the first order ended %s, not confirmed: see `orderflow saga show %s`", o.Status, o.OrderID)
	}
	return err
}

// Charge is an entry of the payment provider's own ledger.
type Charge struct {
	Reference string
	Status    string
	Amount    money.Money
	Captured  bool
}

// Live reports whether the charge was not undone.
func (c Charge) Live() bool { return c.Status != "VOIDED" && c.Status != "REFUNDED" }

// Ledger reads the payment provider's own ledger: the charges of an order, or all charges if
// orderID is "".
func (s Shop) Ledger(ctx context.Context, orderID string) (all []Charge, err error) {
	query := url.Values{"limit": {"100"}}
	if orderID != "" {
		query = url.Values{"reference": {orderID}}
	}
	for {
		var page struct {
			Charges []Charge
			Cursor  string
		}
		if _, err := s.Sandbox.Do(ctx, client.Call{Path: "/ledger?" + query.Encode()}, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Charges...)
		if page.Cursor == "" {
			return all, nil
		}
		query.Set("cursor", page.Cursor)
	}
}

// Parcel is a shipment in the carrier's own books.
type Parcel struct{ Status string }

// Parcels reads an order's shipments from the carrier's own books.
func (s Shop) Parcels(ctx context.Context, orderID string) ([]Parcel, error) {
	var answer struct{ Shipments []Parcel }
	_, err := s.Sandbox.Do(ctx, client.Call{Path: "/shipments?reference=" + orderID}, &answer)
	return answer.Shipments, err
}

// ReportsCollection returns the variables of docs/reporting.http.
func (s Shop) ReportsCollection(ctx context.Context, reportsURL string) (map[string]string, error) {
	operator, err := s.Operator.Token(ctx)
	return map[string]string{"reportsUrl": reportsURL, "operatorToken": operator}, err
}

// Collection returns the variables of docs/orderflow.http: the API's address, tokens of the
// customer and the operator, a new idempotency key, and the customer's newest order, placed now if
// there is none.
func (s Shop) Collection(ctx context.Context, apiURL string) (map[string]string, error) {
	customer, err := s.Customer.Token(ctx)
	if err != nil {
		return nil, err
	}
	operator, err := s.Operator.Token(ctx)
	if err != nil {
		return nil, err
	}
	page, err := s.Customer.ListOrders(ctx, 1, "")
	if err == nil && len(page.Orders) == 0 {
		page.Orders = make([]client.Order, 1)
		page.Orders[0], err = s.place(ctx, request("MUG-BLUE", 1, good, berlin))
	}
	if err != nil {
		return nil, err
	}
	id := page.Orders[0].OrderID
	_, err = s.Customer.WaitFinal(ctx, id, nil)
	return map[string]string{"apiUrl": apiURL, "key": rand.Text(), "customerToken": customer, "operatorToken": operator,
		"orderId": id}, err
}
