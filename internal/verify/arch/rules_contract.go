package arch

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/verify/cfn"
)

func contractRules() []Rule {
	return []Rule{
		{
			Name: "contract, template and handlers have the same operations",
			Why:  "otherwise a customer finds the route without a function",
			Check: func(r *Repo, bad *list) {
				invoked := map[string]bool{}
				operations(r, func(_, _, id string, op map[string]any) {
					logical := casing.Camel(id)
					if named, ok := op["x-orderflow-function"].(string); ok { // serves several operations
						logical = casing.Camel(named)
					}
					integration := cfn.Dig(op, "x-amazon-apigateway-integration")
					function, uri := logical+"Function.Arn", "/${"+logical+"Function.Arn}/invocations"
					if r.published(logical + "Function") {
						function, uri = logical+"Function.Alias", "/${"+logical+"Function.Arn}:live/invocations"
					}
					bad.unless(strings.HasSuffix(text(cfn.Dig(integration, "uri")), uri),
						"%s is not integrated with %s", id, function)
					role := texts(cfn.Dig(integration, "credentials", "Fn::GetAtt"))
					bad.unless(slices.Equal(role, []string{"ApiRole", "Arn"}), "%s is not invoked by ApiRole", id)
					invoked[function] = true
					bad.unless(handled(r, id, logical), "no handler of its service serves %s", id)
				})
				walk(cfn.Dig(r.properties("ApiRole"), "Policies"), func(v any) {
					if resources, ok := cfn.Dig(v, "Resource").([]any); ok {
						for _, resource := range resources {
							bad.unless(invoked[text(resource)],
								"ApiRole may invoke %s, which serves no operation", text(resource))
							delete(invoked, text(resource))
						}
					}
				})
				for _, function := range keys(invoked) {
					bad.add("ApiRole may not invoke %s", function)
				}
			},
			Sabotage: func(r *Repo) {
				walk(r.resource("ApiRole"), func(v any) {
					if resources, ok := cfn.Dig(v, "Resource").([]any); ok {
						v.(map[string]any)["Resource"] = resources[1:]
					}
				})
			},
		},
		{
			Name: "an operation that involves other services answers 202",
			Why:  "synchronous everything: the caller would wait for the slowest service",
			Check: func(r *Repo, bad *list) {
				operations(r, func(method, route, id string, op map[string]any) {
					if method == "post" && strings.HasPrefix(route, "/v1/orders") {
						accepted, ok := cfn.Dig(op, "responses", "202"), cfn.Dig(op, "responses", "200")
						bad.unless(accepted != nil && ok == nil, "%s does not answer 202", id)
					}
				})
			},
			Sabotage: func(r *Repo) {
				delete(cfn.Dig(r.Spec, "paths", "/v1/orders", "post", "responses").(map[string]any), "202")
			},
		},
		{
			Name: "only health checks and webhooks are open to everyone",
			Why:  "fail closed: an operation without security is open to everyone",
			Check: func(r *Repo, bad *list) {
				operations(r, func(_, route, id string, op map[string]any) {
					security, given := op["security"].([]any)
					open := given && len(security) == 0
					bad.unless(given, "%s does not declare its security", id)
					mayBeOpen := strings.HasPrefix(route, "/health/") || strings.HasPrefix(route, "/v1/webhooks/")
					bad.unless(!open || mayBeOpen, "%s is open to everyone", id)
				})
			},
			Sabotage: func(r *Repo) {
				cfn.Dig(r.Spec, "paths", "/v1/orders", "get").(map[string]any)["security"] = []any{}
			},
		},
		{
			Name: "exactly functions that verify tokens may read the keys",
			Why:  "without an authorizer the function verifies the token; a missing grant shows only there",
			Check: func(r *Repo, bad *list) {
				want := map[string]bool{}
				operations(r, func(_, _, id string, op map[string]any) {
					if security, _ := op["security"].([]any); len(security) == 0 {
						return
					}
					logical := casing.Camel(id)
					if named, ok := op["x-orderflow-function"].(string); ok {
						logical = casing.Camel(named)
					}
					want[logical+"Role"] = true
				})
				have := texts(r.properties("TokenKeysPolicy")["Roles"])
				for role := range want {
					bad.unless(slices.Contains(have, role), "TokenKeysPolicy lacks %s", role)
				}
				for _, role := range have {
					bad.unless(want[role], "TokenKeysPolicy has %s, which verifies no tokens", role)
				}
			},
			Sabotage: func(r *Repo) {
				p := r.properties("TokenKeysPolicy")
				p["Roles"] = p["Roles"].([]any)[1:]
			},
		},
		{
			Name: "every subscribed event type has a topic, schema and queue",
			Why:  "otherwise an event that nobody publishes or can read shows in production only",
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::SNS::Subscription") {
					p := r.properties(id)
					if p["Protocol"] != "sqs" {
						continue
					}
					bad.unless(p["RawMessageDelivery"] == true, "%s wraps the event", id)
					types, _ := cfn.Dig(p, "FilterPolicy", "type").([]any)
					bad.unless(len(types) > 0, "%s receives every event: set FilterPolicy", id)
					for _, t := range types {
						service := strings.Split(text(t)+"..", ".")[1]
						file := "internal/" + service + "/contract/" + text(t) + ".schema.json"
						bad.unless(r.Files[file], "%s: %s has no schema", id, t)
						topic := text(p["TopicArn"])
						bad.unless(strings.EqualFold(topic, service+"Topic"),
							"%s: %s is not published to %s", id, t, topic)
					}
					policy := r.resource(strings.TrimSuffix(text(p["Endpoint"]), ".Arn") + "Policy")
					allowed := false
					walk(policy, func(v any) { allowed = allowed || text(v) == text(p["TopicArn"]) })
					bad.unless(allowed, "%s: %s may not write to the queue", id, text(p["TopicArn"]))
				}
			},
			Sabotage: func(r *Repo) {
				types := []any{"orderflow.orders.order.made.v1"}
				r.properties("StartFulfilmentSubscription")["FilterPolicy"] = map[string]any{"type": types}
			},
		},
		{
			Name: "every event type has a constant in its service's contract",
			Why:  "type, schema file and service have matching names",
			Check: func(r *Repo, bad *list) {
				for file := range r.Files {
					name, ok := strings.CutSuffix(path.Base(file), ".schema.json")
					if !ok || !strings.HasPrefix(file, "internal/") {
						continue
					}
					dir := path.Dir(file)
					p := r.Packages[dir]
					declared := path.Base(dir) == "contract" && p != nil && strings.Contains(p.Source, `"`+name+`"`)
					bad.unless(declared, "%s: no constant of its contract has this type", file)
					service := strings.Split(dir, "/")[1]
					named := strings.HasPrefix(name, "orderflow."+service+".") && strings.HasSuffix(name, ".v1")
					bad.unless(named, "%s is not named orderflow.<service>.<thing>.<happened>.v<n>", file)
				}
			},
			Sabotage: func(r *Repo) {
				r.Files["internal/orders/contract/orderflow.payments.order.lost.v1.schema.json"] = true
			},
		},
		{
			Name: "sample events of consumers and relays are valid events",
			Why:  "people invoke functions with samples, and tests start from them",
			Check: func(r *Repo, bad *list) {
				held := 0
				for file, sample := range r.Samples {
					bodies, err := eventsIn(sample)
					bad.unless(err == nil, "%s: %v", file, err)
					bad.unless(len(bodies) > 0 || !strings.HasPrefix(path.Base(file), "relay-"),
						"%s holds no event", file)
					for _, body := range bodies {
						held++
						e, err := envelope.Parse([]byte(body))
						if err == nil {
							err = r.Schemas.Validate(e)
						}
						bad.unless(err == nil, "%s: %v", file, err)
					}
				}
				bad.unless(held > 0, "no sample holds an event")
			},
			Sabotage: func(r *Repo) {
				file := "events/payments/relay-payments-events.json"
				valid, invalid := []byte("orderflow.payments.payment."), []byte("orderflow.payments.money.")
				r.Samples[file] = bytes.ReplaceAll(r.Samples[file], valid, invalid)
			},
		},
	}
}

