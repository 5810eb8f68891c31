package iam

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/gateway/rpcserver"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/tracing/zipkin"
)

// template has a function that a queue, a schedule, a state machine and an API invoke.
const template = `
Parameters:
  EmulatorEndpoint: {Type: String, Default: ""}
Conditions:
  OnAWS: !Equals [!Ref EmulatorEndpoint, ""]
Globals: {Function: {Tracing: Active}}
Resources:
  Tracing:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Statement: [{Effect: Allow, Action: [xray:PutTraceSegments, xray:PutTelemetryRecords], Resource: "*"}]
  Teas: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub "${AWS::StackName}-teas"}}
  Bell: {Type: AWS::SNS::Topic, Properties: {TopicName: !Sub "${AWS::StackName}-bell"}}
  Orders: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "${AWS::StackName}-wanted"}}
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: brews}}
  BrewTea:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "${AWS::StackName}-brew-tea"
      Role: !GetAtt BrewTeaRole.Arn
      LoggingConfig: {LogGroup: !Ref Logs}
  BrewTeaRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
      ManagedPolicyArns: [!Ref Tracing]
      Policies:
        - PolicyDocument:
            Statement:
              - {Effect: Allow, Action: [logs:CreateLogStream, logs:PutLogEvents], Resource: !GetAtt Logs.Arn}
              - {Effect: Allow, Action: [dynamodb:GetItem, dynamodb:PutItem], Resource: !GetAtt Teas.Arn}
              - {Effect: Allow, Action: dynamodb:Query, Resource: !Sub "${Teas.Arn}/index/byTaste"}
              - {Effect: Allow, Action: !If [OnAWS, sns:Publish, sns:PublishBatch], Resource: !Ref Bell}
              - {Effect: Allow, Action: [sqs:ReceiveMessage, sqs:DeleteMessage, sqs:GetQueueAttributes],
                 Resource: !GetAtt Orders.Arn}
              - {Effect: Allow, Action: secretsmanager:GetSecretValue,
                 Resource: !Sub "arn:aws:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:/recipe-*"}
              - !If [OnAWS, {Effect: Allow, Action: ssm:GetParameter,
                 Resource: [!Sub "arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/kettle"]}, !Ref AWS::NoValue]
  Wanted:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref BrewTea, EventSourceArn: !GetAtt Orders.Arn}
  Party:
    Type: AWS::Serverless::StateMachine
    Properties:
      Name: !Sub "${AWS::StackName}-party"
      Role: !GetAtt PartyRole.Arn
      DefinitionUri: party.json
      DefinitionSubstitutions: {Brew: !GetAtt BrewTea.Arn}
  PartyRole:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyDocument:
            Statement: [{Effect: Allow, Action: lambda:InvokeFunction, Resource: !GetAtt BrewTea.Arn}]
  Daily: {Type: AWS::Scheduler::Schedule, Properties:
      {Target: {Arn: !GetAtt BrewTea.Arn, RoleArn: !GetAtt AlarmClockRole.Arn}}}
  AlarmClockRole:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyDocument:
            Statement: [{Effect: Allow, Action: lambda:InvokeFunction, Resource: !GetAtt BrewTea.Arn}]
  Counter: {Type: AWS::Serverless::Api, Properties:
      {DefinitionBody: {"Fn::Transform": {Name: AWS::Include, Parameters: {Location: counter.yaml}}}}}
  WaiterRole:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyDocument:
            Statement: [{Action: lambda:InvokeFunction, Effect: Allow, Resource: !GetAtt BrewTea.Arn}]
`

const party = `{"QueryLanguage": "JSONata", "StartAt": "Brew", "TimeoutSeconds": 60, "States": {
	"Brew": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": 9, "Next": "Done",
		"Arguments": {"FunctionName": "${Brew}", "Payload": "{% $states.input %}"},
		"Output": "{% $states.result.Payload %}"},
	"Done": {"Type": "Succeed"}}}`

