package warehouse

import (
	"net/http"
	"regexp"

	"orderflow/sandbox/web"
)

// Handler serves the workers' operations: receive goods, count them, read the stock.
func Handler(w Warehouse) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /warehouse/receipts", web.Handle(func(r *http.Request) (int, any, error) {
		in, key, err := web.Decode[Receipt](r, "receipts")
		if err != nil {
			return 0, nil, err
		}
		booked, err := w.Receive(r.Context(), key.Key, in)
		return http.StatusCreated, booked, err
	}))
	mux.Handle("POST /warehouse/counts", web.Handle(func(r *http.Request) (int, any, error) {
		in, key, err := web.Decode[Count](r, "counts")
		if err != nil {
			return 0, nil, err
		}
		booked, err := w.Count(r.Context(), key.Key, in)
		return http.StatusCreated, booked, err
	}))
	mux.Handle("GET /warehouse/stock/{sku}", web.Handle(func(r *http.Request) (int, any, error) {
		sku := r.PathValue("sku")
		if err := valid(sku, 0, "worker"); err != nil {
			return 0, nil, err
		}
		onHand, err := w.Store.OnHand(r.Context(), sku)
		return http.StatusOK, map[string]any{"sku": sku, "onHand": onHand}, err
	}))
	mux.Handle("/", web.NoRoute())
	return mux
}

// Validate returns why the receipt violates the contract.
func (r Receipt) Validate() error {
	if r.Quantity < 1 {
		return web.Invalid("quantity must be at least 1")
	}
	if !isText(r.Reference) {
		return web.Invalid("reference must be 1 to 40 visible characters")
	}
	return valid(r.SKU, r.Quantity, r.By)
}

// Validate returns why the count violates the contract.
func (c Count) Validate() error { return valid(c.SKU, c.Counted, c.By) }

const most = 1_000_000

var (
	sku  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	text = regexp.MustCompile(`^[!-~]([ -~]*[!-~])?$`)
)

const maxSKU, maxText = 64, 40

func isText(s string) bool { return len(s) <= maxText && text.MatchString(s) }

func valid(s string, quantity int, by string) error {
	switch {
	case len(s) > maxSKU || !sku.MatchString(s):
		return web.Invalid("sku must be 1 to 64 letters, digits, dots, dashes or underscores")
	case quantity < 0 || quantity > most:
		return web.Invalid("a quantity is at most 1,000,000")
	case !isText(by):
		return web.Invalid("by must be 1 to 40 visible characters")
	}
	return nil
}
