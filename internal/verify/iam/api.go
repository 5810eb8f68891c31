package iam

import (
	"fmt"
	"strings"

	"orderflow/internal/verify/cfn"
)

// integration is a function that an API invokes by a role.
type integration struct {
	operation string // GET /v1/orders
	role      string // logical id
	function  string // ARN
}

// integrations reads those of an API from the document that its template includes. Where an operation has no role, the function itself allows
// the API to invoke it.
func integrations(s *cfn.Stack, id string, definition func(path string) ([]byte, error)) ([]integration, error) {
	body, err := definition(fmt.Sprint(cfn.Dig(s.Properties(id), "DefinitionBody", "Fn::Transform", "Parameters", "Location")))
	if err != nil {
		return nil, err
	}
	document, err := cfn.Parse(body)
	if err != nil {
		return nil, err
	}
	paths, _ := document["paths"].(map[string]any)
	var all []integration
	for path, item := range paths {
		methods, _ := item.(map[string]any)
		for method, operation := range methods {
			invoked, _ := s.Value(cfn.Dig(operation, "x-amazon-apigateway-integration")).(map[string]any)
			if invoked["credentials"] == nil {
				continue
			}
			_, role, _ := strings.Cut(fmt.Sprint(invoked["credentials"]), ":role/")
			_, function, _ := strings.Cut(fmt.Sprint(invoked["uri"]), "/functions/")
			all = append(all, integration{strings.ToUpper(method) + " " + path, role, strings.TrimSuffix(function, "/invocations")})
		}
	}
	return all, nil
}
