package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/fault"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

type answer func(ctx context.Context) (json.RawMessage, error)

// fake answers as told, and {"orderId": …} where nothing is told.
type fake struct {
	answers map[gateway.Backend]answer

	mu    sync.Mutex
	asked int
	as    map[gateway.Backend]string
}

func (f *fake) Get(ctx context.Context, b gateway.Backend, orderID, authorization string) (json.RawMessage, error) {
	f.mu.Lock()
	if f.as == nil {
		f.as = map[gateway.Backend]string{}
	}
	f.as[b] = authorization
	f.asked++
	f.mu.Unlock()
	if a := f.answers[b]; a != nil {
		return a(ctx)
	}
	return json.RawMessage(`{"orderId":"` + orderID + `","by":"` + string(b) + `"}`), nil
}

func fails(err error) answer {
	return func(context.Context) (json.RawMessage, error) { return nil, err }
}

func hangs(ctx context.Context) (json.RawMessage, error) {
	<-ctx.Done()
	return nil, fault.New(fault.Transient, "DependencyUnavailable", "10.0.0.1 does not answer").Because(ctx.Err())
}

var (
	errBroken   = fault.New(fault.Transient, "DependencyUnavailable", "http://10.0.0.1 answered 500")
	errNoOrder  = fault.New(fault.NotFound, "OrderNotFound", "there is no such order")
	errNothing  = fault.New(fault.NotFound, "ShipmentNotFound", "there is no shipment of this order")
	errStranger = fault.New(fault.Unauthenticated, "Unauthenticated", "who are you?")
)

// ask asks for the summary as JSON, by the time of a synctest bubble.
func ask(t *testing.T, answers map[gateway.Backend]answer) (string, time.Duration, error) {
	t.Helper()
	start := time.Now()
	s, err := gateway.New(&fake{answers: answers}).GetOrderSummary(t.Context(), order, "Bearer me")
	took := time.Since(start)
	if err != nil {
		return "", took, err
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), took, nil
}

func part(name string, b gateway.Backend) string {
	return `"` + name + `":{"orderId":"` + order + `","by":"` + string(b) + `"}`
}

func TestAllPartsAreFetchedAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var here sync.WaitGroup
		here.Add(4)
		meet := func(context.Context) (json.RawMessage, error) {
			here.Done()
			here.Wait() // one after the other would wait for ever, which synctest reports
			return json.RawMessage(`{}`), nil
		}
		got, took, err := ask(t, map[gateway.Backend]answer{
			gateway.Orders: meet, gateway.Payments: meet, gateway.Inventory: meet, gateway.Shipping: meet,
		})
		if err != nil || took != 0 || got != `{"order":{},"payment":{},"reservations":{},"shipment":{}}` {
			t.Errorf("%s, %v after %s", got, err, took)
		}
	})
}

func TestServicesAreAskedAsTheCaller(t *testing.T) {
	f := &fake{}
	if _, err := gateway.New(f).GetOrderSummary(t.Context(), order, "Bearer me"); err != nil {
		t.Fatal(err)
	}
	for _, b := range []gateway.Backend{gateway.Orders, gateway.Payments, gateway.Inventory, gateway.Shipping} {
		if f.as[b] != "Bearer me" {
			t.Errorf("%s was asked as %q", b, f.as[b])
		}
	}
}

func TestAPartThatHangsCostsTheDeadlineAndOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, took, err := ask(t, map[gateway.Backend]answer{gateway.Payments: hangs})
		if err != nil || took != gateway.SummaryTimeout {
			t.Fatalf("%v after %s", err, took)
		}
		want := `{` + part("order", gateway.Orders) +
			`,"payment":{"error":{"code":"Unavailable","detail":"payments did not answer in time"}},` +
			part("reservations", gateway.Inventory) + `,` + part("shipment", gateway.Shipping) + `}`
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

func TestTheSummaryEndsBeforeItsInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		f := &fake{answers: map[gateway.Backend]answer{gateway.Shipping: hangs}}
		s, err := gateway.New(f).GetOrderSummary(ctx, order, "")
		if took := time.Since(start); err != nil || took != time.Second-gateway.Margin || s.Shipment.Err == nil {
			t.Errorf("%+v, %v after %s", s.Shipment, err, took)
		}
	})
}

func TestAPartThatFailsIsAnEntryWithoutItsCause(t *testing.T) {
	for _, b := range []gateway.Backend{gateway.Orders, gateway.Payments, gateway.Inventory, gateway.Shipping} {
		got, _, err := ask(t, map[gateway.Backend]answer{b: fails(errBroken)})
		want := map[gateway.Backend]string{
			gateway.Orders: "order", gateway.Payments: "payment", gateway.Inventory: "reservations", gateway.Shipping: "shipment",
		}
		for service, name := range want {
			want[service] = part(name, service)
			if service == b {
				want[service] = `"` + name + `":{"error":{"code":"Unavailable","detail":"` + string(b) + ` cannot be asked at the moment"}}`
			}
		}
		whole := `{` + want[gateway.Orders] + `,` + want[gateway.Payments] + `,` + want[gateway.Inventory] + `,` + want[gateway.Shipping] + `}`
		if err != nil || got != whole {
			t.Errorf("%s: %s, %v; want %s", b, got, err, whole)
		}
	}
}

func TestAPartThatDoesNotExistYetSaysSo(t *testing.T) {
	s, err := gateway.New(&fake{answers: map[gateway.Backend]answer{gateway.Shipping: fails(errNothing)}}).
		GetOrderSummary(t.Context(), order, "")
	if err != nil || s.Shipment.Err == nil || *s.Shipment.Err != (gateway.PartError{Code: "ShipmentNotFound", Detail: errNothing.Detail}) {
		t.Errorf("%+v, %v", s.Shipment.Err, err)
	}
}

func TestWithoutTheOrderThereIsNoSummaryAndNoWaiting(t *testing.T) {
	for _, no := range []*fault.Error{errNoOrder, errStranger} {
		synctest.Test(t, func(t *testing.T) {
			got, took, err := ask(t, map[gateway.Backend]answer{
				gateway.Orders: fails(no), gateway.Payments: hangs, gateway.Inventory: hangs,
			})
			if !errors.Is(err, no) || took != 0 {
				t.Errorf("%s, %v after %s, want %v at once", got, err, took, no)
			}
		})
	}
}

func TestOnlyWhenEveryServiceFailsTheSummaryFails(t *testing.T) {
	broken := fails(errBroken)
	all := map[gateway.Backend]answer{
		gateway.Orders: broken, gateway.Payments: broken, gateway.Inventory: broken, gateway.Shipping: broken,
	}
	if _, _, err := ask(t, all); !errors.Is(err, gateway.ErrNothing) {
		t.Errorf("all: %v, want %v", err, gateway.ErrNothing)
	}
	all[gateway.Shipping] = fails(errNothing)
	if _, _, err := ask(t, all); err != nil {
		t.Errorf("all but one, which answered that there is nothing: %v", err)
	}
}
