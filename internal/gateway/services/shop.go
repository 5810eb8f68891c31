package services

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/httpclient"
)

var _ gateway.Shop = Services{}

// Order implements gateway.Shop.
func (s Services) Order(ctx context.Context, as gateway.Caller, orderID string) (gateway.Order, error) {
	o, err := read[gateway.Order](ctx, s, gateway.Orders, as, at("/v1/orders/", orderID, ""), nil)
	return of(gateway.Orders, orderID, o, o.OrderID, err)
}

// Orders implements gateway.Shop.
func (s Services) Orders(ctx context.Context, as gateway.Caller, list gateway.OrderList) (gateway.OrderPage, error) {
	query := page(list.Limit, list.Start, "status", list.Status)
	return read[gateway.OrderPage](ctx, s, gateway.Orders, as, "/v1/orders", query)
}

// Payments implements gateway.Shop.
func (s Services) Payments(ctx context.Context, as gateway.Caller, orderIDs []string) ([]gateway.Payment, error) {
	found, err := read[struct{ Payments []gateway.Payment }](ctx, s, gateway.Payments, as, "/v1/payments",
		list("orderIds", orderIDs))
	return among(gateway.Payments, orderIDs, found.Payments, func(p gateway.Payment) string { return p.OrderID }, err)
}

// Reservations implements gateway.Shop.
func (s Services) Reservations(
	ctx context.Context, as gateway.Caller, orderIDs []string,
) ([]gateway.Reservations, error) {
	found, err := read[struct{ Reservations []gateway.Reservations }](ctx, s, gateway.Inventory, as, "/v1/reservations",
		list("orderIds", orderIDs))
	id := func(r gateway.Reservations) string { return r.OrderID }
	return among(gateway.Inventory, orderIDs, found.Reservations, id, err)
}

// Shipments implements gateway.Shop.
func (s Services) Shipments(ctx context.Context, as gateway.Caller, orderIDs []string) ([]gateway.Shipment, error) {
	found, err := read[struct{ Shipments []gateway.Shipment }](ctx, s, gateway.Shipping, as, "/v1/shipments",
		list("orderIds", orderIDs))
	return among(gateway.Shipping, orderIDs, found.Shipments, func(s gateway.Shipment) string { return s.OrderID }, err)
}

// Product implements gateway.Shop.
func (s Services) Product(ctx context.Context, as gateway.Caller, sku string) (gateway.Product, error) {
	p, err := read[gateway.Product](ctx, s, gateway.Catalog, as, at("/v1/products/", sku, ""), nil)
	return of(gateway.Catalog, sku, p, p.SKU, err)
}

// Products implements gateway.Shop.
func (s Services) Products(
	ctx context.Context, as gateway.Caller, list gateway.ProductList,
) (gateway.ProductPage, error) {
	query := page(list.Limit, list.Start, "name", list.Name)
	return read[gateway.ProductPage](ctx, s, gateway.Catalog, as, "/v1/products", query)
}

// ProductsBySKU implements gateway.Shop.
func (s Services) ProductsBySKU(ctx context.Context, as gateway.Caller, skus []string) ([]gateway.Product, error) {
	found, err := read[gateway.ProductPage](ctx, s, gateway.Catalog, as, "/v1/products", list("skus", skus))
	return among(gateway.Catalog, skus, found.Products, func(p gateway.Product) string { return p.SKU }, err)
}

// Stock implements gateway.Shop.
func (s Services) Stock(ctx context.Context, as gateway.Caller, sku string) (gateway.Stock, error) {
	stock, err := read[gateway.Stock](ctx, s, gateway.Inventory, as, at("/v1/stock/", sku, ""), nil)
	return of(gateway.Inventory, sku, stock, stock.SKU, err)
}

// Availability implements gateway.Shop.
func (s Services) Availability(ctx context.Context, as gateway.Caller, skus []string) ([]gateway.Availability, error) {
	found, err := read[struct{ Availability []gateway.Availability }](ctx, s, gateway.Inventory, as, "/v1/availability",
		list("skus", skus))
	sku := func(a gateway.Availability) string { return a.SKU }
	return among(gateway.Inventory, skus, found.Availability, sku, err)
}

// PlaceOrder implements gateway.Shop.
func (s Services) PlaceOrder(ctx context.Context, as gateway.Caller, in gateway.OrderRequest) (gateway.Order, error) {
	return write[gateway.Order](ctx, s, gateway.Orders, as, http.MethodPost, "/v1/orders", in)
}

// CancelOrder implements gateway.Shop.
func (s Services) CancelOrder(
	ctx context.Context, as gateway.Caller, id string, in gateway.CancelRequest,
) (gateway.Order, error) {
	o, err := write[gateway.Order](ctx, s, gateway.Orders, as, http.MethodPost, at("/v1/orders/", id, "/cancel"), in)
	return of(gateway.Orders, id, o, o.OrderID, err)
}

// PutProduct implements gateway.Shop.
func (s Services) PutProduct(
	ctx context.Context, as gateway.Caller, sku string, in gateway.ProductRequest,
) (gateway.Product, error) {
	p, err := write[gateway.Product](ctx, s, gateway.Catalog, as, http.MethodPut, at("/v1/products/", sku, ""), in)
	return of(gateway.Catalog, sku, p, p.SKU, err)
}

// AdjustStock implements gateway.Shop.
func (s Services) AdjustStock(
	ctx context.Context, as gateway.Caller, sku string, in gateway.StockAdjustment,
) (gateway.Stock, error) {
	adjustments := at("/v1/stock/", sku, "/adjustments")
	stock, err := write[gateway.Stock](ctx, s, gateway.Inventory, as, http.MethodPost, adjustments, in)
	return of(gateway.Inventory, sku, stock, stock.SKU, err)
}

// Down reports whether the circuit of a service is not closed.
func (s Services) Down(ctx context.Context, b gateway.Backend) bool { return s.calls[b].Down(ctx) }

func read[T any](
	ctx context.Context, s Services, b gateway.Backend, as gateway.Caller, path string, query url.Values,
) (v T, err error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	err = get(ctx, s.calls[b], path, as.Authorization, &v)
	return v, toFault(err, chosenByCaller)
}

func write[T any](
	ctx context.Context, s Services, b gateway.Backend, as gateway.Caller, method, path string, in any,
) (v T, err error) {
	err = s.calls[b].Do(ctx, httpclient.Request{
		Method: method, Path: path, Authorization: as.Authorization, IdempotencyKey: as.IdempotencyKey, Body: in,
	}, &v)
	return v, toFault(err, chosenByCaller)
}

// of returns a service's answer, which must be about the requested thing.
func of[T any](b gateway.Backend, asked string, answer T, id string, err error) (T, error) {
	if err == nil && id != asked {
		var none T
		return none, wrongAnswer(b)
	}
	return answer, err
}

// among is of for several answers, each of which must be about one of the requested things.
func among[T any](b gateway.Backend, asked []string, answers []T, id func(T) string, err error) ([]T, error) {
	for _, a := range answers {
		if !slices.Contains(asked, id(a)) {
			return nil, wrongAnswer(b)
		}
	}
	return answers, err
}

// at returns the path of a thing, or of a part of it.
func at(path, id, of string) string { return path + url.PathEscape(id) + of }

func list(name string, values []string) url.Values {
	return url.Values{name: {strings.Join(values, ",")}}
}

// page asks for a page of a list, all of whose things have a property, unless its value is "".
func page(limit int, start gateway.Start, property, value string) url.Values {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	for name, value := range map[string]string{"cursor": start.Cursor, "after": start.After, property: value} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}
