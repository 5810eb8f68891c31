package deploy

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"orderflow/internal/ops/awsapi"
)

// Account makes a deployment's calls to its AWS account.
type Account struct{ API awsapi.Client }

// Stack is the state of a CloudFormation stack. One that was never created has no status.
type Stack struct {
	Status     string
	Parameters map[string]string
}

// There reports whether the stack was created successfully, whatever its release is.
func (s Stack) There() bool {
	switch s.Status {
	case "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
		return true
	}
	return false
}

// New reports whether the stack does not exist, or only as a change set that was never executed.
func (s Stack) New() bool { return s.Status == "" || s.Status == "REVIEW_IN_PROGRESS" }

// Stack describes the stack called name.
func (a Account) Stack(ctx context.Context, name string) (Stack, error) {
	var answer struct {
		Stacks []struct {
			StackStatus string
			Parameters  []struct{ ParameterKey, ParameterValue string } `xml:"Parameters>member"`
		} `xml:"DescribeStacksResult>Stacks>member"`
	}
	err := a.API.Query(ctx, "cloudformation", form("DescribeStacks", name), &answer)
	if awsapi.Failed(err, "ValidationError") && strings.Contains(err.Error(), "does not exist") {
		return Stack{}, nil
	}
	if err != nil {
		return Stack{}, fmt.Errorf("describe the stack %s: %w", name, err)
	}
	if len(answer.Stacks) != 1 {
		return Stack{}, fmt.Errorf("describe the stack %s: got %d stacks", name, len(answer.Stacks))
	}
	s := Stack{Status: answer.Stacks[0].StackStatus, Parameters: map[string]string{}}
	for _, p := range answer.Stacks[0].Parameters {
		s.Parameters[p.ParameterKey] = p.ParameterValue
	}
	return s, nil
}

// Protect sets the stack policy and enables termination protection.
func (a Account) Protect(ctx context.Context, name, policy string) error {
	set := form("SetStackPolicy", name)
	set.Set("StackPolicyBody", policy)
	if err := a.API.Query(ctx, "cloudformation", set, nil); err != nil {
		return fmt.Errorf("set the policy of the stack %s: %w", name, err)
	}
	keep := form("UpdateTerminationProtection", name)
	keep.Set("EnableTerminationProtection", "true")
	if err := a.API.Query(ctx, "cloudformation", keep, nil); err != nil {
		return fmt.Errorf("protect the stack %s from deletion: %w", name, err)
	}
	return nil
}

func form(action, stack string) url.Values {
	return url.Values{"Action": {action}, "Version": {"2010-05-15"}, "StackName": {stack}}
}

// Unreserved returns the account's unreserved concurrent executions.
func (a Account) Unreserved(ctx context.Context) (int, error) {
	var answer struct {
		AccountLimit struct{ UnreservedConcurrentExecutions *int }
	}
	if err := a.API.Get(ctx, "lambda", "/2016-08-19/account-settings", &answer); err != nil {
		return 0, fmt.Errorf("read the account's Lambda quota: %w", err)
	}
	if answer.AccountLimit.UnreservedConcurrentExecutions == nil {
		return 0, fmt.Errorf("read the account's Lambda quota: the response has none")
	}
	return *answer.AccountLimit.UnreservedConcurrentExecutions, nil
}

// Reserved returns a function's reserved concurrent executions, 0 for an unknown function.
func (a Account) Reserved(ctx context.Context, function string) (int, error) {
	var answer struct{ ReservedConcurrentExecutions int }
	err := a.API.Get(ctx, "lambda", "/2019-09-30/functions/"+url.PathEscape(function)+"/concurrency", &answer)
	if awsapi.Failed(err, "ResourceNotFoundException") {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the reserved concurrency of %s: %w", function, err)
	}
	return answer.ReservedConcurrentExecutions, nil
}
