package iam

import (
	"fmt"
	"strings"

	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/cfn"
)

// Permissions that AWS needs to act with a role, from the documentation of each feature.
const (
	logging      = "logs:CreateLogStream logs:PutLogEvents"
	traced       = "xray:PutTraceSegments xray:PutTelemetryRecords"
	tracedSaga   = traced + " xray:GetSamplingRules xray:GetSamplingTargets"
	polledQueue  = "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes"
	polledStream = "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator"
	polledMSK    = "kafka:DescribeCluster kafka:DescribeClusterV2 kafka:GetBootstrapBrokers"
	polledMQ     = "mq:DescribeBroker"
	inNetwork    = "ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces " +
		"ec2:DescribeSubnets"
	polledInside = inNetwork + " ec2:DescribeSecurityGroups ec2:DescribeVpcs"
	sagaLogging  = "logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery " +
		"logs:ListLogDeliveries logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups"
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
		name := f["FunctionName"]
		group := fmt.Sprintf("log-group:%v:*", cfn.Dig(f, "LoggingConfig", "LogGroup"))
		all.add(name, logging, cfn.ARN("logs", group), "its log")
		if role := releases(f); role != "" {
			const moves = "lambda:GetAlias lambda:UpdateAlias"
			function := cfn.ARN("lambda", fmt.Sprint("function:", name))
			all.add(role, moves, function, "releases")
			all.add(role, moves+" lambda:GetProvisionedConcurrencyConfig",
				fmt.Sprint(function, ":", f["AutoPublishAlias"]), "releases")
			all.add(role, "cloudwatch:DescribeAlarms", cfn.ARN("cloudwatch", "alarm:*"), "releases")
		}
		if f["VpcConfig"] != nil {
			all.add(name, inNetwork, "*", "its network")
		}
		if key := s.Parameter("BrokerKey"); key != "" && readsBrokerSecret(f) {
			all.add(name, "kms:Decrypt", key, "its broker's secrets")
		}
		if s.Globals("Function")["Tracing"] == "Active" {
			all.add(name, traced, "*", "its tracing")
		}
	}
	for _, id := range s.OfType("AWS::Lambda::EventSourceMapping") {
		m := s.Properties(id)
		name, source := m["FunctionName"], m["EventSourceArn"]
		switch from := fmt.Sprint(source); {
		case strings.Contains(from, "/stream/"):
			all.add(name, polledStream, source, "its stream")
			all.add(name, "dynamodb:ListStreams", "*", "its stream") // cannot be scoped to resources
		case m["SourceAccessConfigurations"] != nil:
			all.broker(s, m)
		default:
			all.add(name, polledQueue, source, "its queue")
		}
		if to := cfn.Dig(m, "DestinationConfig", "OnFailure", "Destination"); to != nil {
			all.add(name, "sqs:SendMessage", to, "its failures")
		}
	}
	for _, id := range s.OfType("AWS::Scheduler::Schedule") {
		target := s.Properties(id)["Target"]
		role := roleIn(cfn.Dig(target, "RoleArn"))
		all.add(role, "lambda:InvokeFunction", cfn.Dig(target, "Arn"), id)
		if to := cfn.Dig(target, "DeadLetterConfig", "Arn"); to != nil {
			all.add(role, "sqs:SendMessage", to, "their failures")
		}
	}
	for _, id := range s.OfType("AWS::Serverless::Api") {
		if err := all.api(s, id, definition); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
	}
	for _, id := range s.OfType("AWS::Serverless::StateMachine") {
		if err := all.machine(s.Properties(id), definition); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
	}
	return sorted(all), nil
}

