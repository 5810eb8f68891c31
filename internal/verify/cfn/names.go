package cfn

import "fmt"

// kind says how resources of a type are called on AWS.
type kind struct {
	name string // the property that has the name
	arn  string // with %s for the name
	ref  string // with %s for the name; empty: the name
}

func arnOf(service, resource string) string {
	return "arn:aws:" + service + ":" + Region + ":" + Account + ":" + resource
}

var kinds = map[string]kind{
	"AWS::DynamoDB::Table":            {name: "TableName", arn: arnOf("dynamodb", "table/%s")},
	"AWS::SNS::Topic":                 {name: "TopicName", arn: arnOf("sns", "%s"), ref: arnOf("sns", "%s")},
	"AWS::SQS::Queue":                 {name: "QueueName", arn: arnOf("sqs", "%s"), ref: "https://sqs." + Region + ".amazonaws.com/" + Account + "/%s"},
	"AWS::Serverless::Function":       {name: "FunctionName", arn: arnOf("lambda", "function:%s")},
	"AWS::Serverless::StateMachine":   {name: "Name", arn: arnOf("states", "stateMachine:%s"), ref: arnOf("states", "stateMachine:%s")},
	"AWS::Logs::LogGroup":             {name: "LogGroupName", arn: arnOf("logs", "log-group:%s:*")},
	"AWS::SecretsManager::Secret":     {name: "Name", arn: arnOf("secretsmanager", "secret:%s-AbCdEf"), ref: arnOf("secretsmanager", "secret:%s-AbCdEf")},
	"AWS::IAM::Role":                  {arn: "arn:aws:iam::" + Account + ":role/%s"},
	"AWS::IAM::ManagedPolicy":         {arn: "arn:aws:iam::" + Account + ":policy/%s", ref: "arn:aws:iam::" + Account + ":policy/%s"},
	"AWS::Lambda::EventSourceMapping": {},
}

// physical is what a reference to a resource, or to an attribute of it, comes to. In a name that AWS makes, * stands for what
// is not known of it. A resource of a kind that is not known keeps its logical id.
func (s *Stack) physical(id, attribute string) string {
	k, known := kinds[s.Type(id)]
	name := id
	if k.name != "" {
		if given := s.Value(Dig(s.template, "Resources", id, "Properties", k.name)); given != nil {
			name = fmt.Sprint(given)
		} else {
			name = s.Name + "-" + id + "-*"
		}
	}
	switch {
	case !known && attribute == "":
		return id
	case attribute == "" && k.ref != "":
		return fmt.Sprintf(k.ref, name)
	case attribute == "", attribute == k.name:
		return name
	case attribute == "Arn" && k.arn != "":
		return fmt.Sprintf(k.arn, name)
	case attribute == "Alias": // SAM's name for the alias that it makes
		return fmt.Sprintf(k.arn, name) + ":" + fmt.Sprint(Dig(s.template, "Resources", id, "Properties", "AutoPublishAlias"))
	case attribute == "Version": // the same for the version
		return fmt.Sprintf(k.arn, name) + ":1"
	case attribute == "StreamArn":
		return fmt.Sprintf(k.arn, name) + "/stream/2026-01-01T00:00:00.000"
	}
	return id + "." + attribute
}
