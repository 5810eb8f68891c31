package e2e_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/ops/traces"
	"orderflow/internal/platform/tracing/zipkin"
)

var updateBudget = flag.Bool("update-budget", false, "write testdata/call_budget.golden from what orders take now")

const budgetFile = "testdata/call_budget.golden"

// trace is an order's trace: its spans by id.
type trace map[string]zipkin.Span

// name returns function and name of a span as in the tables below, without the common part of event
// types.
func name(s zipkin.Span) string {
	function := strings.TrimPrefix(strings.TrimPrefix(s.Local.ServiceName, "orderflow-local-"), "orderflow-")
	if s.Name == s.Local.ServiceName {
		return function
	}
	return function + ": " + strings.Replace(s.Name, " orderflow.", " ", 1)
}

// edges returns the spans with their parents, without those of calls to AWS.
func (tr trace) edges() map[string]bool {
	found := map[string]bool{}
	for _, s := range tr {
		if s.Tags["rpc.system"] == "" {
			found[tr.parent(s)+" → "+name(s)] = true
		}
	}
	return found
}

func (tr trace) parent(s zipkin.Span) string {
	if p, ok := tr[s.ParentID]; ok {
		return name(p)
	}
	return s.ParentID // empty for a root; otherwise the parent is missing
}

// tree are the required spans of an order, with their parents.
var tree = []string{
	" → place-order: POST /v1/orders",
	"place-order: POST /v1/orders → relay-orders-events: publish orders.order.created.v1",
	"place-order: POST /v1/orders → start-fulfilment: process orders.order.created.v1",
	"start-fulfilment: process orders.order.created.v1 → reserve-stock",
	"reserve-stock → relay-inventory-events: publish inventory.stock.reserved.v1",
	"start-fulfilment: process orders.order.created.v1 → authorize-payment",
	"authorize-payment → authorize-payment: POST payment-provider",
	"authorize-payment: POST payment-provider → serve-provider: POST /charges",
	"authorize-payment → relay-payments-events: publish payments.payment.authorized.v1",
	"start-fulfilment: process orders.order.created.v1 → arrange-shipment",
	"arrange-shipment → arrange-shipment: POST carrier",
	"arrange-shipment: POST carrier → serve-carrier: POST /shipments",
	"arrange-shipment → relay-shipping-events: publish shipping.shipment.requested.v1",
	"serve-carrier: POST /shipments → send-carrier-callback: send callback",
	"send-carrier-callback: send callback → send-carrier-callback: POST",
	"arrange-shipment → receive-carrier-webhook: receive callback",
	"receive-carrier-webhook: receive callback → relay-shipping-events: publish shipping.shipment.booked.v1",
	"receive-carrier-webhook: receive callback → resume-fulfilment: process shipping.shipment.booked.v1",
	"start-fulfilment: process orders.order.created.v1 → await-shipment",
	"start-fulfilment: process orders.order.created.v1 → capture-payment",
	"capture-payment → capture-payment: POST payment-provider",
	"capture-payment: POST payment-provider → serve-provider: POST /charges/{reference}/capture",
	"capture-payment → relay-payments-events: publish payments.payment.captured.v1",
	"start-fulfilment: process orders.order.created.v1 → commit-stock",
	"commit-stock → relay-inventory-events: publish inventory.stock.committed.v1",
	"start-fulfilment: process orders.order.created.v1 → confirm-order",
	"confirm-order → relay-orders-events: publish orders.order.confirmed.v1",
	"confirm-order → notify-customer: process orders.order.confirmed.v1",
	"confirm-order → project-order: process orders.order.confirmed.v1",
}

// late are the additional spans of an order if the carrier answers before the saga waits for it:
// the event is delivered again.
var late = []string{
	"await-shipment → relay-shipping-events: publish shipping.shipment.booked.v1",
	"await-shipment → resume-fulfilment: process shipping.shipment.booked.v1",
}

