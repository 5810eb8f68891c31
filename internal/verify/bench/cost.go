package bench

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.yaml.in/yaml/v3"

	"orderflow/internal/dev/devstack"
)

//go:embed prices.yaml
var priceList []byte

// Prices is the dated price list.
type Prices struct {
	Read         string
	Traced       float64
	Memory       float64
	Million      map[Unit]float64
	Milliseconds map[Unit]float64
}

// LoadPrices reads the price list.
func LoadPrices() (p Prices, err error) {
	return p, yaml.Unmarshal(priceList, &p)
}

// Case is something that customers do, with the units that it causes.
type Case struct {
	Name   string
	Counts Counts
	Times  float64 // how often the bill counts it
	Per    string  // the same in words
}

// hours is the length of a month.
const hours = 730

// perPage is the number of orders in the list whose cost is counted.
const perPage = 20

// Cost runs the cases on a new world, whose processes and caches are warm, and counts what each
// causes.
func Cost(ctx context.Context, repo devstack.Repo) (cases []Case, err error) {
	w, err := openShop(ctx, repo)
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.Close() }()
	run := func(name string, do func() error) {
		if err != nil {
			return
		}
		w.counts = Counts{}
		if err = do(); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
		cases = append(cases, Case{name, w.counts, 1e6, "million"})
	}
	order := func(method, postalCode, status string) func() error {
		return func() error {
			id, err := w.Place("ada", method, postalCode)
			if err != nil {
				return err
			}
			return w.Is(id, "ada", status)
		}
	}
	cancelled := func() error {
		id, err := w.Place("ada", visa, neverAnswers)
		if err != nil {
			return err
		}
		if err := w.ask(Request{Function: "cancel-order", Method: http.MethodPost, Path: "/v1/orders/" + id + "/cancel",
			Params: map[string]string{"orderId": id}, Caller: "ada",
			Header: map[string]string{"Idempotency-Key": "c-" + id}}, http.StatusAccepted, nil); err != nil {
			return err
		}
		return w.Is(id, "ada", "CANCELLED")
	}
	warm := []func() error{order(visa, berlin, "CONFIRMED"), order("pm_card_visa_chargeDeclined", berlin, "REJECTED"),
		cancelled}
	for n := 0; len(warm) < perPage; n++ {
		warm = append(warm, order(visa, berlin, "CONFIRMED"))
	}
	for _, do := range warm {
		if err := do(); err != nil {
			return nil, err
		}
	}
	run("a list of orders", func() error {
		return w.ask(Request{Function: "list-orders", Method: http.MethodGet, Path: "/v1/orders", Caller: "ada",
			Query: map[string]string{"limit": fmt.Sprint(perPage)}}, http.StatusOK, nil)
	})
	run("a good order", order(visa, berlin, "CONFIRMED"))
	run("a good order, ten at once", w.tenAtOnce)
	run("a rejected order", order("pm_card_visa_chargeDeclined", berlin, "REJECTED"))
	run("a cancelled order", cancelled)
	run("an hour without orders", w.idle)
	cases[len(cases)-1].Times, cases[len(cases)-1].Per = hours, "month"
	return cases, err
}

// Lambda reads each queue by five connections, which wait for up to 20 seconds.
const emptyReceives = 5 * 3600 / 20

// idle runs each scheduled function once, and counts it for an hour, with the receives of empty
// queues.
func (w *World) idle() error {
	for _, s := range w.schedules {
		if _, err := w.invoke(s.function, []byte(s.input)); err != nil {
			return fmt.Errorf("%s: %w", s.function, err)
		}
		for u := range w.counts[s.function] {
			w.counts[s.function][u] *= float64(time.Hour / s.every)
		}
	}
	for _, q := range w.queues {
		w.count(q.function, QueueCalls, emptyReceives)
	}
	return nil
}

// tenAtOnce places ten orders before anything else happens, and counts a tenth of them.
func (w *World) tenAtOnce() error {
	const n = 10
	ids := make([]string, n)
	for i := range ids {
		var err error
		if ids[i], err = w.place(fmt.Sprint("customer-", i), visa, berlin); err != nil {
			return err
		}
	}
	if err := w.Settle(); err != nil {
		return err
	}
	for i, id := range ids {
		if err := w.Is(id, fmt.Sprint("customer-", i), "CONFIRMED"); err != nil {
			return err
		}
	}
	for _, units := range w.counts {
		for u := range units {
			units[u] /= n
		}
	}
	return nil
}

// Of the sandbox.
const (
	visa, berlin = "pm_card_visa", "10115"
	neverAnswers = "99999" // a postal code
)

// openShop returns a new world with a product in stock.
func openShop(ctx context.Context, repo devstack.Repo) (*World, error) {
	w, err := NewWorld(ctx, repo)
	if err != nil {
		return nil, err
	}
	if err := w.open(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// open fills the shop.
func (w *World) open() error {
	err := w.ask(Request{Function: "put-product", Method: http.MethodPut, Path: "/v1/products/MUG-BLUE",
		Params: map[string]string{"sku": "MUG-BLUE"}, Caller: "operator",
		Body: `{"name":"Mug","price":{"currency":"EUR","amount":1299}}`}, http.StatusOK, nil)
	if err != nil {
		return err
	}
	return w.ask(Request{Function: "adjust-stock", Method: http.MethodPost, Path: "/v1/stock/MUG-BLUE/adjustments",
		Params: map[string]string{"sku": "MUG-BLUE"}, Caller: "operator",
		Header: map[string]string{"Idempotency-Key": "stock"}, Body: `{"delta":1000000,"reason":"count"}`},
		http.StatusOK, nil)
}

// ask sends a request, checks its status, decodes the answer into out, and lets everything settle.
func (w *World) ask(r Request, want int, out any) error {
	if err := w.only(r, want, out); err != nil {
		return err
	}
	return w.Settle()
}

// only is ask without waiting for the consequences of the request.
func (w *World) only(r Request, want int, out any) error {
	status, body, err := w.API(r)
	if err != nil {
		return err
	}
	if status != want {
		return fmt.Errorf("%s answered %d %s", r.Function, status, body)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(body, out)
}

// Place places an order and lets everything settle.
func (w *World) Place(customer, method, postalCode string) (id string, err error) {
	if id, err = w.place(customer, method, postalCode); err != nil {
		return "", err
	}
	return id, w.Settle()
}

func (w *World) place(customer, method, postalCode string) (id string, err error) {
	var placed struct{ OrderID string }
	err = w.only(Request{Function: "place-order", Method: http.MethodPost, Path: "/v1/orders", Caller: customer,
		Header: map[string]string{"Idempotency-Key": w.ids.New()}, Body: fmt.Sprintf(
			`{"items":[{"sku":"MUG-BLUE","quantity":2}],"paymentMethod":%q,"shippingAddress":{"name":"Ada Example",`+
				`"line1":"1 Sample Street","city":"Berlin","postalCode":%q,"country":"DE"}}`, method, postalCode)},
		http.StatusAccepted, &placed)
	return placed.OrderID, err
}

// Is checks an order's status without counting the read.
func (w *World) Is(id, customer, status string) error {
	counts := w.counts
	defer func() { w.counts = counts }()
	w.counts = Counts{}
	var got struct{ Status string }
	err := w.ask(Request{Function: "get-order", Method: http.MethodGet, Path: "/v1/orders/" + id, Caller: customer,
		Params: map[string]string{"orderId": id}}, http.StatusOK, &got)
	if err == nil && got.Status != status {
		err = fmt.Errorf("order %s is %s, not %s", id, got.Status, status)
	}
	return err
}
