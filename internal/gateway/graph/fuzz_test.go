package graph_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/graph"
)

var camelCase = regexp.MustCompile(`^[A-Z][A-Za-z]+$`)

// hold checks what holds for every request, and reports whether it was executed.
func hold(t *testing.T, query, variables string) (executed bool) {
	t.Helper()
	request, err := json.Marshal(map[string]any{"query": query, "variables": json.RawMessage(variables)})
	var in graph.Request
	if err != nil || json.Unmarshal(request, &in) != nil {
		return false // refused before GraphQL
	}
	s := &shop{}
	out, executed, err := graph.New(s, false).Serve(t.Context(), gateway.Caller{}, in)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range out.Errors {
		code, _ := e.Extensions["code"].(string)
		// Every call succeeds, so nothing is unavailable, unless a field panicked.
		if !camelCase.MatchString(code) || code == gateway.Unavailable &&
			!strings.HasSuffix(e.Message, " more errors") {
			t.Errorf("%q, code %q", e, code)
		}
	}
	calls := map[string]int{}
	for _, c := range s.calls {
		calls[strings.Split(c, " ")[0]]++
	}
	writes := calls["place"] + calls["cancel"] + calls["put"] + calls["adjust"]
	reads := calls["order"] + calls["orders"] + calls["product"] + calls["list"] + calls["stock"]
	for _, part := range []string{"payments", "reservations", "shipments", "products"} {
		if calls[part] > calls["order"]+calls["orders"]+calls["place"]+calls["cancel"] {
			t.Errorf("%d calls for %s", calls[part], part)
		}
	}
	switch {
	case !executed && (len(s.calls) > 0 || len(out.Data) > 0 || len(out.Errors) == 0):
		t.Errorf("refused, with %d errors, but %q and %s", len(out.Errors), s.calls, out.Data)
	case executed && !json.Valid(out.Data):
		t.Errorf("answered %s", out.Data)
	case writes > 3 || reads > 8 || writes > 0 && reads > 0 || len(out.Errors) > 51 || len(out.Data) > 1<<20:
		t.Errorf("%d writes, %d reads, %d errors, %d bytes", writes, reads, len(out.Errors), len(out.Data))
	}
	if t.Failed() {
		t.Logf("of %s\nwith %s", query, variables)
	}
	return executed
}

func quiet(t testing.TB) {
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	t.Cleanup(func() { slog.SetDefault(old) })
}

