package dynamo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/inventory/dynamo"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/verify/tables"
)

// rush is a shop whose table has DynamoDB's contention and latency.
type rush struct {
	t     *testing.T
	table *tables.Contended
	svc   func() *inventory.Service // a new one is a new process

	mu          sync.Mutex
	read, write float64
	ends        map[string]int
	took        []time.Duration
}

// newRush must be called in a bubble of synctest.
func newRush(t *testing.T, latency time.Duration) *rush {
	r := &rush{t: t, ends: map[string]int{}}
	server := tables.New(tables.Schema{Name: "stock", PK: "pk", SK: "sk", Indexes: []tables.Schema{
		{Name: ddb.OpenIndex, PK: ddb.OpenIndex + "Pk", SK: ddb.OpenIndex + "Sk", KeysOnly: true},
	}})
	server.Used = func(_ *http.Request, uses []tables.Use) {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, u := range uses {
			r.read, r.write = r.read+u.Read, r.write+u.Write
		}
	}
	r.table = tables.NewContended(server, latency)
	table := ddb.Open(aws.Config{
		Region: "eu-central-1", HTTPClient: r,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}, "stock", clock.System{})
	source := ids.Random(clock.System{})
	r.svc = func() *inventory.Service { return inventory.New(dynamo.Store{Table: table}, clock.System{}, source) }
	return r
}

// Do calls the table without a network.
func (r *rush) Do(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	r.table.ServeHTTP(w, req)
	return w.Result(), nil
}

// plan is the saga's retry of transient errors.
type plan struct {
	ErrorEquals                  []string
	IntervalSeconds, BackoffRate float64
	MaxAttempts                  int
	MaxDelaySeconds              float64
}

