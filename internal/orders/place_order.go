package orders

import (
	"context"
	"fmt"
	"strings"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/money"
)

// Limits of an order's size.
const (
	maxLines    = 40
	maxQuantity = 999
)

// Line is a product and how many pieces of it a customer orders.
type Line struct {
	SKU      string
	Quantity int
}

// Placement is an order to be placed.
type Placement struct {
	CustomerID      string
	CustomerEmail   string
	Lines           []Line
	ShippingAddress contract.Address
	PaymentMethod   string
	// ExpectedTotal is the total that the customer agreed to; nil for any.
	ExpectedTotal *money.Money
}

// PlaceOrder stores an order at the price book's prices, with the event that starts its fulfilment.
// replayed reports whether an earlier request with the same key placed it. PlaceOrder fails with
// ErrPostalCode, ErrLines, ErrDuplicateSKU, ErrUnknownSKU, money.ErrCurrency (lines in different
// currencies), money.ErrOverflow, ErrTotalChanged (with the current total), ErrStopped, or, for a
// customer at a limit, ErrTooManyOrders or ErrTooManyDeclines.
func (s *Service) PlaceOrder(
	ctx context.Context, req idempotency.Request, in Placement,
) (o Order, replayed bool, err error) {
	skus, unsellable := distinct(in.Lines)
	log := &quoting{store: s.store, skus: skus}
	return idempotency.Do(ctx, log, req, func(ctx context.Context, once idempotency.Once) (Order, error) {
		to, err := deliverable(in.ShippingAddress)
		if err != nil {
			return Order{}, err
		}
		if unsellable != nil {
			return Order{}, unsellable
		}
		if req.Key == "" { // the log was not asked
			if _, _, err := log.Reply(ctx, "", ""); err != nil {
				return Order{}, err
			}
		}
		now := s.clock.Now()
		if err := log.intake.refusal(now); err != nil {
			return Order{}, err
		}
		items, total, err := priced(in.Lines, log.prices)
		if err != nil {
			return Order{}, err
		}
		if in.ExpectedTotal != nil && *in.ExpectedTotal != total {
			return Order{}, ErrTotalChanged.Detailf("the order costs %s now; nothing was ordered. "+
				"If you agree, send it again with this total", total).With("total", total)
		}
		o := Order{
			OrderID: s.ids.New(), CustomerID: in.CustomerID, CustomerEmail: in.CustomerEmail, Status: StatusPending,
			Items: items, Total: total, ShippingAddress: to, PaymentMethod: in.PaymentMethod, CreatedAt: now,
		}.changed(now)
		created := s.events.New(ctx, contract.OrderCreated, o.OrderID, o.Version, o.created())
		return o, s.place(ctx, o, commit.With{Reply: once.Returning(o), Events: []envelope.Event{created}})
	})
}

// created returns the data of OrderCreated and OrderOverdue.
func (o Order) created() contract.Created {
	return contract.Created{
		OrderID: o.OrderID, CustomerID: o.CustomerID, CustomerEmail: o.CustomerEmail,
		Items: o.Items, Total: o.Total, PaymentMethod: o.PaymentMethod, ShippingAddress: o.ShippingAddress,
	}
}

// Quote is the data that placing an order needs.
type Quote struct {
	Prices   map[string]Price // by SKU
	Intake   Intake
	Reply    idempotency.Record
	Replayed bool // whether there is a Reply
}

// quoting is a log that reads the prices and the intake together with the record.
type quoting struct {
	store  Store
	skus   []string
	prices map[string]Price
	intake Intake
}

// Reply reads a record; see idempotency.Log.
func (l *quoting) Reply(ctx context.Context, scope, key string) (idempotency.Record, bool, error) {
	q, err := l.store.Quote(ctx, scope, key, l.skus)
	l.prices, l.intake = q.Prices, q.Intake
	return q.Reply, q.Replayed, err
}

// priced returns the lines with these prices, and their total.
func priced(lines []Line, prices map[string]Price) ([]contract.Item, money.Money, error) {
	var total money.Money
	var unknown, pointers []string
	items := make([]contract.Item, 0, len(lines))
	for i, l := range lines {
		p, ok := prices[l.SKU]
		if !ok {
			unknown = append(unknown, fmt.Sprint(i+1))
			pointers = append(pointers, skuOf(i))
			continue
		}
		items = append(items, contract.Item{SKU: l.SKU, Quantity: l.Quantity, UnitPrice: p.Price})
	}
	if len(unknown) > 0 { // responses never repeat input, so the lines are named by position
		refusal := at(ErrUnknownSKU, pointers...)
		return nil, total, refusal.Detailf("unknown SKU in lines %s", strings.Join(unknown, ", "))
	}
	for _, item := range items {
		price, err := item.UnitPrice.Times(item.Quantity)
		if err != nil {
			return nil, total, err
		}
		if total, err = total.Add(price); err != nil {
			return nil, total, err
		}
	}
	return items, total, nil
}

// skuOf points to the SKU of a line, from 0.
func skuOf(line int) string { return fmt.Sprintf("/items/%d/sku", line) }

// distinct returns the SKUs of the lines. It fails with ErrLines or ErrDuplicateSKU.
func distinct(lines []Line) ([]string, error) {
	if len(lines) < 1 || len(lines) > maxLines {
		return nil, ErrLines
	}
	first := map[string]int{}
	skus := make([]string, 0, len(lines))
	for i, l := range lines {
		if l.Quantity < 1 || l.Quantity > maxQuantity {
			return nil, ErrLines
		}
		if j, duplicate := first[l.SKU]; duplicate {
			refusal := at(ErrDuplicateSKU, skuOf(j), skuOf(i))
			return nil, refusal.Detailf("lines %d and %d name the same SKU", j+1, i+1)
		}
		first[l.SKU] = i
		skus = append(skus, l.SKU)
	}
	return skus, nil
}