const counter = `
paths:
  /teas:
    post:
      x-amazon-apigateway-integration:
        credentials: {"Fn::GetAtt": [WaiterRole, Arn]}
        uri:
          "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${BrewTea.Arn}/invocations"
    get: {x-amazon-apigateway-integration: {uri: a function that lets everyone in}}
`

// files reads the files that the template names.
func files(path string) ([]byte, error) {
	text, ok := map[string]string{"party.json": party, "counter.yaml": counter}[path]
	if !ok {
		return nil, os.ErrNotExist
	}
	return []byte(text), nil
}

// call returns a span of brew-tea.
func call(service, method string, tags ...string) zipkin.Span {
	s := zipkin.Span{Name: service + "." + method, Local: zipkin.Endpoint{ServiceName: "orderflow-brew-tea"},
		Tags: map[string]string{"rpc.system": "aws-api", "rpc.service": service, "rpc.method": method}}
	for i := 0; i < len(tags); i += 2 {
		s.Tags[tags[i]] = tags[i+1]
	}
	return s
}

const tables, index, writes = "aws.dynamodb.table_names", "aws.dynamodb.index_name", "aws.dynamodb.writes"

// day is a run in which brew-tea uses all its grants.
func day() []zipkin.Span {
	return []zipkin.Span{
		call("DynamoDB", "GetItem", tables, "orderflow-teas"),
		call("DynamoDB", "TransactWriteItems", tables, "orderflow-teas", writes, "PutItem"),
		call("DynamoDB", "Query", tables, "orderflow-teas", index, "byTaste"),
		call("SNS", "PublishBatch", "aws.sns.topic.arn", "arn:aws:sns:us-east-1:000000000000:orderflow-bell"),
		call("Secrets Manager", "GetSecretValue", "aws.secretsmanager.secret", "/recipe"),
		call("ssm", "GetParameter", "aws.ssm.parameter.name", "/kettle"),
		{Name: "brew", Local: zipkin.Endpoint{ServiceName: "orderflow-brew-tea"}},
	}
}

// report compares the edited template with a run.
func report(t *testing.T, spans []zipkin.Span, exceptions string, edit ...string) *Report {
	t.Helper()
	text := strings.NewReplacer(edit...).Replace(template)
	if len(edit) > 0 && text == template {
		t.Fatal("nothing to edit")
	}
	parsed, err := cfn.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := cfn.New(parsed, "orderflow", nil)
	if err != nil {
		t.Fatal(err)
	}
	implied, err := Implied(s, files)
	if err != nil {
		t.Fatal(err)
	}
	granted, err := Granted(s, implied)
	if err != nil {
		t.Fatal(err)
	}
	called, refused, err := Called(spans)
	if err != nil {
		t.Fatal(err)
	}
	why, err := parseExceptions("exceptions.txt", exceptions)
	if err != nil {
		t.Fatal(err)
	}
	return Compare(granted, append(implied, called...), refused, why)
}

func TestNoProblemsIfGrantsAndUseMatch(t *testing.T) {
	r := report(t, day(), "")
	if len(r.Problems) > 0 || len(r.Rows) != 16 || r.Missing+r.Unused != 0 {
		t.Errorf("%d rows, %q", len(r.Rows), r.Problems)
	}
}

