// Package httpfile reads collections of HTTP requests that editors can send (*.http). It supports
// what the REST Client of VS Code and the HTTP client of JetBrains have in common, and refuses the
// rest.
package httpfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Request is one request of a collection.
type Request struct {
	// Name is from "# @name".
	Name string
	// Expect are the statuses after "# expect", any of which is right.
	Expect []int
	Method string
	// URL, Header and Body have their variables substituted.
	URL    string
	Header http.Header
	Body   string
}

// Send sends the request. It returns the answer's body, and an error unless its status is expected.
func (r Request) Send(ctx context.Context) (body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, strings.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	req.Header = r.Header
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if body, err = io.ReadAll(res.Body); err == nil && !slices.Contains(r.Expect, res.StatusCode) {
		err = fmt.Errorf("%d %s, want one of %v", res.StatusCode, body, r.Expect)
	}
	return body, err
}

var (
	definition = regexp.MustCompile(`(?m)^@([A-Za-z]+) = (.*)$`)
	variable   = regexp.MustCompile(`\{\{([^}]*)\}\}`)
	first      = regexp.MustCompile(`^(GET|PUT|POST|DELETE|PATCH) (\S+)$`)
)

// Fill returns the collection with its variables set to values. It fails unless both have the same
// variables.
func Fill(text string, values map[string]string) (string, error) {
	missing := map[string]bool{}
	for name := range values {
		missing[name] = true
	}
	var err error
	text = definition.ReplaceAllStringFunc(text, func(line string) string {
		name := definition.FindStringSubmatch(line)[1]
		value, ok := values[name]
		if !ok {
			err = fmt.Errorf("the variable %s has no value", name)
		}
		delete(missing, name)
		return "@" + name + " = " + value
	})
	for name := range missing {
		err = fmt.Errorf("unknown variable %s", name)
	}
	return text, err
}

// Parse returns the requests of a collection in their order.
func Parse(text string) ([]Request, error) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	values := map[string]string{}
	for _, d := range definition.FindAllStringSubmatch(text, -1) {
		values[d[1]] = strings.TrimSpace(d[2])
	}
	var requests []Request
	for i, part := range regexp.MustCompile(`(?m)^###.*$`).Split(text, -1) {
		if i == 0 {
			continue // text before the first request
		}
		r, err := parse(part, values)
		if err != nil {
			return nil, fmt.Errorf("request %d (%s): %w", i, r.Name, err)
		}
		requests = append(requests, r)
	}
	return requests, nil
}

func parse(text string, values map[string]string) (r Request, err error) {
	if text, err = substitute(strings.Trim(text, "\n"), values); err != nil {
		return r, err
	}
	head, body, _ := strings.Cut(text, "\n\n")
	r = Request{Header: http.Header{}, Body: strings.TrimSpace(body)}
	for line := range strings.SplitSeq(head, "\n") {
		comment, isComment := strings.CutPrefix(line, "#")
		name, value, isHeader := strings.Cut(line, ": ")
		m := first.FindStringSubmatch(line)
		switch {
		case isComment:
			err = errors.Join(err, r.comment(strings.TrimSpace(comment)))
		case r.Method == "" && m != nil:
			r.Method, r.URL = m[1], m[2]
		case r.Method != "" && isHeader:
			r.Header.Add(name, value)
		default:
			err = errors.Join(err, fmt.Errorf("%q is not a method and URL, and not a header after one", line))
		}
	}
	if r.Method == "" {
		err = errors.Join(err, errors.New("missing method and URL"))
	}
	if strings.HasPrefix(r.Body, "<") || strings.Contains(r.Body, "\n>") {
		err = errors.Join(err, errors.New("scripts and files are not supported by all editors"))
	}
	return r, err
}

func (r *Request) comment(text string) error {
	if name, ok := strings.CutPrefix(text, "@name "); ok {
		r.Name = name
	}
	statuses, ok := strings.CutPrefix(text, "expect ")
	if !ok {
		return nil
	}
	for s := range strings.SplitSeq(statuses, " or ") {
		status, err := strconv.Atoi(s)
		if err != nil {
			return fmt.Errorf("%q is not a status", s)
		}
		r.Expect = append(r.Expect, status)
	}
	return nil
}

func substitute(text string, values map[string]string) (string, error) {
	var err error
	text = variable.ReplaceAllStringFunc(text, func(use string) string {
		name := variable.FindStringSubmatch(use)[1]
		value, ok := values[name]
		if !ok {
			err = fmt.Errorf("%q is not defined at the top", name)
		}
		return value
	})
	return text, err
}
