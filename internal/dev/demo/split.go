package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
)

// Moves is a plan of moving a stage from functions to one process and back, with the same tables.
// Orders are placed throughout.
type Moves struct {
	// Every is the interval between orders.
	Every time.Duration
	// Before, Process and After are how long functions, the process, and functions again handle
	// events.
	Before, Process, After time.Duration
	// Asked is how many customers must authenticate when the process ends. Their sagas wait, so it
	// parks them.
	Asked int
	// Drain is how long the process may continue after SIGTERM. Sagas that still run after that are
	// parked.
	Drain time.Duration
	// AtOnce is how many calls of a kind the process makes of third parties at once. All orders
	// that waited for it are due when it begins.
	AtOnce int
	// Ending is the time for functions to finish their sagas before the process begins, for the
	// process to finish the waiting orders, and for the last orders to become final.
	Ending time.Duration
}

// ThereAndBack moves a stage twice in four to five minutes.
var ThereAndBack = Moves{Every: 2 * time.Second, Before: 15 * time.Second, Process: 30 * time.Second,
	After: 15 * time.Second, Asked: 3, Drain: 300 * time.Millisecond, AtOnce: 10, Ending: 4 * time.Minute}

// kind is a kind of order, and how it must end.
type kind struct{ method, postal, status, reason string }

// kinds are the kinds of orders, which take turns.
var kinds = []kind{
	{good, berlin, client.Confirmed, ""},
	{good, berlin, client.Confirmed, ""},
	{"sandbox_flaky", berlin, client.Confirmed, ""},
	{good, berlin, client.Confirmed, ""},
	{"pm_card_visa_chargeDeclined", berlin, client.Rejected, "PAYMENT_DECLINED"},
	{good, berlin, client.Confirmed, ""},
	{"sandbox_flaky", berlin, client.Confirmed, ""},
	{good, refused, client.Rejected, "SHIPMENT_REFUSED"},
}

// asking is a kind of order whose customer must authenticate.
var asking = kind{"pm_card_authenticationRequired", berlin, client.Confirmed, ""}

// moves is the demonstration in progress.
type moves struct {
	Shop
	plan     Moves
	out      io.Writer
	sku      string
	stocked  client.Stock
	moved    bool             // functions do not handle events
	server   *devstack.Server // the process, while it serves
	parked   []string         // orders whose sagas it parked
	began    time.Time
	ended    time.Time // no more orders are placed
	arrivals *arrivals // the process's API is their second one

	mu     sync.Mutex
	stages []moveStage
	kinds  map[string]kind // of accepted orders, by their ids
}

// moveStage is a stage of the moves: who handles events.
type moveStage struct {
	name   string
	began  time.Time
	placed int
}

// Split moves a stage from functions to one process and back while it places orders, and reports
// how they ended. It fails if an order was lost, doubled or stuck, if money, shipments or stock do
// not add up, or if the process parked no saga. At the end, functions handle events in any case.
func (s Shop) Split(ctx context.Context, w io.Writer, p Moves) (err error) {
	if err := s.stack.BuildServe(ctx); err != nil {
		return err
	}
	m := &moves{Shop: s, plan: p, out: w, arrivals: s.arrivals(p.Every), kinds: map[string]kind{}}
	m.sku = "KETTLE-" + strings.ToUpper(m.arrivals.run)
	if err := m.prepare(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.restore()) }() //nolint:contextcheck // after ctx, too
	if err := m.play(ctx); err != nil {
		return err
	}
	f, err := m.facts(ctx)
	if err != nil {
		return err
	}
	f.print(w)
	return errors.Join(f.broken()...)
}

// prepare creates the product and its stock, and orders one piece to check that it can be ordered.
func (m *moves) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := m.Sell(ctx, m.sku, "Kettle", 2490, 5_000); err != nil {
		return err
	}
	err := m.confirms(ctx, m.sku)
	if err == nil {
		m.stocked, err = m.stock(ctx, m.sku)
	}
	return err
}

