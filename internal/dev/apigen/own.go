package apigen

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"orderflow/internal/platform/casing"
)

// gatewayResponses are API Gateway's own responses.
const gatewayResponses = "x-amazon-apigateway-gateway-responses"

// pool is the core's user pool, by its ARN in a stack of its own.
const pool = "{'Fn::Sub': ['arn:${AWS::Partition}:cognito-idp:${AWS::Region}:${AWS::AccountId}:userpool/${Id}', " +
	"{Id: {'Fn::ImportValue': {'Fn::Sub': '${Core}-UserPoolId'}}}]}"

// own returns stacks/<service>/openapi.yaml, the contract of a service with a stack of its own. It
// adds the core's components that the contract refers to and does not define itself.
func own(service, text, core string) (string, error) {
	c, err := parse(text)
	if err != nil {
		return "", err
	}
	// Browsers ask the function of the path's first operation; its handler has WithPreflights.
	preflights := func(item map[string]yaml.Node) string {
		for _, method := range methods {
			var o described
			if given, ok := item[method]; ok && given.Decode(&o) == nil {
				return casing.Camel(cmp.Or(o.Function, o.ID))
			}
		}
		return ""
	}
	if err := c.fill(func(string) string { return "" }, preflights); err != nil {
		return "", err
	}
	all, err := parse(strings.ReplaceAll(core, "Fn::GetAtt: [UserPool, Arn]", pool))
	if err != nil {
		return "", err
	}
	if err := c.borrow(all); err != nil {
		return "", err
	}
	return c.write(fmt.Sprintf(generatedOwn, service))
}

// borrow adds the core's components to which c refers, and API Gateway's own responses.
func (c *contract) borrow(from contract) error {
	var has, theirs map[string]map[string]yaml.Node
	if err := errors.Join(c.Components.Decode(&has), from.Components.Decode(&theirs)); err != nil {
		return err
	}
	missing := map[string]bool{"securitySchemes/customer": true}
	for {
		paths := node(c.Paths)
		components := node(has)
		refer(&paths, missing)
		refer(&components, missing)
		added := false
		for name := range missing {
			section, id, _ := strings.Cut(name, "/")
			if _, ok := has[section][id]; ok {
				continue
			}
			component, ok := theirs[section][id]
			if !ok {
				return fmt.Errorf("no component %s", name)
			}
			if has[section] == nil {
				has[section] = map[string]yaml.Node{}
			}
			has[section][id], added = component, true
		}
		if !added {
			c.Components = components
			break
		}
	}
	if c.Extensions == nil {
		c.Extensions = map[string]yaml.Node{}
	}
	c.Extensions[gatewayResponses] = from.Extensions[gatewayResponses]
	return nil
}

// refer adds the components to which n refers.
func refer(n *yaml.Node, to map[string]bool) {
	if name, ok := strings.CutPrefix(n.Value, "#/components/"); ok && n.Kind == yaml.ScalarNode {
		to[name] = true
	}
	for _, child := range n.Content {
		refer(child, to)
	}
}

// writeOwn writes the contracts of services with a stack of their own: each api/<service>.yaml but
// the core's contract.yaml and openapi.yaml.
func writeOwn(root string) error {
	core, err := os.ReadFile(filepath.Join(root, "api", "contract.yaml"))
	if err != nil {
		return err
	}
	for _, service := range owners(root) {
		spec, files, err := ownFiles(root, service, string(core))
		if err != nil {
			return fmt.Errorf("api/%s.yaml: %w", service, err)
		}
		out := filepath.Join(root, "internal", service, "contract", "operations")
		err = errors.Join(os.WriteFile(filepath.Join(root, "stacks", service, "openapi.yaml"), spec, 0o644),
			replace(out, files))
		if err != nil {
			return err
		}
	}
	return nil
}

// owners are the services with a stack of their own and a contract.
func owners(root string) (services []string) {
	templates, _ := filepath.Glob(filepath.Join(root, "stacks", "*", "template.yaml")) // the pattern is correct
	for _, file := range templates {
		service := filepath.Base(filepath.Dir(file))
		if _, err := os.Stat(filepath.Join(root, "api", service+".yaml")); err == nil {
			services = append(services, service)
		}
	}
	return services
}

// ownFiles returns openapi.yaml of a service with a stack of its own, and its operations.
func ownFiles(root, service, core string) (spec []byte, operations map[string][]byte, err error) {
	text, err := os.ReadFile(filepath.Join(root, "api", service+".yaml"))
	if err != nil {
		return nil, nil, err
	}
	complete, err := own(service, string(text), core)
	if err != nil {
		return nil, nil, err
	}
	operations, err = generate([]byte(complete))
	return []byte(complete), operations, err
}
