package strangler_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

// mug is a table with one product.
var mug = strangler.Table{Products: map[string]string{"1001": "MUG-BLUE"}}

func FuzzAnOrdersIDComesBack(f *testing.F) {
	for _, id := range []string{
		"00000000000000000000000000", "00000000000000000000000001", "01KAQ5M3Z8V7D2X4C6B9N1T0RW",
		"7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
	} {
		u := ulid.MustParse(id)
		f.Add(u[:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var u ulid.ULID
		copy(u[:], b)
		old, err := strangler.OrderID(u.String())
		if err != nil {
			t.Fatal(err)
		}
		if len(old) != 40 || strings.Trim(old, "0123456789") != "" || old[0] == '0' {
			t.Errorf("%s is not 40 digits without a leading zero", old)
		}
		if owner, id, ok := strangler.OwnerOf(old); !ok || owner != strangler.NewSide || id != u.String() {
			t.Errorf("%s → %s → %s of %s, %t", u, old, id, owner, ok)
		}
	})
}

func FuzzAnIDHasOneOwnerAndOneSpelling(f *testing.F) {
	for _, id := range []string{
		"", "0", "100001", "999999999999", "1234567890123", "12a", "-1", " 1", "१",
		"1000000000000000000000000000000000000000", "1340282366920938463463374607431768211455",
		"1340282366920938463463374607431768211456", "0000000000000000000000000000000000000001",
		"+000000000000000000000000000000000000001",
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		owner, its, ok := strangler.OwnerOf(id)
		isDigits := id != "" && strings.Trim(id, "0123456789") == ""
		switch {
		case !ok:
			if isDigits && len(id) <= 12 {
				t.Errorf("%s is nobody's", id)
			}
		case owner == strangler.OldSide:
			if !isDigits || len(id) > 12 || its != id {
				t.Errorf("%s is %s of the old side", id, its)
			}
		default:
			if again, err := strangler.OrderID(its); err != nil || again != id {
				t.Errorf("%s is %s of the new side, which is %s, %v", id, its, again, err)
			}
		}
	})
}

func FuzzAProductsIDComesBack(f *testing.F) {
	for _, s := range []string{"A", "MUG-BLUE", "MUG-RED", "a.b_c-9", strings.Repeat("z", 64), "4006381333931"} {
		f.Add(s)
	}
	valid := func(s string) bool {
		const first = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		return s != "" && len(s) <= 64 && strings.Trim(s, first+"._-") == "" && strings.Contains(first, s[:1])
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !valid(s) {
			return
		}
		id := mug.ProductID(s)
		if got, ok := mug.SKU(id); !ok || got != s {
			t.Errorf("%s → %s → %s, %t", s, id, got, ok)
		}
		if s != "MUG-BLUE" && (len(id) <= 12 || len(id) > 144) {
			t.Errorf("%s → %s has %d digits", s, id, len(id))
		}
	})
}

func FuzzAProductHasOneID(f *testing.F) {
	for _, id := range []string{"1001", "1002", "9000000000000000", "900000000000000045", "9000000000000000451", "x"} {
		f.Add(id)
	}
	f.Add(strangler.Table{}.ProductID("MUG-BLUE")) // but it is 1001
	f.Fuzz(func(t *testing.T, id string) {
		if s, ok := mug.SKU(id); ok && mug.ProductID(s) != id {
			t.Errorf("%s is %s, which is %s", id, s, mug.ProductID(s))
		}
	})
}

func TestMoneyIsExactDecimalText(t *testing.T) {
	for want, m := range map[string]money.Money{
		"19.99":                {Currency: "EUR", Amount: 1999},
		"0.05":                 {Currency: "EUR", Amount: 5},
		"0.00":                 {Currency: "EUR"},
		"1999":                 {Currency: "JPY", Amount: 1999},
		"1.999":                {Currency: "KWD", Amount: 1999},
		"92233720368547758.07": {Currency: "EUR", Amount: 1<<63 - 1},
	} {
		if got := strangler.Decimal(m); got != want {
			t.Errorf("%v: %s, want %s", m, got, want)
		}
	}
}

