package money_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"orderflow/internal/platform/money"
)

func TestOfRefusesUnknownCurrenciesAndNegativeAmounts(t *testing.T) {
	for _, c := range []struct {
		code   string
		amount int64
		err    error
	}{
		{"EUR", 0, nil},
		{"JPY", math.MaxInt64, nil},
		{"EUR", -1, money.ErrOverflow},
		{"", 1, money.ErrCurrency},
		{"eur", 1, money.ErrCurrency},
		{"XXY", 1, money.ErrCurrency},
	} {
		m, err := money.Of(c.code, c.amount)
		if !errors.Is(err, c.err) || (err == nil) != (m == money.Money{Currency: c.code, Amount: c.amount}) {
			t.Errorf("Of(%q, %d) = %v, %v; want error %v", c.code, c.amount, m, err, c.err)
		}
	}
}

func TestAdd(t *testing.T) {
	eur := func(n int64) money.Money { return money.Money{Currency: "EUR", Amount: n} }
	for name, c := range map[string]struct {
		a, b, sum money.Money
		err       error
	}{
		"same currency":     {eur(1), eur(2), eur(3), nil},
		"zero on the left":  {money.Money{}, eur(2), eur(2), nil},
		"zero on the right": {eur(2), money.Money{}, eur(2), nil},
		"two zeros":         {},
		"up to the limit":   {eur(math.MaxInt64 - 1), eur(1), eur(math.MaxInt64), nil},
		"over the limit":    {eur(math.MaxInt64), eur(1), money.Money{}, money.ErrOverflow},
		"two currencies":    {eur(1), money.Money{Currency: "USD", Amount: 1}, money.Money{}, money.ErrCurrency},
		"negative":          {eur(1), eur(-1), money.Money{}, money.ErrOverflow},
		"zero and negative": {money.Money{}, eur(-1), money.Money{}, money.ErrOverflow},
	} {
		if sum, err := c.a.Add(c.b); sum != c.sum || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v; want %v, %v", name, sum, err, c.sum, c.err)
		}
	}
}

func TestTimesRefusesNegativeOperands(t *testing.T) {
	if _, err := (money.Money{Currency: "EUR", Amount: 1}).Times(-1); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("1 × -1: %v, want ErrOverflow", err)
	}
	if _, err := (money.Money{Currency: "EUR", Amount: -1}).Times(1); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("-1 × 1: %v, want ErrOverflow", err)
	}
}

func TestStringHasTheCurrencysDecimalPlaces(t *testing.T) {
	for want, m := range map[string]money.Money{
		"19.99 EUR":  {Currency: "EUR", Amount: 1999},
		"1999 JPY":   {Currency: "JPY", Amount: 1999},
		"1.999 KWD":  {Currency: "KWD", Amount: 1999},
		"1999 mugs?": {Currency: "mugs?", Amount: 1999},
	} {
		if got := m.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}

// amount draws amounts of all sizes, and often the limits.
func amount() *rapid.Generator[int64] {
	limits := rapid.Int64Range(math.MaxInt64-3, math.MaxInt64)
	return rapid.OneOf(rapid.Int64Range(0, math.MaxInt64), limits, rapid.Int64Range(0, 1<<32))
}

func TestAddIsExactOrRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := amount().Draw(t, "a"), amount().Draw(t, "b")
		got, err := money.Money{Currency: "EUR", Amount: a}.Add(money.Money{Currency: "EUR", Amount: b})
		exact(t, new(big.Int).Add(big.NewInt(a), big.NewInt(b)), got, err)
	})
}

func TestTimesIsExactOrRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := amount().Draw(t, "a")
		n := rapid.OneOf(rapid.IntRange(0, 1000), rapid.IntRange(0, math.MaxInt)).Draw(t, "n")
		got, err := money.Money{Currency: "EUR", Amount: a}.Times(n)
		exact(t, new(big.Int).Mul(big.NewInt(a), big.NewInt(int64(n))), got, err)
	})
}

func exact(t *rapid.T, want *big.Int, got money.Money, err error) {
	switch {
	case !want.IsInt64() && !errors.Is(err, money.ErrOverflow):
		t.Fatalf("= %v, %v; want ErrOverflow for %s", got, err, want)
	case want.IsInt64() && (err != nil || got.Currency != "EUR" || got.Amount != want.Int64()):
		t.Fatalf("= %v, %v; want %s", got, err, want)
	}
}