// TestOneOrderIsOneTrace follows orders in sequence, from the HTTP request to the last e-mail, and
// counts calls.
func TestOneOrderIsOneTrace(t *testing.T) {
	const orders = 3
	var all []map[string]int
	for range orders {
		o := place(t, customer(), order("MUG-BLUE", 1, "pm_card_visa"))
		wantFinal(t, o, client.Confirmed, "")
		tr := completeTrace(t, o.OrderID)
		wantTree(t, tr)
		all = append(all, tr.calls())
	}
	if *updateBudget {
		if err := os.WriteFile(budgetFile, format(all), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wantWithinBudget(t, all)
}

// completeTrace waits until every required span has arrived.
func completeTrace(t *testing.T, orderID string) trace {
	t.Helper()
	tr := trace{}
	eventually(t, 60*time.Second, "the order's trace is complete", func() error {
		spans, err := traces.Of(t.Context(), stack.TracesURL, orderID)
		if err != nil {
			return err
		}
		tr = trace{}
		for _, s := range spans {
			tr[s.ID] = s
		}
		found := tr.edges()
		for _, edge := range tree {
			if !found[edge] {
				return fmt.Errorf("none of %d spans is\n  %s\ngot\n  %s", len(tr), edge,
					strings.Join(slices.Sorted(maps.Keys(found)), "\n  "))
			}
		}
		return nil
	})
	return tr
}

func wantTree(t *testing.T, tr trace) {
	t.Helper()
	for edge := range tr.edges() {
		if !slices.Contains(tree, edge) && !slices.Contains(late, edge) {
			t.Errorf("unexpected span or parent: %s", edge)
		}
	}
	id, mails := "", 0
	for _, s := range tr {
		for _, private := range []string{"alice", berlin.Name, berlin.Line1, berlin.City, berlin.PostalCode,
			"pm_card"} {
			if text := fmt.Sprint(s.Name, s.Tags); strings.Contains(text, private) {
				t.Errorf("a span contains %q: %s", private, text)
			}
		}
		if id = cmp.Or(id, s.TraceID); s.TraceID != id {
			t.Errorf("%s is in trace %s, others in %s", name(s), s.TraceID, id)
		}
		if s.Tags["rpc.system"] == "" {
			continue
		}
		if p, ok := tr[s.ParentID]; !ok || p.Local != s.Local {
			t.Errorf("the parent of %s is not of its own function: %q", name(s), tr.parent(s))
		}
		if s.Tags["rpc.service"] == "SES" {
			mails++
		}
	}
	if mails != 1 {
		t.Errorf("%d e-mails are in the trace, want 1", mails)
	}
}

// calls counts our functions' calls to AWS and third parties, and their published events.
func (tr trace) calls() map[string]int {
	n := map[string]int{}
	for _, s := range tr {
		switch {
		case strings.HasPrefix(s.Local.ServiceName, "orderflow-local-"):
		case s.Kind == "CLIENT":
			n[name(s)]++
		case s.Kind == "PRODUCER":
			n[published(name(s))]++
		}
	}
	return n
}

func published(call string) string {
	function, _, _ := strings.Cut(call, ":")
	return function + ": events"
}

// budgeted returns a call's budget from the most that an order took. exact is false if an order may
// take fewer: due to caches of addresses, secrets and circuits, events delivered together, or an
// early answer of the carrier.
func budgeted(call string, least, most map[string]int) (n int, exact bool) {
	function, operation, _ := strings.Cut(call, ": ")
	dependent := most[function+": POST payment-provider"]+most[function+": POST carrier"] > 0
	switch {
	case strings.HasPrefix(operation, "ssm."), strings.HasPrefix(operation, "Secrets Manager."), dependent &&
		operation == "DynamoDB.GetItem":
		return most[call], false
	case strings.HasPrefix(function, "relay-") && operation != "events":
		return most[published(call)], false
	case slices.Contains([]string{"relay-shipping-events", "resume-fulfilment"}, function):
		return most[call], false
	}
	return most[call], least[call] == most[call]
}

// format formats a budget: calls per order, with "≤" if orders differ or it depends on caches.
func format(orders []map[string]int) []byte {
	least, most := bounds(orders)
	out := []byte(`# The calls that one fulfilled order takes, in the whole system; third parties' own are left out.
# One more call fails TestOneOrderIsOneTrace. If you mean it, write this file with -update-budget.
`)
	total := 0
	for _, call := range slices.Sorted(maps.Keys(most)) {
		n, exact := budgeted(call, least, most)
		number := strconv.Itoa(n)
		if !exact {
			number = "≤" + number
		}
		out = fmt.Appendf(out, "%-70s %s\n", call, number)
		if !strings.HasSuffix(call, ": events") {
			total += n
		}
	}
	return fmt.Appendf(out, "%-70s ≤%d\n", "all", total)
}

func bounds(orders []map[string]int) (least, most map[string]int) {
	least, most = map[string]int{}, map[string]int{}
	for _, calls := range orders {
		for call := range calls {
			most[call] = max(most[call], calls[call])
		}
	}
	for call := range most {
		least[call] = most[call]
		for _, calls := range orders {
			least[call] = min(least[call], calls[call])
		}
	}
	return least, most
}

// wantWithinBudget checks the order with the fewest calls: others may have repeated deliveries.
func wantWithinBudget(t *testing.T, orders []map[string]int) {
	t.Helper()
	data, err := os.ReadFile(budgetFile)
	if err != nil {
		t.Fatal(err)
	}
	least, most := bounds(orders)
	t.Logf("budget of these orders:\n%s", format(orders))
	budget := map[string]int{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		i := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || i < 0 {
			continue
		}
		call, number := strings.TrimSpace(line[:i]), line[i+1:]
		n, err := strconv.Atoi(strings.TrimPrefix(number, "≤"))
		if err != nil {
			t.Fatal(errors.Join(errors.New(budgetFile), err))
		}
		budget[call] = n
		if call != "all" && most[call] < n && !strings.HasPrefix(number, "≤") {
			t.Errorf("%s: an order takes %d, the budget has %d; if intended, run with -update-budget",
				call, most[call], n)
		}
	}
	total := 0
	for call, n := range least {
		if !strings.HasSuffix(call, ": events") {
			total += n
		}
		if n > budget[call] {
			t.Errorf("%s: an order takes %d, the budget has %d", call, n, budget[call])
		}
	}
	if total > budget["all"] {
		t.Errorf("an order takes %d calls, the budget has %d", total, budget["all"])
	}
	t.Logf("%d kinds of calls, %d calls an order", len(least), total)
}
