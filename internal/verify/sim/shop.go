package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/orders"
	"orderflow/internal/platform/rawjson"
)

// shop holds the actions of customers and operators and the answers that they got.
type shop struct {
	skus   []string
	stock  map[string]int // sum of accepted adjustments
	placed []*placed
}

// gift is a product that is always free.
const gift = "SKU-GIFT"

func (s *shop) everything() []string { return append(slices.Clone(s.skus), gift) }

// placed is what a customer knows about an order.
type placed struct {
	customer string
	key      string // of its requests
	id       string // "" until accepted
	refused  int    // the status with which it was refused
	tries    int    // retries after reaching a limit
	good     bool   // must be confirmed
	operated bool   // an operator requests the cancellation
	// by is the reason that the order must have if it is cancelled; "" until that is requested.
	by        orders.Reason
	cancelled bool // the cancellation was accepted
}

// cancelled reports whether an order's cancellation was accepted.
func (s *shop) cancelled(id string) bool {
	return slices.ContainsFunc(s.placed, func(p *placed) bool { return p.id == id && p.cancelled })
}

// stockUp creates products, prices and stock before customers arrive, without faults.
func (w *World) stockUp() {
	w.shop.stock = map[string]int{}
	for i := range 2 + w.IntN(4) {
		sku := fmt.Sprintf("SKU-%d", i)
		w.shop.skus = append(w.shop.skus, sku)
		w.price(sku, 100+w.IntN(5000))
		w.adjust(sku, 5+w.IntN(2*w.options.Orders+1))
	}
	w.price(gift, 0)
	w.adjust(gift, w.options.Orders)
}

func (w *World) price(sku string, cents int) {
	body := fmt.Sprintf(`{"name":"Thing","price":{"currency":"EUR","amount":%d}}`, cents)
	c := call{
		function: "put-product", method: http.MethodPut, path: "/v1/products/" + sku,
		params: map[string]string{"sku": sku}, caller: operator, body: []byte(body),
	}
	w.callUntilFinal(c, func(status int, body []byte) {
		w.note("", "price of %s: %d cents: %d", sku, cents, status)
	})
}

func (w *World) adjust(sku string, delta int) {
	c := call{
		function: "adjust-stock", method: http.MethodPost, path: "/v1/stock/" + sku + "/adjustments",
		params: map[string]string{"sku": sku},
		caller: operator, header: map[string]string{"Idempotency-Key": w.ids.New()},
		// the product's event may not have arrived
		body: fmt.Appendf(nil, `{"delta":%d,"reason":"count","allowUnknownSku":true}`, delta),
	}
	w.callUntilFinal(c, func(status int, _ []byte) {
		w.note("", "stock of %s: %+d: %d", sku, delta, status)
		if status == http.StatusOK {
			w.shop.stock[sku] += delta
		}
	})
}

// limits are low, so customers reach them.
var limits = orders.Limits{Open: 4, Declines: 2}

// perCustomer is the number of orders per customer; patient is how often they retry at a limit.
const (
	perCustomer = 6
	patient     = 12
)

// planVisits plans the actions of customers and operators.
func (w *World) planVisits() {
	var arrives time.Duration
	for i := range w.options.Orders {
		if i%(2*perCustomer) == 0 {
			arrives = w.between(0, w.options.Duration/2)
		}
		at := w.between(0, w.options.Duration/2)
		if i/perCustomer%2 == 0 { // this customer is in a hurry
			at = arrives + w.between(0, 2*time.Second)
		}
		if w.slots > 0 { // all arrive in a burst
			at = w.between(0, time.Duration(w.options.Orders)*50*time.Millisecond)
		}
		p := &placed{customer: fmt.Sprintf("customer-%d", i/perCustomer), key: fmt.Sprint(i), operated: i%4 == 3}
		w.shop.placed = append(w.shop.placed, p)
		w.after(at, func() { w.place(p) })
	}
	for range 1 + w.options.Orders/10 {
		w.after(w.between(0, w.options.Duration), func() { w.price(one(w.fate, w.shop.skus), 100+w.IntN(5000)) })
		w.after(w.between(0, w.options.Duration), func() { w.adjust(one(w.fate, w.shop.skus), 1+w.IntN(4)) })
	}
}

// Payment methods and postal codes: valid ones and the sandbox's magic ones, by frequency.
var (
	methods = append(slices.Repeat([]string{"pm_card_visa"}, 7),
		"pm_card_visa_chargeDeclined", "sandbox_timeout", "sandbox_flaky", "sandbox_error", methodAsks)
	postalCodes = append(slices.Repeat([]string{"10115"}, 8), "00000", "00001", "99999")
)

// probe places two orders after the faults, the second for a customer who must act. They must be
// confirmed; otherwise a system that does nothing would keep its promises.
func (w *World) probe() {
	w.adjust(w.shop.skus[0], 10)
	w.rest(w.now.Add(patience))
	for i, method := range []string{methods[0], methodAsks} {
		p := &placed{customer: "customer-after", key: fmt.Sprintf("after-%d", i), good: true}
		w.shop.placed = append(w.shop.placed, p)
		w.send(p, fmt.Sprintf(`{"sku":%q,"quantity":2}`, w.shop.skus[0]), method, postalCodes[0], false)
		w.rest(w.now.Add(patience))
	}
}

