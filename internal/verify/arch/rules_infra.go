package arch

import (
	"slices"
	"strings"

	"orderflow/internal/verify/cfn"
)

// crossAccount lists the AWS services that act for many accounts.
var crossAccount = []string{"states.amazonaws.com", "scheduler.amazonaws.com", "codedeploy.amazonaws.com"}

// infraRules are about deliveries, the API and data at rest, which no service configures itself.
func infraRules() []Rule {
	return []Rule{
		{
			Name: "undelivered messages go to a dead-letter queue",
			Why:  "schedules, rules and topics retry for a while, then silently drop the message",
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::Scheduler::Schedule") {
					target := cfn.Dig(r.properties(id), "Target")
					bad.unless(cfn.Dig(target, "DeadLetterConfig", "Arn") != nil, "%s has no dead-letter queue", id)
					bad.unless(cfn.Dig(target, "RetryPolicy", "MaximumRetryAttempts") != nil,
						"%s has no MaximumRetryAttempts, so it retries for a day", id)
				}
				for _, id := range r.ofType("AWS::Events::Rule") {
					targets, _ := r.properties(id)["Targets"].([]any)
					for _, target := range targets {
						bad.unless(cfn.Dig(target, "DeadLetterConfig", "Arn") != nil,
							"%s has a target without a dead-letter queue", id)
					}
				}
				for _, id := range r.ofType("AWS::SNS::Subscription") {
					p := r.properties(id)
					if p["Protocol"] != "sqs" {
						continue
					}
					dead := strings.TrimSuffix(text(p["Endpoint"]), "Queue.Arn") + "DeadLetterQueue.Arn"
					bad.unless(text(cfn.Dig(p, "RedrivePolicy", "deadLetterTargetArn")) == dead,
						"%s has no dead-letter queue", id)
					allowed := false // SNS writes there itself
					policy := r.resource(strings.TrimSuffix(text(p["Endpoint"]), ".Arn") + "Policy")
					walk(policy, func(v any) { allowed = allowed || text(v) == dead })
					bad.unless(allowed, "%s may not write to its dead-letter queue", id)
				}
			},
			Sabotage: func(r *Repo) {
				delete(cfn.Dig(r.properties("SweepOrdersSchedule"), "Target").(map[string]any), "DeadLetterConfig")
			},
		},
		{
			Name: "dead letters are kept for two weeks, topics are encrypted",
			Why:  "dead letters must outlast a holiday; events carry names and addresses",
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::SQS::Queue") {
					if strings.HasSuffix(id, "DeadLetterQueue") || strings.HasSuffix(id, "FailureQueue") {
						kept := r.properties(id)["MessageRetentionPeriod"]
						bad.unless(kept == 14*24*60*60, "%s does not keep messages for two weeks", id)
					}
				}
				for _, id := range r.ofType("AWS::SNS::Topic") {
					// CloudWatch cannot publish to a topic encrypted with an AWS managed key.
					bad.unless(id == "AlarmTopic" || r.properties(id)["KmsMasterKeyId"] != nil,
						"%s is not encrypted", id)
				}
			},
			Sabotage: func(r *Repo) { delete(r.properties("OrdersTopic"), "KmsMasterKeyId") },
		},
		{
			Name: "secrets and the operators' log outlive their stack",
			Why:  "audits come later, and third parties go on signing with the secret",
			Check: func(r *Repo, bad *list) {
				for _, id := range append(r.ofType("AWS::SecretsManager::Secret"), "OperatorActionsLogs") {
					res := r.resource(id)
					bad.unless(res["UpdateReplacePolicy"] == "Retain", "%s is deleted when it is replaced", id)
					bad.unless(res["DeletionPolicy"] == "RetainExceptOnCreate",
						"%s is deleted with its stack, or kept after a failed creation", id)
				}
			},
			Sabotage: func(r *Repo) { r.resource("CarrierWebhookSecret")["DeletionPolicy"] = "Delete" },
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
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::Serverless::Api") {
					p := r.properties(id)
					bad.unless(strings.HasPrefix(text(p["OpenApiVersion"]), "3.0"),
						"%s lacks OpenApiVersion, so SAM adds a stage called Stage", id)
					bad.unless(cfn.Dig(p, "AccessLogSetting", "DestinationArn") != nil, "%s has no access log", id)
					format := text(cfn.Dig(p, "AccessLogSetting", "Format"))
					required := []string{"requestId", "status", "error.responseType", "resourcePath"}
					for _, word := range required {
						word = "$context." + word
						bad.unless(strings.Contains(format, word), "the access log of %s lacks %s", id, word)
					}
					// addresses, e-mail, ids in paths
					for _, word := range []string{"identity.", "claims", "$context.path"} {
						bad.unless(!strings.Contains(format, word), "the access log of %s has %s", id, word)
					}
				}
			},
			Sabotage: func(r *Repo) { delete(r.properties("Api"), "OpenApiVersion") },
		},
		{
			Name: "addresses are verified, production takes no plain passwords",
			Why:  "we mail the address in the claim; unverified, it could be a stranger's",
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::Cognito::UserPool") {
					settings := cfn.Dig(r.properties(id), "UserAttributeUpdateSettings")
					verified := texts(cfn.Dig(settings, "AttributesRequireVerificationBeforeUpdate"))
					bad.unless(slices.Equal(verified, []string{"email"}), "%s accepts a new address unverified", id)
				}
				for _, id := range r.ofType("AWS::Cognito::UserPoolClient") {
					p := r.properties(id)
					writes := texts(p["WriteAttributes"])
					bad.unless(slices.Equal(writes, []string{"email"}), "%s lets customers write %v", id, writes)
					flows := p["ExplicitAuthFlows"]
					if choice, ok := cfn.Dig(flows, "Fn::If").([]any); ok && choice[0] == "IsProd" {
						flows = choice[1]
					}
					bad.unless(!slices.Contains(texts(flows), "ALLOW_USER_PASSWORD_AUTH"),
						"%s accepts plain passwords in production", id)
				}
			},
			Sabotage: func(r *Repo) { delete(r.properties("UserPool"), "UserAttributeUpdateSettings") },
		},
		{
			Name: "the API is throttled",
			Why:  "otherwise one client can use up the account's limits",
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::Serverless::Api") {
					settings, _ := r.properties(id)["MethodSettings"].([]any)
					all := slices.ContainsFunc(settings, func(s any) bool {
						return cfn.Dig(s, "ResourcePath") == "/*" && cfn.Dig(s, "HttpMethod") == "*"
					})
					bad.unless(all, "%s has no default limits", id)
					for _, s := range settings {
						rate, _ := cfn.Dig(s, "ThrottlingRateLimit").(int)
						burst, _ := cfn.Dig(s, "ThrottlingBurstLimit").(int)
						bad.unless(rate > 0 && burst > 0, "%s does not limit %v", id, cfn.Dig(s, "ResourcePath"))
					}
				}
			},
			Sabotage: func(r *Repo) { delete(r.properties("Api"), "MethodSettings") },
		},
	}
}