// eventsIn returns our events in a sample of a queue or a table's stream. It leaves out other
// messages, such as a change of an execution's status.
func eventsIn(sample []byte) ([]string, error) {
	var in struct {
		Records []struct {
			Body   string                      `json:"body"`
			Change events.DynamoDBStreamRecord `json:"dynamodb"`
		}
	}
	if err := json.Unmarshal(sample, &in); err != nil {
		return nil, err
	}
	var bodies []string
	for _, r := range in.Records {
		if v, ok := r.Change.NewImage["event"]; ok {
			bodies = append(bodies, v.String())
		}
		if strings.Contains(r.Body, `"specversion"`) {
			bodies = append(bodies, r.Body)
		}
	}
	return bodies, nil
}

// operations visits every operation of the contract.
func operations(r *Repo, visit func(method, route, id string, op map[string]any)) {
	paths, _ := r.Spec["paths"].(map[string]any)
	for route, item := range paths {
		for _, method := range []string{"get", "put", "post", "delete", "patch"} {
			if op, ok := cfn.Dig(item, method).(map[string]any); ok {
				id, _ := op["operationId"].(string)
				visit(method, route, id, op)
			}
		}
	}
}

func handled(r *Repo, operationID, logical string) bool {
	for _, f := range r.Functions {
		if f.LogicalID() != logical {
			continue
		}
		if f.Name == "check-"+f.Service { // readiness.Handle serves two operations, named for the service
			return slices.Contains([]string{casing.Camel("check-" + f.Service), casing.Camel("inspect-" + f.Service)},
				casing.Camel(operationID))
		}
		if p := r.Packages["internal/"+f.Service+"/handler"]; p != nil &&
			strings.Contains(p.Source, `"`+operationID+`"`) {
			return true
		}
	}
	return false
}
