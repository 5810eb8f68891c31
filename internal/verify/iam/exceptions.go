package iam

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// Exception says why a grant is there that no run uses, or why a call is denied. Owner and resource may have * and ?; the owner is
// without the stack's name.
type Exception struct {
	Kind                    string
	Owner, Action, Resource string
	Reason                  string
	Line                    int
}

// Kinds of exceptions.
const (
	unused    = "unused"    // no run uses the grant
	sometimes = "sometimes" // it depends on timing whether a run uses it
	denied    = "denied"    // the call is not granted, and every run has it denied
)

//go:embed exceptions.txt
var exceptions string

// Exceptions are the reviewed ones, exceptions.txt.
func Exceptions() ([]Exception, error) { return parseExceptions(exceptions) }

// parseExceptions reads lines such as "unused owner action resource # why".
func parseExceptions(text string) ([]Exception, error) {
	var all []Exception
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		what, why, _ := strings.Cut(line, "#")
		fields, why := strings.Fields(what), strings.TrimSpace(why)
		if len(fields) != 4 || why == "" || !slices.Contains([]string{unused, sometimes, denied}, fields[0]) || strings.ContainsAny(fields[2], "*?") {
			return nil, fmt.Errorf("exceptions.txt, line %d: want KIND OWNER ACTION RESOURCE # REASON, with one action: %q", i+1, line)
		}
		all = append(all, Exception{fields[0], fields[1], fields[2], fields[3], why, i + 1})
	}
	return all, nil
}

// about tells whether it is about an action of an owner on a resource.
func (e Exception) about(owner, action, resource string) bool {
	return e.Action == action && matches(e.Owner, short(owner)) && matches(e.Resource, shortARN(resource))
}

// short is an owner without the stack's name, which all have in common.
func short(owner string) string { return strings.TrimPrefix(owner, "orderflow-") }

// shortARN is what an ARN has after partition, service, region and account.
func shortARN(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[5]
	}
	return arn
}
