package chaos

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
)

// warehouse is the warehouse's own system, as its workers use it.
func (r *run) warehouse() *client.Client {
	return persistent(&client.Client{BaseURL: r.stack.Outputs["WarehouseUrl"]})
}

// receive makes the warehouse receive all goods. The warehouse books each receipt once, and
// announces it each time, with the same message id.
func (r *run) receive(ctx context.Context) error {
	for _, p := range products(r.Orders) {
		if p.stocked == 0 {
			continue
		}
		receipt := map[string]any{"sku": p.sku, "quantity": p.stocked, "by": "Chaos", "reference": p.sku}
		call := client.Call{
			Method: http.MethodPost, Path: "/warehouse/receipts", IdempotencyKey: p.sku, Body: receipt,
		}
		if _, err := r.warehouse().Do(ctx, call, nil); err != nil {
			return fmt.Errorf("receive %s: %w", p.sku, err)
		}
	}
	return nil
}

// awaitGoods waits until the shop has what the warehouse received.
func (r *run) awaitGoods(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		n, err := r.uncounted(ctx)
		if err != nil || n == 0 {
			return err
		}
		if err := clock.Sleep(ctx, 250*time.Millisecond); err != nil {
			return fmt.Errorf("the shop does not have what the warehouse received of %d products: %w", n, err)
		}
	}
}

// shelves are the warehouse's own counts, by product; nil if there is no warehouse.
func (r *run) shelves(ctx context.Context) (map[string]int, error) {
	if r.brokers == nil {
		return nil, nil
	}
	all := map[string]int{}
	for _, p := range products(r.Orders) {
		var shelf struct{ OnHand int }
		if _, err := r.warehouse().Do(ctx, client.Call{Path: "/warehouse/stock/" + p.sku}, &shelf); err != nil {
			return nil, fmt.Errorf("the warehouse's count of %s: %w", p.sku, err)
		}
		all[p.sku] = shelf.OnHand
	}
	return all, nil
}

// stock is the shop's stock, by product. A product that was never stocked has none.
func (r *run) stock(ctx context.Context) (map[string]client.Stock, error) {
	all := map[string]client.Stock{}
	for _, p := range products(r.Orders) {
		stock, err := r.shop.Operator.GetStock(ctx, p.sku)
		if err != nil && statusOf(err) != http.StatusNotFound {
			return nil, err
		}
		stock.SKU = p.sku
		all[p.sku] = stock
	}
	return all, nil
}

// uncounted is the number of products whose counts in warehouse and shop differ.
func (r *run) uncounted(ctx context.Context) (n int, err error) {
	shelves, err := r.shelves(ctx)
	if err != nil || shelves == nil {
		return 0, err
	}
	stock, err := r.stock(ctx)
	for sku, counted := range shelves {
		if stock[sku].OnHand != counted {
			n++
		}
	}
	return n, err
}
