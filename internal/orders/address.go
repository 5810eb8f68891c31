package orders

import (
	"slices"
	"strings"

	"orderflow/internal/orders/contract"
)

// postalCodeNeeded lists the countries whose addresses are incomplete without a postal code. The
// source is Google's libaddressinput (ADR 29).
const postalCodeNeeded = "AS AT AU AX BE BL BR CA CH CN CZ DE DK EE ES FI FK FM FR GB GF GG GL GP GR GS GU HU IM " +
	"IN IO IT JE JP KR KZ LI LT LU LV MF MH MP MQ MX MY NC NL NO NZ PF PL PM PN PR PT PW RE RO RU SE SG SH SJ SK SM " +
	"TC TR TW UA US VI WF YT ZA"

// deliverable returns the address with a normalized postal code, or ErrPostalCode.
func deliverable(to contract.Address) (contract.Address, error) {
	to.PostalCode = normalizePostalCode(to.PostalCode)
	if to.PostalCode == "" && slices.Contains(strings.Fields(postalCodeNeeded), to.Country) {
		return to, at(ErrPostalCode, "/shippingAddress/postalCode")
	}
	return to, nil
}

// normalizePostalCode removes the Japanese postal mark and converts full-width characters and other
// hyphens to ASCII, the form that carriers use.
func normalizePostalCode(code string) string {
	normalized := strings.Map(func(r rune) rune {
		switch {
		case r == '〒':
			return -1
		case r >= '０' && r <= '９' || r >= 'Ａ' && r <= 'Ｚ' || r >= 'ａ' && r <= 'ｚ':
			return r - '０' + '0'
		case strings.ContainsRune("－‐‑–−ー", r):
			return '-'
		case r == '\u3000':
			return ' '
		}
		return r
	}, code)
	return strings.TrimSpace(normalized)
}
