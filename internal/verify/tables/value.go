package tables

import (
	"cmp"
	"math/big"
	"reflect"
	"slices"
	"strings"
)

// Item is an item by its attributes.
type Item map[string]Value

// Value is a value in DynamoDB's JSON; exactly one field is set.
type Value struct {
	S    *string          `json:"S,omitzero"`
	N    *string          `json:"N,omitzero"`
	B    *string          `json:"B,omitzero"`
	BOOL *bool            `json:"BOOL,omitzero"`
	NULL *bool            `json:"NULL,omitzero"`
	L    []Value          `json:"L,omitzero"`
	M    map[string]Value `json:"M,omitzero"`
	SS   []string         `json:"SS,omitzero"`
	NS   []string         `json:"NS,omitzero"`
}

// String returns a string value.
func String(s string) Value { return Value{S: &s} }

func number(n *big.Rat) Value {
	text := strings.TrimSuffix(strings.TrimRight(n.FloatString(38), "0"), ".")
	return Value{N: &text}
}

func (v Value) rat() (*big.Rat, bool) {
	if v.N == nil {
		return nil, false
	}
	return new(big.Rat).SetString(*v.N)
}

func (v Value) text() string {
	if v.S == nil {
		return ""
	}
	return *v.S
}

func equal(a, b Value) bool {
	if x, ok := a.rat(); ok {
		y, ok := b.rat()
		return ok && x.Cmp(y) == 0
	}
	if a.SS != nil && b.SS != nil {
		return slices.Equal(slices.Sorted(slices.Values(a.SS)), slices.Sorted(slices.Values(b.SS)))
	}
	return reflect.DeepEqual(a, b)
}

// compare orders two numbers or two strings. Other values have no order.
func compare(a, b Value) (order int, ok bool) {
	if x, ok := a.rat(); ok {
		y, ok := b.rat()
		return ratCmp(x, y, ok), ok
	}
	if a.S == nil || b.S == nil {
		return 0, false
	}
	return cmp.Compare(*a.S, *b.S), true
}

func ratCmp(x, y *big.Rat, ok bool) int {
	if !ok {
		return 0
	}
	return x.Cmp(y)
}

// Size is an item's size in bytes, from which DynamoDB computes units. See
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html.
func (i Item) Size() (bytes int) {
	for name, v := range i {
		bytes += len(name) + v.size()
	}
	return bytes
}

func (v Value) size() int {
	switch {
	case v.S != nil:
		return len(*v.S)
	case v.N != nil:
		digits := strings.Trim(strings.NewReplacer("-", "", ".", "").Replace(*v.N), "0")
		return (len(digits)+1)/2 + 1
	case v.B != nil:
		return len(*v.B) / 4 * 3
	case v.L != nil:
		n := 3
		for _, e := range v.L {
			n += 1 + e.size()
		}
		return n
	case v.M != nil:
		n := 3
		for name, e := range v.M {
			n += 1 + len(name) + e.size()
		}
		return n
	case v.SS != nil:
		return len(strings.Join(v.SS, ""))
	case v.NS != nil:
		n := 0
		for _, e := range v.NS {
			n += Value{N: &e}.size()
		}
		return n
	}
	return 1
}

// clone copies a value as deep as updates change it.
func (v Value) clone() Value {
	v.L = slices.Clone(v.L)
	for i, e := range v.L {
		v.L[i] = e.clone()
	}
	if v.M != nil {
		v.M = Item(v.M).clone()
	}
	return v
}

func (i Item) clone() Item {
	c := make(Item, len(i)+1)
	for name, v := range i {
		c[name] = v.clone()
	}
	return c
}
