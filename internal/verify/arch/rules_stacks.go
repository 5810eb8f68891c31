package arch

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Optional are the services with a stack of their own, which the core does not know.
var Optional = []string{"reporting", "warehouse"}

var (
	anyOptional = "(" + strings.Join(Optional, "|") + ")"
	// ofTheCore has the directories and files of the core, which every shop deploys.
	ofTheCore = regexp.MustCompile("^((internal|functions|events)/" + anyCore + "/|internal/platform/|cmd/rpc/|api/|" +
		"template.yaml$|deploy/(" + anyCore + `\.yaml|(template|alarms)\.tmpl)$)`)
	// ofBrokers is the part of the platform that only services with stacks of their own import.
	ofBrokers = regexp.MustCompile("^internal/platform/(kafka|rabbitmq)/")
	anyCore   = "(" + strings.Join(slices.DeleteFunc(slices.Clone(Services),
		func(s string) bool { return slices.Contains(Optional, s) }), "|") + ")"
)

// mentions returns a search for references to a service with a stack of its own, but not for the
// plain word warehouse. The search returns "" if a source has none.
func (r *Repo) mentions() func(source string) string {
	// The expression is slow, so it only runs on sources with one of its words.
	words := append([]string{"kafka", "rabbitmq", "amqp", "stacks/"}, Optional...)
	own := []string{
		"(?i:kafka|rabbitmq|amqp)", "stacks/", "internal/" + anyOptional, "orderflow[.]" + anyOptional,
		`-(?:reporting|warehouse)\b`, `/services/(?:reporting|warehouse)`, "(?:Reporting|Warehouse)[A-Z]",
	}
	for _, stack := range r.Own {
		for _, f := range stack.Functions {
			own = append(own, wholeName(f.Name), wholeName(f.LogicalID()))
			words = append(words, f.Name, strings.ToLower(f.LogicalID()))
		}
	}
	mention := regexp.MustCompile(strings.Join(own, "|"))
	return func(source string) string {
		lower := strings.ToLower(source)
		if !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(lower, word) }) {
			return ""
		}
		return strings.TrimSpace(mention.FindString(source))
	}
}

