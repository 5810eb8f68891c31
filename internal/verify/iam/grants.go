// Package iam compares, role by role, what may be done with what is done. What may be done is in the templates, as they are
// on AWS; what is done is in the spans of a run, and in the templates themselves where AWS acts in a role's name: it polls
// a queue, writes a log, invokes a function that a state machine names.
package iam

import (
	"fmt"
	"slices"
	"strings"

	"orderflow/internal/verify/cfn"
)

// Grant is one action on one resource that a role may do.
type Grant struct {
	Owner    string // of the role: a function's, a state machine's name; or the role's own logical id
	Action   string // such as dynamodb:GetItem
	Resource string // ARN, maybe with * and ?
}

// Need is one action on one resource that is done in a role's name.
type Need struct {
	Owner    string
	Action   string
	Resource string // ARN; * if the action has none; empty if it is not known
	By       string // by what: "call", or what in the template has AWS do it
}

// Granted lists what the roles of a stack may do, once each. A role that nobody has is an error. definition reads a file that
// the template names. The role by which API Gateway writes logs is left out: API Gateway takes it only with a policy of AWS's own.
func Granted(s *cfn.Stack, definition func(path string) ([]byte, error)) ([]Grant, error) {
	owners, err := owners(s, definition)
	if err != nil {
		return nil, err
	}
	var all []Grant
	logs := map[string]bool{}
	for _, id := range s.OfType("AWS::ApiGateway::Account") {
		logs[fmt.Sprint(s.Properties(id)["CloudWatchRoleArn"])] = true
	}
	for _, id := range s.OfType("AWS::IAM::Role") {
		role := s.Properties(id)
		owner := owners[roleARN(id)]
		if logs[roleARN(id)] {
			continue
		}
		if owner == "" {
			return nil, fmt.Errorf("nobody has the role %s", id)
		}
		all = append(all, statements(owner, role["Policies"])...)
		for _, arn := range list(role["ManagedPolicyArns"]) {
			_, policy, _ := strings.Cut(fmt.Sprint(arn), ":policy/")
			if s.Type(policy) != "AWS::IAM::ManagedPolicy" {
				return nil, fmt.Errorf("%s has the policy %v, whose actions are not known here", id, arn)
			}
			all = append(all, statements(owner, s.Properties(policy)["PolicyDocument"])...)
		}
	}
	for _, id := range s.OfType("AWS::Serverless::Function") {
		f := s.Properties(id)
		all = append(all, statements(fmt.Sprint(f["FunctionName"]), f["Policies"])...)
	}
	return sorted(all), nil
}

func roleARN(id string) string { return "arn:aws:iam::" + cfn.Account + ":role/" + id }

// owners names whose each role is. Roles of schedules and of an API go by their own names.
func owners(s *cfn.Stack, definition func(path string) ([]byte, error)) (map[string]string, error) {
	all := map[string]string{}
	for _, id := range s.OfType("AWS::Serverless::Function") {
		if role := releases(s.Properties(id)); role != "" {
			all[roleARN(role)] = role
		}
	}
	for kind, keys := range map[string][2]string{"AWS::Serverless::Function": {"Role", "FunctionName"}, "AWS::Serverless::StateMachine": {"Role", "Name"}} {
		for _, id := range s.OfType(kind) {
			p := s.Properties(id)
			all[fmt.Sprint(p[keys[0]])] = fmt.Sprint(p[keys[1]])
		}
	}
	for _, id := range s.OfType("AWS::Scheduler::Schedule") {
		arn := fmt.Sprint(cfn.Dig(s.Properties(id), "Target", "RoleArn"))
		_, all[arn], _ = strings.Cut(arn, ":role/")
	}
	for _, id := range s.OfType("AWS::Serverless::Api") {
		invoked, err := integrations(s, id, definition)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		for _, i := range invoked {
			all[roleARN(i.role)] = i.role
		}
	}
	return all, nil
}

// statements finds what is allowed anywhere in v.
func statements(owner string, v any) (all []Grant) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			all = append(all, statements(owner, item)...)
		}
	case map[string]any:
		if v["Effect"] == "Allow" {
			for _, action := range list(v["Action"]) {
				for _, resource := range list(v["Resource"]) {
					all = append(all, Grant{owner, fmt.Sprint(action), fmt.Sprint(resource)})
				}
			}
			return all
		}
		for _, item := range v {
			all = append(all, statements(owner, item)...)
		}
	}
	return all
}

// list is what may be one or several.
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

// covers tells whether a grant allows what is needed.
func (g Grant) covers(n Need) bool {
	return g.Owner == n.Owner && g.Action == n.Action && (n.Resource == "" || matches(g.Resource, n.Resource))
}

// matches tells whether text is of a pattern, in which * is any text and ? any character.
func matches(pattern, text string) bool {
	for pattern != "" {
		switch {
		case pattern[0] == '*':
			for i := range len(text) + 1 {
				if matches(pattern[1:], text[i:]) {
					return true
				}
			}
			return false
		case text == "" || pattern[0] != '?' && pattern[0] != text[0]:
			return false
		}
		pattern, text = pattern[1:], text[1:]
	}
	return text == ""
}
