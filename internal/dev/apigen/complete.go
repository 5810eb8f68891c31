package apigen

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"orderflow/internal/platform/casing"
)

// common are the responses that operations share, by status.
//
//go:embed responses.yaml
var common string

const generated = `# Generated from api/contract.yaml by go run ./cmd/dev generate. DO NOT EDIT.
#
# The HTTP contract of Orderflow: customers read it, template.yaml deploys the API from it
# (AWS::Include), functions check every request against it (api/operations), tests check the answers.
`

var (
	pathLine     = regexp.MustCompile(`^  (/\S*):$`)
	methodLine   = regexp.MustCompile(`^    ([a-z]+):$`)
	statusLine   = regexp.MustCompile(`^'(\d+)':`)
	keyLine      = regexp.MustCompile(`^      ([\w-]+): ?(.*)$`)
	pathVariable = regexp.MustCompile(`{(\w+)}`)
)

// verb is one operation of contract.yaml.
type verb struct {
	method    string
	lines     []string            // up to its responses
	keys      map[string]string   // values on the key's line
	responses map[string][]string // by status
}

// complete returns openapi.yaml: contract with the common responses, HEAD for every GET, OPTIONS
// for every path and the integrations with functions. alias returns the qualifier with which the
// API invokes a function, such as :live, or "".
func complete(contract string, alias func(function string) string) (string, error) {
	_, contract, begins := strings.Cut(contract, "\nopenapi:")
	head, rest, found := strings.Cut(contract, "\npaths:\n\n")
	paths, components, also := strings.Cut(rest, "\ncomponents:\n")
	if !begins || !found || !also {
		return "", fmt.Errorf("contract.yaml lacks openapi, paths or components")
	}
	shared := responses(strings.Split(strings.TrimSpace(common), "\n"), "")
	w := &strings.Builder{}
	fmt.Fprintf(w, "%sopenapi:%s\npaths:\n\n", generated, head)
	var path string
	var verbs []*verb
	flush := func() error {
		if path == "" {
			return nil
		}
		fmt.Fprintf(w, "  %s:\n", path)
		for _, v := range verbs {
			if err := v.share(shared); err != nil {
				return fmt.Errorf("contract.yaml: %s %s: %w", v.method, path, err)
			}
			v.write(w, alias)
		}
		for _, v := range verbs {
			if v.method == "get" {
				v.writeHead(w, alias)
			}
		}
		writeOptions(w, path, alias)
		verbs = nil
		return nil
	}
	for line := range strings.SplitSeq(paths, "\n") {
		if m := pathLine.FindStringSubmatch(line); m != nil {
			if err := flush(); err != nil {
				return "", err
			}
			path = m[1]
		} else if m := methodLine.FindStringSubmatch(line); m != nil {
			verbs = append(verbs, &verb{method: m[1], keys: map[string]string{}})
		} else if line != "" {
			if len(verbs) == 0 {
				return "", fmt.Errorf("contract.yaml: %q is outside of an operation", line)
			}
			v := verbs[len(verbs)-1]
			v.lines = append(v.lines, line)
			if m := keyLine.FindStringSubmatch(line); m != nil {
				v.keys[m[1]] = m[2]
			}
		}
	}
	if err := flush(); err != nil {
		return "", err
	}
	fmt.Fprintf(w, "components:\n%s", components)
	return w.String(), nil
}

// responses splits lines by status, without their indentation.
func responses(lines []string, indentation string) map[string][]string {
	all, status := map[string][]string{}, ""
	for _, line := range lines {
		line = strings.TrimPrefix(line, indentation)
		if m := statusLine.FindStringSubmatch(line); m != nil {
			status = m[1]
		}
		if status != "" {
			all[status] = append(all[status], line)
		}
	}
	return all
}

