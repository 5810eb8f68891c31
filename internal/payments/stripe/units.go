package stripe

import (
	"errors"
	"math"
	"strings"

	"orderflow/internal/platform/money"
)

// currencies are those that Stripe charges cards in, sorted, each with its unit. The units differ
// from ISO 4217: MGA has two digits there and none here; UGX and ISK have none there and two here,
// which must be zeros. It is a string, since a map would be filled at every cold start. From
// https://docs.stripe.com/currencies, as of November 2026.
//
//	2  in hundredths
//	0  in whole units
//	3  in thousandths, of which the last digit must be 0
//	h  in hundredths, of which the last two digits must be 0
const currencies = "" +
	"AED2AFN2ALL2AMD2AOA2ARS2AUD2AWG2AZN2BAM2BBD2BDT2BHD3BIF0BMD2BND2BOB2BRL2BSD2BWP2BYN2BZD2CAD2CDF2CHF2CLP0CNY2COP2" +
	"CRC2CVE2CZK2DJF0DKK2DOP2DZD2EGP2ETB2EUR2FJD2FKP2GBP2GEL2GIP2GMD2GNF0GTQ2GYD2HKD2HNL2HTG2HUF2IDR2ILS2INR2ISKhJMD2" +
	"JOD3JPY0KES2KGS2KHR2KMF0KRW0KWD3KYD2KZT2LAK2LBP2LKR2LRD2LSL2MAD2MDL2MGA0MKD2MMK2MNT2MOP2MUR2MVR2MWK2MXN2MYR2MZN2" +
	"NAD2NGN2NIO2NOK2NPR2NZD2OMR3PAB2PEN2PGK2PHP2PKR2PLN2PYG0QAR2RON2RSD2RUB2RWF0SAR2SBD2SCR2SEK2SGD2SHP2SLE2SOS2SRD2" +
	"SZL2THB2TJS2TND3TOP2TRY2TTD2TWD2TZS2UAH2UGXhUSD2UYU2UZS2VND0VUV0WST2XAF0XCD2XCG2XOF0XPF0YER2ZAR2ZMW2"

// errUnit: Stripe does not charge the currency, or cannot represent the amount in its unit.
var errUnit = errors.New("stripe cannot charge this amount in this currency")

// unit returns Stripe's number of digits of a currency, and what its amounts must be a multiple of.
func unit(code string) (digits int, step int64, err error) {
	const size = 4
	for at := 0; at < len(currencies); at += size {
		if currencies[at:at+size-1] != code {
			continue
		}
		switch currencies[at+size-1] {
		case '0':
			return 0, 1, nil
		case '3':
			return 3, 10, nil
		case 'h':
			return 2, 100, nil
		}
		return 2, 1, nil
	}
	return 0, 0, errUnit
}

// toStripe converts an amount to Stripe's unit, or returns errUnit. It never rounds.
func toStripe(m money.Money) (int64, error) {
	theirs, step, err := unit(m.Currency)
	ours, known := money.Digits(m.Currency)
	if err != nil || !known {
		return 0, errUnit
	}
	amount, ok := rescale(m.Amount, theirs-ours)
	if !ok || amount%step != 0 {
		return 0, errUnit
	}
	return amount, nil
}

// fromStripe converts an amount from Stripe's unit, or returns errUnit.
func fromStripe(currency string, amount int64) (money.Money, error) {
	code := strings.ToUpper(currency)
	theirs, _, err := unit(code)
	ours, known := money.Digits(code)
	if err != nil || !known {
		return money.Money{}, errUnit
	}
	scaled, ok := rescale(amount, ours-theirs)
	if !ok {
		return money.Money{}, errUnit
	}
	return money.Money{Currency: code, Amount: scaled}, nil
}

// rescale moves the decimal point; false if that would lose digits or overflow.
func rescale(amount int64, digits int) (int64, bool) {
	for ; digits > 0; digits-- {
		if amount > math.MaxInt64/10 || amount < math.MinInt64/10 {
			return 0, false
		}
		amount *= 10
	}
	for ; digits < 0; digits++ {
		if amount%10 != 0 {
			return 0, false
		}
		amount /= 10
	}
	return amount, true
}
