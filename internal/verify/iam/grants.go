// Package iam compares the grants of each role with their use. Grants are those of the templates as
// deployed on AWS. Use is what the spans of a run show, and what the templates imply where AWS
// itself acts with a role: it polls a queue, writes a log, invokes a function named by a state
// machine.
package iam

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"orderflow/internal/platform/cfn"
)

// Grant is an action that a role may perform on a resource.
type Grant struct {
	Owner    string // name of the function or state machine with the role, or the role's logical id
	Action   string // such as dynamodb:GetItem
	Resource string // ARN, may contain * and ?
}

// Need is an action that is performed with a role on a resource.
type Need struct {
	Owner    string
	Action   string
	Resource string // ARN; * if the action has none; empty if unknown
	By       string // "call", or the part of the template that has AWS do it
}

// Granted lists the grants of a stack's roles, each once. An unused role is an error: it belongs to
// no function or state machine, and AWS itself does not need it. The role with which API Gateway
// writes logs is left out: API Gateway accepts only a policy of AWS for it.
func Granted(s *cfn.Stack, implied []Need) (all []Grant, err error) {
	owners := map[string]string{} // by role; a role that AWS uses owns itself
	for _, n := range implied {
		owners[n.Owner] = n.Owner
	}
	names := map[string]string{"AWS::Serverless::Function": "FunctionName", "AWS::Serverless::StateMachine": "Name"}
	for kind, name := range names {
		for _, id := range s.OfType(kind) {
			p := s.Properties(id)
			owners[roleIn(p["Role"])] = fmt.Sprint(p[name])
			all = append(all, statements(fmt.Sprint(p[name]), p["Policies"])...)
		}
	}
	logs := map[string]bool{}
	for _, id := range s.OfType("AWS::ApiGateway::Account") {
		logs[roleIn(s.Properties(id)["CloudWatchRoleArn"])] = true
	}
	for _, id := range s.OfType("AWS::IAM::Role") {
		role, owner := s.Properties(id), owners[id]
		if logs[id] {
			continue
		}
		if owner == "" {
			return nil, fmt.Errorf("nothing uses the role %s: remove it", id)
		}
		all = append(all, statements(owner, role["Policies"])...)
		for _, arn := range list(role["ManagedPolicyArns"]) {
			_, policy, _ := strings.Cut(fmt.Sprint(arn), ":policy/")
			if s.Type(policy) != "AWS::IAM::ManagedPolicy" {
				return nil, fmt.Errorf("%s has the policy %v, which is not in the template", id, arn)
			}
			all = append(all, statements(owner, s.Properties(policy)["PolicyDocument"])...)
		}
	}
	return sorted(all), nil
}

// statements finds all grants in v.
func statements(owner string, v any) (all []Grant) {
	items, _ := v.([]any)
	members, _ := v.(map[string]any)
	if members["Effect"] == "Allow" {
		for _, action := range list(members["Action"]) {
			for _, resource := range list(members["Resource"]) {
				all = append(all, Grant{owner, fmt.Sprint(action), fmt.Sprint(resource)})
			}
		}
		return all
	}
	for _, item := range slices.AppendSeq(items, maps.Values(members)) {
		all = append(all, statements(owner, item)...)
	}
	return all
}

// list returns v as a list.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

func sorted[T Grant | Need](all []T) []T {
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return slices.Compact(all)
}

// covers reports whether a grant allows what is needed.
func (g Grant) covers(n Need) bool {
	return g.Owner == n.Owner && g.Action == n.Action && (n.Resource == "" || matches(g.Resource, n.Resource))
}

// wide lists the wildcards that AWS does not require.
func (g Grant) wide() (problems []string) {
	if strings.ContainsAny(g.Action, "*?") {
		problems = append(problems, fmt.Sprintf("%s may %s: name the actions", short(g.Owner), g.Action))
	}
	if g.Resource == "*" && !slices.Contains(scopeless, g.Action) {
		problems = append(problems,
			fmt.Sprintf("%s may %s on everything: name the resources", short(g.Owner), g.Action))
	}
	return problems
}

// matches reports whether text matches a pattern, in which * is any text and ? any character.
func matches(pattern, text string) bool {
	expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile("^(?s:" + expression + ")$").MatchString(text)
}
