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

func (s *shop) placeTo(t *testing.T, a contract.Address) (orders.Order, error) {
	p := placement(orders.Line{SKU: "MUG", Quantity: 1})
	p.ShippingAddress = a
	o, _, err := s.PlaceOrder(t.Context(), idempotency.Request{}, p)
	return o, err
}

func TestAPostalCodeIsRequiredOnlyWhereAddressesNeedOne(t *testing.T) {
	for country, needed := range map[string]bool{
		"US": true, "CA": true, "BR": true, "AU": true, "GB": true, "DE": true, "FR": true, "JP": true, "IN": true,
		"SG": true, "ZA": true, "AE": false, "HK": false, "IE": false, "QA": false, "MO": false, "KE": false,
		"AO": false, "FJ": false,
	} {
		s := open(t)
		address := contract.Address{Name: "Ada", Line1: "1 Main St", City: "X", Country: country}
		_, err := s.placeTo(t, address)
		if errors.Is(err, orders.ErrPostalCode) != needed || !needed && err != nil {
			t.Errorf("%s without a postal code: %v", country, err)
		}
		events, err := s.store.Outbox(t.Context())
		if err != nil || len(events) != 1 && !needed || len(events) != 0 && needed {
			t.Errorf("%s: %d events, %v", country, len(events), err)
		}
		address.PostalCode = "12345"
		if _, err := s.placeTo(t, address); err != nil {
			t.Errorf("%s with a postal code: %v", country, err)
		}
	}
}

func TestPostalCodesAreNormalized(t *testing.T) {
	for given, want := range map[string]string{
		"〒100-0001": "100-0001", "〒 100-0001": "100-0001", "１００－０００１": "100-0001", "100‐0001": "100-0001",
		"SW1A 1AA": "SW1A 1AA", "ＳＷ１Ａ　１ａａ": "SW1A 1aa",
	} {
		address := contract.Address{Name: "Ada", Line1: "1 Main St", City: "X", PostalCode: given, Country: "JP"}
		o, err := open(t).placeTo(t, address)
		if err != nil || o.ShippingAddress.PostalCode != want {
			t.Errorf("%s became %q, %v", given, o.ShippingAddress.PostalCode, err)
		}
		op, err := api.Load("placeOrder")
		if err != nil {
			t.Fatal(err)
		}
		if code := op.Body.Properties["shippingAddress"].Properties["postalCode"]; !code.Pattern.MatchString(given) {
			t.Errorf("the contract does not allow %s", given)
		}
	}
}

func TestAllPartsOfAnAddressReachFulfilment(t *testing.T) {
	s := open(t)
	want := contract.Address{Name: "Ada", Line1: "1 Main St", Line2: "Apt 4", City: "Springfield", Region: "IL",
		PostalCode: "62701", Country: "US"}
	o, err := s.placeTo(t, want)
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

// A misspelt country would have no effect.
func TestTheContractHasEveryCountryThatNeedsAPostalCode(t *testing.T) {
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
