package graph

import (
	"context"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/graph/exec"
	"orderflow/internal/gateway/graph/model"
)

// resolvers implements the fields that need a call.
type resolvers struct{ shop gateway.Shop }

func (r resolvers) Query() exec.QueryResolver         { return query(r) }
func (r resolvers) Mutation() exec.MutationResolver   { return mutation(r) }
func (r resolvers) Order() exec.OrderResolver         { return order{} }
func (r resolvers) OrderLine() exec.OrderLineResolver { return orderLine{} }

type query struct{ shop gateway.Shop }

func (q query) Order(ctx context.Context, orderID string) (*model.Order, error) {
	o, err := q.shop.Order(ctx, caller(ctx), orderID)
	return single(ctx, q.shop, o, err)
}

func (q query) Orders(ctx context.Context, first int, after, status *string) (*model.OrderConnection, error) {
	list := gateway.OrderList{Limit: first}
	if status != nil {
		list.Status = *status
	}
	var err error
	if list.Start, err = parseCursor(orderCursor, after); err != nil {
		return nil, err
	}
	page, err := q.shop.Orders(ctx, caller(ctx), list)
	if err != nil {
		return nil, err
	}
	nodes := model.NewBatch(q.shop, caller(ctx), page.Orders)
	of := func(o *model.Order) string { return cursor(orderCursor, o.OrderID) }
	return model.NewConnection(nodes, of, nextCursor(orderCursor, page.Cursor)), nil
}

func (q query) Product(ctx context.Context, sku string) (*model.Product, error) {
	p, err := q.shop.Product(ctx, caller(ctx), sku)
	return product(ctx, q.shop, p, err)
}

func (q query) Products(ctx context.Context, first int, after, name *string) (*model.ProductConnection, error) {
	list := gateway.ProductList{Limit: first}
	if name != nil {
		list.Name = *name
	}
	var err error
	if list.Start, err = parseCursor(productCursor, after); err != nil {
		return nil, err
	}
	page, err := q.shop.Products(ctx, caller(ctx), list)
	if err != nil {
		return nil, err
	}
	nodes := model.NewProducts(q.shop, caller(ctx), page.Products)
	of := func(p *model.Product) string { return cursor(productCursor, p.SKU) }
	return model.NewConnection(nodes, of, nextCursor(productCursor, page.Cursor)), nil
}

func (q query) Stock(ctx context.Context, sku string) (*gateway.Stock, error) {
	return pointer(q.shop.Stock(ctx, caller(ctx), sku))
}

type mutation struct{ shop gateway.Shop }

func (m mutation) PlaceOrder(ctx context.Context, in gateway.OrderRequest, key string) (*model.Order, error) {
	as, err := keyed(ctx, key)
	if err != nil {
		return nil, err
	}
	o, err := m.shop.PlaceOrder(ctx, as, in)
	return single(ctx, m.shop, o, err)
}

func (m mutation) CancelOrder(ctx context.Context, orderID string, reason *string, key string) (*model.Order, error) {
	as, err := keyed(ctx, key)
	if err != nil {
		return nil, err
	}
	o, err := m.shop.CancelOrder(ctx, as, orderID, gateway.CancelRequest{Reason: reason})
	return single(ctx, m.shop, o, err)
}

func (m mutation) PutProduct(ctx context.Context, sku string, in gateway.ProductRequest) (*model.Product, error) {
	p, err := m.shop.PutProduct(ctx, caller(ctx), sku, in)
	return product(ctx, m.shop, p, err)
}

func (m mutation) AdjustStock(
	ctx context.Context, sku string, in gateway.StockAdjustment, key string,
) (*gateway.Stock, error) {
	as, err := keyed(ctx, key)
	if err != nil {
		return nil, err
	}
	return pointer(m.shop.AdjustStock(ctx, as, sku, in))
}

type order struct{}

func (order) Payment(ctx context.Context, o *model.Order) (*gateway.Payment, error) {
	return o.Batch.Payment(ctx, o.OrderID)
}

func (order) Reservations(ctx context.Context, o *model.Order) (*gateway.Reservations, error) {
	return o.Batch.Reservations(ctx, o.OrderID)
}

func (order) Shipment(ctx context.Context, o *model.Order) (*gateway.Shipment, error) {
	return o.Batch.Shipment(ctx, o.OrderID)
}

type orderLine struct{}

func (orderLine) Product(ctx context.Context, l *model.OrderLine) (*model.Product, error) {
	return l.Batch.Product(ctx, l.SKU)
}

// single returns one order as a batch of its own.
func single(ctx context.Context, shop gateway.Shop, o gateway.Order, err error) (*model.Order, error) {
	if err != nil {
		return nil, err
	}
	return model.NewBatch(shop, caller(ctx), []gateway.Order{o})[0], nil
}

// product returns one product.
func product(ctx context.Context, shop gateway.Shop, p gateway.Product, err error) (*model.Product, error) {
	if err != nil {
		return nil, err
	}
	return model.NewProducts(shop, caller(ctx), []gateway.Product{p})[0], nil
}

// keyed returns the caller with an idempotency key.
func keyed(ctx context.Context, key string) (gateway.Caller, error) {
	as := caller(ctx)
	as.IdempotencyKey = key
	return as, gateway.CheckIdempotencyKey(key)
}

func pointer[T any](v T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return &v, nil
}
