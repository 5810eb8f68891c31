package cfn

import "fmt"

// kind says how AWS names resources of a type.
type kind struct {
	name string // the property with the name
	arn  string // with %s for the name
	ref  string // value of Ref, with %s for the name; if empty, the name
}

// ARN returns the ARN of a resource of the stack's account.
func ARN(service, resource string) string {
	return "arn:aws:" + service + ":" + Region + ":" + Account + ":" + resource
}

const queueURL = "https://sqs." + Region + ".amazonaws.com/" + Account + "/%s"

var (
	policyARN  = "arn:aws:iam::" + Account + ":policy/%s"
	machineARN = ARN("states", "stateMachine:%s")
	secretARN  = ARN("secretsmanager", "secret:%s-AbCdEf")
)

var kinds = map[string]kind{
	"AWS::DynamoDB::Table":            {name: "TableName", arn: ARN("dynamodb", "table/%s")},
	"AWS::SNS::Topic":                 {name: "TopicName", arn: ARN("sns", "%s"), ref: ARN("sns", "%s")},
	"AWS::SQS::Queue":                 {name: "QueueName", arn: ARN("sqs", "%s"), ref: queueURL},
	"AWS::Serverless::Function":       {name: "FunctionName", arn: ARN("lambda", "function:%s")},
	"AWS::Serverless::StateMachine":   {name: "Name", arn: machineARN, ref: machineARN},
	"AWS::Logs::LogGroup":             {name: "LogGroupName", arn: ARN("logs", "log-group:%s:*")},
	"AWS::SecretsManager::Secret":     {name: "Name", arn: secretARN, ref: secretARN},
	"AWS::IAM::Role":                  {arn: "arn:aws:iam::" + Account + ":role/%s"},
	"AWS::IAM::ManagedPolicy":         {arn: policyARN, ref: policyARN},
	"AWS::Lambda::EventSourceMapping": {},
}

// physical returns the value of a reference to a resource or one of its attributes. In a name that
// AWS generates, * stands for the unknown part. A resource of unknown type keeps its logical id.
func (s *Stack) physical(id, attribute string) string {
	if s.Type(id) == "AWS::StepFunctions::StateMachineVersion" {
		return fmt.Sprint(s.Value(Dig(s.template, "Resources", id, "Properties", "StateMachineArn")), ":1")
	}
	k, known := kinds[s.Type(id)]
	name := id
	if k.name != "" {
		name = s.Name + "-" + id + "-*"
	}
	if given := s.Value(Dig(s.template, "Resources", id, "Properties", k.name)); given != nil {
		name = fmt.Sprint(given)
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
	case attribute == "Alias": // SAM's attribute for the alias that it creates
		return fmt.Sprintf(k.arn+":%v", name, Dig(s.template, "Resources", id, "Properties", "AutoPublishAlias"))
	case attribute == "Version": // likewise
		return fmt.Sprintf(k.arn, name) + ":1"
	case attribute == "StreamArn":
		return fmt.Sprintf(k.arn, name) + "/stream/2026-01-01T00:00:00.000"
	}
	return id + "." + attribute
}
