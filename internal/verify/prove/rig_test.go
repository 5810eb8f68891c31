package prove

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/inventory"
	inventorymemory "orderflow/internal/inventory/memory"
	"orderflow/internal/orders"
	ordersmemory "orderflow/internal/orders/memory"
	"orderflow/internal/payments"
	paymentscontract "orderflow/internal/payments/contract"
	paymentsmemory "orderflow/internal/payments/memory"
	"orderflow/internal/payments/provider"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	with "orderflow/internal/platform/commit"
	lambda "orderflow/internal/platform/function"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
	edge "orderflow/internal/platform/step"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/carrier"
	shippingcontract "orderflow/internal/shipping/contract"
	shippingmemory "orderflow/internal/shipping/memory"
	"orderflow/sandbox/sandboxtest"
)

// rig is a real service with its in-memory store.
type rig struct {
	input     string // of the functions
	functions map[string]lambda.Handler
	hook      *hook
	// observe writes the service's state into a world.
	observe func(*World)
	// extra lists changes without a step: the carrier's callback, the customer's cancellation.
	extra map[string]func() error
	wakes func() []wake
}

// hook runs once between a function's call of its third party and its commit. If it fails, so does
// the commit.
type hook struct{ before func() error }

func (h *hook) fire() error {
	before := h.before
	h.before = nil
	if before == nil {
		return nil
	}
	return before()
}

var at = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const input = `{"orderId":"` + orderID + `","customerId":"c","items":[{"sku":"A","quantity":1}],` +
	`"amount":{"currency":"EUR","amount":1},"paymentMethod":"pm_card_visa","resumeToken":"t","reason":"OUT_OF_STOCK",` +
	`"detail":"d","address":{"name":"n","line1":"l","city":"c","postalCode":"1","country":"DE"}}`

// invoke runs a function as Step Functions would.
func (r *rig) invoke(t *testing.T, name string, waited bool) outcome {
	t.Helper()
	in := cmp.Or(r.input, input)
	if waited {
		in = strings.Replace(in, "{", `{"waited":true,`, 1)
	}
	out, err := r.functions[name].Invoke(context.Background(), []byte(in))
	var named messages.InvokeResponse_Error
	if errors.As(err, &named) {
		return fails(named.Type)
	}
	if err != nil {
		t.Fatal(err)
	}
	if name == "CloseOrder" {
		return outcome{result: string(out)}
	}
	return ok
}

type barriers interface {
	Barriers(ctx context.Context, keys ...barrier.Key) (map[barrier.Key]barrier.Record, error)
}

// marks reads the barrier's records of some functions.
func marks(w *World, log barriers, names ...string) {
	for _, name := range names {
		fn, _ := functionNamed(name)
		f := functions[fn]
		phase := barrier.Action
		if len(f.undoes) > 0 {
			phase = barrier.Compensation
		}
		key := barrier.Key{Saga: orderID, Step: name, Phase: phase}
		all, _ := log.Barriers(context.Background(), key) // memory never fails
		rec, found := all[key]
		switch {
		case !found:
			w.Marks[f.mark] = unmarked
		case rec.Origin == phase:
			w.Marks[f.mark] = done
		default:
			w.Marks[f.mark] = barred
		}
	}
}

func inventoryRig(t *testing.T, w World) *rig {
	c := clock.At(at)
	store := inventorymemory.New(c)
	svc := inventory.New(store, c, &ids.Sequence{})
	if !w.Empty {
		stocked := []inventory.Shard{{Stock: inventory.Stock{SKU: "A", Available: stock}}}
		if err := store.Adjust(context.Background(), nil, stocked, with.With{}); err != nil {
			t.Fatal(err)
		}
	}
	return &rig{
		functions: map[string]lambda.Handler{
			"ReserveStock": edge.Handle(svc.ReserveStock), "CommitStock": edge.Handle(svc.CommitStock),
			"ReleaseStock": edge.Handle(svc.ReleaseStock),
		},
		observe: func(w *World) {
			shards, _ := store.Shards(context.Background(), "A") // missing means zero
			s := inventory.Whole(shards)
			w.Available, w.Reserved, w.Shipped = int8(s.Available), int8(s.Reserved), int8(s.Shipped)
			r, _ := store.Reservation(context.Background(), orderID)
			w.Reservation = map[inventory.Status]reservation{
				"": unreserved, inventory.StatusReserved: reserved, inventory.StatusCommitted: committed,
				inventory.StatusReleased: released,
			}[r.Status]
			marks(w, store, "ReserveStock", "CommitStock", "ReleaseStock")
		},
	}
}

