// Package scaffold generates what a new read operation needs from the contract: the main of its
// function, a sample event, a request for docs/orderflow.http and a row for the service's README.
// It adds what is missing and changes nothing that is there.
package scaffold

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"orderflow/internal/dev/template"
	"orderflow/internal/platform/casing"
)

// operation is an operation of the contract and its function.
type operation struct {
	service, function string
	id, path, at      string // at is path with example parameters
	summary           string
	token             string // whose token docs/orderflow.http uses; empty for public operations
	values            map[string]string
}

// Write writes what is missing in the repository at root, and returns the names of the files.
func Write(root string) (written []string, err error) {
	operations, err := read(root)
	if err != nil {
		return nil, err
	}
	collection := filepath.Join(root, "docs", "orderflow.http")
	for _, o := range operations {
		readme := filepath.Join(root, "internal", o.service, "README.md")
		for file, edit := range map[string]func(string) string{
			filepath.Join(root, "functions", o.service, o.function, "main.go"): once(o.main()),
			filepath.Join(root, "events", o.service, o.function+".json"):       once(o.event()),
			collection: o.addRequest,
			readme:     o.addRow,
		} {
			old, err := os.ReadFile(file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return written, err
			}
			text := edit(string(old))
			if text == string(old) {
				continue
			}
			err = errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644))
			if err != nil {
				return written, err
			}
			written = append(written, file)
		}
	}
	slices.Sort(written)
	return slices.Compact(written), nil
}

// once returns an edit that fills an empty file.
func once(content []byte) func(string) string {
	return func(old string) string { return cmp.Or(old, string(content)) }
}

// addRequest adds a request to a collection without one for the operation.
func (o operation) addRequest(collection string) string {
	if strings.Contains(collection, "# @name "+o.id+"\n") {
		return collection
	}
	return collection + string(o.request())
}

// tableOfFunctions matches a README's table of functions.
var tableOfFunctions = regexp.MustCompile(`(?m)^\| function \| called by \| does \|\n(\|.*\n)+`)

// addRow adds a row to the README's table of functions if no row names the function.
func (o operation) addRow(readme string) string {
	at := tableOfFunctions.FindStringIndex(readme)
	if at == nil || regexp.MustCompile(`[ ,|]`+o.function+`[ ,]`).MatchString(readme[at[0]:at[1]]) {
		return readme
	}
	row := fmt.Sprintf("| %s | `GET %s` | %s |\n", o.function, o.path, strings.ToLower(o.summary[:1])+o.summary[1:])
	return readme[:at[1]] + row + readme[at[1]:]
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
			service: serviceOf[function], function: function, id: op.OperationID, path: path, at: path,
			summary: op.Summary, values: map[string]string{},
		}
		for _, p := range op.Parameters {
			if p.Value.In == "path" {
				o.values[p.Value.Name] = fmt.Sprint(p.Value.Example)
				o.at = strings.ReplaceAll(o.at, "{"+p.Value.Name+"}", o.values[p.Value.Name])
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
	return all, nil
}

func (o operation) main() []byte {
	text := fmt.Appendf(nil, `// Command %s: %s%s.
package %s

import (
	"orderflow/internal/%s/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start(%q, %q, handler.%s) }
`, o.function, strings.ToLower(o.summary[:1]), o.summary[1:], "main", o.service, o.service, o.function,
		casing.Camel(o.function))
	if sorted, err := format.Source(text); err == nil { // the service may come after the platform
		return sorted
	}
	return text
}

// event returns a request of the customer Ada, as API Gateway sends it.
func (o operation) event() []byte {
	headers := map[string]string{"Accept": "application/json", "Host": "api.orderflow.example"}
	identity := map[string]any{"sourceIp": "203.0.113.7", "userAgent": "curl/8.5.0"}
	request := map[string]any{
		"resourcePath": o.path, "httpMethod": "GET", "path": "/local" + o.at, "stage": "local",
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
	several := map[string][]string{}
	for name, value := range headers {
		several[name] = []string{value}
	}
	var parameters any
	if len(o.values) > 0 {
		parameters = o.values
	}
	event, _ := json.MarshalIndent(map[string]any{ // maps of strings cannot fail
		"resource": o.path, "path": o.at, "httpMethod": "GET", "headers": headers, "multiValueHeaders": several,
		"queryStringParameters": nil, "multiValueQueryStringParameters": nil, "pathParameters": parameters,
		"stageVariables": nil, "requestContext": request, "body": nil, "isBase64Encoded": false,
	}, "", "  ")
	return append(event, '\n')
}

func (o operation) request() []byte {
	path := o.path
	for name, value := range o.values {
		if name == "orderId" { // a variable of the collection
			value = "{{orderId}}"
		}
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	text := fmt.Appendf(nil, "\n### %s\n# @name %s\n# expect 200\nGET {{apiUrl}}%s\n", o.summary, o.id, path)
	if o.token != "" {
		text = fmt.Appendf(text, "Authorization: Bearer {{%sToken}}\n", o.token)
	}
	return text
}
