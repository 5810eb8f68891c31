package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/fault"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

type answer func(ctx context.Context) (json.RawMessage, error)

// fake returns the given answers, and {"orderId": …} for other services.
type fake struct {
	answers map[gateway.Backend]answer

	mu            sync.Mutex
	authorization map[gateway.Backend]string
}

func (f *fake) Get(ctx context.Context, b gateway.Backend, orderID, authorization string) (json.RawMessage, error) {
	f.mu.Lock()
	if f.authorization == nil {
		f.authorization = map[gateway.Backend]string{}
	}
	f.authorization[b] = authorization
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
	return nil, fault.New(fault.Transient, "DependencyUnavailable", "10.0.0.1 did not answer").Because(ctx.Err())
}

var (
	errBroken     = fault.New(fault.Transient, "DependencyUnavailable", "http://10.0.0.1 answered 500")
	errNoOrder    = fault.New(fault.NotFound, "OrderNotFound", "there is no such order")
	errNoShipment = fault.New(fault.NotFound, "ShipmentNotFound", "there is no shipment of this order")
	errNoIdentity = fault.New(fault.Unauthenticated, "Unauthenticated", "the token is invalid")
)

// summarize returns the summary as JSON and how long it took.
func summarize(t *testing.T, answers map[gateway.Backend]answer) (string, time.Duration, error) {
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

func TestAllPartsAreFetchedConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var called sync.WaitGroup
		called.Add(4)
		meet := func(context.Context) (json.RawMessage, error) {
			called.Done()
			called.Wait() // sequential calls would deadlock, which synctest reports
			return json.RawMessage(`{}`), nil
		}
		got, took, err := summarize(t, map[gateway.Backend]answer{
			gateway.Orders: meet, gateway.Payments: meet, gateway.Inventory: meet, gateway.Shipping: meet,
		})
		if err != nil || took != 0 || got != `{"order":{},"payment":{},"reservations":{},"shipment":{}}` {
			t.Errorf("%s, %v after %s", got, err, took)
		}
	})
}

func TestServicesAreCalledWithTheCallersToken(t *testing.T) {
	f := &fake{}
	if _, err := gateway.New(f).GetOrderSummary(t.Context(), order, "Bearer me"); err != nil {
		t.Fatal(err)
	}
	for _, b := range []gateway.Backend{gateway.Orders, gateway.Payments, gateway.Inventory, gateway.Shipping} {
		if f.authorization[b] != "Bearer me" {
			t.Errorf("%s was called as %q", b, f.authorization[b])
		}
	}
}

func TestAPartThatHangsIsMissingAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, took, err := summarize(t, map[gateway.Backend]answer{gateway.Payments: hangs})
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
	names := []string{"order", "payment", "reservations", "shipment"}
	for _, b := range gateway.SummaryBackends {
		got, _, err := summarize(t, map[gateway.Backend]answer{b: fails(errBroken)})
		var parts []string
		for i, service := range gateway.SummaryBackends {
			if service == b {
				parts = append(parts, `"`+names[i]+`":{"error":{"code":"Unavailable","detail":"`+string(b)+
					` is not available at the moment"}}`)
			} else {
				parts = append(parts, part(names[i], service))
			}
		}
		if want := `{` + strings.Join(parts, ",") + `}`; err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", b, got, err, want)
		}
	}
}

func TestAPartThatDoesNotExistYetHasItsServicesError(t *testing.T) {
	f := &fake{answers: map[gateway.Backend]answer{gateway.Shipping: fails(errNoShipment)}}
	s, err := gateway.New(f).GetOrderSummary(t.Context(), order, "")
	want := gateway.PartError{Code: "ShipmentNotFound", Detail: errNoShipment.Detail}
	if err != nil || s.Shipment.Err == nil || *s.Shipment.Err != want {
		t.Errorf("%+v, %v", s.Shipment.Err, err)
	}
}

func TestWithoutTheOrderTheSummaryFailsAtOnce(t *testing.T) {
	for _, no := range []*fault.Error{errNoOrder, errNoIdentity} {
		synctest.Test(t, func(t *testing.T) {
			got, took, err := summarize(t, map[gateway.Backend]answer{
				gateway.Orders: fails(no), gateway.Payments: hangs, gateway.Inventory: hangs,
			})
			if !errors.Is(err, no) || took != 0 {
				t.Errorf("%s, %v after %s, want %v at once", got, err, took, no)
			}
		})
	}
}

func TestTheSummaryFailsOnlyIfEveryServiceFails(t *testing.T) {
	broken := fails(errBroken)
	all := map[gateway.Backend]answer{
		gateway.Orders: broken, gateway.Payments: broken, gateway.Inventory: broken, gateway.Shipping: broken,
	}
	if _, _, err := summarize(t, all); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("all fail: %v, want ErrUnavailable", err)
	}
	all[gateway.Shipping] = fails(errNoShipment)
	if _, _, err := summarize(t, all); err != nil {
		t.Errorf("all fail but one, which has no shipment: %v", err)
	}
}
