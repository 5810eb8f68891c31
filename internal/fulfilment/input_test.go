package fulfilment_test

import (
	"encoding/json"
	"strings"
	"testing"

	"orderflow/internal/fulfilment"
	"orderflow/internal/fulfilment/memory"
	orders "orderflow/internal/orders/contract"
)

func TestTheSagaGetsFieldsThatOnlyNewerCodeKnows(t *testing.T) {
	e := memory.New()
	created := event(t, orders.OrderCreated)
	created.Data = json.RawMessage(strings.NewReplacer(
		`"orderId"`, `"gift":true,"orderId"`, `"line1"`, `"line2":"c/o Bob","line1"`, `"sku"`, `"engraving":"A","sku"`,
		`"customerEmail":""`, `"customerEmail":"a@example.com"`).Replace(string(created.Data)))
	if err := fulfilment.New(e).StartFulfilment(t.Context(), created); err != nil {
		t.Fatal(err)
	}
	input, err := e.Input(t.Context(), fulfilment.FulfilOrder, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, has := range []string{`"gift":true`, `"line2":"c/o Bob"`, `"engraving":"A"`, `"traceparent":`} {
		if !strings.Contains(string(input), has) {
			t.Errorf("the input lacks %s: %s", has, input)
		}
	}
	if strings.Contains(string(input), "@") {
		t.Errorf("the input has the e-mail address, which no step needs: %s", input)
	}
}

func TestTheNextAttemptGetsFieldsThatOnlyNewerCodeKnows(t *testing.T) {
	for name, startNext := range map[string]func(*fulfilment.Service) error{
		"recovery": func(s *fulfilment.Service) error { return s.RecoverFulfilment(t.Context(), id) },
		"operator": func(s *fulfilment.Service) error {
			_, err := s.RetryCompensation(t.Context(), id, "olga", "INC-1")
			return err
		},
	} {
		e := memory.New()
		input := json.RawMessage(`{"orderId":"` + id +
			`","customerId":"c","actor":"newer","operator":"oscar","why":"INC-0"}`)
		if err := e.Start(t.Context(), fulfilment.CompensateOrder, id, input); err != nil {
			t.Fatal(err)
		}
		e.End(fulfilment.CompensateOrder, id, fulfilment.Aborted, "")
		if err := startNext(fulfilment.New(e)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		next := compensation(t, e, id+"-2")
		if next["actor"] != "newer" || next["customerId"] != "c" {
			t.Errorf("%s: the input is %v", name, next)
		}
		if want := map[string]any{"operator": "olga"}[name]; next["operator"] != want {
			t.Errorf("%s: started by %v, want %v", name, next["operator"], want)
		}
	}
}
