package tables

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// expression is a parsed text of DynamoDB's expression language, with its placeholders.
type expression struct {
	tokens []string
	names  map[string]string
	values map[string]Value
	item   Item
}

// invalid is panicked with for an expression that DynamoDB would refuse.
type invalid string

var token = regexp.MustCompile(`[#:]?[A-Za-z0-9_]+|<>|<=|>=|[<>=(),.+\-\[\]]`)

func parse(text string, names map[string]string, values map[string]Value, item Item) *expression {
	return &expression{token.FindAllString(text, -1), names, values, item}
}

func (x *expression) peek() string {
	if len(x.tokens) == 0 {
		return ""
	}
	return x.tokens[0]
}

func (x *expression) next() string {
	t := x.peek()
	if t == "" {
		panic(invalid("the expression ends early"))
	}
	x.tokens = x.tokens[1:]
	return t
}

func (x *expression) is(word string) bool {
	if !strings.EqualFold(x.peek(), word) {
		return false
	}
	x.tokens = x.tokens[1:]
	return true
}

func (x *expression) need(word string) {
	if !x.is(word) {
		panic(invalid(fmt.Sprintf("%q instead of %q", x.peek(), word)))
	}
}

// holds evaluates a condition. "" always holds.
func holds(text string, names map[string]string, values map[string]Value, item Item) bool {
	if text == "" {
		return true
	}
	x := parse(text, names, values, item)
	ok := x.or()
	if x.peek() != "" {
		panic(invalid("unexpected " + x.peek()))
	}
	return ok
}

func (x *expression) or() bool {
	ok := x.and()
	for x.is("OR") {
		right := x.and()
		ok = ok || right
	}
	return ok
}

func (x *expression) and() bool {
	ok := x.not()
	for x.is("AND") {
		right := x.not()
		ok = ok && right
	}
	return ok
}

func (x *expression) not() bool {
	if x.is("NOT") {
		return !x.not()
	}
	if x.is("(") {
		ok := x.or()
		x.need(")")
		return ok
	}
	switch f := x.peek(); f {
	case "attribute_exists", "attribute_not_exists":
		x.next()
		x.need("(")
		_, exists := x.path().get(x.item)
		x.need(")")
		return exists == (f == "attribute_exists")
	case "begins_with", "contains":
		x.next()
		x.need("(")
		of, has := x.operand()
		x.need(",")
		part, _ := x.operand()
		x.need(")")
		switch {
		case !has:
			return false
		case f == "begins_with":
			return of.S != nil && strings.HasPrefix(*of.S, part.text())
		case of.S != nil:
			return strings.Contains(*of.S, part.text())
		}
		return slices.Contains(of.SS, part.text())
	}
	return x.comparison()
}

func (x *expression) comparison() bool {
	left, has := x.operand()
	if x.is("BETWEEN") {
		low, _ := x.operand()
		x.need("AND")
		high, _ := x.operand()
		above, ok1 := compare(left, low)
		below, ok2 := compare(left, high)
		return has && ok1 && ok2 && above >= 0 && below <= 0
	}
	if x.is("IN") {
		x.need("(")
		found := false
		for {
			v, ok := x.operand()
			found = found || has && ok && equal(left, v)
			if !x.is(",") {
				break
			}
		}
		x.need(")")
		return found
	}
	op := x.next()
	right, also := x.operand()
	if !has || !also {
		return op == "<>" && has != also
	}
	switch order, ok := compare(left, right); op {
	case "=":
		return equal(left, right)
	case "<>":
		return !equal(left, right)
	case "<":
		return ok && order < 0
	case "<=":
		return ok && order <= 0
	case ">":
		return ok && order > 0
	case ">=":
		return ok && order >= 0
	}
	panic(invalid("unknown operator " + op))
}

// operand is a placeholder, a function of a path, or a path, and whether it has a value.
func (x *expression) operand() (Value, bool) {
	switch t := x.peek(); {
	case strings.HasPrefix(t, ":"):
		v, ok := x.values[x.next()]
		if !ok {
			panic(invalid("no value for " + t))
		}
		return v, true
	case t == "size":
		x.next()
		x.need("(")
		v, ok := x.path().get(x.item)
		x.need(")")
		n := int64(len(v.text()) + len(v.L) + len(v.M) + len(v.SS) + len(v.NS))
		return number(big.NewRat(n, 1)), ok
	}
	return x.path().get(x.item)
}

