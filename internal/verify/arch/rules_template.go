package arch

import (
	"iter"
	"slices"
	"strings"

	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/cfn"
)

var templateRules = []Rule{
	rule("every function directory is deployed and has a sample event",
		"state, directory and resource share a name, so each leads to the others",
		func(r *Repo, bad *list) {
			var functions []string
			for _, f := range r.Functions {
				id := f.LogicalID() + "Function"
				bad.unless(!slices.Contains(functions, id), "two directories are called %s", f.Name)
				functions = append(functions, id)
				sample := "events/" + f.Service + "/" + f.Name + ".json"
				bad.unless(r.Files[sample], "%s is missing", sample)
			}
			bad.same("deploy/", r.ofType("AWS::Serverless::Function"), functions)
		},
		func(r *Repo) { delete(r.resources(), "PlaceOrderFunction") }),
	requires("the table of routes is not in the template",
		"a deployment or its rollback would undo what an operator set",
		required{"AWS::SSM::Parameter", `Name: !Unlike "legacy-routes"`}),
	requires("an HTTP client finds its address in the registry",
		"hard-coded endpoints: an address in the environment is as fixed as one in code",
		required{"AWS::Serverless::Function", `Environment: !Unlike
			"://|execute-api|Ref:(Api|EmulatorEndpoint)]|[$][{]EmulatorEndpoint|Address[.]Value"`}),
	requires("parameters have descriptions, outputs can be imported",
		"operators read the parameters only; other stacks import addresses by name",
		required{"Parameters", `{Description: !Like ".{16}"}`},
		required{"Outputs", `{Description: any, Export: {Name: !Like "^[$][{](AWS::StackName|Core)[}]-<id>$"}}`}),
	rule("only its owner's functions refer to a table", "shared database: other services know the contract only",
		func(r *Repo, bad *list) {
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
		func(r *Repo) {
			variables := map[string]any{"TABLE_NAME": map[string]any{"Ref": "PaymentsTable"}}
			r.properties("GetOrderFunction")["Environment"] = map[string]any{"Variables": variables}
		}),
	rule("a function is granted what it does with its table", "otherwise only the suite that enforces IAM notices",
		func(r *Repo, bad *list) {
			for _, f := range r.Functions {
				if strings.HasPrefix(f.Name, "relay-") || f.Name == "check-"+f.Service || f.Service == "gateway" {
					continue // built differently; relays and checks have the same grants everywhere
				}
				var granted []string
				for _, action := range texts(r.properties(f.LogicalID() + "Role")["Policies"]) {
					if name, ok := strings.CutPrefix(action, "dynamodb:"); ok {
						granted = append(granted, name)
					}
				}
				used := r.tableActions(f)
				if f.Name == "project-product" { // writes without a barrier: Commit does not read or put
					used = []string{"UpdateItem"}
				}
				if f.Name == "notify-customer" { // its previous version's; drop it with the next release
					used = append(used, "ConditionCheckItem")
				}
				bad.same("table of "+f.Name+" in deploy/"+f.Service+".yaml", granted, used)
			}
		},
		func(r *Repo) { delete(r.properties("GetOrderRole"), "Policies") }),
	requires("queues have dead-letter queues and partial batch responses",
		"nothing is lost: a failed message is retried, then kept where an alarm watches",
		required{"AWS::SQS::Queue !(DeadLetter|Failure)Queue ",
			`RedrivePolicy: {deadLetterTargetArn: !GetAtt <base>DeadLetterQueue.Arn}`},
		required{"AWS::Lambda::EventSourceMapping !^Relay|(Kafka|RabbitMQ)Source ",
			`{EventSourceArn: !GetAtt <base>Queue.Arn,
			FunctionResponseTypes: [ReportBatchItemFailures], ScalingConfig: {MaximumConcurrency: any}}`},
		required{"AWS::SQS::Queue", `SqsManagedSseEnabled: true`}),
	requires("a stream has a failure destination and bounded retries", "a bad record blocks its stream, or is dropped",
		required{"AWS::Lambda::EventSourceMapping ^Relay", `{EventSourceArn: !Like "[.]StreamArn$",
			DestinationConfig: {OnFailure: {Destination: !GetAtt RelaysFailureQueue.Arn}},
			BisectBatchOnFunctionError: true, MaximumRetryAttempts: any, MaximumRecordAgeInSeconds: any}`}),
	requires("a table expires items, can be restored, and is encrypted",
		"barriers and idempotency records must expire, data must not be lost",
		required{"AWS::DynamoDB::Table", `{TimeToLiveSpecification: {Enabled: true},
			PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true},
			SSESpecification: {SSEEnabled: true}, DeletionProtectionEnabled: !If [IsProtected, true, false]}`}),
	rule("an update of production never replaces or deletes data",
		"after renaming a key CloudFormation would create a new, empty table",
		func(r *Repo, bad *list) {
			bad.unless(strings.Contains(r.Texts["Makefile"], "$(DEV) deploy --stage"),
				"`make deploy` does not use package deploy, which sets the policy")
		},
		func(r *Repo) { r.Texts["Makefile"] = "" },
		required{"Resources AWS::DynamoDB::Table$", `UpdateReplacePolicy: Retain`},
		required{"AWS::Cognito::UserPool", `DeletionProtection: !If [IsProtected, ACTIVE, INACTIVE]`},
		required{"Conditions ^IsProtected", `"Fn::And": [!Condition IsProd, !Equals [!Ref Protected, "yes"]]`},
		required{"Conditions ^IsProd", `"Fn::Equals": [!Ref Stage, prod]`},
		required{"Parameters ^Protected", `Default: "yes"`},
		required{"StackPolicy", `Statement:
  - {Effect: Allow, Principal: "*", Action: "Update:*", Resource: "*"}
  - {Effect: Deny, Principal: "*", Action: ["Update:Replace", "Update:Delete"], Resource: "*",
      Condition: {StringEquals: {ResourceType: ["AWS::DynamoDB::Table", "AWS::Cognito::UserPool"]}}}`}),
	requires("logs expire, functions are traced, secrets stay out",
		"logs are kept for ever by default; whoever may describe a function reads its environment",
		required{"AWS::Logs::LogGroup", `RetentionInDays: any`},
		required{"Globals ^Function", `Tracing: Active`},
		// At TRACE Lambda filters none of our lines: a metric has no level (ADR 13).
		required{"AWS::Serverless::Function", `{LoggingConfig: {LogGroup: !Like "Logs$", LogFormat: JSON,
				ApplicationLogLevel: TRACE, SystemLogLevel: WARN},
			Environment: !Unlike "{{resolve:"}`}),
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
	return slices.DeleteFunc(keys(r.resources()), func(id string) bool { return r.resource(id)["Type"] != t })
}

// each returns the properties of the resources of a type.
func (r *Repo) each(t string) iter.Seq2[string, map[string]any] {
	return func(yield func(string, map[string]any) bool) {
		for _, id := range r.ofType(t) {
			if !yield(id, r.properties(id)) {
				return
			}
		}
	}
}

// referred lists what the lists called name in a resource refer to.
func (r *Repo) referred(id, name string) (all []string) {
	walk(r.properties(id), func(v any) {
		items, _ := cfn.Dig(v, name).([]any)
		for _, item := range items {
			all = append(all, text(item))
		}
	})
	return all
}

// looksUpAddresses reports whether a function uses the registry, and so calls third parties by
// HTTP.
func (r *Repo) looksUpAddresses(function string) bool {
	return cfn.Dig(r.properties(function), "Environment", "Variables", "DISCOVERY", "Ref") == "Discovery"
}

// shorten drops the first item of the lists called name in a resource, for sabotages.
func (r *Repo) shorten(id, name string) {
	walk(r.properties(id), func(v any) {
		if items, ok := cfn.Dig(v, name).([]any); ok {
			v.(map[string]any)[name] = items[1:]
		}
	})
}
