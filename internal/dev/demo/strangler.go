package demo

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"orderflow/internal/dev/intercept"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/ops/client"
	"orderflow/internal/ops/routes"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/platform/secrets"
)

// Migration is a plan of moving the old shop's clients to the services. Customers visit throughout.
type Migration struct {
	// Every is the interval between visits; Customers is how many customers take turns.
	Every     time.Duration
	Customers int
	// Settle is the time until all processes use a new table; 0 restarts them instead. Stay is how
	// long a stage lasts after that.
	Settle, Stay time.Duration
	// Down is the time in the last stage for which orders, on the new side, is down; Patience is
	// how long a client repeats a request without an answer.
	Down, Patience time.Duration
}

// Weeks is a migration that takes weeks, in three minutes.
var Weeks = Migration{
	Every: 500 * time.Millisecond, Customers: 20, Settle: 17 * time.Second, Stay: 12 * time.Second,
	Down: 12 * time.Second, Patience: 90 * time.Second,
}

// stage is a stage of a migration: the modes of the routes of products, and of placing orders.
type stage struct {
	name            string
	reads, placings strangler.Setting
	down            bool // orders is down for a while
}

func percent(weight int) strangler.Setting {
	return strangler.Setting{Mode: strangler.Split, Weight: weight}
}

var (
	legacy = strangler.Setting{Mode: strangler.Legacy}
	shadow = strangler.Setting{Mode: strangler.Shadow}
)

// stages are the stages of a migration, in order.
var stages = []stage{
	{"0 %", legacy, legacy, false},
	{"shadow", shadow, legacy, false},
	{"10 %", percent(10), percent(10), false},
	{"50 %", percent(50), percent(50), false},
	{"100 %", percent(100), percent(100), false},
	{"back to 50 %", percent(50), percent(50), false},
	{"50 %, orders down", percent(50), percent(50), true},
}

// migration is a migration in progress.
type migration struct {
	Shop
	plan   Migration
	orders *intercept.Interceptor // what the router sends to orders
	table  routes.Parameter
	log    routes.Log
	out    io.Writer
	run    string // makes customers and requests different from those of other runs

	customers []*visitor
	products  []string // ids of the old shop

	mu     sync.Mutex
	stage  int // the current one
	facts  migrationFacts
	visits sync.WaitGroup
}

// visitor is a customer of the old interface.
type visitor struct {
	client *client.Client
	id     string
	before []strangler.Order // the orders from before the migration

	mu     sync.Mutex
	placed []string // order ids, oldest first
}

// Strangler moves the old shop's clients to the services and half of them back while they read and
// order, takes the services' orders down for a while, and reports the shares of both sides, the
// differences that shadowing found, and fall-backs. It fails if an order was lost, doubled or
// unreachable, or if a customer was served by the wrong side. orders must already receive the
// router's calls. At the end it restores the table of routes.
func (s Shop) Strangler(ctx context.Context, w io.Writer, orders *intercept.Interceptor, p Migration) (err error) {
	m := &migration{
		Shop: s, plan: p, orders: orders, out: w, run: strings.ToLower(rand.Text()[:6]),
		table: routes.Parameter{
			API: awsapi.Client{Config: s.stack.Config()}, Name: s.stack.Outputs["LegacyRoutesParameter"],
		},
		log: routes.Log{Client: cloudwatchlogs.NewFromConfig(s.stack.Config()), Group: "/orderflow/orderflow/gateway"},
	}
	stored, err := m.table.Read(ctx)
	if err != nil && !errors.Is(err, routes.ErrBad) {
		return err
	}
	defer func() { err = errors.Join(err, m.restore(stored.Table)) }() //nolint:contextcheck // after ctx, too
	if err := m.prepare(ctx); err != nil {
		return err
	}
	if err := m.play(ctx); err != nil {
		return err
	}
	if err := m.check(ctx); err != nil {
		return err
	}
	broken := m.facts.broken()
	m.facts.print(w)
	return errors.Join(broken...)
}

// restore puts a table back.
func (m *migration) restore(t strangler.Table) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return m.set(ctx, t.Routes, t.Products)
}

// set changes the table.
func (m *migration) set(
	ctx context.Context, to map[strangler.Route]strangler.Setting, products map[string]string,
) error {
	stored, err := m.table.Read(ctx)
	if err != nil && !errors.Is(err, routes.ErrBad) {
		return err
	}
	stored.Table = strangler.Table{
		Version: stored.Version + 1, ChangedBy: "demo", ChangedAt: time.Now().UTC().Format(time.RFC3339),
		Reason: "demo of a migration", Routes: to, Products: products,
	}
	return m.table.Write(ctx, stored)
}

