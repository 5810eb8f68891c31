package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"orderflow/internal/platform/clock"
)

const lambdaAPI = "/2015-03-31/"

// configuration is what is needed of a function's configuration.
type configuration struct {
	Environment                              struct{ Variables map[string]string }
	LoggingConfig                            struct{ LogGroup string }
	LastUpdateStatus, LastUpdateStatusReason string
}

func (s *Stack) configuration(ctx context.Context, function string) (c configuration, err error) {
	err = s.Emulator.rest(ctx, "lambda", http.MethodGet, lambdaAPI+"functions/"+function+"/configuration", nil, &c)
	if err != nil {
		err = fmt.Errorf("read the configuration of %s: %w", function, err)
	}
	return c, err
}

// functions returns the deployed names of a CloudFormation stack's functions, by logical id.
func (s *Stack) functions(ctx context.Context, stack string) (map[string]string, error) {
	var answer struct {
		Resources []struct {
			ResourceType, LogicalResourceId, PhysicalResourceId string
		} `xml:"DescribeStackResourcesResult>StackResources>member"`
	}
	form := url.Values{"Action": {"DescribeStackResources"}, "Version": {"2010-05-15"}, "StackName": {stack}}
	if err := s.Emulator.api().Query(ctx, "cloudformation", form, &answer); err != nil {
		return nil, fmt.Errorf("list the resources of %s: %w", stack, err)
	}
	names := map[string]string{}
	for _, r := range answer.Resources {
		if r.ResourceType == "AWS::Lambda::Function" {
			names[r.LogicalResourceId] = r.PhysicalResourceId
		}
	}
	return names, nil
}

// Environment returns the deployed environment variables of every function of template.yaml, by
// logical id.
func (s *Stack) Environment(ctx context.Context) (map[string]map[string]string, error) {
	names, err := s.functions(ctx, cfnStacks[0].name)
	if err != nil {
		return nil, err
	}
	all := map[string]map[string]string{}
	for id, name := range names {
		c, err := s.configuration(ctx, name)
		if err != nil {
			return nil, err
		}
		all[id] = c.Environment.Variables
	}
	return all, nil
}

// Invoke calls a function of the stack, such as reserve-stock, as Step Functions does, and returns
// its result. If the function fails, the result has errorType and errorMessage, and err is nil.
func (s *Stack) Invoke(ctx context.Context, function string, payload any) (result json.RawMessage, err error) {
	err = s.Emulator.rest(ctx, "lambda", http.MethodPost, lambdaAPI+"functions/orderflow-"+function+"/invocations",
		payload, &result)
	return result, err
}

// RestartProcesses replaces the processes of functions, such as authorize-payment, by new ones with
// empty caches, as a deployment does. It returns when the old ones are replaced.
func (s *Stack) RestartProcesses(ctx context.Context, functions ...string) error {
	for _, function := range functions {
		if err := s.Configure(ctx, function, nil); err != nil {
			return err
		}
	}
	return nil
}

// Configure changes variables of a function's environment, and keeps the others. It replaces the
// function's processes, as RestartProcesses does.
func (s *Stack) Configure(ctx context.Context, function string, changes map[string]string) error {
	function = "orderflow-" + function
	c, err := s.configuration(ctx, function)
	if err != nil {
		return err
	}
	maps.Copy(c.Environment.Variables, changes)
	if err := s.Emulator.rest(ctx, "lambda", http.MethodPut, lambdaAPI+"functions/"+function+"/configuration",
		map[string]any{"Environment": c.Environment}, nil); err != nil {
		return fmt.Errorf("configure %s: %w", function, err)
	}
	// Until the new configuration is active, old processes may still get invocations.
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		switch c, err := s.configuration(ctx, function); {
		case err != nil:
			return err
		case c.LastUpdateStatus == "Failed":
			return fmt.Errorf("configure %s: %s", function, c.LastUpdateStatusReason)
		case c.LastUpdateStatus != "InProgress":
			return nil
		}
		if err := clock.Sleep(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("the configuration change of %s is still in progress: %w", function, err)
		}
	}
}

// Consume enables or disables the event source mappings of all queues and streams. Messages wait
// while they are disabled.
func (s *Stack) Consume(ctx context.Context, enabled bool) error {
	const path = lambdaAPI + "event-source-mappings"
	var list struct{ EventSourceMappings []struct{ UUID string } }
	if err := s.Emulator.rest(ctx, "lambda", http.MethodGet, path, nil, &list); err != nil {
		return err
	}
	if len(list.EventSourceMappings) == 0 {
		return errors.New("no function has an event source mapping")
	}
	for _, m := range list.EventSourceMappings {
		if err := s.Emulator.rest(ctx, "lambda", http.MethodPut, path+"/"+m.UUID, map[string]bool{"Enabled": enabled},
			nil); err != nil {
			return fmt.Errorf("event source mapping %s: %w", m.UUID, err)
		}
	}
	return nil
}
