package contract_test

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/schema"
)

const id = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

func eur(n int64) money.Money { return money.Money{Currency: "EUR", Amount: n} }

var (
	created = contract.Created{
		OrderID: id, CustomerID: "alice", CustomerEmail: "alice@example.com",
		Items: []contract.Item{{SKU: "MUG", Quantity: 2, UnitPrice: eur(1999)}},
		Total: eur(3998), PaymentMethod: "pm_card_visa",
		ShippingAddress: contract.Address{
			Name: "Ada", Line1: "12 St", City: "Berlin", PostalCode: "10115", Country: "DE",
		},
	}
	changed = contract.Changed{OrderID: id, CustomerID: "alice", CustomerEmail: "alice@example.com", Total: eur(3998)}
	ended   = contract.Changed{OrderID: id, CustomerID: "alice", Total: eur(0), Reason: "OUT_OF_STOCK"}

	valid = map[string]any{
		contract.OrderCreated: created, contract.OrderOverdue: created,
		contract.OrderConfirmed: changed, contract.OrderCancellationRequested: changed,
		contract.OrderRejected: ended, contract.OrderCancelled: ended, contract.OrderNeedsAttention: ended,
	}
)

var schemas = schema.Load(contract.Schemas)

func validate(t *testing.T, eventType string, data any) error {
	t.Helper()
	b, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return schemas.Validate(envelope.Event{Type: eventType, Data: b})
}

func TestEveryEventHasASchema(t *testing.T) {
	files, err := fs.Glob(contract.Schemas, "*")
	if err != nil || len(files) != len(valid) {
		t.Errorf("%d schemas for %d types, %v", len(files), len(valid), err)
	}
	for eventType, data := range valid {
		if err := validate(t, eventType, data); err != nil {
			t.Errorf("%s: %v", eventType, err)
		}
	}
}

func TestEveryFieldIsRequiredAndNewFieldsAreAllowed(t *testing.T) {
	for eventType, data := range valid {
		fields := object(t, data)
		fields["addedLater"] = true
		if err := validate(t, eventType, fields); err != nil {
			t.Errorf("%s with a new field: %v", eventType, err)
		}
		for name := range object(t, data) {
			less := object(t, data)
			delete(less, name)
			if validate(t, eventType, less) == nil {
				t.Errorf("%s passes without %s", eventType, name)
			}
		}
	}
}

// The addresses: all fields, no postal code, and an order older than line2 and region.
func TestAllKindsOfAddressesAreValid(t *testing.T) {
	for _, address := range []string{
		`{"name":"Ada","line1":"1 Main St","line2":"Apt 4","city":"Springfield","region":"IL",` +
			`"postalCode":"62701","country":"US"}`,
		`{"name":"Ada","line1":"Tower 1","city":"Dubai","region":"Dubai","postalCode":"","country":"AE"}`,
		`{"name":"A\u202eda","line1":"12 St","city":"Berlin","postalCode":"10115","country":"DE"}`,
	} {
		data := created
		if err := json.Unmarshal([]byte(address), &data.ShippingAddress); err != nil {
			t.Fatal(err)
		}
		for _, eventType := range []string{contract.OrderCreated, contract.OrderOverdue} {
			if err := validate(t, eventType, data); err != nil {
				t.Errorf("%s to %s: %v", eventType, address, err)
			}
		}
	}
}

func TestInvalidCreatedEventsAreRejected(t *testing.T) {
	type item = contract.Item
	for name, corrupt := range map[string]func(*contract.Created){
		"id that is not a ULID":    func(c *contract.Created) { c.OrderID = "1" },
		"no customer":              func(c *contract.Created) { c.CustomerID = "" },
		"e-mail without @":         func(c *contract.Created) { c.CustomerEmail = "alice" },
		"no items":                 func(c *contract.Created) { c.Items = nil },
		"41 items":                 func(c *contract.Created) { c.Items = slices.Repeat(c.Items, 41) },
		"quantity 0":               func(c *contract.Created) { c.Items = []item{{SKU: "MUG", UnitPrice: eur(1)}} },
		"quantity 1000":            func(c *contract.Created) { c.Items[0].Quantity = 1000 },
		"item without a SKU":       func(c *contract.Created) { c.Items = []item{{Quantity: 1, UnitPrice: eur(1)}} },
		"item without a price":     func(c *contract.Created) { c.Items = []item{{SKU: "MUG", Quantity: 1}} },
		"negative total":           func(c *contract.Created) { c.Total = eur(-1) },
		"currency in lower case":   func(c *contract.Created) { c.Total.Currency = "eur" },
		"no payment method":        func(c *contract.Created) { c.PaymentMethod = "" },
		"address without a street": func(c *contract.Created) { c.ShippingAddress.Line1 = "" },
		"country in words":         func(c *contract.Created) { c.ShippingAddress.Country = "Germany" },
	} {
		bad := created
		bad.Items = slices.Clone(created.Items)
		corrupt(&bad)
		if validate(t, contract.OrderCreated, bad) == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestAReasonIsACode(t *testing.T) {
	for _, reason := range []string{"", "out of stock", "_", strings.ToLower(ended.Reason)} {
		bad := ended
		bad.Reason = reason
		if validate(t, contract.OrderRejected, bad) == nil {
			t.Errorf("reason %q passes", reason)
		}
	}
}

func object(t *testing.T, data any) map[string]any {
	t.Helper()
	b, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]any{}
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}
