package scaffold

import (
	"encoding/json"
	"fmt"
	"go/format"
	"maps"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"orderflow/internal/platform/casing"
)

func (o operation) main() []byte {
	text := fmt.Appendf(nil, `// Command %s %s.
package %s

import (
	"orderflow/internal/%s/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start(%q, %q, handler.%s) }
`, o.function, o.does(), "main", o.service, o.service, o.function, casing.Camel(o.function))
	if sorted, err := format.Source(text); err == nil { // the service may come after the platform
		return sorted
	}
	return text
}

// does says in the third person what the operation does, from its summary, which is an imperative
// or a question.
func (o operation) does() string {
	verb, rest, _ := strings.Cut(strings.TrimRight(o.summary, ".?"), " ")
	verb = strings.ToLower(verb)
	before, endsInY := strings.CutSuffix(verb, "y")
	switch {
	case verb == "get" || verb == "read":
		verb = "returns"
	case strings.HasPrefix(verb, "wh") || verb == "how":
		verb = "tells " + verb
	case endsInY && !strings.ContainsAny(before[max(0, len(before)-1):], "aeiou"):
		verb = before + "ies"
	case slices.ContainsFunc([]string{"ch", "sh", "s", "x", "z"}, func(end string) bool {
		return strings.HasSuffix(verb, end)
	}):
		verb += "es"
	default:
		verb += "s"
	}
	return strings.TrimSpace(verb + " " + rest)
}

// event returns a request of the customer Ada, as API Gateway sends it.
func (o operation) event() []byte {
	headers := map[string]string{"Accept": "application/json", "Host": "api.orderflow.example"}
	identity := map[string]any{"sourceIp": "203.0.113.7", "userAgent": "curl/8.5.0"}
	path := o.filled(o.parameters)
	request := map[string]any{
		"resourcePath": o.path, "httpMethod": "GET", "path": "/local" + path, "stage": "local",
		"protocol":  "HTTP/1.1",
		"requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "requestTimeEpoch": 1795424400000, "identity": identity,
	}
	if o.token != "" {
		headers["Authorization"] = "Bearer eyJ…"
		claims := map[string]string{
			"sub": "5f0c9a3e-2b71-4f0e-9d55-8a4b1f6c7e10", "email": "ada@example.com", "email_verified": "true",
			"cognito:username": "ada", "token_use": "id",
		}
		if o.token != "customer" {
			claims["cognito:groups"] = o.token
		}
		request["authorizer"] = map[string]any{"claims": claims}
	}
	event, _ := json.MarshalIndent(map[string]any{ // maps of strings cannot fail
		"resource": o.path, "path": path, "httpMethod": "GET",
		"headers": headers, "multiValueHeaders": several(headers),
		"queryStringParameters": orNull(o.query), "multiValueQueryStringParameters": orNull(several(o.query)),
		"pathParameters": orNull(o.parameters), "stageVariables": nil,
		"requestContext": request, "body": nil, "isBase64Encoded": false,
	}, "", "  ")
	return append(event, '\n')
}

// several returns values as lists of one.
func several(values map[string]string) map[string][]string {
	lists := map[string][]string{}
	for name, value := range values {
		lists[name] = []string{value}
	}
	return lists
}

// orNull returns nil for an empty map, as API Gateway does.
func orNull[V any](values map[string]V) any {
	if len(values) == 0 {
		return nil
	}
	return values
}

// filled returns the path with values of its parameters.
func (o operation) filled(values map[string]string) string {
	path := o.path
	for name, value := range values {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return path
}

func (o operation) request() string {
	parameters, query := maps.Clone(o.parameters), ""
	if _, ok := parameters["orderId"]; ok { // a variable of the collection
		parameters["orderId"] = "{{orderId}}"
	}
	for i, name := range slices.Sorted(maps.Keys(o.query)) {
		value := strings.ReplaceAll(url.QueryEscape(o.query[name]), "%2C", ",")
		if name == "orderIds" {
			value = "{{orderId}}"
		}
		query += string("?&"[min(i, 1)]) + name + "=" + value
	}
	text := fmt.Sprintf("\n### %s\n# @name %s\n# expect 200\nGET {{apiUrl}}%s%s\n", o.summary, o.id,
		o.filled(parameters), query)
	if o.token != "" {
		text += fmt.Sprintf("Authorization: Bearer {{%sToken}}\n", o.token)
	}
	return text
}

func (o operation) row() string {
	query := ""
	if names := slices.Sorted(maps.Keys(o.query)); len(names) > 0 {
		query = "?" + strings.Join(names, "=&") + "="
	}
	return fmt.Sprintf("| %s | `GET %s%s` | %s |\n", o.function, o.path, query, o.does())
}

// want returns the answer to expect for the sample event: only what follows from the contract
// whatever is stored. The examples of the contract are of other states.
func (o operation) want(given string) string {
	body := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	for _, name := range o.answer {
		value := "/.*/"
		if same, ok := o.parameters[name]; ok {
			value = same
		}
		body.Content = append(body.Content, scalar(name), scalar(value))
	}
	answers := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{
		scalar("statusCode"), {Kind: yaml.ScalarNode, Tag: "!!int", Value: "200"},
	}}
	if len(body.Content) > 0 {
		answers.Content = append(answers.Content, scalar("body"), body)
	}
	text, _ := yaml.Marshal(answers) // scalars cannot fail
	return fmt.Sprintf("- function: %s\n%s  answers: %s", o.function, given, text)
}

func scalar(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}
