package money_test

import (
	"math"
	"testing"

	"github.com/bojanz/currency"

	"orderflow/internal/platform/money"
)

func TestCurrenciesMatchTheLibrary(t *testing.T) {
	known := 0
	check := func(code string) {
		_, err := money.Of(code, 1)
		valid := code != "" && currency.IsValid(code) // the library accepts the empty code
		if (err == nil) != valid {
			t.Errorf("Of(%q) = %v; valid in the library: %t", code, err, valid)
		}
		if !valid {
			return
		}
		known++
		for _, amount := range []int64{0, 1, 9, 10, 99, 100, 1999, 12345678, -1, -100, math.MaxInt64, math.MinInt64} {
			want, err := currency.NewAmountFromInt64(amount, code)
			if err != nil {
				t.Fatal(err)
			}
			if got := (money.Money{Currency: code, Amount: amount}).String(); got != want.String() {
				t.Errorf("%d %s is formatted as %s, want %s", amount, code, got, want)
			}
		}
	}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			check(string([]rune{a, b}))
			for c := 'A'; c <= 'Z'; c++ {
				check(string([]rune{a, b, c}))
			}
		}
	}
	for _, code := range []string{"", "eur", "EUR2", "UR2", "2EU", "ÄÖÜ", "EU\x00"} {
		check(code)
	}
	if want := len(currency.GetCurrencyCodes()); known != want {
		t.Errorf("%d currencies, the library has %d", known, want)
	}
}

func TestUnknownCurrencyIsFormattedInMinorUnits(t *testing.T) {
	if s := (money.Money{Currency: "XXY", Amount: 5}).String(); s != "5 XXY" {
		t.Errorf("%q", s)
	}
}
