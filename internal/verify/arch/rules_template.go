package arch

import (
	"slices"
	"strings"

	"orderflow/internal/platform/casing"
	"orderflow/internal/verify/cfn"
)

func templateRules() []Rule {
	return []Rule{
		{
			Name: "every function directory is deployed and has a sample event",
			Why:  "state, directory and resource share a name, so each leads to the others",
			Check: func(r *Repo, bad *list) {
				seen := map[string]bool{}
				for _, f := range r.Functions {
					id := f.LogicalID()
					bad.unless(!seen[f.Name], "two directories are called %s", f.Name)
					seen[f.Name] = true
					bad.unless(r.resource(id+"Function") != nil, "deploy/%s.yaml has no function %s", f.Service, f.Name)
					bad.unless(r.Files["events/"+f.Service+"/"+f.Name+".json"],
						"events/%s/%s.json is missing", f.Service, f.Name)
				}
				for _, id := range r.ofType("AWS::Serverless::Function") {
					bad.unless(slices.ContainsFunc(r.Functions,
						func(f Function) bool { return f.LogicalID()+"Function" == id }), "%s has no directory", id)
				}
			},
			Sabotage: func(r *Repo) { delete(r.resources(), "PlaceOrderFunction") },
		},
		{
			Name: "parameters have descriptions, outputs can be imported",
			Why:  "operators read the parameters only; other stacks import addresses by name",
			Check: func(r *Repo, bad *list) {
				parameters, _ := r.Template["Parameters"].(map[string]any)
				for id, p := range parameters {
					bad.unless(len(text(cfn.Dig(p, "Description"))) > 15, "the parameter %s has no description", id)
				}
				outputs, _ := r.Template["Outputs"].(map[string]any)
				for id, o := range outputs {
					bad.unless(text(cfn.Dig(o, "Description")) != "", "the output %s has no description", id)
					bad.unless(text(cfn.Dig(o, "Export", "Name")) == "${AWS::StackName}-"+id,
						"the output %s is not exported under its name", id)
				}
			},
			Sabotage: func(r *Repo) { delete(cfn.Dig(r.Template["Outputs"], "ApiUrl").(map[string]any), "Export") },
		},
		{
			Name: "only its owner's functions refer to a table",
			Why:  "shared database: other services know the contract only",
			Check: func(r *Repo, bad *list) {
				for _, f := range r.Functions {
					for _, suffix := range []string{"Function", "Role", "Source"} {
						walk(r.resource(f.LogicalID()+suffix), func(v any) {
							for _, s := range Services {
								table := casing.Camel(s) + "Table"
								bad.unless(s == f.Service || !strings.Contains(text(v), table),
									"%s%s refers to %s", f.LogicalID(), suffix, table)
							}
						})
					}
				}
			},
			Sabotage: func(r *Repo) {
				variables := map[string]any{"TABLE_NAME": map[string]any{"Ref": "PaymentsTable"}}
				r.properties("GetOrderFunction")["Environment"] = map[string]any{"Variables": variables}
			},
		},
		{
			Name:  "roles grant nothing by wildcard",
			Why:   "least privilege: a compromised function can do nothing but its own work",
			Check: checkRoles,
			Sabotage: func(r *Repo) {
				walk(r.resource("GetStockRole"), func(v any) {
					if cfn.Dig(v, "Action") != nil {
						v.(map[string]any)["Action"] = "dynamodb:*"
					}
				})
			},
		},
		{
			Name: "queues have dead-letter queues and partial batch responses",
			Why:  "nothing is lost: a failed message is retried, then kept where an alarm watches",
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::Lambda::EventSourceMapping") {
					base := strings.TrimSuffix(id, "Source")
					queue := r.properties(base + "Queue")
					if queue == nil {
						continue
					}
					dead := text(cfn.Dig(queue, "RedrivePolicy", "deadLetterTargetArn"))
					bad.unless(dead == base+"DeadLetterQueue.Arn", "%sQueue has no dead-letter queue", base)
					responses, _ := r.properties(id)["FunctionResponseTypes"].([]any)
					partial := slices.Contains(responses, any("ReportBatchItemFailures"))
					bad.unless(partial, "%s retries whole batches: add ReportBatchItemFailures", id)
					bad.unless(cfn.Dig(r.properties(id), "ScalingConfig", "MaximumConcurrency") != nil,
						"%s has no MaximumConcurrency (bulkhead)", id)
				}
				for _, id := range r.ofType("AWS::SQS::Queue") {
					bad.unless(r.properties(id)["SqsManagedSseEnabled"] == true, "%s is not encrypted", id)
				}
			},
			Sabotage: func(r *Repo) { delete(r.properties("StartFulfilmentQueue"), "RedrivePolicy") },
		},
		{
			Name: "a stream has a failure destination and bounded retries",
			Why:  "a bad record blocks its stream, or is dropped",
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::Lambda::EventSourceMapping") {
					p := r.properties(id)
					if !strings.HasSuffix(text(p["EventSourceArn"]), ".StreamArn") {
						continue
					}
					base := strings.TrimSuffix(id, "Source")
					destination := text(cfn.Dig(p, "DestinationConfig", "OnFailure", "Destination"))
					bad.unless(destination == base+"FailureQueue.Arn", "%s has no failure queue", id)
					bad.unless(p["BisectBatchOnFunctionError"] == true, "%s does not bisect a failed batch", id)
					bounded := p["MaximumRetryAttempts"] != nil && p["MaximumRecordAgeInSeconds"] != nil
					bad.unless(bounded, "%s retries for ever", id)
				}
			},
			Sabotage: func(r *Repo) { delete(r.properties("RelayOrdersEventsSource"), "DestinationConfig") },
		},
		{
			Name: "a table expires items, can be restored, and is encrypted",
			Why:  "barriers and idempotency records must expire, data must not be lost",
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::DynamoDB::Table") {
					p := r.properties(id)
					bad.unless(cfn.Dig(p, "TimeToLiveSpecification", "Enabled") == true, "%s has no TTL", id)
					recovery := cfn.Dig(p, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")
					bad.unless(recovery == true, "%s has no point-in-time recovery", id)
					bad.unless(cfn.Dig(p, "SSESpecification", "SSEEnabled") == true, "%s is not encrypted", id)
					bad.unless(inProd(p["DeletionProtectionEnabled"], true, false),
						"%s is not protected in prod, or is protected elsewhere", id)
				}
			},
			Sabotage: func(r *Repo) { delete(r.properties("OrdersTable"), "TimeToLiveSpecification") },
		},
		{
			Name: "an update of production never replaces or deletes data",
			Why:  "after renaming a key CloudFormation would create a new, empty table",
			Check: func(r *Repo, bad *list) {
				denied := map[string]bool{}
				statements, _ := r.Policy["Statement"].([]any)
				for _, s := range statements {
					actions, _ := cfn.Dig(s, "Action").([]any)
					types, _ := cfn.Dig(s, "Condition", "StringEquals", "ResourceType").([]any)
					forAll := text(cfn.Dig(s, "Resource")) == "*" && text(cfn.Dig(s, "Principal")) == "*"
					if text(cfn.Dig(s, "Effect")) != "Deny" || !forAll {
						continue
					}
					for _, action := range actions {
						for _, t := range types {
							denied[text(t)+" "+text(action)] = true
						}
					}
				}
				for _, t := range []string{"AWS::DynamoDB::Table", "AWS::Cognito::UserPool"} {
					bad.unless(len(r.ofType(t)) > 0, "the template has no %s", t)
					for _, action := range []string{"Update:Replace", "Update:Delete"} {
						bad.unless(denied[t+" "+action], "tools/stack-policy.json allows %s of %s", action, t)
					}
					for _, id := range r.ofType(t) {
						retained := t != "AWS::DynamoDB::Table" || r.resource(id)["UpdateReplacePolicy"] == "Retain"
						bad.unless(retained, "%s is deleted when it is replaced", id)
					}
				}
				for _, what := range keys(denied) {
					data := strings.HasPrefix(what, "AWS::DynamoDB::Table ") ||
						strings.HasPrefix(what, "AWS::Cognito::UserPool ")
					bad.unless(data, "tools/stack-policy.json denies %s, which releases may need", what)
				}
				for _, id := range r.ofType("AWS::Cognito::UserPool") {
					protection := r.properties(id)["DeletionProtection"]
					bad.unless(inProd(protection, "ACTIVE", "INACTIVE"),
						"%s is not protected in prod, or is protected elsewhere", id)
				}
				for stage, protected := range map[string]bool{"local": false, "dev": false, "prod": true} {
					s, err := cfn.New(r.Template, "shop", map[string]string{"Stage": stage})
					bad.unless(err == nil && s.Holds("IsProtected") == protected,
						"%s is protected by default: %t", stage, !protected)
				}
				bad.unless(strings.Contains(r.Texts["Makefile"], "$(DEV) deploy --stage"),
					"`make deploy` does not use package deploy, which sets the policy")
			},
			Sabotage: func(r *Repo) { r.Policy["Statement"] = r.Policy["Statement"].([]any)[:1] },
		},
		{
			Name: "logs expire, functions are traced, secrets stay out",
			Why:  "logs are kept for ever by default; whoever may describe a function reads its environment",
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::Logs::LogGroup") {
					bad.unless(r.properties(id)["RetentionInDays"] != nil, "%s is kept for ever", id)
				}
				bad.unless(cfn.Dig(r.Template, "Globals", "Function", "Tracing") == "Active",
					"functions are not traced")
				for _, id := range r.ofType("AWS::Serverless::Function") {
					logging := cfn.Dig(r.properties(id), "LoggingConfig")
					bad.unless(r.resource(text(cfn.Dig(logging, "LogGroup"))) != nil,
						"%s logs to a group without retention", id)
					bad.unless(cfn.Dig(logging, "LogFormat") == nil,
						"%s sets LogFormat: Lambda would filter metrics by level (ADR 13)", id)
					walk(cfn.Dig(r.properties(id), "Environment"), func(v any) {
						bad.unless(!strings.Contains(text(v), "{{resolve:"), "%s has a secret in its environment", id)
					})
				}
			},
			Sabotage: func(r *Repo) { delete(r.properties("OrdersLogs"), "RetentionInDays") },
		},
	}
}

