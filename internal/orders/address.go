package orders

import (
	"slices"
	"strings"

	"orderflow/internal/orders/contract"
)

// postalCodeNeeded lists the countries in which an address is not complete without a postal code. Elsewhere there is none,
// or it is often not known; what a country lacks is not asked for. The source is Google's libaddressinput (ADR 29).
const postalCodeNeeded = "AS AT AU AX BE BL BR CA CH CN CZ DE DK EE ES FI FK FM FR GB GF GG GL GP GR GS GU HU IM IN IO IT JE JP KR KZ " +
	"LI LT LU LV MF MH MP MQ MX MY NC NL NO NZ PF PL PM PN PR PT PW RE RO RU SE SG SH SJ SK SM TC TR TW UA US VI WF YT ZA"

// deliverable returns the address with its postal code as carriers write it, or ErrPostalCode.
func deliverable(to contract.Address) (contract.Address, error) {
	to.PostalCode = plainPostalCode(to.PostalCode)
	if to.PostalCode == "" && slices.Contains(strings.Fields(postalCodeNeeded), to.Country) {
		return to, ErrPostalCode
	}
	return to, nil
}

// plainPostalCode leaves out the mark that Japan puts before a postal code, and makes ASCII of the wide digits, letters
// and hyphens that its keyboards write.
func plainPostalCode(code string) string {
	plain := strings.Map(func(r rune) rune {
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
	return strings.TrimSpace(plain)
}
