package bench

import (
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"orderflow/api"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/commit"
)

// MaxGrowth limits the ratio of a call's units with more orders in the tables to those with fewer.
const MaxGrowth = 1.05

// Grown are the units of tables, read and written, of each call, by the number of orders stored.
type Grown struct {
	Sizes []int
	Units map[string][]float64
}

// Growth counts the units of every call with these numbers of orders in the tables.
func Growth(ctx context.Context, repo devstack.Repo, sizes ...int) (Grown, error) {
	g := Grown{sizes, map[string][]float64{}}
	for _, n := range sizes {
		units, err := grow(ctx, repo, n)
		if err != nil {
			return g, fmt.Errorf("%d orders: %w", n, err)
		}
		for call, u := range units {
			g.Units[call] = append(g.Units[call], u)
		}
	}
	return g, nil
}

// perCustomer is the number of stored orders of a customer. Every tenth belongs to one customer.
const (
	perCustomer = 10
	regular     = "c000000"
)

const noneOverdue = "with nothing overdue"

func grow(ctx context.Context, repo devstack.Repo, n int) (units map[string]float64, err error) {
	operations, err := api.Operations()
	if err != nil {
		return nil, err
	}
	w, err := openShop(ctx, repo)
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.Close() }()
	if err := w.seed(n); err != nil {
		return nil, err
	}
	units = map[string]float64{}
	// record runs do, and records what functions consumed, all of them or one.
	record := func(name, only string, do func() error) {
		if err != nil {
			return
		}
		w.counts = Counts{}
		if err = do(); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
		for who, u := range w.counts {
			if used := u[ReadUnits] + u[WriteUnits]; used > 0 && (only == "" || only == who) {
				units[strings.TrimSpace(who+" "+name)] = used
			}
		}
	}
	place := func(method, postalCode string) (id string) {
		if err == nil {
			id, err = w.Place(regular, method, postalCode)
		}
		return id
	}
	w.clock.Advance(4 * time.Hour) // the seeded charges can be reconciled
	place(visa, berlin)            // warms up
	good := ""
	record("", "", func() error { good = place(visa, berlin); return err })
	record("of a rejected order", "", func() error { place("pm_card_visa_chargeDeclined", berlin); return err })
	for _, op := range operations { // the reads of one thing
		if op.Method != http.MethodGet || w.functions[op.Function] == nil || !strings.Contains(op.Path, "{") {
			continue
		}
		record("", op.Function, func() error {
			return w.ask(Request{Function: op.Function, Method: op.Method, Caller: regular,
				Path:   strings.NewReplacer("{orderId}", good, "{sku}", "MUG-BLUE").Replace(op.Path),
				Params: map[string]string{"orderId": good, "sku": "MUG-BLUE"}}, http.StatusOK, nil)
		})
	}
	record("", "list-availability", func() error {
		return w.ask(Request{Function: "list-availability", Method: http.MethodGet, Path: "/v1/availability",
			Query: map[string]string{"skus": "MUG-BLUE"}}, http.StatusOK, nil)
	})
	record("by name", "list-products", func() error {
		return w.ask(Request{Function: "list-products", Method: http.MethodGet, Path: "/v1/products",
			Query: map[string]string{"name": "mug"}}, http.StatusOK, nil)
	})
	page := map[string]string{"limit": fmt.Sprint(perPage)}
	for _, name := range []string{"first page", "next page"} {
		record(name, "list-orders", func() error {
			var list struct{ Cursor string }
			err := w.ask(Request{Function: "list-orders", Method: http.MethodGet, Path: "/v1/orders", Caller: regular,
				Query: page}, http.StatusOK, &list)
			page["cursor"] = list.Cursor
			return err
		})
	}
	// scheduled runs the functions with a schedule. Reconciliation reads a bounded number of
	// charges.
	scheduled := func(name, prefix string) {
		for _, s := range w.schedules {
			if w.functions[s.function] == nil || !strings.HasPrefix(s.function, prefix) {
				continue
			}
			record(name, s.function, func() error { _, err := w.invoke(s.function, []byte(s.input)); return err })
			if call := "reconcile-charges " + name; units[call] > 0 {
				units["reconcile-charges, per charge"] = units[call] / w.counts[s.function][detail+"GetItem order"]
				delete(units, call)
			}
		}
	}
	scheduled(noneOverdue, "")
	for stuck := range 20 {
		if err == nil {
			_, err = w.Place(fmt.Sprintf("stuck-%d", stuck/2), visa, neverAnswers)
		}
		if stuck%10 == 9 {
			w.clock.Advance(time.Hour)
			scheduled(fmt.Sprintf("with %d overdue", stuck+1), "sweep-")
		}
	}
	return units, err
}

// maxCharges is more than a run of reconciliation reads.
const maxCharges = 5_000

// seed makes n copies of a finished order.
func (w *World) seed(n int) error {
	id, err := w.Place(regular, visa, berlin)
	if err != nil {
		return err
	}
	entry, err := w.ledger.Entry(w.ctx, id)
	if err != nil {
		return err
	}
	w.Copy(id, func(yield func(*strings.Replacer) bool) {
		for of, customer := range copies(n) {
			if !yield(strings.NewReplacer(id, of, regular, customer)) {
				return
			}
		}
	})
	for of := range copies(min(n, maxCharges)) {
		charge := *entry.Charge
		charge.ID, charge.Reference = of, of
		entry.Reference, entry.Charge, entry.Version = of, &charge, 1
		if err := w.ledger.Write(w.ctx, entry, commit.With{}); err != nil {
			return err
		}
	}
	return nil
}

// copies are ids of orders and their customers.
func copies(n int) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range n {
			customer := regular
			if i%10 != 0 {
				customer = fmt.Sprintf("c%06d", 1+i/perCustomer)
			}
			if !yield(fmt.Sprintf("0000000001%016d", i), customer) {
				return
			}
		}
	}
}

// Worst is the largest growth of a call, from the smallest number of orders to any other.
func (g Grown) Worst() (call string, ratio float64) {
	for _, name := range slices.Sorted(maps.Keys(g.Units)) {
		units := g.Units[name]
		if r := slices.Max(units) / units[0]; r > ratio || len(units) != len(g.Sizes) {
			call, ratio = name, r
		}
	}
	return call, ratio
}

// Print prints the units.
func (g Grown) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, n := range g.Sizes {
		fmt.Fprintf(w, "%d\t", n)
	}
	fmt.Fprintln(w, "  units with that many orders in the tables")
	for _, name := range slices.Sorted(maps.Keys(g.Units)) {
		for _, u := range g.Units[name] {
			fmt.Fprintf(w, "%s\t", short(u))
		}
		fmt.Fprintf(w, "  %s\n", name)
	}
	return w.Flush()
}