// prepare stocks the shop and lets all customers see what they have at the old shop.
func (m *migration) prepare(ctx context.Context) error {
	if err := m.Stock(ctx); err != nil {
		return err
	}
	if err := m.set(ctx, strangler.AllLegacy().Routes, strangler.AllLegacy().Products); err != nil {
		return err
	}
	for n := range m.plan.Customers {
		v := &visitor{client: m.CustomerNamed(fmt.Sprintf("old-%s-%d", m.run, n))}
		token, err := v.client.Token(ctx)
		if err == nil {
			v.id, err = subject(token)
		}
		if err != nil {
			return err
		}
		if v.before, err = m.list(ctx, v); err != nil {
			return fmt.Errorf("the earlier orders of a customer: %w", err)
		}
		m.customers = append(m.customers, v)
	}
	return nil
}

// subject returns the customer's id in a token.
func subject(token string) (string, error) {
	var claims struct{ Sub string }
	parts := strings.Split(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	if err == nil {
		err = json.Unmarshal(b, &claims)
	}
	if err == nil && claims.Sub == "" {
		err = errors.New("the token has no subject")
	}
	return claims.Sub, err
}

// play goes through the stages while customers visit.
func (m *migration) play(ctx context.Context) (err error) {
	mapped := map[string]string{}
	var page strangler.ProductPage
	if _, err := m.call(ctx, m.customers[0], get("/legacy/products"), &page); err != nil {
		return err
	}
	for _, p := range page.Products {
		mapped[p.ProductID] = p.ArticleNo
		if p.ArticleNo != "LAMP-RARE" { // the last one
			m.products = append(m.products, p.ProductID)
		}
	}
	enough := make(chan struct{})
	defer m.visits.Wait()
	defer close(enough)
	m.visits.Go(func() { m.visitAll(ctx, enough) })
	for n, s := range stages {
		to := strangler.AllLegacy().Routes
		to[strangler.ListProducts], to[strangler.ReadProduct], to[strangler.PlaceOrder] = s.reads, s.reads, s.placings
		m.begin(n)
		if err := m.set(ctx, to, mapped); err != nil {
			return err
		}
		fmt.Fprintf(m.out, "%s  %s\n", time.Now().Format(time.TimeOnly), s.name)
		if err := m.settle(ctx, n); err != nil {
			return err
		}
		if s.down {
			err = m.outage(ctx)
		} else {
			err = clock.Sleep(ctx, m.plan.Stay)
		}
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(m.out, "%s  no more orders are placed\n\n", time.Now().Format(time.TimeOnly))
	return nil
}

// outage takes the services' orders down for a while.
func (m *migration) outage(ctx context.Context) error {
	if err := m.orders.Break(); err != nil {
		return err
	}
	err := clock.Sleep(ctx, m.plan.Down)
	if err := errors.Join(err, m.orders.Mend()); err != nil {
		return err
	}
	fmt.Fprintf(m.out, "%s  orders is back\n", time.Now().Format(time.TimeOnly))
	return clock.Sleep(ctx, m.plan.Stay)
}

// begin begins a stage, before its table is written.
func (m *migration) begin(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stage = n
	m.facts.stages = append(m.facts.stages, stageFacts{stage: stages[n], began: time.Now()})
}

// settle returns when all processes use the table of the stage.
func (m *migration) settle(ctx context.Context, n int) (err error) {
	if m.plan.Settle > 0 {
		err = clock.Sleep(ctx, m.plan.Settle)
	} else {
		err = m.stack.RestartProcesses(ctx, "route-legacy", "compare-legacy-reads")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.facts.stages[n].settled = err == nil
	return err
}

// now returns the current stage, -1 before the first, and whether all processes use its table.
func (m *migration) now() (int, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.facts.stages) == 0 {
		return -1, false
	}
	return m.stage, m.facts.stages[m.stage].settled
}

// visitAll lets the customers visit in turn, at the plan's interval, without waiting for earlier
// visits, until done.
func (m *migration) visitAll(ctx context.Context, enough <-chan struct{}) {
	t := time.NewTicker(m.plan.Every)
	defer t.Stop()
	for n := 0; ; n++ {
		select {
		case <-enough:
			return
		case <-t.C:
		}
		if stage, _ := m.now(); stage >= 0 {
			m.visits.Go(func() { m.visit(ctx, n) })
		}
	}
}

// visit is one visit of a customer, who reads the products, orders one, reads that order and an
// earlier one, and sometimes cancels one.
func (m *migration) visit(ctx context.Context, n int) {
	v := m.customers[n%len(m.customers)]
	stage, settled := m.now()
	productID := m.products[n%len(m.products)]
	var p strangler.Product
	_, err := m.listProducts(ctx, v)
	m.unless(err == nil, "products cannot be listed: %v", err)
	_, err = m.call(ctx, v, get("/legacy/products/"+productID), &p)
	m.unless(err == nil && p.ProductID == productID, "product %s cannot be read: %+v, %v", productID, p, err)

	in := strangler.Placement{
		RequestID: fmt.Sprintf("visit-%s-%d", m.run, n), Lines: []strangler.RequestLine{{ProductID: productID, Qty: 1}},
		PayToken: good, ShipTo: strangler.Address{
			FullName: "Ada Example", Street: "1 Sample Street", Town: "Berlin", Zip: berlin, CountryCode: "DE",
		},
	}
	copies := 1
	if n%4 == 0 {
		copies = 2 // a client that lost patience sends it again
	}
	orders, repeated := make([]strangler.Order, copies), make([]bool, copies)
	var atOnce sync.WaitGroup
	for i := range orders {
		atOnce.Go(func() {
			place := client.Call{Method: http.MethodPost, Path: "/legacy/orders", Body: in}
			var err error
			repeated[i], err = m.call(ctx, v, place, &orders[i])
			m.unless(err == nil, "request %s places no order: %v", in.RequestID, err)
		})
	}
	atOnce.Wait()
	after, _ := m.now()
	o := orders[0]
	if o.OrderID == "" {
		return
	}
	m.unless(orders[copies-1].OrderID == o.OrderID, "request %s places the orders %s and %s", in.RequestID, o.OrderID,
		orders[copies-1].OrderID)
	m.placed(v, stage, o.OrderID, settled && after == stage, slices.Contains(repeated, true))

	m.read(ctx, v, o.OrderID)
	earlier := v.earlier(n)
	m.read(ctx, v, earlier)
	switch n % 6 {
	case 0:
		m.cancel(ctx, v, o.OrderID)
	case 3:
		m.cancel(ctx, v, earlier)
	}
}

// earlier returns an order that was placed in this stage, in an earlier one, or before all stages.
func (v *visitor) earlier(n int) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := v.all()
	return all[n*7%len(all)]
}

// placed records an order. sure says that all processes used the table of the stage, repeated that
// the router failed to answer a call.
func (m *migration) placed(v *visitor, stage int, orderID string, sure, repeated bool) {
	v.mu.Lock()
	v.placed = append(v.placed, orderID)
	v.mu.Unlock()
	owner, _, ok := strangler.OwnerOf(orderID)
	m.unless(ok, "order %s has no owner", orderID)
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &m.facts.stages[stage]
	s.orders++
	if owner == strangler.NewSide {
		s.onNew++
	}
	if !sure {
		return
	}
	s.sure++
	switch want := s.placings.Side(v.id); {
	case owner == want:
	case want == strangler.NewSide:
		s.fellBack++
		if repeated {
			s.unlogged++
		}
	default:
		s.astray++
	}
}

// read reads an order at its old address.
func (m *migration) read(ctx context.Context, v *visitor, orderID string) {
	var o strangler.Order
	_, err := m.call(ctx, v, get("/legacy/orders/"+orderID), &o)
	ok := err == nil && o.OrderID == orderID && len(o.Lines) > 0
	m.unless(ok, "order %s cannot be read: %+v, %v", orderID, o, err)
}

// cancel cancels an order at its old address, unless it is too late for that.
func (m *migration) cancel(ctx context.Context, v *visitor, orderID string) {
	var o strangler.Order
	in := strangler.Cancellation{Note: "demo"}
	cancel := client.Call{Method: http.MethodPost, Path: "/legacy/orders/" + orderID + "/cancel", Body: in}
	_, err := m.call(ctx, v, cancel, &o)
	var problem *client.Problem
	late := errors.As(err, &problem) && problem.Status == http.StatusConflict
	m.unless(late || err == nil && o.OrderID == orderID, "order %s cannot be cancelled: %+v, %v", orderID, o, err)
	m.mu.Lock()
	defer m.mu.Unlock()
	if late {
		m.facts.tooLate++
	} else if err == nil {
		m.facts.cancelled++
	}
}

// listProducts reads all pages of the products.
func (m *migration) listProducts(ctx context.Context, v *visitor) ([]strangler.Product, error) {
	return pages("1", func(at string) ([]strangler.Product, *string, error) {
		var page strangler.ProductPage
		_, err := m.call(ctx, v, get("/legacy/products?page="+url.QueryEscape(at)), &page)
		return page.Products, page.NextPage, err
	})
}

// list reads all pages of a customer's orders.
func (m *migration) list(ctx context.Context, v *visitor) ([]strangler.Order, error) {
	return pages("1", func(at string) ([]strangler.Order, *string, error) {
		var page strangler.OrderPage
		_, err := m.call(ctx, v, get("/legacy/orders?page="+url.QueryEscape(at)), &page)
		return page.Orders, page.NextPage, err
	})
}

func get(path string) client.Call { return client.Call{Method: http.MethodGet, Path: path} }

// pages reads all pages of a list.
func pages[T any](first string, read func(at string) (items []T, next *string, err error)) (all []T, err error) {
	for at := first; ; {
		items, next, err := read(at)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if next == nil {
			return all, nil
		}
		at = *next
	}
}

// call makes a call to the old interface and repeats it, unchanged, while it has no answer.
func (m *migration) call(ctx context.Context, v *visitor, call client.Call, out any) (repeated bool, err error) {
	for began := time.Now(); ; repeated = true {
		_, err = v.client.Do(ctx, call, out)
		var problem *client.Problem
		answered := err == nil || errors.As(err, &problem) && !problem.Temporary()
		if answered || ctx.Err() != nil || time.Since(began) > m.plan.Patience {
			return repeated, err
		}
		m.mu.Lock()
		if n := len(m.facts.stages); n > 0 {
			m.facts.stages[n-1].unanswered++
		}
		m.mu.Unlock()
		if err := clock.Sleep(ctx, time.Second); err != nil {
			return repeated, err
		}
	}
}

func (m *migration) unless(ok bool, format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.facts.unless(ok, format, args...)
}

// check compares what was placed with what each side has, and reads the log.
func (m *migration) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	key, err := secrets.Open(m.stack.Config(), "/orderflow/local/legacy-shop", clock.System{}).Value(ctx)
	if err != nil {
		return err
	}
	const atOnce = 8
	err = concurrent.Do(len(m.customers), atOnce, func(i int) error {
		return m.compare(ctx, m.customers[i], string(key))
	})
	return errors.Join(err, m.readLog(ctx))
}