// TestDecimalTextLosesNoMoney reads the text back by another way than it was written.
func TestDecimalTextLosesNoMoney(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 48))
	for range 10_000 {
		amount := random.Int64() >> random.IntN(63)
		for currency, places := range map[string]int{"EUR": 2, "JPY": 0, "KWD": 3} {
			text := strangler.Decimal(money.Money{Currency: currency, Amount: amount})
			whole, fraction, dotted := strings.Cut(text, ".")
			if dotted != (places > 0) || len(fraction) != places || whole == "" {
				t.Fatalf("%d %s is %q", amount, currency, text)
			}
			var back int64
			for _, digit := range whole + fraction {
				back = back*10 + int64(digit-'0')
			}
			if back != amount {
				t.Fatalf("%d %s is %q, which is %d", amount, currency, text, back)
			}
		}
	}
}

func TestAnOrderIsTranslated(t *testing.T) {
	customer, later := "CANCELLED_BY_CUSTOMER", "CANCELLED_BY_MAGIC"
	for name, c := range map[string]struct {
		status string
		reason *string
		state  strangler.State
		note   string
	}{
		"pending":         {status: "PENDING", state: strangler.StateNew},
		"confirmed":       {status: "CONFIRMED", state: strangler.StateShipped},
		"rejected":        {status: "REJECTED", reason: &customer, state: strangler.StateFailed},
		"needs attention": {status: "NEEDS_ATTENTION", state: strangler.StateFailed},
		"cancelled": {status: "CANCELLED", reason: &customer, state: strangler.StateCancelled,
			note: "cancelled by the customer"},
		"cancelled, some how": {status: "CANCELLED", reason: &later, state: strangler.StateCancelled},
		"a later status":      {status: "ON_HOLD", state: strangler.StateNew},
	} {
		got, err := strangler.OrderOf(mug, gateway.Order{
			OrderID: "01KAQ5M3Z8V7D2X4C6B9N1T0RW", Status: c.status, Reason: c.reason,
			Items: []gateway.OrderLine{
				{SKU: "MUG-BLUE", Quantity: 2, UnitPrice: money.Money{Currency: "EUR", Amount: 1999}},
				{SKU: "TEA", Quantity: 1, UnitPrice: money.Money{Currency: "EUR", Amount: 5}},
			},
			Total: money.Money{Currency: "EUR", Amount: 4003}, CreatedAt: "2026-11-23T10:00:00.9+01:00",
		})
		if err != nil {
			t.Fatal(err)
		}
		note := ""
		if got.CancelNote != nil {
			note = *got.CancelNote
		}
		if got.State != c.state || note != c.note {
			t.Errorf("%s: %s %q", name, got.State, note)
		}
		if got.OrderID != "1002132377986728715717885025437009904412" && name == "pending" {
			t.Errorf("id %s", got.OrderID)
		}
		if got.Total != "40.03" || got.Currency != "EUR" || got.PlacedAt != "2026-11-23 09:00:00" ||
			len(got.Lines) != 2 ||
			got.Lines[0] != (strangler.Line{ProductID: "1001", Qty: 2, Price: "19.99"}) ||
			got.Lines[1] != (strangler.Line{ProductID: "9000000000000000523733", Qty: 1, Price: "0.05"}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAnUnreadableOrderIsAFailure(t *testing.T) {
	for name, o := range map[string]gateway.Order{
		"id":   {OrderID: "1", CreatedAt: "2026-11-23T09:00:00Z"},
		"time": {OrderID: "01KAQ5M3Z8V7D2X4C6B9N1T0RW", CreatedAt: "yesterday"},
	} {
		if got, err := strangler.OrderOf(mug, o); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAPlacementIsTranslated(t *testing.T) {
	in := strangler.Placement{
		RequestID: "r1", PayToken: "pm_card_visa",
		Lines: []strangler.RequestLine{{ProductID: "1001", Qty: 2}, {ProductID: mug.ProductID("TEA"), Qty: 1},
			{ProductID: "1001", Qty: 3}},
		ShipTo: strangler.Address{FullName: "Ada", Street: "1 Way", Town: "Berlin", Zip: "10115", CountryCode: "de"},
	}
	got, err := strangler.Request(mug, in)
	if err != nil {
		t.Fatal(err)
	}
	a := got.ShippingAddress
	if a.Name != "Ada" || a.Line1 != "1 Way" || a.City != "Berlin" || *a.PostalCode != "10115" || a.Country != "DE" ||
		got.PaymentMethod != "pm_card_visa" || got.ExpectedTotal != nil {
		t.Errorf("%+v", got)
	}
	if len(got.Items) != 2 || got.Items[0] != (gateway.OrderRequestLine{SKU: "MUG-BLUE", Quantity: 5}) ||
		got.Items[1] != (gateway.OrderRequestLine{SKU: "TEA", Quantity: 1}) {
		t.Errorf("a product is in one line: %+v", got.Items)
	}
	in.ShipTo.Zip = ""
	if got, _ := strangler.Request(mug, in); got.ShippingAddress.PostalCode != nil {
		t.Errorf("no postal code: %q", *got.ShippingAddress.PostalCode)
	}
}

func TestAPlacementThatTheNewSideCannotTakeIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		lines  []strangler.RequestLine
		status int
	}{
		"a product of the old side": {[]strangler.RequestLine{{ProductID: "1002", Qty: 1}}, 404},
		"too many in two lines": {[]strangler.RequestLine{{ProductID: "1001", Qty: 999},
			{ProductID: "1001", Qty: 1}}, 400},
	} {
		_, err := strangler.Request(mug, strangler.Placement{Lines: c.lines})
		var refusal *strangler.Refusal
		if !errors.As(err, &refusal) || refusal.Status != c.status {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARefusalOfTheNewSideIsTranslated(t *testing.T) {
	missing := &strangler.Refusal{Status: 404, Code: "no_such_thing"}
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{fault.New(fault.NotFound, "OrderNotFound", ""), 404, "no_such_thing"},
		{fault.New(fault.Refused, "UnknownSku", ""), 404, "no_such_product"},
		{fault.New(fault.Refused, "IdempotencyKeyReused", ""), 409, "request_id_used"},
		{fault.New(fault.Conflict, "NotCancellable", ""), 409, "not_cancellable"},
		{fault.New(fault.Unauthenticated, "Unauthenticated", ""), 401, "unauthorized"},
		{fault.New(fault.Forbidden, "Forbidden", ""), 401, "unauthorized"},
		{fault.New(fault.Invalid, "InvalidRequest", ""), 400, "invalid_request"},
		{fault.New(fault.Refused, "PostalCodeRequired", ""), 400, "invalid_request"},
		{fault.New(fault.Transient, "Transient", ""), 0, ""},
		{fault.New(fault.Limited, "TooManyOpenOrders", ""), 409, "limit_reached"},
		{fault.New(fault.Limited, "TooManyRequests", ""), 0, ""},
		{fault.New(fault.Unavailable, "CircuitOpen", ""), 0, ""},
		{errors.New("unreadable"), 0, ""},
	} {
		var got strangler.Refusal
		if r, ok := errors.AsType[*strangler.Refusal](strangler.RefusalOf(c.err, missing)); ok {
			got = *r
		}
		if got.Status != c.status || got.Code != c.code {
			t.Errorf("%v: %d %s", c.err, got.Status, got.Code)
		}
	}
	if err := strangler.RefusalOf(nil, missing); err != nil {
		t.Errorf("no error: %v", err)
	}
}

func FuzzAPositionComesBack(f *testing.F) {
	f.Add([]byte{}, uint32(0), false, false)
	f.Add([]byte{1}, uint32(40), true, false)
	f.Add([]byte{255}, uint32(999), false, true)
	f.Fuzz(func(t *testing.T, id []byte, offset uint32, newEnded, oldEnded bool) {
		var u ulid.ULID
		copy(u[:], id)
		after := u.String()
		if u == (ulid.ULID{}) || newEnded {
			after = "" // the end has none
		}
		n := int(offset % 1_000_000)
		if oldEnded {
			n = 0
		}
		page := strangler.Position(after, n, newEnded, oldEnded)
		p, err := strangler.ParsePosition(page)
		if err != nil {
			t.Fatal(err)
		}
		if a, o, ne, oe := p.Position(); a != after || o != n || ne != newEnded || oe != oldEnded {
			t.Errorf("%s: %s %d %t %t", page, a, o, ne, oe)
		}
	})
}