func TestMissingGrantsAreReported(t *testing.T) {
	for name, tc := range map[string]struct {
		spans []zipkin.Span
		edit  []string
		want  string
	}{
		"an action": {spans: []zipkin.Span{call("DynamoDB", "DeleteItem", tables, "orderflow-teas")},
			want: "brew-tea may not dynamodb:DeleteItem"},
		"a write in a transaction": {spans: []zipkin.Span{call("DynamoDB", "TransactWriteItems", tables,
			"orderflow-teas", writes, "PutItem,UpdateItem")}, want: "brew-tea may not dynamodb:UpdateItem"},
		"another table": {spans: []zipkin.Span{call("DynamoDB", "GetItem", tables, "orderflow-cups")},
			want: `brew-tea may not dynamodb:GetItem on "table/orderflow-cups"`},
		"a name that begins alike": {spans: []zipkin.Span{call("DynamoDB", "GetItem", tables, "orderflow-teas-old")},
			want: "brew-tea may not dynamodb:GetItem"},
		"the table, not its index": {spans: []zipkin.Span{call("DynamoDB", "Query", tables, "orderflow-teas")},
			want: `brew-tea may not dynamodb:Query on "table/orderflow-teas"`},
		"another secret": {spans: []zipkin.Span{call("Secrets Manager", "GetSecretValue",
			"aws.secretsmanager.secret", "/till")}, want: "brew-tea may not secretsmanager:GetSecretValue"},
		"a call that was denied": {spans: []zipkin.Span{call("DynamoDB", "GetItem", tables, "orderflow-teas",
			"error.type", "AccessDeniedException")},
			want: `brew-tea was denied dynamodb:GetItem on "table/orderflow-teas"`},
		"what polls its queue": {edit: []string{"sqs:ReceiveMessage, ", ""},
			want: `brew-tea may not sqs:ReceiveMessage on "orderflow-wanted", which it needs (its queue)`},
		"what writes its log": {edit: []string{"logs:CreateLogStream, ", ""},
			want: "brew-tea may not logs:CreateLogStream"},
		"what traces it": {edit: []string{"xray:PutTraceSegments, ", ""},
			want: "brew-tea may not xray:PutTraceSegments"},
		"what a state invokes": {edit: []string{"{Brew: !GetAtt BrewTea.Arn}", "{Brew: serve-cake}"},
			want: `party may not lambda:InvokeFunction on "serve-cake", which it needs (state Brew)`},
		"what a schedule invokes": {edit: []string{"Target: {Arn: !GetAtt BrewTea.Arn", "Target: {Arn: serve-cake"},
			want: "AlarmClockRole may not lambda:InvokeFunction"},
		"what an API invokes": {edit: []string{"Action: lambda:InvokeFunction, Effect: Allow",
			"Action: lambda:InvokeFunction, Effect: Deny"},
			want: `WaiterRole may not lambda:InvokeFunction on "function:orderflow-brew-tea", ` +
				`which it needs (POST /teas)`},
	} {
		t.Run(name, func(t *testing.T) {
			r := report(t, append(day(), tc.spans...), "", tc.edit...)
			if r.Missing != 1 ||
				!slices.ContainsFunc(r.Problems, func(p string) bool { return strings.HasPrefix(p, tc.want) }) {
				t.Errorf("%d missing, %q; want %q", r.Missing, r.Problems, tc.want)
			}
		})
	}
}

func TestUnusedGrantsAreReported(t *testing.T) {
	r := report(t, day()[1:], "")
	want := "brew-tea may dynamodb:GetItem on table/orderflow-teas, which nothing uses: " +
		"remove it, test it, or give a reason in exceptions.txt"
	if !slices.Equal(r.Problems, []string{want}) || r.Unused != 1 {
		t.Errorf("%d unused, %q", r.Unused, r.Problems)
	}
	r = report(t, day(), "", "dynamodb:GetItem, dynamodb:PutItem",
		"dynamodb:GetItem, dynamodb:PutItem, dynamodb:DeleteItem")
	if r.Unused != 1 || !strings.HasPrefix(fmt.Sprint(r.Problems), "[brew-tea may dynamodb:DeleteItem") {
		t.Errorf("%d unused, %q", r.Unused, r.Problems)
	}
}