// compare compares what a customer should have with each side, and reads every order.
func (m *migration) compare(ctx context.Context, v *visitor, key string) error {
	found, err := m.list(ctx, v)
	if err != nil {
		return err
	}
	old, err := m.oldSide(ctx, v, key)
	if err != nil {
		return err
	}
	moved, err := m.newSide(ctx, v)
	if err != nil {
		return err
	}
	var listed []string
	for _, o := range found {
		listed = append(listed, o.OrderID)
	}
	m.mu.Lock()
	m.facts.customer(v, listed, old, moved)
	m.mu.Unlock()
	for _, orderID := range v.all() {
		m.read(ctx, v, orderID)
	}
	return nil
}

// readLog reads the fall-backs of each stage and the differences.
func (m *migration) readLog(ctx context.Context) (err error) {
	later := map[strangler.Route]int{}
	for n := len(m.facts.stages) - 1; n >= 0; n-- {
		s := &m.facts.stages[n]
		since, err := m.log.FallBacks(ctx, s.began)
		if err != nil {
			return err
		}
		s.fallBacks = map[strangler.Route]int{}
		for _, f := range since {
			s.fallBacks[f.Route] = f.Count - later[f.Route]
			later[f.Route] = f.Count
		}
	}
	m.facts.differences, err = m.log.Fields(ctx, m.facts.stages[0].began)
	return err
}

