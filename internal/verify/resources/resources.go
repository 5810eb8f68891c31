// Package resources reads the resources of a local account's stacks. Tests use it to check what
// deploying and deleting a stack changes and leaves behind.
package resources

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"orderflow/internal/ops/awsapi"
)

// Resource is a resource of a CloudFormation stack.
type Resource struct {
	Type   string `xml:"ResourceType"`
	ID     string `xml:"PhysicalResourceId"`
	Status string `xml:"ResourceStatus"`
	At     string `xml:"Timestamp"`
}

// Of returns the resources of a stack by their logical ids.
func Of(ctx context.Context, aws awsapi.Client, stack string) (map[string]Resource, error) {
	var answer struct {
		Resources []struct {
			LogicalResourceId string
			Resource
		} `xml:"DescribeStackResourcesResult>StackResources>member"`
	}
	err := cloudFormation(ctx, aws, "DescribeStackResources", stack, &answer)
	all := map[string]Resource{}
	for _, r := range answer.Resources {
		all[r.LogicalResourceId] = r.Resource
	}
	return all, err
}

// Core returns everything that CloudFormation and Lambda report about the core's and the sandbox's
// stacks, by subject.
func Core(ctx context.Context, aws awsapi.Client) (map[string]string, error) {
	facts := map[string]string{}
	for _, stack := range []string{"orderflow", "orderflow-sandbox"} {
		var template struct {
			Body string `xml:"GetTemplateResult>TemplateBody"`
		}
		if err := cloudFormation(ctx, aws, "GetTemplate", stack, &template); err != nil {
			return nil, err
		}
		facts["template of "+stack] = template.Body
		all, err := Of(ctx, aws, stack)
		if err != nil {
			return nil, err
		}
		for id, r := range all {
			facts[stack+"/"+id] = fmt.Sprint(r)
			if r.Type != "AWS::Lambda::Function" {
				continue
			}
			var f struct{ LastModified, RevisionId, CodeSha256 string }
			if err := aws.Get(ctx, "lambda", "/2015-03-31/functions/"+r.ID+"/configuration", &f); err != nil {
				return nil, err
			}
			facts["function "+r.ID] = fmt.Sprint(f)
		}
	}
	if len(facts) < 300 {
		return nil, fmt.Errorf("only %d facts of the core", len(facts))
	}
	return facts, nil
}

// Changes lists the facts that differ.
func Changes(before, now map[string]string) (all []string) {
	for what, is := range now {
		if was := before[what]; was != is {
			all = append(all, fmt.Sprintf("%s, from %q to %q", what, was, is))
		}
	}
	for what := range before {
		if _, still := now[what]; !still {
			all = append(all, what+" is gone")
		}
	}
	return all
}

func cloudFormation(ctx context.Context, aws awsapi.Client, action, stack string, out any) error {
	form := url.Values{"Action": {action}, "Version": {"2010-05-15"}, "StackName": {stack}}
	return aws.Query(ctx, "cloudformation", form, out)
}

// An Inventory has all resources that the services of an account list.
type Inventory string

// Take lists the resources of every service that optional stacks use.
func Take(ctx context.Context, aws awsapi.Client) (Inventory, error) {
	var all strings.Builder
	var failed error
	add := func(service, method, path string, header http.Header, body string) {
		answer, err := aws.Send(ctx, method, path, service, header, []byte(body))
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", service, err))
		}
		all.Write(answer)
	}
	for path, service := range map[string]string{"/2015-03-31/functions/?MaxItems=1000": "lambda",
		"/2015-03-31/event-source-mappings/?MaxItems=1000": "lambda", "/restapis?limit=500": "apigateway"} {
		add(service, http.MethodGet, path, http.Header{}, "")
	}
	for service, target := range map[string]string{"sqs": "AmazonSQS.ListQueues",
		"dynamodb": "DynamoDB_20120810.ListTables", "logs": "Logs_20140328.DescribeLogGroups",
		"states": "AWSStepFunctions.ListStateMachines"} {
		add(service, http.MethodPost, "/", http.Header{"Content-Type": {"application/x-amz-json-1.1"},
			"X-Amz-Target": {target}}, "{}")
	}
	for service, form := range map[string]string{"sns": "Action=ListSubscriptions&Version=2010-03-31",
		"iam":        "Action=ListRoles&Version=2010-05-08&MaxItems=1000",
		"monitoring": "Action=DescribeAlarms&Version=2010-08-01&MaxRecords=100"} {
		add(service, http.MethodPost, "/", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form)
	}
	return Inventory(all.String()), failed
}

// Has returns the listed ones among the resources. Several APIs may have a stage of the same name.
func (i Inventory) Has(resources map[string]Resource) (listed []string) {
	for id, r := range resources {
		if r.Type != "AWS::ApiGateway::Stage" && strings.Contains(string(i), r.ID) {
			listed = append(listed, fmt.Sprintf("%s %s (%s)", r.Type, id, r.ID))
		}
	}
	return listed
}