func (w *World) place(p *placed) {
	items := fmt.Sprintf(`{"sku":%q,"quantity":%d}`, w.shop.skus[0], 1+w.IntN(4))
	if w.IntN(3) == 0 {
		items += fmt.Sprintf(`,{"sku":%q,"quantity":%d}`, w.shop.skus[1+w.IntN(len(w.shop.skus)-1)], 1+w.IntN(4))
	}
	if w.IntN(12) == 0 {
		items = fmt.Sprintf(`{"sku":%q,"quantity":1}`, gift)
	}
	w.send(p, items, one(w.fate, methods), one(w.fate, postalCodes), w.IntN(5) == 0)
}

func (w *World) send(p *placed, items, method, postalCode string, changesMind bool) {
	body := fmt.Sprintf(`{"items":[%s],"paymentMethod":%q,"shippingAddress":{"name":"Ada Planted",`+
		`"line1":"12 Planted Street","city":"Plantedville","postalCode":%q,"country":"DE"}}`,
		items, method, postalCode)
	c := call{
		function: "place-order", method: http.MethodPost, path: "/v1/orders", caller: p.customer,
		header: map[string]string{"Idempotency-Key": "k-" + p.key}, body: []byte(body),
	}
	w.callUntilFinal(c, func(status int, answer []byte) {
		if status == http.StatusTooManyRequests && p.tries < patient {
			code := rawjson.String(answer, "code")
			w.retryLater(p, code, func() { w.send(p, items, method, postalCode, changesMind) })
			return
		}
		if p.id = rawjson.String(answer, "orderId"); status != http.StatusAccepted {
			p.id, p.refused = "", status
			return
		}
		w.note(p.id, "the order of %s is accepted: %s", p.customer, body)
		if method == methodAsks {
			w.after(w.between(time.Second, 20*time.Second), func() { w.look(p, w.now) })
		}
		if changesMind {
			w.after(w.between(0, 90*time.Second), func() { w.cancel(p) })
		}
	})
}

// retryLater retries later with the same key, after a customer reached a limit.
func (w *World) retryLater(p *placed, code string, again func()) {
	p.tries++
	w.reach("a customer was refused: " + code)
	w.note("", "%s is refused: %s", p.customer, code)
	wait := w.between(30*time.Second, time.Minute)
	if code == orders.ErrTooManyDeclines.Code {
		wait += time.Hour
	}
	w.after(wait, again)
}

// cancel requests the cancellation of an order, as customer or operator.
func (w *World) cancel(p *placed) {
	caller, reason := p.customer, orders.ReasonCancelledByCustomer
	if p.operated {
		caller, reason = operator, orders.ReasonCancelledByOperator
	}
	p.by = reason
	c := call{
		function: "cancel-order", method: http.MethodPost, path: "/v1/orders/" + p.id + "/cancel",
		params: map[string]string{"orderId": p.id},
		caller: caller, order: p.id, header: map[string]string{"Idempotency-Key": "c-" + p.key},
	}
	w.callUntilFinal(c, func(status int, _ []byte) {
		w.note(p.id, "%s asks to cancel: %d", caller, status)
		switch status {
		case http.StatusAccepted:
			p.cancelled = true
		case http.StatusConflict:
			w.reach("a cancellation came too late")
		}
	})
}

type call struct {
	function, method, path string
	params                 map[string]string
	header                 map[string]string
	body                   []byte
	caller                 string // customer's id, or operator; "" sends no claims
	order                  string
}

const operator = "operator"

// api is API Gateway: it invokes the function of an operation and answers 502 if that fails.
func (w *World) api(c call, done func(status int, body []byte)) {
	type claims map[string]string
	var in struct { // what handlers read of an events.APIGatewayProxyRequest
		Path       string            `json:"path"`
		Method     string            `json:"httpMethod"`
		PathParams map[string]string `json:"pathParameters"`
		Headers    map[string]string `json:"headers"`
		Body       string            `json:"body"`
		Context    struct {
			Authorizer map[string]claims `json:"authorizer,omitempty"`
		} `json:"requestContext"`
	}
	in.Path, in.Method, in.PathParams, in.Body = c.path, c.method, c.params, string(c.body)
	in.Headers = map[string]string{}
	maps.Copy(in.Headers, c.header)
	if len(c.body) > 0 {
		in.Headers["Content-Type"] = "application/json"
	}
	if c.caller != "" {
		in.Context.Authorizer = map[string]claims{"claims": {
			"sub": c.caller, "email": c.caller + "@example.com", "email_verified": "true", "token_use": "id",
			"cognito:groups": c.caller,
		}}
	}
	w.invoke(c.function, c.order, must(json.Marshal(in)), func(out []byte, err error) {
		var res events.APIGatewayProxyResponse
		if err != nil || json.Unmarshal(out, &res) != nil {
			done(http.StatusBadGateway, nil)
			return
		}
		done(res.StatusCode, []byte(res.Body))
	})
}

// callUntilFinal repeats a request, over the customer's unreliable network, until it gets a final
// answer. Requests that change something must carry an Idempotency-Key or be idempotent.
func (w *World) callUntilFinal(c call, done func(status int, body []byte)) {
	again := func() { w.after(w.between(time.Second, 10*time.Second), func() { w.callUntilFinal(c, done) }) }
	switch {
	case w.strikes(clientLost):
		again()
		return
	case w.strikes(clientTwice):
		w.after(w.between(0, time.Minute), func() { w.api(c, func(int, []byte) {}) })
	}
	w.api(c, func(status int, body []byte) {
		if rawjson.String(body, "code") == orders.ErrStopped.Code {
			w.reach("a customer was refused: OrdersStopped")
		}
		if status >= http.StatusInternalServerError || w.strikes(clientUnheard) {
			again()
			return
		}
		done(status, body)
	})
}