type paymentStore struct {
	*paymentsmemory.Store
	hook *hook
}

func (s paymentStore) Save(ctx context.Context, p payments.Payment, w with.With) error {
	if err := s.hook.fire(); err != nil {
		return err
	}
	return s.Store.Save(ctx, p, w)
}

func (s paymentStore) Record(ctx context.Context, w with.With) error {
	if err := s.hook.fire(); err != nil {
		return err
	}
	return s.Store.Record(ctx, w)
}

func paymentsRig(t *testing.T, w World) *rig {
	c, h := clock.At(at), &hook{}
	store := paymentStore{paymentsmemory.New(c), h}
	sandbox := sandboxtest.NewProvider(c)
	third := provider.New(sandboxtest.Config(provider.Name, sandbox))
	svc := payments.New(store, third, c, &ids.Sequence{})
	in := input
	if w.Declines {
		in = strings.Replace(input, "pm_card_visa", "pm_card_visa_chargeDeclined", 1)
	}
	if w.Asks {
		in = strings.Replace(input, "pm_card_visa", "pm_card_authenticationRequired", 1)
	}
	answers := func(succeeds bool) func() error {
		return func() error {
			sandbox.Authenticate(orderID, succeeds)
			return nil
		}
	}
	return &rig{
		input: in,
		hook:  h,
		extra: map[string]func() error{
			"the customer authenticates":         answers(true),
			"the customer fails to authenticate": answers(false),
			"the notice of the customer's answer arrives": func() error {
				notice := payments.Notice{ID: "n", Reference: orderID, Authorized: true}
				return svc.ReceiveNotice(context.Background(), notice)
			},
		},
		wakes: func() []wake {
			var wakes []wake
			for _, e := range store.TakeOutbox() {
				var data paymentscontract.PaymentEvent
				if err := json.Unmarshal(e.Data, &data); err != nil {
					t.Fatal(err)
				}
				if data.ResumeToken != "" {
					wakes = append(wakes, wake{unshipped, 1})
				}
			}
			return wakes
		},
		functions: map[string]lambda.Handler{
			"AuthorizePayment": edge.Handle(svc.AuthorizePayment), "CapturePayment": edge.Handle(svc.CapturePayment),
			"AwaitPayment": edge.Handle(svc.AwaitPayment), "VoidPayment": edge.Handle(svc.VoidPayment),
		},
		observe: func(w *World) {
			p, _ := store.Get(context.Background(), orderID)
			w.Payment = map[payments.Status]payment{
				"": unpaid, payments.StatusAuthorized: authorized, payments.StatusCaptured: captured,
				payments.StatusDeclined: declined,
				payments.StatusVoided:   voided, payments.StatusRefunded: refunded,
				payments.StatusActionRequired: actionRequired,
			}[p.Status]
			w.Ended, w.PayToken = p.Action.Ended, 0
			if p.Action.ResumeToken != "" {
				w.PayToken = 1
			}
			charge, _, err := third.Find(context.Background(), payments.Subject{Reference: orderID})
			if err != nil {
				t.Fatal(err)
			}
			w.Charge = map[payments.ChargeStatus]payment{
				"": unpaid, payments.ChargeAuthorized: authorized, payments.ChargeCaptured: captured,
				payments.ChargeVoided: voided, payments.ChargeRefunded: refunded,
			}[charge.Status]
			marks(w, store, "AuthorizePayment", "CapturePayment", "VoidPayment")
		},
	}
}

type shipmentStore struct {
	*shippingmemory.Store
	hook *hook
}

func (s shipmentStore) Save(ctx context.Context, sh shipping.Shipment, w with.With) error {
	if err := s.hook.fire(); err != nil {
		return err
	}
	return s.Store.Save(ctx, sh, w)
}

