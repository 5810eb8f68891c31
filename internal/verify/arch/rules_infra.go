package arch

import (
	"slices"
	"strings"

	"orderflow/internal/platform/cfn"
)

// acting are the principals of AWS services that act for many accounts.
const acting = "^(FulfilOrder|PrepareOrder|SettleOrder|CompensateOrder|UndoOrder|RebuildReports|Schedules|Release)Role "

// infraRules are about deliveries, the API and data at rest, which no service configures itself.
var infraRules = []Rule{
	rule("topics and rules send to their consumers' queues, others to none",
		"SQS refuses a policy with two resources in a statement",
		func(r *Repo, bad *list) {
			var sends, may []string
			send := func(from, queue any) { sends = append(sends, text(from)+" to "+text(queue)) }
			for _, p := range r.each("AWS::SNS::Subscription") {
				if p["Protocol"] == "sqs" { // SNS writes to the dead-letter queue itself
					send(p["TopicArn"], p["Endpoint"])
					send(p["TopicArn"], cfn.Dig(p, "RedrivePolicy", "deadLetterTargetArn"))
				}
			}
			for id, p := range r.each("AWS::Events::Rule") {
				targets, _ := p["Targets"].([]any)
				for _, target := range targets {
					send(id+".Arn", cfn.Dig(target, "Arn"))
					send(id+".Arn", cfn.Dig(target, "DeadLetterConfig", "Arn"))
				}
			}
			for id, p := range r.each("AWS::SQS::QueuePolicy") {
				statements, _ := cfn.Dig(p, "PolicyDocument", "Statement").([]any)
				for _, statement := range statements {
					queue := text(cfn.Dig(statement, "Resource"))
					of := strings.TrimSuffix(queue, ".Arn")
					bad.unless(of != queue && slices.Contains(r.referred(id, "Queues"), of),
						"a statement of %s is not about one queue of the policy", id)
					from, _ := cfn.Dig(statement, "Condition", "ArnEquals", "aws:SourceArn").([]any)
					for _, arn := range from {
						may = append(may, text(arn)+" to "+queue)
					}
				}
			}
			bad.same(r.Stack+"the policies of queues", may, sends)
		},
		func(r *Repo) {
			statements := cfn.Dig(r.properties("EventQueuesPolicy"), "PolicyDocument", "Statement").([]any)
			one, other := statements[0].(map[string]any), statements[2].(map[string]any) // of two topics
			one["Condition"], other["Condition"] = other["Condition"], one["Condition"]
		}),
	rule("queues of events are open to no others",
		"anybody may send to a queue whose policy names no source, or another principal", nil,
		func(r *Repo) {
			statements := cfn.Dig(r.properties("EventQueuesPolicy"), "PolicyDocument", "Statement").([]any)
			delete(statements[0].(map[string]any), "Condition")
		},
		required{"AWS::SQS::QueuePolicy", `PolicyDocument: {Statement: [{Effect: Allow, Action: "sqs:SendMessage",
			Principal: {Service: [!Like "^(sns|events)[.]amazonaws[.]com$"], AWS: none, Federated: none},
			Condition: {ArnEquals: {"aws:SourceArn": [any]}}}]}`}),
	rule("policies of queues keep SQS's quotas",
		"SQS refuses more than 20 statements or 10 conditions; emulators do not",
		func(r *Repo, bad *list) {
			for id, p := range r.each("AWS::SQS::QueuePolicy") {
				statements, _ := cfn.Dig(p, "PolicyDocument", "Statement").([]any)
				bad.unless(len(statements) <= 20, "%s has %d statements", id, len(statements))
				conditions := 0
				for _, statement := range statements {
					operators, _ := cfn.Dig(statement, "Condition").(map[string]any)
					for _, compared := range operators {
						keys, _ := compared.(map[string]any)
						conditions += len(keys)
					}
				}
				bad.unless(conditions <= 10, "%s has %d conditions", id, conditions)
			}
		},
		func(r *Repo) {
			document := cfn.Dig(r.properties("EventQueuesPolicy"), "PolicyDocument").(map[string]any)
			statements := document["Statement"].([]any)
			document["Statement"] = append(slices.Clone(statements), statements[:11-len(statements)]...)
		}),
	requires("undelivered messages go to a dead-letter queue",
		"schedules, rules and topics retry for a while, then silently drop the message",
		required{"AWS::Scheduler::Schedule",
			`Target: {DeadLetterConfig: {Arn: any}, RetryPolicy: {MaximumRetryAttempts: any}}`},
		required{"AWS::Events::Rule", `Targets: [{DeadLetterConfig: {Arn: any}}]`},
		required{"AWS::SNS::Subscription !^AlarmSubscription", `{Protocol: sqs, Endpoint: !GetAtt <base>Queue.Arn,
			RedrivePolicy: {deadLetterTargetArn: !GetAtt <base>DeadLetterQueue.Arn}}`}),
	requires("sagas begin only where EventsBy is functions",
		"draining would never end; a process would find sagas that the functions still execute",
		required{"AWS::Lambda::EventSourceMapping ^StartFulfilmentSource ", `Enabled: !If [StartsSagas, true, false]`},
		required{"AWS::Scheduler::Schedule ^SweepOrdersSchedule ", `State: !If [StartsSagas, ENABLED, DISABLED]`}),
	requires("dead letters are kept for two weeks, topics are encrypted",
		"dead letters must outlast a holiday, and SQS counts a look as a receive; events carry addresses",
		required{"AWS::SQS::Queue (DeadLetter|Failure)Queue ",
			`{MessageRetentionPeriod: 1209600, RedrivePolicy: none}`},
		// CloudWatch cannot publish to a topic encrypted with an AWS managed key.
		required{"AWS::SNS::Topic !^AlarmTopic ", `KmsMasterKeyId: any`}),
	requires("secrets and the operators' log outlive their stack",
		"audits come later, and third parties go on signing; a failed creation leaves nothing",
		required{"Resources AWS::SecretsManager::Secret$|^OperatorActionsLogs ",
			`{UpdateReplacePolicy: Retain, DeletionPolicy: RetainExceptOnCreate}`}),
	requires("AWS services assume our roles for this account only",
		"confused deputy: another account's schedule or execution could act with our role",
		required{"AWS::IAM::Role " + acting, `AssumeRolePolicyDocument: {Statement: [
			{Condition: {StringEquals: {"aws:SourceAccount": !Ref "AWS::AccountId"}}}]}`},
		required{"AWS::IAM::Role !" + acting, `AssumeRolePolicyDocument: {Statement: [
			{Principal: {Service: !Like "^(lambda|apigateway)[.]amazonaws[.]com$"}}]}`}),
	requires("the API has one stage and logs no personal data",
		"a second stage has no throttle; only the access log shows what API Gateway itself refused",
		required{"AWS::Serverless::Api", `OpenApiVersion: !Like "^3[.]0"`}, // or SAM adds a stage called Stage
		required{"AWS::Serverless::Api", `AccessLogSetting: {DestinationArn: any, Format: !Like
			"[$]context.requestId.*context.resourcePath.*context.status.*context.error.responseType"}`},
		required{"AWS::Serverless::Api", `AccessLogSetting: {Format: !Unlike "identity[.]|claims|[$]context.path"}`}),
	requires("addresses are verified, production takes no plain passwords",
		"we mail the address in the claim; unverified, it could be a stranger's",
		required{"AWS::Cognito::UserPool",
			`UserAttributeUpdateSettings: {AttributesRequireVerificationBeforeUpdate: [email]}`},
		required{"AWS::Cognito::UserPoolClient", `WriteAttributes: [email]`},
		required{"AWS::Cognito::UserPoolClient !^OperatorClient ", `ExplicitAuthFlows:
			!If [IsProd, [ALLOW_USER_SRP_AUTH, ALLOW_REFRESH_TOKEN_AUTH], any]`}),
	requires("the API is throttled", "otherwise one client can use up the account's limits",
		required{"AWS::Serverless::Api", `MethodSettings: !Any {ResourcePath: "/*", HttpMethod: "*"}`},
		required{"AWS::Serverless::Api", `MethodSettings: [
			{ThrottlingRateLimit: !Like "^[1-9]", ThrottlingBurstLimit: !Like "^[1-9]"}]`}),
}
