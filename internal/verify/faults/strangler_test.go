package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"orderflow/internal/dev/faultserver"
	"orderflow/internal/gateway"
	"orderflow/internal/gateway/oldshop"
	"orderflow/internal/gateway/services"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/gateway/strangler/memory"
	"orderflow/internal/gateway/strangler/stranglertest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
	"orderflow/sandbox/sandboxtest"
)

// sides are both shops behind real sockets, and the router between them with the real adapters.
type sides struct {
	*testing.T
	*strangler.Router
	legacy     *sandboxtest.LegacyShop
	shops      *stranglertest.Shops // of which only the new side is used
	mu         sync.Mutex           // guards shops
	old, moved *faultserver.Server
	told       *told
	placed     map[string]map[string]string // ids of orders, by customer and request
}

// told counts the fall-backs.
type told struct {
	stranglertest.Told
	sync.Mutex
}

func (t *told) FellBack(ctx context.Context, r strangler.Route) {
	t.Lock()
	defer t.Unlock()
	t.Told.FellBack(ctx, r)
}

// newSides returns sides of which the new one serves the given percentage of customers.
func newSides(t *testing.T, weight int) *sides {
	s := &sides{
		T: t, legacy: sandboxtest.NewLegacyShop(clock.System{}), shops: stranglertest.Example(clock.System{}),
		told: &told{}, placed: map[string]map[string]string{},
	}
	s.old, s.moved = breakable(t, s.legacy), breakable(t, http.HandlerFunc(s.serve))
	addresses := registry.Fixed{oldshop.Name: s.old.URL()}
	for _, b := range gateway.AllBackends {
		addresses[string(b)] = s.moved.URL()
	}
	to := guarded(t, addresses)
	table := &stranglertest.Table{}
	table.Set(strangler.Setting{Mode: strangler.Split, Weight: weight})
	s.Router = strangler.NewRouter(oldshop.New(to(oldshop.Name), s.legacy.Key), services.New(to), table,
		memory.New(clock.System{}), s.told, clock.System{}, s.told)
	return s
}

// serve serves the part of the services' contract that the router uses.
func (s *sides) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shop, query := s.shops.New(), r.URL.Query()
	as := gateway.Caller{Authorization: r.Header.Get("Authorization"), IdempotencyKey: r.Header.Get("Idempotency-Key")}
	limit, _ := strconv.Atoi(query.Get("limit"))
	start := gateway.Start{Cursor: query.Get("cursor"), After: query.Get("after")}
	answer := func(v any, err error) {
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			v = map[string]string{"code": fault.From(err).Code}
		}
		_ = json.NewEncoder(w).Encode(v)
	}
	var route http.ServeMux
	route.HandleFunc("POST /v1/orders", func(_ http.ResponseWriter, r *http.Request) {
		var in gateway.OrderRequest
		_ = json.NewDecoder(r.Body).Decode(&in)
		answer(shop.PlaceOrder(r.Context(), as, in))
	})
	route.HandleFunc("GET /v1/orders", func(_ http.ResponseWriter, r *http.Request) {
		answer(shop.Orders(r.Context(), as, gateway.OrderList{Limit: limit, Start: start}))
	})
	route.HandleFunc("GET /v1/orders/{id}", func(_ http.ResponseWriter, r *http.Request) {
		answer(shop.Order(r.Context(), as, r.PathValue("id")))
	})
	route.HandleFunc("POST /v1/orders/{id}/cancel", func(_ http.ResponseWriter, r *http.Request) {
		answer(shop.CancelOrder(r.Context(), as, r.PathValue("id"), gateway.CancelRequest{}))
	})
	route.HandleFunc("GET /v1/products", func(_ http.ResponseWriter, r *http.Request) {
		answer(shop.Products(r.Context(), as, gateway.ProductList{Limit: limit, Start: start}))
	})
	route.HandleFunc("GET /v1/products/{sku}", func(_ http.ResponseWriter, r *http.Request) {
		answer(shop.Product(r.Context(), as, r.PathValue("sku")))
	})
	route.ServeHTTP(w, r)
}