func (s shipmentStore) Record(ctx context.Context, w with.With) error {
	if err := s.hook.fire(); err != nil {
		return err
	}
	return s.Store.Record(ctx, w)
}

func shippingRig(t *testing.T, w World) *rig {
	c, h := clock.At(at), &hook{}
	store, sandbox := shipmentStore{shippingmemory.New(c), h}, sandboxtest.NewCarrier(c)
	svc := shipping.New(store, carrier.New(sandboxtest.Config(carrier.Name, sandbox)), c, &ids.Sequence{})
	decision := shipping.StatusBooked
	if w.Refuses {
		decision = shipping.StatusRefused
	}
	statuses := map[shipping.Status]shipment{
		"": unshipped, shipping.StatusRequested: requested, shipping.StatusBooked: booked,
		shipping.StatusRefused: refused, shipping.StatusCancelled: shipmentCancelled,
	}
	return &rig{
		hook: h,
		functions: map[string]lambda.Handler{
			"ArrangeShipment": edge.Handle(svc.ArrangeShipment), "AwaitShipment": edge.Handle(svc.AwaitShipment),
			"CancelShipment": edge.Handle(svc.CancelShipment),
		},
		extra: map[string]func() error{"the carrier calls back": func() error {
			callback := shipping.Callback{ID: "cb", Reference: orderID, Status: decision}
			return svc.ReceiveCallback(context.Background(), callback)
		}},
		observe: func(w *World) {
			sh, _ := store.Get(context.Background(), orderID)
			w.Shipment, w.Token = statuses[sh.Status], 0
			if sh.ResumeToken != "" {
				w.Token = 1
			}
			if sandbox.WillShip(orderID) != (w.Booked && !w.Cancelled) {
				w.Booked = !w.Booked // make the worlds differ
			}
			marks(w, store, "ArrangeShipment", "CancelShipment")
		},
		wakes: func() []wake {
			var wakes []wake
			for _, e := range store.TakeOutbox() {
				var data shippingcontract.ShipmentEvent
				if err := json.Unmarshal(e.Data, &data); err != nil {
					t.Fatal(err)
				}
				if data.ResumeToken != "" {
					wakes = append(wakes, wake{map[string]shipment{
						shippingcontract.ShipmentBooked: booked, shippingcontract.ShipmentRefused: refused,
						shippingcontract.ShipmentCancelled: shipmentCancelled,
					}[e.Type], 1})
				}
			}
			return wakes
		},
	}
}

func ordersRig(t *testing.T, _ World) *rig {
	c := clock.At(at)
	store := ordersmemory.New(c)
	svc := orders.New(store, c, &ids.Sequence{})
	total, err := money.Of("EUR", 1)
	if err != nil {
		t.Fatal(err)
	}
	placed := orders.Order{OrderID: orderID, CustomerID: "c", Status: orders.StatusPending, Total: total, Version: 1}
	if err := store.SaveOrder(context.Background(), placed, with.With{}); err != nil {
		t.Fatal(err)
	}
	return &rig{
		functions: map[string]lambda.Handler{
			"ConfirmOrder": edge.Handle(svc.ConfirmOrder), "CloseOrder": edge.Handle(svc.CloseOrder),
			"RejectOrder": edge.Handle(svc.RejectOrder), "FlagOrder": edge.Handle(svc.FlagOrder),
		},
		extra: map[string]func() error{"the customer cancels": func() error {
			allowed := func(string) bool { return true }
			_, _, err := svc.CancelOrder(context.Background(), idempotency.Request{}, orderID, "", allowed)
			return err
		}},
		observe: func(w *World) {
			o, err := store.Order(context.Background(), orderID)
			if err != nil {
				t.Fatal(err)
			}
			w.Order = map[orders.Status]order{
				orders.StatusPending: pending, orders.StatusConfirmed: confirmed, orders.StatusRejected: rejected,
				orders.StatusCancelled: cancelled, orders.StatusNeedsAttention: needsAttention,
			}[o.Status]
			w.Closed, w.CancelRequested = o.Closed, o.CancelRequested
			marks(w, store, "ConfirmOrder", "CloseOrder")
		},
	}
}
