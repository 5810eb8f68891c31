package scaffold

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"orderflow/internal/dev/template"
	"orderflow/internal/platform/casing"
)

// operation is an operation of the contract and its function.
type operation struct {
	service, function string
	id, path, summary string
	token             string // whose token docs/orderflow.http uses; empty for public operations
	// parameters are those of the path, and query those that a request must have, as in the
	// contract's examples.
	parameters, query map[string]string
	answer            []string // the members that an answer must have
	// neighbours are the other operations of the service, the most similar paths first.
	neighbours []operation
}

// read returns the GET operations of the contract with their functions of deploy/. It leaves out
// functions that serve several operations, and writes, whose requests need a person to compose.
func read(root string) ([]operation, error) {
	serviceOf, err := template.ServiceOf(os.DirFS(filepath.Join(root, "deploy")))
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(root, "api", "openapi.yaml"))
	if err != nil {
		return nil, err
	}
	var all []operation
	for path, item := range doc.Paths.Map() {
		op := item.Get
		if op == nil {
			continue
		}
		function := casing.Kebab(op.OperationID)
		if _, shared := op.Extensions["x-orderflow-function"]; serviceOf[function] == "" || shared {
			continue
		}
		o := operation{
			service: serviceOf[function], function: function, id: op.OperationID, path: path, summary: op.Summary,
			parameters: map[string]string{}, query: map[string]string{}, answer: required(op),
		}
		for _, p := range op.Parameters {
			switch {
			case p.Value.In == openapi3.ParameterInPath:
				o.parameters[p.Value.Name] = example(p.Value)
			case p.Value.In == openapi3.ParameterInQuery && p.Value.Required:
				o.query[p.Value.Name] = example(p.Value)
			}
		}
		if op.Security == nil || len(*op.Security) > 0 {
			o.token = "customer"
			if group, ok := op.Extensions["x-orderflow-group"].(string); ok {
				o.token = group
			}
		}
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.id, b.id) })
	for i, o := range all {
		all[i].neighbours = o.among(all)
	}
	return all, nil
}

// example returns a parameter's example. A list is separated by commas.
func example(p *openapi3.Parameter) string {
	list, ok := p.Example.([]any)
	if !ok {
		return fmt.Sprint(p.Example)
	}
	var values []string
	for _, v := range list {
		values = append(values, fmt.Sprint(v))
	}
	return strings.Join(values, ",")
}

// required returns the members that every answer with 200 has.
func required(op *openapi3.Operation) []string {
	if ok := op.Responses.Status(200); ok != nil && ok.Value != nil {
		if content := ok.Value.Content.Get("application/json"); content != nil && content.Schema != nil {
			return content.Schema.Value.Required
		}
	}
	return nil
}

// among returns the operation's neighbours among all operations.
func (o operation) among(all []operation) []operation {
	common := func(n operation) (segments int) {
		ours, theirs := strings.Split(o.path, "/"), strings.Split(n.path, "/")
		for segments < min(len(ours), len(theirs)) && ours[segments] == theirs[segments] {
			segments++
		}
		return segments
	}
	neighbours := slices.DeleteFunc(slices.Clone(all), func(n operation) bool {
		return n.service != o.service || n.id == o.id
	})
	slices.SortStableFunc(neighbours, func(a, b operation) int {
		return cmp.Or(cmp.Compare(common(b), common(a)), cmp.Compare(len(a.path), len(b.path)))
	})
	return neighbours
}

// sharesParameter reports whether both paths have a parameter, and so a thing, in common.
func (o operation) sharesParameter(other operation) bool {
	for name := range o.parameters {
		if _, ok := other.parameters[name]; ok {
			return true
		}
	}
	return false
}
