// Package money is exact money arithmetic, without floats and silent overflow. Amounts are in minor
// units (cents) of an ISO 4217 currency.
package money

import (
	"fmt"
	"math"
	"math/bits"

	"orderflow/internal/platform/fault"
)

// Money is an amount in minor units of a currency: {"EUR", 1999} is 19.99 €.
type Money struct {
	Currency string `json:"currency"`
	Amount   int64  `json:"amount"`
}

var (
	// ErrCurrency means that the currencies differ or are not ISO 4217 codes.
	ErrCurrency = fault.New(fault.Refused, "CurrencyMismatch", "amounts of different or unknown currencies")
	// ErrOverflow means that the result is too large or an amount is negative.
	ErrOverflow = fault.New(fault.Refused, "AmountOutOfRange", "the amount is out of range")
)

// Of returns an amount. The currency must be an ISO 4217 code and the amount ≥ 0.
func Of(code string, amount int64) (Money, error) {
	if _, ok := Digits(code); !ok {
		return Money{}, ErrCurrency
	}
	if amount < 0 {
		return Money{}, ErrOverflow
	}
	return Money{Currency: code, Amount: amount}, nil
}

// Add returns m + o. The zero Money can be added to any currency.
func (m Money) Add(o Money) (Money, error) {
	switch {
	case m.Amount < 0 || o.Amount < 0:
		return Money{}, ErrOverflow
	case m == Money{}:
		return o, nil
	case o == Money{}:
		return m, nil
	case m.Currency != o.Currency:
		return Money{}, ErrCurrency
	case m.Amount > math.MaxInt64-o.Amount:
		return Money{}, ErrOverflow
	}
	return Money{Currency: m.Currency, Amount: m.Amount + o.Amount}, nil
}

// Times returns m × n.
func (m Money) Times(n int) (Money, error) {
	if n < 0 || m.Amount < 0 {
		return Money{}, ErrOverflow
	}
	hi, lo := bits.Mul64(uint64(m.Amount), uint64(n))
	if hi != 0 || lo > math.MaxInt64 {
		return Money{}, ErrOverflow
	}
	return Money{Currency: m.Currency, Amount: int64(lo)}, nil
}

// String formats the amount with the currency's decimal places.
func (m Money) String() string {
	places, _ := Digits(m.Currency) // 0 for an unknown currency
	if places == 0 {
		return fmt.Sprintf("%d %s", m.Amount, m.Currency)
	}
	sign, amount := "", uint64(m.Amount) //nolint:gosec // a negative amount is negated below
	if m.Amount < 0 {
		sign, amount = "-", -amount
	}
	unit := uint64(1)
	for range places {
		unit *= 10
	}
	return fmt.Sprintf("%s%d.%0*d %s", sign, amount/unit, places, amount%unit, m.Currency)
}