// all returns the ids of all orders that a customer should have.
func (v *visitor) all() (ids []string) {
	for _, o := range v.before {
		ids = append(ids, o.OrderID)
	}
	return append(ids, v.placed...)
}

// oldSide returns the ids of the customer's orders in the old shop itself.
func (m *migration) oldSide(ctx context.Context, v *visitor, key string) ([]string, error) {
	shop := client.Client{BaseURL: m.stack.Outputs["SandboxUrl"], HTTP: &http.Client{
		Timeout: 30 * time.Second, Transport: trusted{key, v.id},
	}}
	return pages("1", func(at string) (ids []string, next *string, err error) {
		var page strangler.OrderPage
		_, err = shop.Do(ctx, get("/legacy/orders?page="+at), &page)
		for _, o := range page.Orders {
			ids = append(ids, o.OrderID)
		}
		return ids, page.NextPage, err
	})
}

// trusted calls the old shop as the router does.
type trusted struct{ key, customer string }

func (t trusted) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Shop-Key", t.key)
	r.Header.Set("X-Shop-Customer", t.customer)
	return http.DefaultTransport.RoundTrip(r)
}

// newSide returns the ids of the customer's orders in the services, as the old interface writes
// them.
func (m *migration) newSide(ctx context.Context, v *visitor) ([]string, error) {
	return pages("", func(at string) (ids []string, next *string, err error) {
		page, err := v.client.ListOrders(ctx, 100, at)
		if err != nil {
			return nil, nil, err
		}
		for _, o := range page.Orders {
			id, err := strangler.OrderID(o.OrderID)
			if err != nil {
				return nil, nil, err
			}
			ids = append(ids, id)
		}
		return ids, page.Cursor, nil
	})
}
