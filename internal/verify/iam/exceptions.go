package iam

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// Exception says why a grant is unused, or why a call is denied. Owner, without the stack's name,
// and Resource may contain * and ?.
type Exception struct {
	Kind                    string
	Owner, Action, Resource string
	Reason                  string
	At                      string // file and line
}

// Kinds of exceptions: the grant is used by no run, or by some runs; or the call is not granted and
// is denied in every run.
const unused, sometimes, denied = "unused", "sometimes", "denied"

//go:embed exceptions.txt
var exceptions string

// exceptionsOfOwn are the exceptions for services with stacks of their own.
//
//go:embed exceptions_stacks.txt
var exceptionsOfOwn string

// parseExceptions reads lines such as "unused owner action resource # reason".
func parseExceptions(file, text string) ([]Exception, error) {
	var all []Exception
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := fmt.Sprintf("%s, line %d", file, i+1)
		left, reason, _ := strings.Cut(line, "#")
		fields, reason := strings.Fields(left), strings.TrimSpace(reason)
		if len(fields) != 4 || reason == "" || !slices.Contains([]string{unused, sometimes, denied}, fields[0]) ||
			strings.ContainsAny(fields[2], "*?") {
			const want = "want KIND OWNER ACTION RESOURCE # REASON, with one action"
			return nil, fmt.Errorf("%s: %s: %q", at, want, line)
		}
		all = append(all, Exception{fields[0], fields[1], fields[2], fields[3], reason, at})
	}
	return all, nil
}

// matches reports whether the exception is for an action of an owner on a resource.
func (e Exception) matches(owner, action, resource string) bool {
	return e.Action == action && matches(e.Owner, short(owner)) && matches(e.Resource, shortARN(resource))
}

// short returns an owner without the stack's name.
func short(owner string) string { return strings.TrimPrefix(owner, "orderflow-") }

// shortARN returns the resource part of an ARN.
func shortARN(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[5]
	}
	return arn
}