var stackRules = []Rule{
	ban("the core imports nothing of a service with a stack of its own",
		"a shop without it would still build and deploy it",
		"^(internal|functions)/"+anyCore+"\\b|^internal/platform/|^cmd/rpc$",
		"^"+module+"(internal|functions)/"+anyOptional+"\\b", "",
		"internal/inventory orderflow/internal/warehouse/contract"),
	ban("the core imports no client of a broker",
		"it would grow every function, and depend on what a shop need not have",
		"^(internal|functions)/"+anyCore+"\\b|^internal/platform/|^cmd/rpc$",
		"^"+module+"internal/platform/(kafka|rabbitmq)\\b|/franz-go/|/amqp091-go",
		"^internal/platform/(kafka|rabbitmq)\\b",
		"internal/inventory orderflow/internal/platform/rabbitmq"),
	ofCore(rule("the core does not know the services with stacks of their own",
		"independent deployability: what the core names, it must be deployed with",
		func(r *Repo, bad *list) {
			mention := r.mentions()
			for file, source := range r.Sources {
				if ofTheCore.MatchString(file) && !ofBrokers.MatchString(file) && file != "api/reporting.yaml" {
					named := mention(source)
					bad.unless(named == "", "%s names %q", file, named)
				}
			}
			var own []string
			for _, stack := range r.Own {
				own = append(own, stack.Stack)
			}
			bad.same("stacks/", own, Optional)
		},
		func(r *Repo) { r.Sources["template.yaml"] += "\n  WarehouseQueue: {Type: AWS::SQS::Queue}" })),
	requires("Kafka's source skips no record and drops none silently",
		"LATEST skips what came before; a filter drops poison unseen; a batch that fails forever stops its partition",
		required{"AWS::Lambda::EventSourceMapping KafkaSource ", `{StartingPosition: TRIM_HORIZON, BatchSize: any,
			MaximumBatchingWindowInSeconds: any, BisectBatchOnFunctionError: true, MaximumRetryAttempts: !Like "^[1-9]",
			MaximumRecordAgeInSeconds: none, DestinationConfig: {OnFailure: {Destination: !Like "FailureQueue[.]Arn$"}},
			ProvisionedPollerConfig: {MinimumPollers: any, MaximumPollers: any}}`},
		// Without a group of its own, a replaced mapping reads the log again.
		required{"AWS::Lambda::EventSourceMapping KafkaSource ", `{
			AmazonManagedKafkaEventSourceConfig: !If [IsMsk, {ConsumerGroupId: any}, !Ref "AWS::NoValue"],
			SelfManagedKafkaEventSourceConfig: !If [IsMsk, !Ref "AWS::NoValue", {ConsumerGroupId: any}]}`},
		required{"AWS::Lambda::EventSourceMapping (Kafka|RabbitMQ)Source ", `FilterCriteria: none`}),
	requires("RabbitMQ's source reads one queue, with the broker's account",
		"Amazon MQ has no default account; a second queue in one mapping is refused",
		required{"AWS::Lambda::EventSourceMapping RabbitMQSource ",
			`{EventSourceArn: !Ref RabbitMqBroker, Queues: [any],
			MaximumBatchingWindowInSeconds: any, 
				SourceAccessConfigurations: !Any {Type: BASIC_AUTH, URI: !Ref RabbitMqSecret}}`},
		required{"AWS::Lambda::EventSourceMapping RabbitMQSource ",
			`SourceAccessConfigurations: !Any {Type: VIRTUAL_HOST}`}),
	ofCore(rule("no two stacks have a resource of one name",
		"CloudFormation fails halfway; or one stack's deletion takes what the other uses",
		func(r *Repo, bad *list) {
			named := map[string]string{}
			for _, stack := range r.all() {
				parameters := "Stage=prod"
				if stack != r {
					parameters += " Core=orderflow"
				}
				s := with(stack.Template, parameters, bad)
				s.Name = strings.TrimSuffix("orderflow-"+stack.Stack, "-")
				for id := range stack.resources() {
					for property, v := range s.Properties(id) {
						if !strings.HasSuffix(property, "Name") || slices.Contains(notOfTheirs, property) ||
							property == "FunctionName" && s.Type(id) != "AWS::Serverless::Function" {
							continue
						}
						name := fmt.Sprintf("%s %v", s.Type(id), v)
						bad.unless(named[name] == "", "%s: %s has the name of %s", stack.Stack, id, named[name])
						named[name] = id
					}
				}
			}
		},
		func(r *Repo) {
			table := r.Own[0].properties("ReportingTable")
			table["TableName"] = map[string]any{"Fn::Sub": "${Core}-orders"}
		})),
	ofCore(rule("a stack of its own brings nothing that changes another stack's resources",
		"the core's template would no longer describe them",
		func(r *Repo, bad *list) {
			for _, stack := range r.Own {
				for id := range stack.resources() {
					kind := text(stack.resource(id)["Type"])
					bad.unless(!slices.Contains(reaching, kind), "%s: %s is a %s", stack.Stack, id, kind)
				}
			}
		},
		func(r *Repo) {
			r.Own[0].resources()["Reach"] = map[string]any{"Type": "AWS::SNS::TopicPolicy"}
		})),
}

// notOfTheirs are properties that do not name the resource itself.
var notOfTheirs = []string{"PolicyName", "MetricName", "StageName"}

// reaching are types of resources that change other resources: a topic's policy, a setting of the
// account.
var reaching = []string{
	"AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy", "AWS::SQS::QueueInlinePolicy", "AWS::IAM::Policy",
	"AWS::IAM::RolePolicy", "AWS::ApiGateway::Account", "AWS::Lambda::Permission", "AWS::Logs::ResourcePolicy",
	"AWS::Cognito::UserPoolClient", "AWS::Cognito::UserPoolGroup", "AWS::CloudFormation::CustomResource",
}
