package deploy

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"orderflow/internal/ops/awsapi"
)

// Account is what a deployment asks of the AWS account that it goes to.
type Account struct{ API awsapi.Client }

// Stack is a CloudFormation stack as it stands. One that was never made has no status.
type Stack struct {
	Status     string
	Parameters map[string]string
}

// There tells whether the stack was made with success, at whatever release it is now.
func (s Stack) There() bool {
	switch s.Status {
	case "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
		return true
	}
	return false
}

// New tells whether there is nothing yet but, at most, a change set that nobody has executed.
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
		return Stack{}, fmt.Errorf("look at the stack %s: %w", name, err)
	}
	if len(answer.Stacks) != 1 {
		return Stack{}, fmt.Errorf("look at the stack %s: there are %d", name, len(answer.Stacks))
	}
	s := Stack{Status: answer.Stacks[0].StackStatus, Parameters: map[string]string{}}
	for _, p := range answer.Stacks[0].Parameters {
		s.Parameters[p.ParameterKey] = p.ParameterValue
	}
	return s, nil
}

// Protect has no update of the stack replace or delete what policy protects, and nobody delete the
// stack.
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

// Unreserved is how many concurrent executions of the account no function has reserved.
func (a Account) Unreserved(ctx context.Context) (int, error) {
	var answer struct {
		AccountLimit struct{ UnreservedConcurrentExecutions *int }
	}
	if err := a.API.Get(ctx, "lambda", "/2016-08-19/account-settings", &answer); err != nil {
		return 0, fmt.Errorf("ask for the account's quota of Lambda: %w", err)
	}
	if answer.AccountLimit.UnreservedConcurrentExecutions == nil {
		return 0, fmt.Errorf("ask for the account's quota of Lambda: the answer has none")
	}
	return *answer.AccountLimit.UnreservedConcurrentExecutions, nil
}

// Reserved is how many concurrent executions a function has reserved; none if there is no such
// function.
func (a Account) Reserved(ctx context.Context, function string) (int, error) {
	var answer struct{ ReservedConcurrentExecutions int }
	err := a.API.Get(ctx, "lambda", "/2019-09-30/functions/"+url.PathEscape(function)+"/concurrency", &answer)
	if awsapi.Failed(err, "ResourceNotFoundException") {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("ask what %s has reserved: %w", function, err)
	}
	return answer.ReservedConcurrentExecutions, nil
}