func TestExceptionExcusesOnlyWhatItNames(t *testing.T) {
	without := day()[1:]
	with := append(day(),
		call("DynamoDB", "DeleteItem", tables, "orderflow-teas", "error.type", "AccessDeniedException"))
	const (
		reason  = " brew-tea dynamodb:GetItem table/*-teas # at night"
		refusal = "denied brew-tea dynamodb:DeleteItem table/*-teas # it tries"
		nothing = "[exceptions.txt, line 1: matches nothing, or repeats a line above]"
	)
	for name, tc := range map[string]struct {
		spans      []zipkin.Span
		exceptions string
		want       string
	}{
		"unused": {without, "unused" + reason, "[]"},
		"used after all": {day(), "unused" + reason,
			"[exceptions.txt, line 1: brew-tea uses dynamodb:GetItem on table/orderflow-teas (call)]"},
		"used sometimes":     {day(), "sometimes" + reason, "[]"},
		"not used this time": {without, "sometimes" + reason, "[]"},
		"not granted":        {day(), "unused brew-tea dynamodb:DeleteItem * # at night", nothing},
		"said twice": {without, "unused" + reason + "\nunused" + reason,
			"[exceptions.txt, line 2: matches nothing, or repeats a line above]"},
		"of another function": {day(), "unused serve-cake dynamodb:GetItem * # at night", nothing},
		"denied":              {with, refusal, "[]"},
		"denied of another": {with, strings.Replace(refusal, "-teas", "-cups", 1),
			`[brew-tea was denied dynamodb:DeleteItem on "table/orderflow-teas" ` + nothing[1:]},
		"not denied": {day(), refusal, nothing},
		"missing, never denied": {append(day(), call("DynamoDB", "DeleteItem", tables, "orderflow-teas")), refusal,
			`[brew-tea may not dynamodb:DeleteItem on "table/orderflow-teas", which it needs (call) ` + nothing[1:]},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fmt.Sprint(report(t, tc.spans, tc.exceptions).Problems); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestExceptionNeedsAnActionAndAReason(t *testing.T) {
	for _, line := range []string{
		"unused brew-tea dynamodb:GetItem *", "unused brew-tea dynamodb:* * # all",
		"unused brew-tea dynamodb:GetItem # everywhere", "often a b c # d",
	} {
		if _, err := parseExceptions("exceptions.txt", line); err == nil {
			t.Errorf("%q is accepted", line)
		}
	}
}

func TestWildcardsAreReported(t *testing.T) {
	const actions = "Action: [dynamodb:GetItem, dynamodb:PutItem], "
	r := report(t, day(), "", actions+"Resource: !GetAtt Teas.Arn", actions+`Resource: "*"`)
	if len(r.Problems) != 2 || r.Problems[0] != "brew-tea may dynamodb:GetItem on everything: name the resources" {
		t.Errorf("%q", r.Problems)
	}
	r = report(t, day(), "", "Action: dynamodb:Query", "Action: [dynamodb:Query, 'dynamodb:D*']")
	if !slices.Contains(r.Problems, "brew-tea may dynamodb:D*: name the actions") {
		t.Errorf("%q", r.Problems)
	}
}

func TestCallsOfTheNativeProcessAreNotAFunctions(t *testing.T) {
	span := call("SQS of tomorrow", "SendMessage")
	span.Local.ServiceName = rpcserver.Name
	if all, refused, err := Called([]zipkin.Span{span}); err != nil || len(all)+len(refused) > 0 {
		t.Errorf("%v, %v, %v", all, refused, err)
	}
}

// Nothing unknown is ignored.
func TestUnknownCallsRolesAndStatesAreErrors(t *testing.T) {
	for _, span := range []zipkin.Span{call("Kinesis", "PutRecord"),
		call("DynamoDB", "TransactWriteItems", tables, "orderflow-teas")} {
		if _, _, err := Called([]zipkin.Span{span}); err == nil {
			t.Errorf("%s is accepted", span.Name)
		}
	}
	load := func(text string) *cfn.Stack {
		parsed, err := cfn.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		s, err := cfn.New(parsed, "orderflow", nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if _, err := Granted(load("Resources: {Spare: {Type: AWS::IAM::Role}}"), nil); err == nil {
		t.Error("an unused role is accepted")
	}
	unknownCall := strings.Replace(party, "lambda:invoke", "sqs:sendMessage", 1)
	for _, definition := range []string{unknownCall, strings.Replace(party, "${Brew}", "${Cake}", 1), "{"} {
		broken := func(path string) ([]byte, error) {
			if path == "party.json" {
				return []byte(definition), nil
			}
			return files(path)
		}
		if _, err := Implied(load(template), broken); err == nil {
			t.Errorf("%s is accepted", definition)
		}
	}
	for _, missing := range []string{"party.json", "counter.yaml"} {
		if _, err := Implied(load(strings.Replace(template, missing, "gone", 1)), files); err == nil {
			t.Errorf("no error although %s is missing", missing)
		}
	}
}

// Without a run, this checks what AWS does itself and that exceptions.txt is well-formed.
func TestTemplatesGrantWhatAWSDoes(t *testing.T) {
	r, err := Check("../../..", strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		if !strings.Contains(p, "which nothing uses") && !strings.HasPrefix(p, "exceptions") {
			t.Error(p)
		}
	}
	if r.Missing > 0 || len(r.Rows) < 300 {
		t.Errorf("%s", r.Sum())
	}
}

// Only production has versions and a role that releases them.
func TestProductionGrantsWhatAWSDoes(t *testing.T) {
	s, err := cfn.Load("../../../template.yaml", "orderflow", map[string]string{"Stage": "prod"})
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) ([]byte, error) { return os.ReadFile("../../../" + path) }
	needed, err := Implied(s, read)
	if err != nil {
		t.Fatal(err)
	}
	granted, err := Granted(s, needed)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]int{}
	for _, n := range needed {
		if !slices.ContainsFunc(granted, func(g Grant) bool { return g.covers(n) }) {
			t.Errorf("%s may not %s on %q, which it needs (%s)", n.Owner, n.Action, n.Resource, n.By)
		}
		used[n.Owner]++
	}
	for _, g := range granted {
		for _, problem := range g.wide() {
			t.Error(problem)
		}
		unused := !slices.ContainsFunc(needed, g.covers) && g.Action != "lambda:GetProvisionedConcurrencyConfig"
		if g.Owner == "ReleaseRole" && unused {
			t.Errorf("ReleaseRole may %s on %s, which nothing uses", g.Action, g.Resource)
		}
	}
	if used["ReleaseRole"] < 26 || used["orderflow-fulfil-order"] < 7 {
		t.Errorf("%v", used)
	}
}

// noBrokers are parameters of stacks of their own, for a check without a run.
var noBrokers = map[string]map[string]string{
	"reporting": {"KafkaSecret": "arn:aws:secretsmanager:us-east-1:000000000000:secret:kafka-AbCdEf",
		"KafkaCaSecret": "arn:aws:secretsmanager:us-east-1:000000000000:secret:ca-AbCdEf"},
	"warehouse": {"RabbitMqSecret": "arn:aws:secretsmanager:us-east-1:000000000000:secret:rabbitmq-AbCdEf",
		"RabbitMqCaSecret":  "arn:aws:secretsmanager:us-east-1:000000000000:secret:ca-AbCdEf",
		"RabbitMqBroker":    "arn:aws:mq:us-east-1:000000000000:broker:shop:b-1",
		"ServiceUserSecret": "arn:aws:secretsmanager:us-east-1:000000000000:secret:user-AbCdEf"},
}

func TestStacksOfTheirOwnGrantWhatAWSDoes(t *testing.T) {
	r, err := CheckOwn("../../..", strings.NewReader(""), noBrokers)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		if !strings.Contains(p, "which nothing uses") && !strings.HasPrefix(p, "exceptions") {
			t.Error(p)
		}
	}
	// What Lambda does to reach a broker no run shows.
	for _, row := range r.Rows {
		service, _, _ := strings.Cut(row.Action, ":")
		if slices.Contains([]string{"ec2", "kafka", "mq", "kms"}, service) && len(row.Used) == 0 {
			t.Errorf("%s may %s on %s, which nothing uses", row.Owner, row.Action, row.Resource)
		}
	}
	if r.Missing > 0 {
		t.Errorf("%s", r.Sum())
	}
}
