package stripe

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orderflow/internal/platform/money"
)

// The exceptions of https://docs.stripe.com/currencies; Stripe counts all other currencies in
// hundredths.
var (
	wholeUnits  = strings.Fields("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF")
	thousandths = strings.Fields("BHD JOD KWD OMR TND")
	endInZeros  = strings.Fields("ISK UGX")
	notCharged  = strings.Fields("BOV BTN CHE CHW CLF COU CUP ERN GHS IQD IRR KPW LYD MRU " +
		"MXV SDG SSP STN SVC SYP TMT USN UYI UYW VED VES XAD ZWG")
)

// admitted are the currencies that the catalogue accepts.
func admitted() (all []string) {
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			for c := 'A'; c <= 'Z'; c++ {
				code := string([]rune{a, b, c})
				if _, ok := money.Digits(code); ok {
					all = append(all, code)
				}
			}
		}
	}
	return all
}

func TestEveryCurrencyOfTheCatalogueIsChargedInStripesUnit(t *testing.T) {
	codes := admitted()
	if len(codes) < 150 {
		t.Fatalf("only %d currencies", len(codes))
	}
	for _, code := range codes {
		digits, _ := money.Digits(code)
		major := int64(math.Pow10(digits)) // one unit of the currency
		want, refused := int64(100), slices.Contains(notCharged, code)
		switch {
		case slices.Contains(wholeUnits, code):
			want = 1
		case slices.Contains(thousandths, code):
			want = 1000
		case slices.Contains(endInZeros, code):
			want = 100
		case !refused && digits != 2:
			t.Errorf("%s has %d digits in ISO 4217 but is in none of Stripe's lists", code, digits)
		}
		got, err := toStripe(money.Money{Currency: code, Amount: 7 * major})
		if refused != errors.Is(err, errUnit) || !refused && (err != nil || got != 7*want) {
			t.Errorf("7 %s is sent as %d, %v; want %d, refused: %t", code, got, err, 7*want, refused)
		}
		back, err := fromStripe(strings.ToLower(code), 7*want)
		if refused != (err != nil) || !refused && back != (money.Money{Currency: code, Amount: 7 * major}) {
			t.Errorf("%d in Stripe's %s is %+v, %v; want 7 units, refused: %t", 7*want, code, back, err, refused)
		}
	}
}

func TestAmountIsNeverRounded(t *testing.T) {
	for _, m := range []money.Money{
		{Currency: "KWD", Amount: 1999}, {Currency: "MGA", Amount: 500050},
		{Currency: "UGX", Amount: math.MaxInt64 / 10}, {Currency: "XYZ", Amount: 100}, {Currency: "", Amount: 100},
	} {
		if got, err := toStripe(m); !errors.Is(err, errUnit) {
			t.Errorf("%v is sent as %d, %v; want it refused", m, got, err)
		}
	}
	for m, want := range map[money.Money]int64{
		{Currency: "MGA", Amount: 500000}: 5000, {Currency: "UGX", Amount: 5000}: 500000,
		{Currency: "ISK", Amount: 5}: 500, {Currency: "KWD", Amount: 1990}: 1990,
		{Currency: "HUF", Amount: 1045}: 1045, {Currency: "TWD", Amount: 80045}: 80045,
		{Currency: "JPY", Amount: 500}: 500,
	} {
		if got, err := toStripe(m); err != nil || got != want {
			t.Errorf("%v is sent as %d, %v; want %d", m, got, err, want)
		}
	}
}

func TestUnitConversionRoundTrips(t *testing.T) {
	codes := admitted()
	rapid.Check(t, func(t *rapid.T) {
		m := money.Money{
			Currency: rapid.SampledFrom(codes).Draw(t, "currency"),
			Amount:   rapid.Int64Range(0, math.MaxInt64).Draw(t, "amount"),
		}
		sent, err := toStripe(m)
		if err != nil {
			return
		}
		if back, err := fromStripe(strings.ToLower(m.Currency), sent); err != nil || back != m {
			t.Fatalf("%+v is sent as %d and returned as %+v, %v", m, sent, back, err)
		}
	})
}
