package demo

import (
	"context"
	"crypto/rand"
)

// Collection returns the variables of docs/orderflow.http: the API's address, tokens of the
// customer and the operator, a new idempotency key, and the customer's newest order, placed now if
// there is none.
func (s Shop) Collection(ctx context.Context, apiURL string) (map[string]string, error) {
	values := map[string]string{"apiUrl": apiURL, "key": rand.Text()}
	var err error
	if values["customerToken"], err = s.Customer.Token(ctx); err != nil {
		return nil, err
	}
	if values["operatorToken"], err = s.Operator.Token(ctx); err != nil {
		return nil, err
	}
	page, err := s.Customer.ListOrders(ctx, 1, "")
	if err != nil {
		return nil, err
	}
	if len(page.Orders) > 0 {
		values["orderId"] = page.Orders[0].OrderID
		return values, nil
	}
	o, err := s.place(ctx, request("MUG-BLUE", 1, good, berlin))
	if err != nil {
		return nil, err
	}
	values["orderId"] = o.OrderID
	_, err = s.Customer.WaitFinal(ctx, o.OrderID, nil)
	return values, err
}