// restore lets functions handle events again, if a move was interrupted.
func (m *moves) restore() error {
	if !m.moved {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	fmt.Fprintln(m.out, "the moves were interrupted, so functions handle events again")
	return errors.Join(m.end(), m.handOver(ctx, devstack.ByFunctions))
}

// play makes both moves while it places orders. It returns once all orders are final, or the time
// for that is over.
func (m *moves) play(ctx context.Context) error {
	var background sync.WaitGroup
	defer background.Wait()
	ordering, enough := context.WithCancel(ctx)
	defer enough()
	m.began = time.Now()
	fmt.Fprintf(m.out, "An order every %s, while events and sagas go to one process and back.\n\n", m.plan.Every)
	m.stage("functions")
	background.Go(func() {
		m.arrivals.visit(ordering, math.MaxInt, func(ctx context.Context, n int) {
			_, _, _ = m.order(ctx, kinds[n%len(kinds)])
		})
	})
	background.Go(func() { m.printTimeline(ordering) })
	for _, move := range []func(context.Context) error{m.there, m.back} {
		if err := move(ctx); err != nil {
			return err
		}
	}
	enough()
	background.Wait()
	m.ended = time.Now()
	m.say("no more orders are placed")
	if err := m.await(ctx, m.plan.Ending, "orders or executions are left", m.rested); err != nil {
		m.say("%v", err) // the facts say which
	}
	return ctx.Err()
}

// there moves events and sagas to a process, as docs/one-process.md describes.
func (m *moves) there(ctx context.Context) error {
	if err := clock.Sleep(ctx, m.plan.Before); err != nil {
		return err
	}
	m.stage("draining")
	if err := m.handOver(ctx, devstack.Draining); err != nil {
		return err
	}
	if err := m.await(ctx, m.plan.Ending, "functions do not finish their sagas", m.noSaga); err != nil {
		return err
	}
	m.say("no saga is running")
	m.stage("nobody")
	if err := m.handOver(ctx, devstack.ByProcess); err != nil {
		return err
	}
	var err error
	m.server, err = m.stack.ServeTables(ctx, "-drain", m.plan.Drain.String(), "-reserved-concurrency",
		strconv.Itoa(m.plan.AtOnce))
	if err != nil {
		return err
	}
	m.stage("process")
	m.arrivals.offer(m.server.URL)
	m.say("the process serves %s", m.server.URL)
	waited, _ := m.arrivals.results()
	if err := m.await(ctx, m.plan.Ending, "the process does not finish the orders that waited for it",
		func(ctx context.Context) (bool, error) { return m.allFinal(ctx, waited) }); err != nil {
		return err
	}
	m.say("all waiting orders have ended")
	return clock.Sleep(ctx, m.plan.Process)
}

// back moves events and sagas to the functions. Then the customers that must authenticate do so.
func (m *moves) back(ctx context.Context) error {
	pages, err := m.ask(ctx)
	if err != nil {
		return err
	}
	m.stage("nobody again")
	if err := m.end(); err != nil {
		return err
	}
	m.say("the process has ended; %d sagas are parked", len(m.parked))
	if err := m.handOver(ctx, devstack.ByFunctions); err != nil {
		return err
	}
	m.stage("functions again")
	for _, page := range pages {
		bank := client.Client{BaseURL: page}
		if _, err := bank.Do(ctx, client.Call{Method: http.MethodPost, Path: "?answer=succeed"}, nil); err != nil {
			return err
		}
	}
	return clock.Sleep(ctx, m.plan.After)
}

// stillRunning begins the line that the process writes for each saga that it parks.
const stillRunning = "serve: still running: fulfil-order/"

// endsWithin is the time for the process to end, even on a busy machine. After that it is killed,
// and does not report the sagas that it parked.
const endsWithin = time.Minute

// end ends the process, if it runs, and records the sagas that it parked.
func (m *moves) end() error {
	if m.server == nil {
		return nil
	}
	m.arrivals.offer("")
	if err := m.server.StopWithin(endsWithin); err != nil {
		return err
	}
	log, err := m.server.Log()
	m.server = nil
	for line := range strings.Lines(string(log)) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), stillRunning); ok {
			m.parked = append(m.parked, id)
		}
	}
	return err
}

