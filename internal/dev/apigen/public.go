package apigen

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// public returns the contract for clients, as JSON: without the parts that only API Gateway reads,
// and without HEAD and OPTIONS, which every path has.
func public(spec []byte) ([]byte, error) {
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	if err != nil {
		return nil, err
	}
	// The address is the document's own directory, which works for every stage and domain.
	doc.Servers = openapi3.Servers{{URL: ".."}}
	for _, item := range doc.Paths.Map() {
		item.SetOperation(http.MethodHead, nil)
		item.SetOperation(http.MethodOptions, nil)
	}
	b, err := doc.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(b, &tree); err != nil {
		return nil, err
	}
	b, err = json.MarshalIndent(withoutExtensions(tree), "", " ")
	return append(b, '\n'), err
}

// withoutExtensions removes the members of objects that start with x-, OpenAPI's extensions.
func withoutExtensions(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if strings.HasPrefix(name, "x-") {
				delete(v, name)
			} else {
				v[name] = withoutExtensions(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutExtensions(v[i])
		}
	}
	return v
}
