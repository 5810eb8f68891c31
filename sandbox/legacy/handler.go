package legacy

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strconv"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/sandbox/web"
)

// The headers with which a trusted caller authenticates and names the customer.
const (
	HeaderKey      = "X-Shop-Key"
	HeaderCustomer = "X-Shop-Customer"
)

// Secret is the key of the callers.
type Secret interface {
	Value(ctx context.Context) ([]byte, error)
}

var (
	errKey = &web.Error{Status: http.StatusUnauthorized, Code: "bad_key",
		Message: "X-Shop-Key is not the shop's key"}
	errCustomer = &web.Error{
		Status: http.StatusBadRequest, Code: "no_customer",
		Message: "X-Shop-Customer must be 1 to 64 visible characters",
	}
)

type handler struct {
	*Shop
	key Secret
}

// Handler serves the shop's HTTP API over its store to callers who know the key.
func Handler(store Store, c clock.Clock, key Secret) http.Handler {
	h := handler{New(store, c), key}
	mux := http.NewServeMux()
	mux.Handle("GET /legacy/products", h.serve(h.listProducts))
	mux.Handle("GET /legacy/products/{id}", h.serve(h.readProduct))
	mux.Handle("POST /legacy/orders", h.serve(h.placeOrder))
	mux.Handle("GET /legacy/orders", h.serve(h.listOrders))
	mux.Handle("GET /legacy/orders/{id}", h.serve(h.readOrder))
	mux.Handle("POST /legacy/orders/{id}/cancel", h.serve(h.cancelOrder))
	mux.Handle("/", web.HandleAs(problem, web.Unknown))
	return mux
}

// problem is an error in the shop's format.
func problem(e *web.Error) any {
	type text struct {
		Code string `json:"code"`
		Text string `json:"text"`
	}
	return map[string]text{"error": {e.Code, e.Message}}
}

// operation is a web.Operation for a customer.
type operation func(r *http.Request, customer string) (status int, body any, err error)

// serve serves an operation for the customer that the caller names.
func (h handler) serve(f operation) http.Handler {
	return web.HandleAs(problem, func(r *http.Request) (int, any, error) {
		key, err := h.key.Value(r.Context())
		if err != nil {
			return 0, nil, err
		}
		if subtle.ConstantTimeCompare(key, []byte(r.Header.Get(HeaderKey))) == 0 {
			return 0, nil, errKey
		}
		customer := r.Header.Get(HeaderCustomer)
		if !short(customer) {
			return 0, nil, errCustomer
		}
		return f(r, customer)
	})
}

// productBody is a product as clients see it.
type productBody struct {
	ProductID string `json:"product_id"`
	ArticleNo string `json:"article_no"`
	Title     string `json:"title"`
	Price     string `json:"price"`
	Currency  string `json:"currency"`
}

const currency = "EUR"

func (h handler) listProducts(r *http.Request, _ string) (int, any, error) {
	page, err := pageOf(r)
	if err != nil {
		return 0, nil, err
	}
	found, more := paged(products, page)
	bodies := []productBody{}
	for _, p := range found {
		bodies = append(bodies, productBody{p.id, p.article, p.title, p.listed(), currency})
	}
	return http.StatusOK, map[string]any{"products": bodies, "next_page": next(page, more)}, nil
}

func (h handler) readProduct(r *http.Request, _ string) (int, any, error) {
	p, ok := productOf(r.PathValue("id"))
	if !ok {
		return 0, nil, ErrNoProduct
	}
	return http.StatusOK, productBody{p.id, p.article, p.label(), decimal(p.cents), currency}, nil
}

// orderBody is an order as clients see it.
type orderBody struct {
	OrderID    string     `json:"order_id"`
	State      State      `json:"state"`
	Lines      []lineBody `json:"lines"`
	Total      string     `json:"total"`
	Currency   string     `json:"currency"`
	PlacedAt   string     `json:"placed_at"`
	CancelNote *string    `json:"cancel_note"`
}

type lineBody struct {
	ProductID string `json:"product_id"`
	Quantity  int    `json:"qty"`
	Price     string `json:"price"`
}

