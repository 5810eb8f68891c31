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

// integrations reads the integrations from the API's document. An operation without a role is
// allowed by the function's own policy and left out.
func integrations(s *cfn.Stack, id string, definition func(path string) ([]byte, error)) ([]integration, error) {
	location := cfn.Dig(s.Properties(id), "DefinitionBody", "Fn::Transform", "Parameters", "Location")
	body, err := definition(fmt.Sprint(location))
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
		for method, definition := range methods {
			invoked, _ := s.Value(cfn.Dig(definition, "x-amazon-apigateway-integration")).(map[string]any)
			if invoked["credentials"] == nil {
				continue
			}
			_, role, _ := strings.Cut(fmt.Sprint(invoked["credentials"]), ":role/")
			_, function, _ := strings.Cut(fmt.Sprint(invoked["uri"]), "/functions/")
			operation := strings.ToUpper(method) + " " + path
			all = append(all, integration{operation, role, strings.TrimSuffix(function, "/invocations")})
		}
	}
	return all, nil
}
