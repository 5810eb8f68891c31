package orders_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow/api"
	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/idempotency"
)

func to(t *testing.T, s *shop, a contract.Address) (orders.Order, error) {
	p := placement(orders.Line{SKU: "MUG", Quantity: 1})
	p.ShippingAddress = a
	o, _, err := s.PlaceOrder(t.Context(), idempotency.Request{}, p)
	return o, err
}

func TestAPostalCodeIsNeededWhereAddressesHaveOne(t *testing.T) {
	for country, needed := range map[string]bool{
		"US": true, "CA": true, "BR": true, "AU": true, "GB": true, "DE": true, "FR": true, "JP": true, "IN": true, "SG": true, "ZA": true,
		"AE": false, "HK": false, "IE": false, "QA": false, "MO": false, "KE": false, "AO": false, "FJ": false,
	} {
		s := open(t)
		_, err := to(t, s, contract.Address{Name: "Ada", Line1: "1 Main St", City: "X", Country: country})
		if errors.Is(err, orders.ErrPostalCode) != needed || !needed && err != nil {
			t.Errorf("%s without a postal code: %v", country, err)
		}
		if events, err := s.store.Outbox(t.Context()); err != nil || len(events) != 1 && !needed || len(events) != 0 && needed {
			t.Errorf("%s: %d events, %v", country, len(events), err)
		}
		if _, err := to(t, s, contract.Address{Name: "Ada", Line1: "1 Main St", City: "X", PostalCode: "12345", Country: country}); err != nil {
			t.Errorf("%s with a postal code: %v", country, err)
		}
	}
}

func TestAPostalCodeIsWrittenPlainly(t *testing.T) {
	for given, want := range map[string]string{
		"〒100-0001": "100-0001", "〒 100-0001": "100-0001", "１００－０００１": "100-0001", "100‐0001": "100-0001", "SW1A 1AA": "SW1A 1AA", "ＳＷ１Ａ　１ａａ": "SW1A 1aa",
	} {
		o, err := to(t, open(t), contract.Address{Name: "Ada", Line1: "1 Main St", City: "X", PostalCode: given, Country: "JP"})
		if err != nil || o.ShippingAddress.PostalCode != want {
			t.Errorf("%s is written %q, %v", given, o.ShippingAddress.PostalCode, err)
		}
		op, err := api.Load("placeOrder")
		if err != nil {
			t.Fatal(err)
		}
		if code := op.Body.Properties["shippingAddress"].Properties["postalCode"]; !code.Pattern.MatchString(given) {
			t.Errorf("the contract does not take %s", given)
		}
	}
}

func TestAllOfAnAddressReachesFulfilment(t *testing.T) {
	s := open(t)
	want := contract.Address{Name: "Ada", Line1: "1 Main St", Line2: "Apt 4", City: "Springfield", Region: "IL", PostalCode: "62701", Country: "US"}
	o, err := to(t, s, want)
	if err != nil || o.ShippingAddress != want || s.order(o.OrderID).ShippingAddress != want {
		t.Fatalf("stored %+v, %v", o.ShippingAddress, err)
	}
	events, err := s.store.Outbox(t.Context())
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	if got, err := envelope.Decode[contract.Created](events[0]); err != nil || got.ShippingAddress != want {
		t.Errorf("published %s, %v", cmp.Diff(want, got.ShippingAddress), err)
	}
}

// TestEveryCountryThatNeedsAPostalCodeIsOfTheContract: a misspelt one would never be asked for.
func TestEveryCountryThatNeedsAPostalCodeIsOfTheContract(t *testing.T) {
	spec := string(api.Spec())
	list := regexp.MustCompile(`(?s)ISO 3166-1 alpha-2\.\s+enum: \[(.*?)\]`).FindStringSubmatch(spec)
	if list == nil {
		t.Fatal("the contract lists no countries")
	}
	for country := range strings.FieldsSeq(orders.PostalCodeNeeded) {
		if !regexp.MustCompile(`\b` + country + `\b`).MatchString(list[1]) {
			t.Errorf("%s is not a country of the contract", country)
		}
	}
}