func FuzzRequests(f *testing.F) {
	quiet(f)
	for _, seed := range [][2]string{
		{everything, `{"first": 20}`}, {everything, `{"first": 1.5, "after": 7}`}, {bomb(3), `null`}, {"{", `{}`},
		{"{ " + aliases(9) + " }", `{}`}, {"mutation { " + cancels(2) + " }", `{}`},
		{`query($i: Boolean!) { order(orderId: "` + id(1) + `") { orderId @include(if: $i) ... on Order { items { sku } } } }`, `{"i": true}`},
		{`mutation($v: Int64!) { adjustStock(sku: "MUG", idempotencyKey: "k", input: {delta: $v, reason: ""}) { onHand } }`, `{"v": 1e400}`},
		{`{ orders(first: 99999999999999999999, status: PENDING) { nodes { status } } __typename }`, `{}`},
		{`query($s: OrderStatus = CONFIRMED) { orders(status: $s) { nodes { status } } }`, `{"s": "confirmed"}`},
		{`{ products(first: 2, after: "cHJvZHVjdDpNVUc") { edges { cursor } } }`, `{}`}, {`{ __schema { types { name } } }`, `{}`},
		{`{ product(sku: 1e999) { name } }`, `{}`}, {`subscription { orders { nodes { orderId } } }`, `{}`}, {"query A { stock(sku: \"A\") { onHand } } query B { __typename }", `{}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, query, variables string) { hold(t, query, variables) })
}

// For two seconds, operations are made from the schema at random, some of them broken.
func TestRandomOperationsStayWithinTheLimits(t *testing.T) {
	quiet(t)
	seed := uint64(time.Now().UnixNano())
	r := writer{rand.New(rand.NewPCG(seed, 0)), schema(t)}
	requests, executed := 0, 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && !t.Failed(); requests++ {
		query := r.operation()
		if r.IntN(4) == 0 {
			at, much := r.IntN(len(query)), r.IntN(9)
			query = query[:at] + query[min(at+much, len(query)):]
		}
		if hold(t, query, r.pick(`{"n": 5, "b": true}`, `{"n": 51, "b": null}`, `{"n": "x", "b": [false]}`, `null`, `{"n": 1.5}`)) {
			executed++
		}
	}
	if t.Logf("seed %d: %d requests, of which %d were executed", seed, requests, executed); executed < 20 {
		t.Errorf("only %d of %d requests were executed", executed, requests)
	}
}

// writer writes operations.
type writer struct {
	*rand.Rand
	schema *ast.Schema
}

func (r writer) pick(texts ...string) string { return texts[r.IntN(len(texts))] }

func (r writer) operation() string {
	kind, root := "query", r.schema.Query
	if r.IntN(3) == 0 {
		kind, root = "mutation", r.schema.Mutation
	}
	text := r.selection(root, 1+r.IntN(6), 1)
	if strings.Contains(text, "...f") {
		text += "} fragment f on Order { " + r.selection(r.schema.Types["Order"], 3, 1)
	}
	declared := ""
	for name, kind := range map[string]string{"$n": "Int!", "$b": "Boolean! = true"} {
		if strings.Contains(text, name) {
			declared += name + ": " + kind + " "
		}
	}
	if declared != "" {
		kind += "(" + declared + ")"
	}
	return kind + " { " + text + " }"
}

// selection writes some fields of a type, of which few are nested deeply.
func (r writer) selection(of *ast.Definition, depth, fields int) string {
	var b strings.Builder
	b.WriteString("__typename ")
	for range 1 + r.IntN(3) + fields {
		f := of.Fields[r.IntN(len(of.Fields))]
		if strings.HasPrefix(f.Name, "__") && r.IntN(9) > 0 {
			continue
		}
		if len(f.Arguments) > 0 || r.IntN(8) == 0 {
			fmt.Fprintf(&b, "a%d: ", r.IntN(1000))
		}
		b.WriteString(f.Name)
		if len(f.Arguments) > 0 {
			b.WriteString("(")
			for _, a := range f.Arguments {
				if a.Type.NonNull && a.DefaultValue == nil || r.IntN(2) == 0 {
					b.WriteString(a.Name + ": " + r.value(a.Type) + " ")
				}
			}
			b.WriteString(")")
		}
		b.WriteString(r.pick("", "", "", "", " @include(if: $b)", " @skip(if: false)"))
		if t := r.schema.Types[f.Type.Name()]; len(t.Fields) > 0 {
			inner := "orderId"
			if depth > 0 {
				inner = r.selection(t, depth-1, fields-1)
			} else if t.Name != "Order" {
				inner = "__typename"
			}
			if t.Name == "Order" && r.IntN(4) == 0 {
				inner += " ...f"
			}
			b.WriteString(" { " + inner + r.pick("", "", " ... { __typename }") + " }")
		}
		b.WriteString(" ")
	}
	return b.String()
}

func (r writer) value(t *ast.Type) string {
	if r.IntN(30) == 0 {
		return r.pick("null", "$none", "{}", "[]", "1.5", `"\ud800"`, "1e999", "-99999999999999999999", "CONFIRMED", `""`)
	}
	if t.Elem != nil {
		return "[" + r.value(t.Elem) + " " + r.value(t.Elem) + "]"
	}
	def := r.schema.Types[t.NamedType]
	switch def.Kind {
	case ast.Enum:
		return def.EnumValues[r.IntN(len(def.EnumValues))].Name
	case ast.InputObject:
		var b strings.Builder
		for _, f := range def.Fields {
			if f.Type.NonNull || r.IntN(2) == 0 {
				b.WriteString(f.Name + ": " + r.value(f.Type) + " ")
			}
		}
		return "{" + b.String() + "}"
	}
	switch t.NamedType {
	case "Int", "Int64":
		return r.pick("1", "7", "$n", "50", "51")
	case "Boolean":
		return r.pick("true", "$b")
	case "Ulid":
		return `"` + id(r.IntN(70)) + `"`
	}
	return r.pick(`"MUG"`, `"SKU-1"`, `"DE"`)
}
