package cardnumber_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"orderflow/internal/platform/cardnumber"
)

// numbers are published by card schemes and payment providers for tests.
var numbers = []string{
	"4111111111111111", "4222222222222", "4242424242424242", "4000000000000000006", // Visa
	"5555555555554444", "5105105105105100", "2223003122003222", // Mastercard
	"378282246310005", "371449635398431", // American Express
	"6011111111111117", "6011000990139424", // Discover
	"30569309025904", "38520000023237", "36227206271667", // Diners Club
	"3530111333300000", "3566002020360505", // JCB
	"6200000000000005", "6205500000000000004", // UnionPay
	"6759649826438453", "5018000000000009", // Maestro
	"2200000000000004", // Mir
}

func TestNumbersOfEverySchemeAreFound(t *testing.T) {
	for _, n := range numbers {
		for _, text := range []string{
			n, "card " + n, "pay with " + n + ", please", "card" + n, "pm_" + n, "(" + n + ")",
			"カード" + n + "です", "12 Main St " + n + " Berlin",
		} {
			if !cardnumber.In(text) {
				t.Errorf("%q is not found", text)
			}
		}
	}
}

func TestNumbersWithSeparatorsOrOtherScriptsAreFound(t *testing.T) {
	for _, text := range []string{
		"4111 1111 1111 1111", "4111-1111-1111-1111", "4111.1111.1111.1111", "4111  1111  1111  1111",
		"4111 - 1111 - 1111 - 1111", "4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1", "4111_1111_1111_1111",
		"4111,1111,1111,1111", "4111:1111:1111:1111", "4111    1111    1111    1111", "4111/1111/1111/1111",
		"4111\u00a01111\u00a01111\u00a01111", "4111\u20111111\u20131111\u20141111",
		"4111\u200d1111\u200d1111\u200d1111",
		"３７８２ ８２２４６３ １０００５", "٤١١١١١١١١١١١١١١١", "𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏", "4111111111111111 10115", "1 4111111111111111",
	} {
		if !cardnumber.In(text) {
			t.Errorf("%q is not found", text)
		}
	}
}

func TestOtherDigitsAreAccepted(t *testing.T) {
	for _, text := range []string{
		"", "4", "4111111111111112", "411111111111", "1234567812345670", "79927398713",
		"20261128000123456", "1795424400000", "2026-11-28 09:00:00.000000", // times and counters
		"00340434161094042557", "JJD000390007882823461", "1Z999AA10123456784", // parcels
		"4006381333931", "9780306406157", // EAN and ISBN; the first begins like Visa but fails the Luhn check
		"+49 30 901820 / 1234", "DE89 3704 0044 0532 0130 00", // telephone and IBAN
		"01KAQ5M3Z8V7D2X4C6B9N1T0RW", "41111111-1111-1111-8a3b-9f0d1c2b3a4f",
		"41111111-1111-1111-8A3B-9F0D1C2B3A4F", "4111111111111111f448eb211c80319c",
		"00-41111111111111110448eb211c80319c-b7ad6b7169203331-01", "3f4111111111111111", "41111111111111111111",
	} {
		if cardnumber.In(text) {
			t.Errorf("%q is refused", text)
		}
	}
}

// An SKU may be an EAN or a GTIN, and those must never be refused.
func TestArticleNumbersAreAcceptedAsSKUs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	inText := 0
	for range 20_000 {
		ean, gtin := fmt.Sprintf("%013d", random.Int64N(1e13)), fmt.Sprintf("%014d", random.Int64N(1e14))
		for _, n := range []string{ean, gtin} {
			if cardnumber.InSKU(n) {
				t.Errorf("%s is refused as an SKU", n)
			}
			if cardnumber.In(n) {
				inText++
			}
		}
	}
	if inText == 0 {
		t.Error("no random number is a card number: the test proves nothing")
	}
	for _, n := range []string{"4111111111111111", "378282246310005", "MUG-4111111111111111"} {
		if !cardnumber.InSKU(n) {
			t.Errorf("%s is accepted as an SKU", n)
		}
	}
}

// An Idempotency-Key is usually a UUID, which must never be refused by chance. Other random keys
// may be all digits, and so look like a card number.
func TestRandomKeysAreAccepted(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	refused := 0
	for range 100_000 {
		a, b := random.Uint64(), random.Uint64()
		key := fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
		if cardnumber.In(key) || cardnumber.In(strings.ToUpper(key)) {
			t.Errorf("%s is refused", key)
		}
		for _, k := range []string{fmt.Sprintf("%X", a), fmt.Sprintf("%x%x", a, b), "order-" + key} {
			if cardnumber.In(k) {
				refused++
			}
		}
	}
	if refused > 15 { // of 300,000
		t.Errorf("%d random keys are refused", refused)
	}
}

func FuzzIn(f *testing.F) {
	f.Add("4111 1111 1111 1111", "x")
	f.Add("\xff4", "٤١١١")
	f.Fuzz(func(t *testing.T, before, after string) {
		cardnumber.In(before)
		if text := before + ", 4111111111111111, " + after; !cardnumber.In(text) && !cardnumber.In(before+",") {
			t.Errorf("%q is not found", text)
		}
	})
}

func ExampleIn() {
	fmt.Println(cardnumber.In("please charge 4111 1111 1111 1111"), cardnumber.In("parcel 00340434161094042557"))
	// Output: true false
}