// broker adds what Lambda does with a function's role to poll a broker.
func (n *needs) broker(s *cfn.Stack, mapping map[string]any) {
	const by = "its broker"
	name, source := mapping["FunctionName"], mapping["EventSourceArn"]
	switch from := fmt.Sprint(source); {
	case strings.Contains(from, ":kafka:"):
		n.add(name, polledMSK, source, by)
	case strings.Contains(from, ":mq:"):
		n.add(name, polledMQ, source, by)
	}
	for _, access := range list(mapping["SourceAccessConfigurations"]) {
		if uri := fmt.Sprint(cfn.Dig(access, "URI")); strings.Contains(uri, ":secretsmanager:") {
			n.add(name, "secretsmanager:GetSecretValue", uri, by)
		}
	}
	if key := s.Parameter("BrokerKey"); key != "" {
		n.add(name, "kms:Decrypt", key, by)
	}
	if s.Parameter("BrokerSubnets") != "" {
		n.add(name, polledInside, "*", by)
	}
}

// readsBrokerSecret reports whether a function connects to a broker itself.
func readsBrokerSecret(function map[string]any) bool {
	variables, _ := cfn.Dig(function, "Environment", "Variables").(map[string]any)
	return variables["KAFKA_SECRET"] != nil || variables["RABBITMQ_SECRET"] != nil
}

// roleIn returns the name of the role in an ARN.
func roleIn(arn any) string {
	_, role, _ := strings.Cut(fmt.Sprint(arn), ":role/")
	return role
}

// releases returns the role with which CodeDeploy moves a function's alias; empty without
// CodeDeploy.
func releases(function map[string]any) string {
	if cfn.Dig(function, "DeploymentPreference", "Enabled") != true {
		return ""
	}
	return roleIn(cfn.Dig(function, "DeploymentPreference", "Role"))
}

type needs []Need

func (n *needs) add(owner any, actions string, resource any, by string) {
	for action := range strings.FieldsSeq(actions) {
		*n = append(*n, Need{fmt.Sprint(owner), action, fmt.Sprint(resource), by})
	}
}

func (n *needs) machine(m map[string]any, definition func(string) ([]byte, error)) error {
	name := m["Name"]
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
		resource, ok := substitutions[s.Target]
		if !ok && s.Target != "" {
			return fmt.Errorf("state %s calls %s, which has no substitution", state, s.Target)
		}
		by := "state " + state
		switch s.Resource {
		case asl.LambdaInvoke, asl.LambdaInvokeAndWait:
			n.add(name, "lambda:InvokeFunction", resource, by)
		case asl.StatesStart:
			n.add(name, "states:StartExecution", resource, by)
		case asl.StatesStartAndWait:
			// IAM knows a version by its machine. The child answers by task token.
			const answers = "states:SendTaskSuccess states:SendTaskFailure"
			_, child, _ := strings.Cut(fmt.Sprint(resource), ":stateMachine:")
			child, _, _ = strings.Cut(child, ":")
			n.add(name, "states:StartExecution", cfn.ARN("states", "stateMachine:"+child), by)
			n.add(child, answers, cfn.ARN("states", fmt.Sprint("stateMachine:", name)), by)
		}
	}
	return nil
}

// api reads the integrations from the API's document. An operation without a role is allowed by the
// function's own policy and left out.
func (n *needs) api(s *cfn.Stack, id string, definition func(path string) ([]byte, error)) error {
	location := cfn.Dig(s.Properties(id), "DefinitionBody", "Fn::Transform", "Parameters", "Location")
	body, err := definition(fmt.Sprint(location))
	if err != nil {
		return err
	}
	document, err := cfn.Parse(body)
	paths, _ := document["paths"].(map[string]any)
	for path, item := range paths {
		methods, _ := item.(map[string]any)
		for method, operation := range methods {
			invoked := s.Value(cfn.Dig(operation, "x-amazon-apigateway-integration"))
			if role := cfn.Dig(invoked, "credentials"); role != nil {
				_, function, _ := strings.Cut(fmt.Sprint(cfn.Dig(invoked, "uri")), "/functions/")
				function = strings.TrimSuffix(function, "/invocations")
				n.add(roleIn(role), "lambda:InvokeFunction", function, strings.ToUpper(method)+" "+path)
			}
		}
	}
	return err
}
