package arch

import (
	"slices"

	"orderflow/internal/verify/cfn"
)

// crossAccount lists the AWS services that act for many accounts.
var crossAccount = []string{"states.amazonaws.com", "scheduler.amazonaws.com", "codedeploy.amazonaws.com"}

// infraRules are about deliveries, the API and data at rest, which no service configures itself.
var infraRules = []Rule{
	{
		Name: "undelivered messages go to a dead-letter queue",
		Why:  "schedules, rules and topics retry for a while, then silently drop the message",
		Required: []required{
			{"AWS::Scheduler::Schedule",
				`Target: {DeadLetterConfig: {Arn: any}, RetryPolicy: {MaximumRetryAttempts: any}}`},
			{"AWS::Events::Rule", `Targets: [{DeadLetterConfig: {Arn: any}}]`},
			{"AWS::SNS::Subscription !^AlarmSubscription", `{Protocol: sqs, Endpoint: !GetAtt <base>Queue.Arn,
				RedrivePolicy: {deadLetterTargetArn: !GetAtt <base>DeadLetterQueue.Arn}}`},
			// SNS writes to the dead-letter queue itself.
			{"AWS::SQS::QueuePolicy", `PolicyDocument: {Statement: [{Effect: Allow, Action: "sqs:SendMessage",
				Resource: [!GetAtt <base>Queue.Arn, !GetAtt <base>DeadLetterQueue.Arn]}]}`},
		},
	},
	{
		Name: "dead letters are kept for two weeks, topics are encrypted",
		Why:  "dead letters must outlast a holiday; events carry names and addresses",
		Required: []required{
			{"AWS::SQS::Queue (DeadLetter|Failure)Queue ", `MessageRetentionPeriod: 1209600`},
			// CloudWatch cannot publish to a topic encrypted with an AWS managed key.
			{"AWS::SNS::Topic !^AlarmTopic ", `KmsMasterKeyId: any`},
		},
	},
	{
		Name: "secrets and the operators' log outlive their stack",
		Why:  "audits come later, and third parties go on signing; a failed creation leaves nothing",
		Required: []required{
			{"Resources AWS::SecretsManager::Secret$|^OperatorActionsLogs ",
				`{UpdateReplacePolicy: Retain, DeletionPolicy: RetainExceptOnCreate}`},
		},
	},
	{
		Name: "AWS services assume our roles for this account only",
		Why:  "confused deputy: another account's schedule or execution could act with our role",
		Check: func(r *Repo, bad *list) {
			for _, id := range r.ofType("AWS::IAM::Role") {
				walk(cfn.Dig(r.properties(id), "AssumeRolePolicyDocument"), func(v any) {
					who := text(cfn.Dig(v, "Principal", "Service"))
					if !slices.Contains(crossAccount, who) {
						return
					}
					ours := text(cfn.Dig(v, "Condition", "StringEquals", "aws:SourceAccount"))
					bad.unless(ours == "AWS::AccountId", "%s can be assumed by %s for any account", id, who)
				})
			}
		},
		Sabotage: func(r *Repo) {
			walk(r.properties("FulfilOrderRole"), func(v any) {
				if cfn.Dig(v, "Principal") != nil {
					delete(v.(map[string]any), "Condition")
				}
			})
		},
	},
	{
		Name: "the API has one stage and logs no personal data",
		Why:  "a second stage has no throttle; only the access log shows what API Gateway itself refused",
		Required: []required{
			{"AWS::Serverless::Api", `OpenApiVersion: !Like "^3[.]0"`}, // or SAM adds a stage called Stage
			{"AWS::Serverless::Api", `AccessLogSetting: {DestinationArn: any, Format: !Like
				"[$]context.requestId.*context.resourcePath.*context.status.*context.error.responseType"}`},
			{"AWS::Serverless::Api", `AccessLogSetting: {Format: !Unlike "identity[.]|claims|[$]context.path"}`},
		},
	},
	{
		Name: "addresses are verified, production takes no plain passwords",
		Why:  "we mail the address in the claim; unverified, it could be a stranger's",
		Required: []required{
			{"AWS::Cognito::UserPool",
				`UserAttributeUpdateSettings: {AttributesRequireVerificationBeforeUpdate: [email]}`},
			{"AWS::Cognito::UserPoolClient", `WriteAttributes: [email]`},
			{"AWS::Cognito::UserPoolClient !^OperatorClient ", `ExplicitAuthFlows:
				!If [IsProd, [ALLOW_USER_SRP_AUTH, ALLOW_REFRESH_TOKEN_AUTH], any]`},
		},
	},
	{
		Name: "the API is throttled",
		Why:  "otherwise one client can use up the account's limits",
		Required: []required{
			{"AWS::Serverless::Api", `MethodSettings: !Any {ResourcePath: "/*", HttpMethod: "*"}`},
			{"AWS::Serverless::Api", `MethodSettings: [
				{ThrottlingRateLimit: !Like "^[1-9]", ThrottlingBurstLimit: !Like "^[1-9]"}]`},
		},
	},
}