// plans reads the retries of the saga from its definition.
func plans(t *testing.T) map[string]plan {
	b, err := os.ReadFile("../../../statemachines/fulfil-order.asl.json")
	must(t, err)
	var machine struct {
		States map[string]struct{ Retry []plan }
	}
	must(t, json.Unmarshal(b, &machine))
	found := map[string]plan{}
	for name, state := range machine.States {
		for _, p := range state.Retry {
			if slices.Contains(p.ErrorEquals, "Transient") {
				found[name] = p
			}
		}
	}
	if found["Prepare"].MaxAttempts == 0 || found["Settle"].MaxAttempts == 0 {
		t.Fatalf("no retries of transient errors in %v", found)
	}
	return found
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a step as the saga does.
func (p plan) run(step func() error) error {
	for n := 0; ; n++ {
		err := step()
		if err == nil || fault.KindOf(err) != fault.Transient || n == p.MaxAttempts {
			return err
		}
		wait := min(p.IntervalSeconds*math.Pow(p.BackoffRate, float64(n)), p.MaxDelaySeconds)
		time.Sleep(time.Duration(rand.Float64() * wait * float64(time.Second))) //nolint:gosec // jitter
	}
}

// sell lets orders for one each of some products come within a time, and waits until each has an
// end.
func (r *rush) sell(orders int, within time.Duration, processes int, skus ...string) {
	step := plans(r.t)
	var all sync.WaitGroup
	services := make([]*inventory.Service, processes)
	for i := range services {
		services[i] = r.svc()
	}
	for n := range orders {
		all.Go(func() {
			time.Sleep(time.Duration(n) * within / time.Duration(orders))
			svc, began := services[n%processes], time.Now()
			in := contract.Step{OrderID: fmt.Sprint("order-", n), CustomerID: "c"}
			for _, sku := range skus {
				in.Items = append(in.Items, contract.Line{SKU: sku, Quantity: 1})
			}
			end, ctx := "CONFIRMED", context.Background()
			err := step["Prepare"].run(func() error { _, err := svc.ReserveStock(ctx, in); return err })
			took := time.Since(began)
			if err == nil {
				time.Sleep(rand.N(time.Second)) //nolint:gosec // payment and shipment
				err = step["Settle"].run(func() error { _, err := svc.CommitStock(ctx, in); return err })
			}
			if err != nil {
				end = fault.From(err).Code
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.ends[end]++
			r.took = append(r.took, took)
		})
	}
	all.Wait()
	slices.Sort(r.took)
}

// report logs what the orders took, and returns what the slowest took.
func (r *rush) report(orders int) time.Duration {
	slowest, n := r.took[orders-1], float64(orders)
	r.t.Logf("reserved: half within %s, 99 %% within %s, all within %s; %.1f write and %.1f read units an order; "+
		"refused: %v", r.took[orders/2], r.took[orders*99/100], slowest, r.write/n, r.read/n, r.table.Refused)
	return slowest
}

func (r *rush) adjust(sku string, units int) error {
	adjusted := contract.Adjusted{SKU: sku, Delta: units, Reason: "test", By: "test"}
	a := inventory.Adjustment{Adjusted: adjusted, AllowUnknownSKU: true}
	_, _, err := r.svc().AdjustStock(context.Background(), idempotency.Request{}, a)
	return err
}

// TestProductThatSellsOutInASecondIsSoldToTheLastUnit has 1,000 orders come within a second, to 200
// processes. When a product's stock was one item, a reservation took up to 19 seconds.
func TestProductThatSellsOutInASecondIsSoldToTheLastUnit(t *testing.T) {
	const orders, units, patience = 1000, 800, 5 * time.Second
	synctest.Test(t, func(t *testing.T) {
		r := newRush(t, 6*time.Millisecond)
		must(t, r.adjust("mug", units))
		r.sell(orders, time.Second, 200, "mug")
		slowest := r.report(orders)
		got, err := r.svc().GetStock(t.Context(), "mug")
		must(t, err)
		if want := (inventory.Stock{SKU: "mug", Shipped: units}); got != want {
			t.Errorf("stock is %+v, want %+v", got, want)
		}
		if r.ends["CONFIRMED"] != units || r.ends["OutOfStock"] != orders-units || slowest > patience {
			t.Errorf("orders end %v, the slowest reserved after %s; want %d confirmed, the others refused, within %s",
				r.ends, slowest, units, patience)
		}
	})
}

// TestOrdersOfThreeHotProductsAreServed has an order conflict with others in any of three products.
func TestOrdersOfThreeHotProductsAreServed(t *testing.T) {
	const orders, units, patience = 300, 250, 8 * time.Second
	synctest.Test(t, func(t *testing.T) {
		r := newRush(t, 6*time.Millisecond)
		hot := []string{"mug", "cup", "pot"}
		for _, sku := range hot {
			must(t, r.adjust(sku, units))
		}
		r.sell(orders, time.Second/3, 100, hot...)
		slowest := r.report(orders)
		for _, sku := range hot {
			got, err := r.svc().GetStock(t.Context(), sku)
			must(t, err)
			if want := (inventory.Stock{SKU: sku, Shipped: units}); got != want {
				t.Errorf("stock is %+v, want %+v", got, want)
			}
		}
		if r.ends["CONFIRMED"] != units || r.ends["OutOfStock"] != orders-units || slowest > patience {
			t.Errorf("orders end %v, the slowest after %s; want %d confirmed, the others refused, within %s",
				r.ends, slowest, units, patience)
		}
	})
}

func TestProductIsCountedAndRestockedWhileItSellsOut(t *testing.T) {
	const orders, units, more = 400, 320, 10
	synctest.Test(t, func(t *testing.T) {
		r := newRush(t, 6*time.Millisecond)
		must(t, r.adjust("mug", units))
		var operator sync.WaitGroup
		operator.Go(func() {
			time.Sleep(300 * time.Millisecond)
			sum := units
			for attempt := range 10 {
				s, err := r.svc().GetStock(t.Context(), "mug")
				must(t, err)
				if got := s.Available + s.Reserved + s.Shipped; got != sum {
					t.Errorf("the stock of %d units is %+v", sum, s)
				}
				if attempt%3 > 0 {
					must(t, r.adjust("mug", more))
					sum += more
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
		r.sell(orders, time.Second, 200, "mug")
		operator.Wait()
		got, err := r.svc().GetStock(t.Context(), "mug")
		must(t, err)
		sold := r.ends["CONFIRMED"]
		if want := (inventory.Stock{SKU: "mug", Available: units + 6*more - sold, Shipped: sold}); got != want {
			t.Errorf("stock is %+v, want %+v", got, want)
		}
		if sold < units || sold+r.ends["OutOfStock"] != orders {
			t.Errorf("orders end %v, want at least %d confirmed and the others out of stock", r.ends, units)
		}
	})
}