func (o Order) body() orderBody {
	b := orderBody{
		OrderID: strconv.FormatInt(o.Number, 10), State: o.State, Total: decimal(o.total()), Currency: currency,
		PlacedAt: o.PlacedAt.UTC().Format(time.DateTime),
	}
	for _, l := range o.Lines {
		b.Lines = append(b.Lines, lineBody{l.ProductID, l.Quantity, decimal(l.Cents)})
	}
	if o.CancelNote != "" {
		b.CancelNote = &o.CancelNote
	}
	return b
}

func (h handler) placeOrder(r *http.Request, customer string) (int, any, error) {
	in, err := web.Body[Request](r)
	if err != nil {
		return 0, nil, err
	}
	o, err := h.Place(r.Context(), customer, in)
	return http.StatusCreated, o.body(), err
}

func (h handler) listOrders(r *http.Request, customer string) (int, any, error) {
	page, err := pageOf(r)
	if err != nil {
		return 0, nil, err
	}
	found, more, err := h.Orders(r.Context(), customer, page)
	bodies := []orderBody{}
	for _, o := range found {
		bodies = append(bodies, o.body())
	}
	return http.StatusOK, map[string]any{"orders": bodies, "next_page": next(page, more)}, err
}

func (h handler) readOrder(r *http.Request, customer string) (int, any, error) {
	number, err := numberOf(r)
	if err != nil {
		return 0, nil, err
	}
	o, err := h.Order(r.Context(), customer, number)
	return http.StatusOK, o.body(), err
}

// cancellation is the body of a cancel request.
type cancellation struct {
	Note string `json:"note"`
}

func (h handler) cancelOrder(r *http.Request, customer string) (int, any, error) {
	number, err := numberOf(r)
	if err != nil {
		return 0, nil, err
	}
	in, err := web.Body[cancellation](r)
	if err != nil {
		return 0, nil, err
	}
	o, err := h.Cancel(r.Context(), customer, number, in.Note)
	return http.StatusOK, o.body(), err
}

// Limits of the shop. Numbers of orders have at most 12 digits, so that every client can count on
// them.
const (
	maxLines, maxQuantity = 20, 99
	maxNote               = 200
	maxShort              = 64
	maxPage               = 1000
	maxDigits             = 12
)

// Validate returns an error if the request violates the contract.
func (in Request) Validate() error {
	if !short(in.RequestID) {
		return web.Invalid("request_id must be 1 to 64 visible characters")
	}
	if len(in.Lines) < 1 || len(in.Lines) > maxLines {
		return web.Invalid("an order has 1 to 20 lines")
	}
	for _, l := range in.Lines {
		if l.Quantity < 1 || l.Quantity > maxQuantity {
			return web.Invalid("qty must be 1 to 99")
		}
	}
	a := in.ShipTo
	for _, part := range []string{a.FullName, a.Street, a.Town, a.Zip, a.CountryCode, in.PayToken} {
		if part == "" {
			return web.Invalid("an order needs pay_token, and ship_to needs full_name, street, town, zip " +
				"and country_code")
		}
	}
	return nil
}

// Validate returns an error if the request violates the contract.
func (in cancellation) Validate() error {
	if len(in.Note) > maxNote {
		return web.Invalid("note must have at most 200 bytes")
	}
	return nil
}

// short reports whether s has 1 to 64 visible ASCII characters.
func short(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxShort
}

func pageOf(r *http.Request) (int, error) {
	s := r.URL.Query().Get("page")
	if s == "" {
		return 1, nil
	}
	page, err := strconv.Atoi(s)
	if err != nil || page < 1 || page > maxPage {
		return 0, web.Invalid("page must be 1 to 1000")
	}
	return page, nil
}

// next is the number of the next page, or nil on the last.
func next(page int, more bool) *string {
	if !more || page == maxPage {
		return nil
	}
	s := strconv.Itoa(page + 1)
	return &s
}

func numberOf(r *http.Request) (int64, error) {
	id := r.PathValue("id")
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil || len(id) > maxDigits || strconv.FormatInt(number, 10) != id {
		return 0, ErrNoOrder
	}
	return number, nil
}