// handOver deploys a value of EventsBy.
func (m *moves) handOver(ctx context.Context, to devstack.EventsBy) error {
	began := time.Now()
	m.moved = true
	err := m.stack.HandOver(ctx, to)
	if err == nil {
		m.moved = to != devstack.ByFunctions
		m.say("EventsBy=%s is deployed, in %s", to, devstack.Seconds(time.Since(began)))
	}
	return err
}

// await waits until a condition holds twice in a row, since a running invocation may still start a
// saga. It fails after limit.
func (m *moves) await(
	ctx context.Context, limit time.Duration, otherwise string, so func(context.Context) (bool, error),
) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New(otherwise))
	defer cancel()
	for times := 0; times < 2; {
		yes, err := so(ctx)
		if times++; err != nil || !yes {
			times = 0
		}
		if clock.Sleep(ctx, time.Second) != nil {
			return errors.Join(context.Cause(ctx), err)
		}
	}
	return nil
}

// noSaga reports whether no execution runs in Step Functions.
func (m *moves) noSaga(ctx context.Context) (bool, error) {
	running, err := m.Running(ctx, m.Machines()...)
	return len(running) == 0, err
}

// allFinal reports whether orders are final.
func (m *moves) allFinal(ctx context.Context, ids map[string]bool) (bool, error) {
	orders, err := m.arrivals.listed(ctx)
	open := slices.ContainsFunc(orders, func(o client.Order) bool {
		return !o.Final() && ids[o.OrderID]
	})
	return err == nil && !open, err
}

// rested reports whether all orders are final and no execution runs.
func (m *moves) rested(ctx context.Context) (bool, error) {
	orders, err := m.arrivals.listed(ctx)
	if err != nil || unfinished(orders) > 0 || len(orders) < m.arrivals.count() {
		return false, err
	}
	return m.noSaga(ctx)
}

func (m *moves) locked(do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	do()
}

// stage begins a stage.
func (m *moves) stage(name string) {
	m.locked(func() { m.stages = append(m.stages, moveStage{name: name, began: time.Now()}) })
}

func (m *moves) say(format string, args ...any) {
	fmt.Fprintf(m.out, "%6.0f s  "+format+"\n", append([]any{time.Since(m.began).Seconds()}, args...)...)
}

// order places an order of a kind.
func (m *moves) order(ctx context.Context, k kind) (client.Order, *client.Client, error) {
	order, by, err := m.arrivals.order(ctx, request(m.sku, 1, k.method, k.postal))
	if err == nil {
		m.locked(func() {
			m.kinds[order.OrderID] = k
			m.stages[len(m.stages)-1].placed++
		})
	}
	return order, by, err
}

// ask places orders whose customers must authenticate, and returns the pages for that.
func (m *moves) ask(ctx context.Context) (pages []string, err error) {
	for range m.plan.Asked {
		page := ""
		order, customer, err := m.order(ctx, asking)
		if err != nil {
			return nil, fmt.Errorf("a customer who must authenticate: %w", err)
		}
		err = m.await(ctx, time.Minute, "an order does not show that its customer must authenticate",
			func(ctx context.Context) (bool, error) {
				o, err := customer.GetOrder(ctx, order.OrderID)
				if err != nil || o.NextAction == nil {
					return false, err
				}
				page = o.NextAction.URL
				return true, nil
			})
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
	}
	m.say("%d customers must authenticate", len(pages))
	return pages, nil
}

// printTimeline prints a line every five seconds until ctx ends.
func (m *moves) printTimeline(ctx context.Context) {
	const interval = 5 * time.Second
	for clock.Sleep(ctx, interval) == nil {
		var stage string
		m.locked(func() { stage = m.stages[len(m.stages)-1].name })
		orders, err := m.arrivals.listed(ctx)
		if err != nil {
			m.say("%d orders; their lists cannot be read; events go to %s", m.arrivals.count(), stage)
			continue
		}
		open := unfinished(orders)
		m.say("%d orders, %d open, %d final; events go to: %s", m.arrivals.count(), open, len(orders)-open, stage)
	}
}
