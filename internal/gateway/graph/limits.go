package graph

import (
	"encoding/base64"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/fault"
)

// The limits of an operation. A real storefront page stays far below them; without them, one
// request of 64 KiB can ask for millions of fields.
const (
	// maxTokens bounds the size of a document, since validation is quadratic.
	maxTokens = 1000
	// maxDepth is the deepest nesting of fields.
	maxDepth = 8
	// maxCost is the maximum number of fields of a result: a field costs 1, times the sizes of the
	// lists around it.
	maxCost = 10_000
	// maxAliases is the maximum number of fields with an alias, maxDirectives that of directives.
	maxAliases, maxDirectives = 30, 30
	// maxReads and maxWrites are the maximum numbers of root fields of a query and of a mutation.
	// Each makes one or more calls, and all reads are made concurrently.
	maxReads, maxWrites = 8, 3
	// maxPage is the largest page.
	maxPage = 50
)

// sizes has the maximum length of each list, as in the REST contract. The argument first sets the
// length of a page.
var sizes = map[string]int{
	"Order.items": 40, "Order.changes": 16, "Order.progress": 16, "Order.shortages": 40, "Reservations.items": 40,
}

var (
	errPanic    = fault.New(fault.Internal, "Internal", "an internal error made the field fail")
	errArgument = fault.New(fault.Invalid, "InvalidRequest", "the value does not fit the type of the argument")
)

// check refuses an operation beyond the limits. Fragments are valid by now, so they have no cycles.
func check(op *graphql.OperationContext) gqlerror.List {
	w := walk{op: op}
	w.selections(op.Operation.SelectionSet, 1, 1)
	w.directives += len(op.Operation.Directives)
	maxRoots := maxReads
	if op.Operation.Operation == ast.Mutation {
		maxRoots = maxWrites
	}
	for _, exceeded := range []struct {
		what       string
		value, max int
	}{
		{"depth", w.depth, maxDepth}, {"cost", w.cost, maxCost}, {"aliases", w.aliases, maxAliases},
		{"directives", w.directives, maxDirectives}, {"page size", w.page, maxPage},
		{"number of root fields", w.roots, maxRoots},
	} {
		if exceeded.value > exceeded.max {
			w.refuse("QueryTooLarge", "the %s of the operation is more than %d", exceeded.what, exceeded.max)
		}
	}
	if w.smallPage {
		w.refuse("InvalidRequest", "first must be at least 1")
	}
	if w.introspects && op.DisableIntrospection {
		w.refuse("IntrospectionDisabled", "introspection is disabled on this stage")
	}
	return w.refused
}

// walk measures an operation.
type walk struct {
	op                                            *graphql.OperationContext
	depth, cost, aliases, directives, page, roots int
	smallPage, introspects                        bool
	refused                                       gqlerror.List
}

func (w *walk) refuse(code, message string, args ...any) {
	w.refused = append(w.refused, refusal(code, message, args...))
}

// selections measures a selection set at a depth, which occurs times in the result. It stops beyond
// the limits, so that fragments within fragments cannot make it take long.
func (w *walk) selections(set ast.SelectionSet, depth, times int) {
	w.depth = max(w.depth, depth)
	for _, s := range set {
		if w.cost > maxCost || w.depth > maxDepth {
			return
		}
		switch s := s.(type) {
		case *ast.Field:
			w.field(s, depth, times)
		case *ast.InlineFragment:
			w.cost++
			w.conditions(s.Directives)
			w.selections(s.SelectionSet, depth, times)
		case *ast.FragmentSpread:
			w.cost++
			w.conditions(s.Directives)
			w.conditions(s.Definition.Directives)
			w.selections(s.Definition.SelectionSet, depth, times)
		}
	}
}

func (w *walk) field(f *ast.Field, depth, times int) {
	w.cost += times
	if depth == 1 {
		w.roots++
	}
	w.conditions(f.Directives)
	if f.Alias != f.Name {
		w.aliases++
	}
	if strings.HasPrefix(f.Name, "__") {
		if f.Name != "__typename" {
			w.introspects = true
		}
		return // its size is that of the schema
	}
	args, err := arguments(f.ArgumentMap, w.op.Variables)
	if err != nil {
		w.refuse(errArgument.Code, "an argument of %s is not a value", f.Name)
		return
	}
	if f.Definition.Arguments.ForName("first") != nil {
		first, err := graphql.UnmarshalInt(args["first"])
		w.page = max(w.page, first)
		w.smallPage = w.smallPage || err != nil || first < 1
		times *= max(1, min(first, maxPage))
	}
	if size, ok := sizes[f.ObjectDefinition.Name+"."+f.Name]; ok {
		times *= size
	}
	if len(f.SelectionSet) > 0 {
		w.selections(f.SelectionSet, depth+1, times)
	}
}

// conditions counts directives, and refuses one whose condition is null by a variable: validation
// accepts it if the variable has a default value, and the executor panics at it.
func (w *walk) conditions(directives ast.DirectiveList) {
	w.directives += len(directives)
	for _, d := range directives {
		args, err := arguments(d.ArgumentMap, w.op.Variables)
		if _, isBool := args["if"].(bool); err != nil || !isBool {
			w.refuse(errArgument.Code, "the condition of @%s is not a Boolean", d.Name)
		}
	}
}

// arguments returns the values of the arguments of a field or directive. The parser panics at
// numbers that have none, such as 1e999.
func arguments(
	of func(map[string]any) map[string]any, variables map[string]any,
) (values map[string]any, err error) {
	defer func() {
		if recover() != nil {
			err = errArgument
		}
	}()
	return of(variables), nil
}

// The kinds of cursors. The cursor of an edge stands for an id; that of a page, after pageMark, for
// the service's own, since a page may end beyond its last entry.
const (
	orderCursor   = "order:"
	productCursor = "product:"
	pageMark      = "page:"
)

func cursor(kind, id string) string { return base64.RawURLEncoding.EncodeToString([]byte(kind + id)) }

// nextCursor returns the cursor of the next page, or "" after the last one.
func nextCursor(kind string, next *string) string {
	if next == nil {
		return ""
	}
	return cursor(pageMark+kind, *next)
}

// parseCursor returns the start that a cursor of a kind stands for; nil is the beginning.
func parseCursor(kind string, cursor *string) (start gateway.Start, err error) {
	if cursor == nil {
		return start, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(*cursor)
	text, page := strings.CutPrefix(string(b), pageMark)
	id, ok := strings.CutPrefix(text, kind)
	switch {
	case err != nil || !ok || id == "":
		return start, fault.ErrCursor
	case page:
		return gateway.Start{Cursor: id}, nil
	}
	return gateway.Start{After: id}, nil
}
