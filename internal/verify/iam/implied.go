package iam

import (
	"fmt"
	"strings"

	"orderflow/internal/verify/asl"
	"orderflow/internal/verify/cfn"
)

// Permissions that AWS needs to act with a role, from the documentation of each feature.
var (
	logging      = []string{"logs:CreateLogStream", "logs:PutLogEvents"}
	traced       = []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
	tracedSaga   = append([]string{"xray:GetSamplingRules", "xray:GetSamplingTargets"}, traced...)
	moved        = []string{"lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"}
	polledQueue  = []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
	polledStream = []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}
	sagaLogging  = []string{
		"logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
		"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
	}
)

// Implied lists what AWS does with a stack's roles. definition reads a file that the template
// names: a state machine's or an API's.
func Implied(s *cfn.Stack, definition func(path string) ([]byte, error)) ([]Need, error) {
	var all needs
	for _, id := range s.OfType("AWS::Serverless::Function") {
		f := s.Properties(id)
		if f["Role"] == nil {
			continue // SAM creates the role, with AWS's policies for logs and tracing
		}
		name := fmt.Sprint(f["FunctionName"])
		group := fmt.Sprint(cfn.Dig(f, "LoggingConfig", "LogGroup"))
		all.add(name, logging, "arn:aws:logs:"+cfn.Region+":"+cfn.Account+":log-group:"+group+":*", "its log")
		if role := releases(f); role != "" {
			arn := "arn:aws:lambda:" + cfn.Region + ":" + cfn.Account + ":function:" + name
			all.add(role, []string{"lambda:GetAlias", "lambda:UpdateAlias"}, arn, "releases")
			all.add(role, moved, arn+":"+fmt.Sprint(f["AutoPublishAlias"]), "releases")
			alarms := "arn:aws:cloudwatch:" + cfn.Region + ":" + cfn.Account + ":alarm:*"
			all.add(role, []string{"cloudwatch:DescribeAlarms"}, alarms, "releases")
		}
		if s.Globals("Function")["Tracing"] == "Active" {
			all.add(name, traced, "*", "its tracing")
		}
	}
	for _, id := range s.OfType("AWS::Lambda::EventSourceMapping") {
		m := s.Properties(id)
		name, source := fmt.Sprint(m["FunctionName"]), fmt.Sprint(m["EventSourceArn"])
		if strings.Contains(source, "/stream/") {
			all.add(name, polledStream, source, "its stream")
			all.add(name, []string{"dynamodb:ListStreams"}, "*", "its stream") // cannot be scoped to resources
		} else {
			all.add(name, polledQueue, source, "its queue")
		}
		if to := cfn.Dig(m, "DestinationConfig", "OnFailure", "Destination"); to != nil {
			all.add(name, []string{"sqs:SendMessage"}, fmt.Sprint(to), "its failures")
		}
	}
	for _, id := range s.OfType("AWS::Scheduler::Schedule") {
		target, _ := s.Properties(id)["Target"].(map[string]any)
		_, role, _ := strings.Cut(fmt.Sprint(target["RoleArn"]), ":role/")
		all.add(role, []string{"lambda:InvokeFunction"}, fmt.Sprint(target["Arn"]), id)
		if to := cfn.Dig(target, "DeadLetterConfig", "Arn"); to != nil {
			all.add(role, []string{"sqs:SendMessage"}, fmt.Sprint(to), "their failures")
		}
	}
	for _, id := range s.OfType("AWS::Serverless::Api") {
		invoked, err := integrations(s, id, definition)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		for _, i := range invoked {
			all.add(i.role, []string{"lambda:InvokeFunction"}, i.function, i.operation)
		}
	}
	for _, id := range s.OfType("AWS::Serverless::StateMachine") {
		if err := all.machine(s.Properties(id), definition); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
	}
	return sorted(all), nil
}

// releases returns the role with which CodeDeploy moves a function's alias; empty without
// CodeDeploy.
func releases(function map[string]any) string {
	if cfn.Dig(function, "DeploymentPreference", "Enabled") != true {
		return ""
	}
	_, role, _ := strings.Cut(fmt.Sprint(cfn.Dig(function, "DeploymentPreference", "Role")), ":role/")
	return role
}

type needs []Need

func (n *needs) add(owner string, actions []string, resource, by string) {
	for _, action := range actions {
		*n = append(*n, Need{owner, action, resource, by})
	}
}

func (n *needs) machine(m map[string]any, definition func(string) ([]byte, error)) error {
	name := fmt.Sprint(m["Name"])
	if cfn.Dig(m, "Tracing", "Enabled") == true {
		n.add(name, tracedSaga, "*", "its tracing")
	}
	if m["Logging"] != nil {
		n.add(name, sagaLogging, "*", "its log")
	}
	body, err := definition(fmt.Sprint(m["DefinitionUri"]))
	if err != nil {
		return err
	}
	parsed, err := asl.Parse(asl.Substitute(body, func(name string) string { return name }))
	if err != nil {
		return err
	}
	substitutions, _ := m["DefinitionSubstitutions"].(map[string]any)
	for state, s := range parsed.States {
		if s.Type != asl.Task {
			continue
		}
		action := "lambda:InvokeFunction"
		if s.Resource == asl.StatesStart {
			action = "states:StartExecution"
		}
		resource, ok := substitutions[s.Target]
		if !ok {
			return fmt.Errorf("state %s calls %s, which has no substitution", state, s.Target)
		}
		n.add(name, []string{action}, fmt.Sprint(resource), "state "+state)
	}
	return nil
}

// integration is a function that an API invokes by a role.
type integration struct {
	operation string // GET /v1/orders
	role      string // logical id
	function  string // ARN
}

// integrations reads the integrations from the API's document. An operation without a role is
// allowed by the function's own policy and left out.
func integrations(s *cfn.Stack, id string, definition func(path string) ([]byte, error)) ([]integration, error) {
	location := cfn.Dig(s.Properties(id), "DefinitionBody", "Fn::Transform", "Parameters", "Location")
	body, err := definition(fmt.Sprint(location))
	if err != nil {
		return nil, err
	}
	document, err := cfn.Parse(body)
	if err != nil {
		return nil, err
	}
	paths, _ := document["paths"].(map[string]any)
	var all []integration
	for path, item := range paths {
		methods, _ := item.(map[string]any)
		for method, definition := range methods {
			invoked, _ := s.Value(cfn.Dig(definition, "x-amazon-apigateway-integration")).(map[string]any)
			if invoked["credentials"] == nil {
				continue
			}
			_, role, _ := strings.Cut(fmt.Sprint(invoked["credentials"]), ":role/")
			_, function, _ := strings.Cut(fmt.Sprint(invoked["uri"]), "/functions/")
			operation := strings.ToUpper(method) + " " + path
			all = append(all, integration{operation, role, strings.TrimSuffix(function, "/invocations")})
		}
	}
	return all, nil
}
