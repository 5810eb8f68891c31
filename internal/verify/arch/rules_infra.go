package arch

import (
	"slices"
	"strings"

	"orderflow/internal/verify/cfn"
)

// infraRules are about what deliveries, the API and data at rest must have, which no service decides for itself.
func infraRules() []Rule {
	return []Rule{
		{
			Name: "what cannot be delivered is parked",
			Why:  "schedules, rules and topics try for a while and then drop what they carry, silently",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::Scheduler::Schedule") {
					target := cfn.Dig(r.properties(id), "Target")
					bad.unless(cfn.Dig(target, "DeadLetterConfig", "Arn") != nil, "%s has no dead-letter queue", id)
					bad.unless(cfn.Dig(target, "RetryPolicy", "MaximumRetryAttempts") != nil, "%s tries for a day", id)
				}
				for _, id := range r.ofType("AWS::Events::Rule") {
					targets, _ := r.properties(id)["Targets"].([]any)
					for _, target := range targets {
						bad.unless(cfn.Dig(target, "DeadLetterConfig", "Arn") != nil, "%s has a target without a dead-letter queue", id)
					}
				}
				for _, id := range r.ofType("AWS::SNS::Subscription") {
					p := r.properties(id)
					if p["Protocol"] != "sqs" {
						continue
					}
					dead := strings.TrimSuffix(text(p["Endpoint"]), "Queue.Arn") + "DeadLetterQueue.Arn"
					bad.unless(text(cfn.Dig(p, "RedrivePolicy", "deadLetterTargetArn")) == dead, "%s has no dead-letter queue", id)
					allowed := false // SNS writes there as itself
					walk(r.resource(strings.TrimSuffix(text(p["Endpoint"]), ".Arn")+"Policy"), func(v any) { allowed = allowed || text(v) == dead })
					bad.unless(allowed, "%s may not write to its dead-letter queue", id)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) {
				delete(cfn.Dig(r.properties("SweepOrdersSchedule"), "Target").(map[string]any), "DeadLetterConfig")
			},
		},
		{
			Name: "dead letters are kept for two weeks, topics are encrypted",
			Why:  "what was parked must outlast a holiday; events carry names and addresses",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::SQS::Queue") {
					if strings.HasSuffix(id, "DeadLetterQueue") || strings.HasSuffix(id, "FailureQueue") {
						bad.unless(r.properties(id)["MessageRetentionPeriod"] == 14*24*60*60, "%s does not keep its messages as long as it can", id)
					}
				}
				for _, id := range r.ofType("AWS::SNS::Topic") {
					// CloudWatch may not publish to a topic that is encrypted by AWS's own key.
					bad.unless(id == "AlarmTopic" || r.properties(id)["KmsMasterKeyId"] != nil, "%s is not encrypted", id)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(r.properties("OrdersTopic"), "KmsMasterKeyId") },
		},
		{
			Name: "secrets and the operators' log outlive their stack",
			Why:  "who did what is asked after the fact, and a third party goes on signing with a secret that nobody else has any more",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range append(r.ofType("AWS::SecretsManager::Secret"), "OperatorActionsLogs") {
					res := r.resource(id)
					bad.unless(res["UpdateReplacePolicy"] == "Retain", "%s goes when it is replaced", id)
					bad.unless(res["DeletionPolicy"] == "RetainExceptOnCreate", "%s goes with its stack, or stays behind a failed creation", id)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { r.resource("CarrierWebhookSecret")["DeletionPolicy"] = "Delete" },
		},
		{
			Name: "services that act for many accounts take our roles for this account only",
			Why:  "confused deputy: another account's schedule or execution could otherwise be made to act by our role",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::IAM::Role") {
					walk(cfn.Dig(r.properties(id), "AssumeRolePolicyDocument"), func(v any) {
						who := text(cfn.Dig(v, "Principal", "Service"))
						if !slices.Contains([]string{"states.amazonaws.com", "scheduler.amazonaws.com", "codedeploy.amazonaws.com"}, who) {
							return
						}
						ours := text(cfn.Dig(v, "Condition", "StringEquals", "aws:SourceAccount"))
						bad.unless(ours == "AWS::AccountId", "%s lets %s take it for any account", id, who)
					})
				}
				return bad.sorted()
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
			Name: "the API has one stage, and its access log tells no personal data",
			Why:  "a stage without limits lets strangers past the throttle; what API Gateway refuses by itself reaches no function that could log it",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::Serverless::Api") {
					p := r.properties(id)
					bad.unless(strings.HasPrefix(text(p["OpenApiVersion"]), "3.0"), "%s has SAM make a stage called Stage beside its own", id)
					bad.unless(cfn.Dig(p, "AccessLogSetting", "DestinationArn") != nil, "%s has no access log", id)
					format := text(cfn.Dig(p, "AccessLogSetting", "Format"))
					for _, word := range []string{"$context.requestId", "$context.status", "$context.error.responseType", "$context.resourcePath"} {
						bad.unless(strings.Contains(format, word), "the access log of %s lacks %s", id, word)
					}
					for _, word := range []string{"identity.", "claims", "$context.path"} { // addresses, e-mail, ids in paths
						bad.unless(!strings.Contains(format, word), "the access log of %s tells %s", id, word)
					}
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(r.properties("Api"), "OpenApiVersion") },
		},
		{
			Name: "an e-mail address is verified before it counts, and passwords do not travel in production",
			Why:  "mails go to the address of the claim: a customer who may set it to a stranger's has ours sent there",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::Cognito::UserPool") {
					first := texts(cfn.Dig(r.properties(id), "UserAttributeUpdateSettings", "AttributesRequireVerificationBeforeUpdate"))
					bad.unless(slices.Equal(first, []string{"email"}), "%s takes a new address before it is verified", id)
				}
				for _, id := range r.ofType("AWS::Cognito::UserPoolClient") {
					p := r.properties(id)
					writes := texts(p["WriteAttributes"])
					bad.unless(slices.Equal(writes, []string{"email"}), "%s lets customers write %v", id, writes)
					flows := p["ExplicitAuthFlows"]
					if choice, ok := cfn.Dig(flows, "Fn::If").([]any); ok && choice[0] == "IsProd" {
						flows = choice[1]
					}
					bad.unless(!slices.Contains(texts(flows), "ALLOW_USER_PASSWORD_AUTH"), "%s takes plain passwords in production", id)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(r.properties("UserPool"), "UserAttributeUpdateSettings") },
		},
		{
			Name: "the API is throttled",
			Why:  "without limits of its own, one client uses up what the whole account may do",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::Serverless::Api") {
					settings, _ := r.properties(id)["MethodSettings"].([]any)
					all := slices.IndexFunc(settings, func(s any) bool { return cfn.Dig(s, "ResourcePath") == "/*" && cfn.Dig(s, "HttpMethod") == "*" })
					bad.unless(all >= 0, "%s has no limits for all its methods", id)
					for _, s := range settings {
						rate, _ := cfn.Dig(s, "ThrottlingRateLimit").(int)
						burst, _ := cfn.Dig(s, "ThrottlingBurstLimit").(int)
						bad.unless(rate > 0 && burst > 0, "%s does not limit %v", id, cfn.Dig(s, "ResourcePath"))
					}
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(r.properties("Api"), "MethodSettings") },
		},
	}
}
