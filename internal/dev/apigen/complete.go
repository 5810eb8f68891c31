package apigen

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"orderflow/internal/platform/casing"
)

// common are the responses that operations share, by status.
//
//go:embed responses.yaml
var common []byte

const (
	generated = `# Generated from api/contract.yaml by go run ./cmd/dev generate. DO NOT EDIT.
#
# The HTTP contract of Orderflow: customers read it, template.yaml deploys the API from it
# (AWS::Include), functions check every request against it (api/operations), tests check the
# answers.
`
	generatedOwn = `# Generated from api/%[1]s.yaml by go run ./cmd/dev generate. DO NOT EDIT.
#
# The HTTP contract of %[1]s, deployed by the template beside it (AWS::Include). Functions check
# every request against it (internal/%[1]s/contract/operations).
`
)

var (
	methods      = []string{"get", "put", "post", "patch", "delete"}
	pathVariable = regexp.MustCompile(`{(\w+)}`)
)

// contract is contract.yaml and openapi.yaml.
type contract struct {
	OpenAPI             string `yaml:"openapi"`
	Info, Servers, Tags yaml.Node
	Paths               map[string]map[string]yaml.Node // operations by path and method
	Components          yaml.Node
	Extensions          map[string]yaml.Node `yaml:",inline"`
}

// described is an operation of the contract.
type described struct {
	ID          string                `yaml:"operationId,omitempty"`
	Tags        []string              `yaml:"tags,flow"`
	Summary     string                `yaml:"summary"`
	Description string                `yaml:"description,omitempty"`
	Security    []map[string][]string `yaml:"security,flow"`
	Function    string                `yaml:"x-orderflow-function,omitempty"`
	Group       string                `yaml:"x-orderflow-group,omitempty"`
	Extensions  map[string]yaml.Node  `yaml:",inline"`
	Parameters  []yaml.Node           `yaml:"parameters,omitempty"`
	Body        yaml.Node             `yaml:"requestBody,omitempty"`
	Responses   map[string]yaml.Node  `yaml:"responses"`
	Integration yaml.Node             `yaml:"x-amazon-apigateway-integration"`
}

// complete returns openapi.yaml: the contract with the common responses, HEAD for every GET,
// OPTIONS for every path and the integrations with functions. alias returns the qualifier with
// which the API invokes a function, such as :live, or "".
func complete(text string, alias func(function string) string) (string, error) {
	c, err := parse(text)
	if err == nil {
		err = c.fill(alias, func(map[string]yaml.Node) string { return "CheckLiveness" })
	}
	if err != nil {
		return "", err
	}
	return c.write(generated)
}

func parse(text string) (c contract, err error) {
	err = yaml.Unmarshal([]byte(text), &c)
	if err == nil && (len(c.Paths) == 0 || c.Components.IsZero()) {
		err = errors.New("contract.yaml lacks paths or components")
	}
	return c, err
}

func (c contract) write(begin string) (string, error) {
	out := bytes.NewBufferString(begin)
	encoder := yaml.NewEncoder(out)
	encoder.SetIndent(2)
	err := encoder.Encode(c)
	return out.String(), err
}

// fill adds what complete adds. preflights returns the function that answers OPTIONS of a path.
func (c contract) fill(alias func(function string) string, preflights func(map[string]yaml.Node) string) error {
	var shared map[string]yaml.Node
	if err := yaml.Unmarshal(common, &shared); err != nil {
		return err
	}
	for path, item := range c.Paths {
		for method, given := range maps.Clone(item) {
			if !slices.Contains(methods, method) {
				return fmt.Errorf("contract.yaml: %s of %s is outside of an operation", method, path)
			}
			o, err := read(given, shared, alias)
			if err != nil {
				return fmt.Errorf("contract.yaml: %s %s: %w", method, path, err)
			}
			item[method] = node(o)
			if method == "get" {
				item["head"] = node(o.head())
			}
		}
		item["options"] = node(options(path, preflights(item), alias))
	}
	return nil
}

// read reads an operation and adds its integration and the common responses that apply to it and
// that it does not declare itself.
func read(given yaml.Node, shared map[string]yaml.Node, alias func(string) string) (o described, err error) {
	if err := given.Decode(&o); err != nil {
		return o, err
	}
	var body struct{ Required bool }
	if !o.Body.IsZero() {
		err = o.Body.Decode(&body)
	}
	switch {
	case err != nil:
		return o, err
	case o.ID == "", o.Tags == nil, o.Security == nil, o.Responses == nil:
		return o, errors.New("it lacks operationId, tags, security or responses")
	}
	open := len(o.Security) == 0
	applies := map[string]bool{
		"401": !open, "403": o.Group != "", "408": !open, "413": body.Required, "list": false,
	}
	if _, own := o.Responses["400"]; !own && slices.ContainsFunc(o.Parameters, isCursor) {
		o.Responses["400"] = shared["list"]
	}
	for status, response := range shared {
		_, own := o.Responses[status]
		if can, depends := applies[status]; !own && (can || !depends) {
			o.Responses[status] = response
		}
	}
	o.Integration = integration(casing.Camel(cmp.Or(o.Function, o.ID)), alias)
	return o, nil
}

func isCursor(parameter yaml.Node) bool {
	var p struct {
		Ref string `yaml:"$ref"`
	}
	return parameter.Decode(&p) == nil && p.Ref == "#/components/parameters/Cursor"
}

// head returns HEAD for GET: the same parameters and callers, responses without a body.
func (o described) head() described {
	h := described{
		Tags: o.Tags, Summary: "As GET, without the body", Description: "The status and headers of `" + o.ID + "`.",
		Security: o.Security, Parameters: o.Parameters, Responses: map[string]yaml.Node{}, Integration: o.Integration,
	}
	for status := range o.Responses {
		h.Responses[status] = response("As for GET.")
	}
	return h
}

// options returns OPTIONS of a path, which a function answers.
func options(path, function string, alias func(string) string) described {
	o := described{
		Tags: []string{"gateway"}, Summary: "Preflight of browsers", Security: []map[string][]string{},
		Description: "Answers the preflight requests of browsers. " +
			"Pages of the origins in the stack's parameter `AllowedOrigins` may call.",
		Responses: map[string]yaml.Node{
			"204": response("The headers `Access-Control-…` are there if the page may."),
			"429": response("Too many requests."),
			"500": response("An internal error. The request can be repeated safely."),
			"503": response("The function cannot be reached now."),
		},
		Integration: integration(function, alias),
	}
	for _, name := range pathVariable.FindAllStringSubmatch(path, -1) {
		o.Parameters = append(o.Parameters, node(map[string]any{
			"name": name[1], "in": "path", "required": true, "description": "Not looked at.", "example": "any",
			"schema": map[string]string{"type": "string"},
		}))
	}
	return o
}

func response(description string) yaml.Node {
	return node(map[string]string{"description": description})
}

// integration is the integration with a function, which API Gateway invokes as ApiRole.
func integration(function string, alias func(string) string) yaml.Node {
	return node(map[string]any{
		"type": "aws_proxy", "httpMethod": "POST",
		"credentials": map[string][]string{"Fn::GetAtt": {"ApiRole", "Arn"}},
		"uri": map[string]string{"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/" +
			"2015-03-31/functions/${" + function + "Function.Arn}" + alias(function) + "/invocations"},
	})
}

// node encodes one of our values, which cannot fail.
func node(v any) (n yaml.Node) {
	if err := n.Encode(v); err != nil {
		panic(err)
	}
	return n
}