// path is a way into an item: names and indexes of lists.
type path []string

func (x *expression) path() path {
	p := path{x.name(x.next())}
	for {
		switch {
		case x.is("."):
			p = append(p, x.name(x.next()))
		case x.is("["):
			p = append(p, x.next())
			x.need("]")
		default:
			return p
		}
	}
}

func (x *expression) name(t string) string {
	if !strings.HasPrefix(t, "#") {
		return t
	}
	name, ok := x.names[t]
	if !ok {
		panic(invalid("no name for " + t))
	}
	return name
}

func (p path) get(item Item) (Value, bool) {
	v := Value{M: item}
	for _, step := range p {
		if v.L != nil {
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(v.L) {
				return Value{}, false
			}
			v = v.L[n]
			continue
		}
		inner, ok := v.M[step]
		if !ok {
			return Value{}, false
		}
		v = inner
	}
	return v, true
}

// parent returns the map that holds the last step of a path.
func (p path) parent(item Item) Item {
	v, ok := p[:len(p)-1].get(item)
	if !ok || v.M == nil {
		panic(invalid("no map at " + strings.Join(p, ".")))
	}
	return v.M
}

func (p path) set(item Item, v Value) { p.parent(item)[p[len(p)-1]] = v }

// update applies an update expression to a copy of item. Values are those before the update.
func update(text string, names map[string]string, values map[string]Value, item Item) Item {
	after := item.clone()
	x := parse(text, names, values, item)
	for x.peek() != "" {
		clause := strings.ToUpper(x.next())
		for {
			p := x.path()
			switch clause {
			case "SET":
				x.need("=")
				p.set(after, x.sum())
			case "REMOVE":
				delete(p.parent(after), p[len(p)-1])
			case "ADD":
				by, _ := x.operand()
				p.set(after, add(after, p, by))
			case "DELETE":
				which, _ := x.operand()
				p.drop(after, which.SS)
			default:
				panic(invalid("unknown clause " + clause))
			}
			if !x.is(",") {
				break
			}
		}
	}
	return after
}

func (x *expression) sum() Value {
	v := x.term()
	for {
		plus := x.is("+")
		if !plus && !x.is("-") {
			return v
		}
		a, ok1 := v.rat()
		b, ok2 := x.term().rat()
		if !ok1 || !ok2 {
			panic(invalid("only numbers can be added"))
		}
		if !plus {
			b = new(big.Rat).Neg(b)
		}
		v = number(new(big.Rat).Add(a, b))
	}
}

func (x *expression) term() Value {
	function := x.peek()
	if function != "if_not_exists" && function != "list_append" {
		v, ok := x.operand()
		if !ok {
			panic(invalid("the operand does not exist"))
		}
		return v.clone()
	}
	x.next()
	x.need("(")
	first, has := x.operand()
	x.need(",")
	second := x.term()
	x.need(")")
	if function == "list_append" {
		return Value{L: append(slices.Clone(first.L), second.L...)}
	}
	if has {
		return first.clone()
	}
	return second
}

func add(item Item, p path, by Value) Value {
	v, has := p.get(item)
	if !has {
		return by
	}
	if a, ok := v.rat(); ok {
		b, _ := by.rat()
		return number(new(big.Rat).Add(a, b))
	}
	all := slices.Clone(v.SS)
	for _, s := range by.SS {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return Value{SS: all}
}

// drop removes elements of a set, and the attribute with its last element.
func (p path) drop(item Item, elements []string) {
	v, has := p.get(item)
	if !has {
		return
	}
	left := slices.DeleteFunc(slices.Clone(v.SS), func(s string) bool { return slices.Contains(elements, s) })
	if len(left) == 0 {
		delete(p.parent(item), p[len(p)-1])
		return
	}
	p.set(item, Value{SS: left})
}
