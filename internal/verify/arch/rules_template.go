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
			Why:  "completeness: state, directory and resource go by one name, so each can be found from the others",
			Check: func(r *Repo) []string {
				var bad list
				seen := map[string]bool{}
				for _, f := range r.Functions {
					id := f.LogicalID()
					bad.unless(!seen[f.Name], "two directories are called %s", f.Name)
					seen[f.Name] = true
					bad.unless(r.resource(id+"Function") != nil, "deploy/%s.yaml has no function %s", f.Service, f.Name)
					bad.unless(r.Files["events/"+f.Service+"/"+f.Name+".json"], "there is no events/%s/%s.json", f.Service, f.Name)
				}
				for _, id := range r.ofType("AWS::Serverless::Function") {
					bad.unless(slices.ContainsFunc(r.Functions, func(f Function) bool { return f.LogicalID()+"Function" == id }), "%s has no directory", id)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(r.resources(), "PlaceOrderFunction") },
		},
		{
			Name: "a parameter says what it is for, an output can be imported",
			Why:  "who deploys reads the parameters only; another stack takes addresses by name, and not from a chat",
			Check: func(r *Repo) []string {
				var bad list
				parameters, _ := r.Template["Parameters"].(map[string]any)
				for id, p := range parameters {
					bad.unless(len(text(cfn.Dig(p, "Description"))) > 15, "the parameter %s has no description", id)
				}
				outputs, _ := r.Template["Outputs"].(map[string]any)
				for id, o := range outputs {
					bad.unless(text(cfn.Dig(o, "Description")) != "", "the output %s has no description", id)
					bad.unless(text(cfn.Dig(o, "Export", "Name")) == "${AWS::StackName}-"+id, "the output %s is not exported under its name", id)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(cfn.Dig(r.Template["Outputs"], "ApiUrl").(map[string]any), "Export") },
		},
		{
			Name: "a table is known to its owner's functions only",
			Why:  "shared database: what others know of a service is its contract",
			Check: func(r *Repo) []string {
				var bad list
				for _, f := range r.Functions {
					for _, suffix := range []string{"Function", "Role", "Source"} {
						walk(r.resource(f.LogicalID()+suffix), func(v any) {
							for _, s := range Services {
								table := casing.Camel(s) + "Table"
								bad.unless(s == f.Service || !strings.Contains(text(v), table), "%s%s refers to %s", f.LogicalID(), suffix, table)
							}
						})
					}
				}
				return slices.Compact(bad.sorted())
			},
			Sabotage: func(r *Repo) {
				r.properties("GetOrderFunction")["Environment"] = map[string]any{"Variables": map[string]any{"TABLE_NAME": map[string]any{"Ref": "PaymentsTable"}}}
			},
		},
		{
			Name:  "a role allows nothing by a wildcard",
			Why:   "least privilege: a function that is taken over can do what it is for, and nothing else",
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
			Name: "a queue has a dead-letter queue and partial batch answers",
			Why:  "nothing is lost: what fails is tried again, then parked where an alarm tells of it",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::Lambda::EventSourceMapping") {
					base := strings.TrimSuffix(id, "Source")
					queue := r.properties(base + "Queue")
					if queue == nil {
						continue
					}
					bad.unless(text(cfn.Dig(queue, "RedrivePolicy", "deadLetterTargetArn")) == base+"DeadLetterQueue.Arn", "%sQueue has no dead-letter queue of its own", base)
					answers, _ := r.properties(id)["FunctionResponseTypes"].([]any)
					bad.unless(slices.Contains(answers, any("ReportBatchItemFailures")), "%s takes a batch as one", id)
					bad.unless(cfn.Dig(r.properties(id), "ScalingConfig", "MaximumConcurrency") != nil, "%s is not bounded (bulkhead)", id)
				}
				for _, id := range r.ofType("AWS::SQS::Queue") {
					bad.unless(r.properties(id)["SqsManagedSseEnabled"] == true, "%s is not encrypted", id)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(r.properties("StartFulfilmentQueue"), "RedrivePolicy") },
		},
		{
			Name: "a stream has a failure destination, and gives up late",
			Why:  "a stream blocks behind a bad record, or drops it: it must be halved down, bounded, and parked",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::Lambda::EventSourceMapping") {
					p := r.properties(id)
					if !strings.HasSuffix(text(p["EventSourceArn"]), ".StreamArn") {
						continue
					}
					base := strings.TrimSuffix(id, "Source")
					bad.unless(text(cfn.Dig(p, "DestinationConfig", "OnFailure", "Destination")) == base+"FailureQueue.Arn", "%s has no failure queue", id)
					bad.unless(p["BisectBatchOnFunctionError"] == true, "%s does not halve a failing batch", id)
					bad.unless(p["MaximumRetryAttempts"] != nil && p["MaximumRecordAgeInSeconds"] != nil, "%s tries for ever", id)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(r.properties("RelayOrdersEventsSource"), "DestinationConfig") },
		},
		{
			Name: "a table expires items, can be restored, and is encrypted",
			Why:  "barriers and idempotency records must go by themselves, data must not",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::DynamoDB::Table") {
					p := r.properties(id)
					bad.unless(cfn.Dig(p, "TimeToLiveSpecification", "Enabled") == true, "%s has no TTL", id)
					bad.unless(cfn.Dig(p, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") == true, "%s has no point-in-time recovery", id)
					bad.unless(cfn.Dig(p, "SSESpecification", "SSEEnabled") == true, "%s is not encrypted", id)
					bad.unless(inProd(p["DeletionProtectionEnabled"], true, false), "%s is not kept in prod, or not deleted elsewhere", id)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(r.properties("OrdersTable"), "TimeToLiveSpecification") },
		},
		{
			Name: "what holds data is not replaced or deleted by an update of production",
			Why:  "a renamed key would have CloudFormation make a new, empty table, with every order gone from sight",
			Check: func(r *Repo) []string {
				var bad list
				denied := map[string]bool{}
				statements, _ := r.Policy["Statement"].([]any)
				for _, s := range statements {
					actions, _ := cfn.Dig(s, "Action").([]any)
					types, _ := cfn.Dig(s, "Condition", "StringEquals", "ResourceType").([]any)
					if text(cfn.Dig(s, "Effect")) != "Deny" || text(cfn.Dig(s, "Resource")) != "*" || text(cfn.Dig(s, "Principal")) != "*" {
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
						bad.unless(t != "AWS::DynamoDB::Table" || r.resource(id)["UpdateReplacePolicy"] == "Retain", "%s is deleted when it is replaced", id)
					}
				}
				for _, what := range keys(denied) {
					bad.unless(strings.HasPrefix(what, "AWS::DynamoDB::Table ") || strings.HasPrefix(what, "AWS::Cognito::UserPool "), "tools/stack-policy.json forbids %s, which releases may need", what)
				}
				for _, id := range r.ofType("AWS::Cognito::UserPool") {
					bad.unless(inProd(r.properties(id)["DeletionProtection"], "ACTIVE", "INACTIVE"), "%s is not kept in prod, or not deleted elsewhere", id)
				}
				for stage, protected := range map[string]bool{"local": false, "dev": false, "prod": true} {
					s, err := cfn.New(r.Template, "shop", map[string]string{"Stage": stage})
					bad.unless(err == nil && s.Holds("IsProtected") == protected, "%s is protected: %t, if nothing is said of it", stage, !protected)
				}
				bad.unless(strings.Contains(r.Texts["Makefile"], "$(DEV) deploy --stage"), "`make deploy` does not go by package deploy, which sets the policy")
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { r.Policy["Statement"] = r.Policy["Statement"].([]any)[:1] },
		},
		{
			Name: "logs end, traces begin, secrets stay away",
			Why:  "a log without retention is kept for ever; a secret in the environment is read by everyone who may describe a function",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::Logs::LogGroup") {
					bad.unless(r.properties(id)["RetentionInDays"] != nil, "%s is kept for ever", id)
				}
				bad.unless(cfn.Dig(r.Template, "Globals", "Function", "Tracing") == "Active", "functions are not traced")
				for _, id := range r.ofType("AWS::Serverless::Function") {
					bad.unless(r.resource(text(cfn.Dig(r.properties(id), "LoggingConfig", "LogGroup"))) != nil, "%s logs to a group that nobody ends", id)
					bad.unless(cfn.Dig(r.properties(id), "LoggingConfig", "LogFormat") == nil, "%s has Lambda look into its log, which drops metrics by level (ADR 13)", id)
					walk(cfn.Dig(r.properties(id), "Environment"), func(v any) {
						bad.unless(!strings.Contains(text(v), "{{resolve:"), "%s has a secret in its environment", id)
					})
				}
				return bad.sorted()
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

// unscoped are actions for which AWS has no resources to name.
var unscoped = []string{"xray:", "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
	"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups", "servicediscovery:DiscoverInstances", "dynamodb:ListStreams"}

func checkRoles(r *Repo) []string {
	var bad list
	for _, id := range slices.Concat(r.ofType("AWS::IAM::Role"), r.ofType("AWS::IAM::ManagedPolicy")) {
		walk(r.properties(id), func(v any) {
			statement, _ := v.(map[string]any)
			if statement["Effect"] != "Allow" || statement["Principal"] != nil {
				return
			}
			scopeless := true
			for _, action := range texts(statement["Action"]) {
				bad.unless(!strings.Contains(action, "*"), "%s allows %s", id, action)
				scopeless = scopeless && slices.ContainsFunc(unscoped, func(p string) bool { return strings.HasPrefix(action, p) })
			}
			bad.unless(statement["Resource"] != "*" || scopeless, "%s allows %v on everything", id, statement["Action"])
		})
	}
	return bad.sorted()
}

// inProd tells whether v is one value in production, once it is protected, and the other elsewhere.
func inProd(v, there, elsewhere any) bool {
	choice, _ := cfn.Dig(v, "Fn::If").([]any)
	return slices.Equal(choice, []any{"IsProtected", there, elsewhere})
}

// texts reads a string, a list of strings, or the alternatives of an Fn::If.
func texts(v any) []string {
	var all []string
	walk(v, func(v any) {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	})
	return all
}