// share adds the common responses that apply to v and that it does not declare itself.
func (v *verb) share(shared map[string][]string) error {
	i := slices.Index(v.lines, "      responses:")
	for _, key := range []string{"operationId", "tags", "security"} {
		if v.keys[key] == "" {
			return fmt.Errorf("it has no %s on one line", key)
		}
	}
	if i < 0 {
		return fmt.Errorf("it has no responses")
	}
	v.responses = responses(v.lines[i+1:], "        ")
	v.lines = v.lines[:i]
	_, group := v.keys["x-orderflow-group"]
	open := v.keys["security"] == "[]"
	given := map[string]bool{
		"401": !open, "403": group, "408": !open, "413": slices.Contains(v.lines, "        required: true"),
	}
	for status, lines := range shared {
		if _, own := v.responses[status]; own {
			continue
		}
		if can, depends := given[status]; can || !depends {
			v.responses[status] = lines
		}
	}
	return nil
}

func (v *verb) write(w *strings.Builder, alias func(string) string) {
	fmt.Fprintf(w, "    %s:\n%s\n      responses:\n", v.method, strings.Join(v.lines, "\n"))
	for _, status := range slices.Sorted(maps.Keys(v.responses)) {
		for _, line := range v.responses[status] {
			fmt.Fprintf(w, "        %s\n", line)
		}
	}
	integrate(w, v.function(), alias)
}

// function returns the logical id of v's function.
func (v *verb) function() string {
	return casing.Camel(cmp.Or(v.keys["x-orderflow-function"], v.keys["operationId"]))
}

// writeHead writes HEAD for GET: the same parameters and callers, responses without a body.
func (v *verb) writeHead(w *strings.Builder, alias func(string) string) {
	fmt.Fprintf(w, "    head:\n      tags: %s\n      summary: As GET, without the body\n", v.keys["tags"])
	fmt.Fprintf(w, "      description: The status and headers of `%s`.\n", v.keys["operationId"])
	fmt.Fprintf(w, "      security: %s\n", v.keys["security"])
	if i := slices.Index(v.lines, "      parameters:"); i >= 0 {
		fmt.Fprintln(w, v.lines[i])
		for _, line := range v.lines[i+1:] {
			if !strings.HasPrefix(line, "        ") {
				break
			}
			fmt.Fprintln(w, line)
		}
	}
	fmt.Fprintln(w, "      responses:")
	for _, status := range slices.Sorted(maps.Keys(v.responses)) {
		fmt.Fprintf(w, "        '%s': { description: As for GET. }\n", status)
	}
	integrate(w, v.function(), alias)
}

// writeOptions writes OPTIONS, which check-liveness answers for every path.
func writeOptions(w *strings.Builder, path string, alias func(string) string) {
	fmt.Fprint(w, `    options:
      tags: [gateway]
      summary: May a page call this?
      description: Answers the preflight requests of browsers. `+
		"Pages of the origins in the stack's parameter `AllowedOrigins` may call."+`
      security: []
`)
	if names := pathVariable.FindAllStringSubmatch(path, -1); len(names) > 0 {
		fmt.Fprintln(w, "      parameters:")
		for _, name := range names {
			fmt.Fprintf(w, "        - { name: %s, in: path, required: true, description: Not looked at., "+
				"schema: { type: string }, example: any }\n", name[1])
		}
	}
	fmt.Fprint(w, `      responses:
        '204': { description: The headers `+"`Access-Control-…`"+` are there if the page may. }
        '429': { description: 'Too many requests.' }
        '500': { description: An internal error. The request can be repeated safely. }
        '503': { description: The function cannot be reached now. }
`)
	integrate(w, "CheckLiveness", alias)
}

// integrate writes the integration: API Gateway invokes a function as ApiRole.
func integrate(w *strings.Builder, function string, alias func(string) string) {
	fmt.Fprintf(w, `      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        credentials: { 'Fn::GetAtt': [ApiRole, Arn] }
        uri:
          Fn::Sub: arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/`+
		"2015-03-31/functions/${%sFunction.Arn}%s/invocations\n\n", function, alias(function))
}