func (r *Repo) resources() map[string]any {
	m, _ := r.Template["Resources"].(map[string]any)
	return m
}

func (r *Repo) resource(id string) map[string]any {
	m, _ := r.resources()[id].(map[string]any)
	return m
}

func (r *Repo) properties(id string) map[string]any {
	m, _ := r.resource(id)["Properties"].(map[string]any)
	return m
}

func (r *Repo) ofType(t string) []string {
	var ids []string
	for _, id := range keys(r.resources()) {
		if r.resource(id)["Type"] == t {
			ids = append(ids, id)
		}
	}
	return ids
}

// unscoped lists actions that AWS does not scope to resources.
var unscoped = []string{
	"xray:", "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
	"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
	"servicediscovery:DiscoverInstances", "dynamodb:ListStreams",
}

func checkRoles(r *Repo, bad *list) {
	for _, id := range slices.Concat(r.ofType("AWS::IAM::Role"), r.ofType("AWS::IAM::ManagedPolicy")) {
		walk(r.properties(id), func(v any) {
			statement, _ := v.(map[string]any)
			if statement["Effect"] != "Allow" || statement["Principal"] != nil {
				return
			}
			scopeless := true
			for _, action := range texts(statement["Action"]) {
				bad.unless(!strings.Contains(action, "*"), "%s allows %s", id, action)
				known := func(prefix string) bool { return strings.HasPrefix(action, prefix) }
				scopeless = scopeless && slices.ContainsFunc(unscoped, known)
			}
			bad.unless(statement["Resource"] != "*" || scopeless, "%s allows %v on everything", id, statement["Action"])
		})
	}
}

// inProd reports whether v has one value in a protected stack and another one elsewhere.
func inProd(v, protected, elsewhere any) bool {
	choice, _ := cfn.Dig(v, "Fn::If").([]any)
	return slices.Equal(choice, []any{"IsProtected", protected, elsewhere})
}

// texts returns all strings in v: a string, a list or the alternatives of an Fn::If.
func texts(v any) []string {
	var all []string
	walk(v, func(v any) {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	})
	return all
}
