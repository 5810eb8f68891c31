package iam

import (
	"cmp"
	"fmt"
	"strings"

	"orderflow/internal/gateway/rpcserver"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/tracing/awscalls"
	"orderflow/internal/platform/tracing/zipkin"
)

// prefixes maps names of services in spans to their IAM prefixes.
var prefixes = map[string]string{
	"DynamoDB": "dynamodb", "SNS": "sns", "SFN": "states", "SES": "ses", "Secrets Manager": "secretsmanager",
	"ssm": "ssm", "servicediscovery": "servicediscovery", "logs": "logs", "sqs": "sqs",
	"cognito-idp": "cognito-idp",
}

// Called returns the permissions that the calls in a run's spans needed, and those that were
// refused. An unknown service is an error, so no call is missed. The native RPC process is left
// out: its role does not belong to these stacks; docs/deploy.md has it.
func Called(spans []zipkin.Span) (all, refused []Need, err error) {
	for _, span := range spans {
		if span.Tags["rpc.system"] != "aws-api" || span.Local.ServiceName == rpcserver.Name {
			continue
		}
		needed, err := ofCall(span)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, needed...)
		if code := span.Tags["error.type"]; strings.HasPrefix(code, "AccessDenied") || code == "AuthorizationError" {
			refused = append(refused, needed...)
		}
	}
	return sorted(all), sorted(refused), nil
}

// ofCall lists the permissions that a call needs. Their names may differ from the call's.
func ofCall(span zipkin.Span) ([]Need, error) {
	service, ok := prefixes[span.Tags["rpc.service"]]
	if !ok {
		return nil, fmt.Errorf("unknown permissions of the call %q of %s: add its service to prefixes", span.Name,
			span.Local.ServiceName)
	}
	actions := []string{span.Tags["rpc.method"]}
	switch span.Name {
	case "DynamoDB.TransactWriteItems":
		if actions = strings.Split(span.Tags[string(awscalls.KeyWrites)], ","); actions[0] == "" {
			return nil, fmt.Errorf("the span of a transaction of %s does not list its writes", span.Local.ServiceName)
		}
	case "DynamoDB.TransactGetItems":
		actions = []string{"GetItem"}
	case "SNS.PublishBatch":
		actions = []string{"Publish"}
	}
	var all []Need
	for _, action := range actions {
		for _, resource := range resources(span.Tags) {
			all = append(all, Need{span.Local.ServiceName, service + ":" + action, resource, "call"})
		}
	}
	return all, nil
}

// named are the tags with the name of a resource, from which AWS makes its ARN.
var named = []struct{ tag, service, resource string }{
	{string(awscalls.KeyParameter), "ssm", "parameter%s"},
	{string(awscalls.KeyLogGroup), "logs", "log-group:%s:*"},
	{string(awscalls.KeySecret), "secretsmanager", "secret:%s-AbCdEf"}, // AWS adds six characters
}

// resources returns the ARNs of a call's resources, or an empty one if the span has none.
func resources(tags map[string]string) (all []string) {
	index := ""
	if name := tags[string(awscalls.KeyIndex)]; name != "" {
		index = "/index/" + name
	}
	if tables := tags[string(awscalls.KeyTables)]; tables != "" {
		for table := range strings.SplitSeq(tables, ",") {
			all = append(all, cfn.ARN("dynamodb", "table/"+table+index))
		}
		return all
	}
	for _, n := range named {
		if name := tags[n.tag]; name != "" && !strings.HasPrefix(name, "arn:") {
			return []string{cfn.ARN(n.service, fmt.Sprintf(n.resource, name))}
		}
	}
	return []string{cmp.Or(tags[string(awscalls.KeySecret)], tags[string(awscalls.KeyTopic)],
		tags[string(awscalls.KeyMachine)], tags[string(awscalls.KeyExecution)])}
}