// timed makes a call and checks that it takes no longer than an old client waits.
func timed[T any](s *sides, what string, call func() (T, error)) (T, error) {
	s.Helper()
	began := time.Now()
	v, err := call()
	if took := time.Since(began); took > gateway.SummaryTimeout+late {
		s.Errorf("%s took %s", what, took)
	}
	return v, err
}

// place sends a request to place an order and checks that it gets the same order as before.
func (s *sides) place(customer, requestID string) error {
	s.Helper()
	o, err := timed(s, "placing "+requestID, func() (strangler.Order, error) {
		return s.PlaceOrder(s.Context(), stranglertest.As(customer), stranglertest.Order(requestID, "1001"))
	})
	var refusal *strangler.Refusal
	if errors.As(err, &refusal) {
		s.Errorf("%s: %v, want an order or a failure", requestID, err)
	}
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.placed[customer] == nil {
			s.placed[customer] = map[string]string{}
		}
		if first, again := s.placed[customer][requestID]; again && first != o.OrderID {
			s.Errorf("%s placed %s and %s", requestID, first, o.OrderID)
		}
		s.placed[customer][requestID] = o.OrderID
	}
	return err
}

// placedAnyway repeats requests until each has its order.
func (s *sides) placedAnyway(customer string, requestIDs []string) {
	s.Helper()
	for _, id := range requestIDs {
		var err error
		for range 50 {
			if err = s.place(customer, id); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if err != nil {
			s.Errorf("%s after the fault: %v", id, err)
		}
	}
}

// settled checks that a customer has one order a request, on one side, and reaches each.
func (s *sides) settled(customer string, requests int) {
	s.Helper()
	const before = 3 // orders of the sandbox's customers
	moved := 0
	for _, p := range s.shops.All {
		if p.Customer == customer {
			moved++
		}
	}
	if old := len(s.legacy.Orders(customer)) - before; old+moved != requests {
		s.Errorf("%s has %d orders at the old shop and %d on the new side for %d requests",
			customer, old, moved, requests)
	}
	for request, id := range s.placed[customer] {
		o, err := s.ReadOrder(s.Context(), stranglertest.As(customer), id)
		if err != nil || o.OrderID != id {
			s.Errorf("order %s of %s: %+v, %v", id, request, o, err)
		}
	}
}

// burst places orders at once and returns the requests that failed.
func (s *sides) burst(customer, prefix string, n int) (failed []string) {
	errs := make([]error, n)
	_ = concurrent.Do(n, n, func(i int) error {
		errs[i] = s.place(customer, fmt.Sprint(prefix, i))
		return nil
	})
	for i, err := range errs {
		if err != nil {
			failed = append(failed, fmt.Sprint(prefix, i))
		}
	}
	return failed
}

// dead are the ways in which a side is dead.
var dead = []faultserver.Fault{faultserver.Down, faultserver.Hang, faultserver.Status(503, 0)}

func ownerOf(s *sides, customer, requestID string) strangler.Side {
	owner, _, _ := strangler.OwnerOf(s.placed[customer][requestID])
	return owner
}

func TestOldSideServesWhileTheNewOneIsDead(t *testing.T) {
	for _, f := range dead {
		t.Run(f.Name, func(t *testing.T) {
			s := newSides(t, 100)
			ada := stranglertest.As("ada")
			if err := s.place("ada", "before"); err != nil || ownerOf(s, "ada", "before") != strangler.NewSide {
				t.Fatalf("before the fault: %v, %v", err, s.placed)
			}
			if err := s.moved.Set(f); err != nil {
				t.Fatal(err)
			}
			ambiguous := s.burst("ada", "during", settings.Row) // whether they took effect is not known
			if len(ambiguous) == 0 {
				t.Error("every order was placed, although the new side was dead and its circuit closed")
			}
			for n := range 3 {
				id := fmt.Sprint("opened", n)
				if err := s.place("ada", id); err != nil || ownerOf(s, "ada", id) != strangler.OldSide {
					t.Errorf("%s: %v, %v; want an order of the old side", id, err, s.placed)
				}
			}
			for _, id := range ambiguous {
				if err := s.place("ada", id); err == nil {
					t.Errorf("%s: on the %s side, while it is not known what the new one did",
						id, ownerOf(s, "ada", id))
				}
			}
			p, err := timed(s, "a product", func() (strangler.Product, error) {
				return s.ReadProduct(t.Context(), ada, "1001")
			})
			if err != nil || p.Title != "Mug, blue" { // as the old shop calls it
				t.Errorf("product %+v, %v", p, err)
			}
			page, err := timed(s, "products", func() (strangler.ProductPage, error) {
				return s.ListProducts(t.Context(), ada, "1")
			})
			if err != nil || len(page.Products) != 6 {
				t.Errorf("products %+v, %v", page, err)
			}
			list, err := timed(s, "orders", func() (strangler.OrderPage, error) {
				return s.ListOrders(t.Context(), ada, "")
			})
			if err != nil || len(list.Orders) < 3 || list.NextPage == nil {
				t.Errorf("orders %+v, %v; want those of the old shop, and more later", list, err)
			}
			onOld := s.placed["ada"]["opened0"]
			o, err := s.CancelOrder(t.Context(), ada, onOld, strangler.Cancellation{Note: "n"})
			if err != nil || o.State != strangler.StateCancelled {
				t.Errorf("cancelled: %+v, %v", o, err)
			}
			if len(s.told.Fallbacks) == 0 {
				t.Error("no fall-back was reported")
			}
			if err := s.moved.Set(faultserver.None); err != nil {
				t.Fatal(err)
			}
			s.placedAnyway("ada", ambiguous)
			for _, id := range ambiguous {
				if ownerOf(s, "ada", id) != strangler.NewSide {
					t.Errorf("%s ended on the old side", id)
				}
			}
			s.settled("ada", 1+settings.Row+3)
		})
	}
}

func TestNewSideServesItsCustomersWhileTheOldOneIsDead(t *testing.T) {
	for _, f := range dead {
		t.Run(f.Name, func(t *testing.T) {
			s := newSides(t, 50)
			customers := map[strangler.Side]string{}
			for n := 0; len(customers) < 2; n++ {
				name := fmt.Sprint("customer", n)
				customers[strangler.Setting{Mode: strangler.Split, Weight: 50}.Side(name)] = name
			}
			moved, stayed := customers[strangler.NewSide], customers[strangler.OldSide]
			for _, customer := range customers {
				if _, err := s.ListOrders(t.Context(), stranglertest.As(customer), ""); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.old.Set(f); err != nil {
				t.Fatal(err)
			}
			failed := s.burst(stayed, "during", settings.Row)
			if len(failed) != settings.Row {
				t.Errorf("%d of %d orders of the old side failed", len(failed), settings.Row)
			}
			as := stranglertest.As(moved)
			for n := range 3 {
				id := fmt.Sprint("moved", n)
				if err := s.place(moved, id); err != nil || ownerOf(s, moved, id) != strangler.NewSide {
					t.Errorf("%s: %v, %v", id, err, s.placed)
				}
			}
			p, err := timed(s, "a product", func() (strangler.Product, error) {
				return s.ReadProduct(t.Context(), as, "1001")
			})
			if err != nil || p.Title != "Blue mug" {
				t.Errorf("product %+v, %v", p, err)
			}
			list, err := timed(s, "orders", func() (strangler.OrderPage, error) {
				return s.ListOrders(t.Context(), as, "")
			})
			if err != nil || len(list.Orders) != 3 || list.NextPage == nil {
				t.Errorf("orders %+v, %v; want the new side's three, and the old shop's later", list, err)
			}
			began := time.Now()
			_, err = s.ReadOrder(t.Context(), stranglertest.As(stayed), "100001")
			if !errors.Is(err, resilience.ErrOpen) || time.Since(began) > late {
				t.Errorf("an order of the old side: %v after %s, want the open circuit at once", err, time.Since(began))
			}
			if err := s.old.Set(faultserver.None); err != nil {
				t.Fatal(err)
			}
			s.placedAnyway(stayed, failed)
			s.settled(stayed, settings.Row)
			s.settled(moved, 3)
		})
	}
}
