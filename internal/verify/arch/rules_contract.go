package arch

import (
	"bytes"
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/envelope"
)

var contractRules = []Rule{
	rule("contract, template and handlers have the same operations",
		"otherwise a customer finds the route without a function",
		func(r *Repo, bad *list) {
			var want []string
			for _, op := range r.operations() {
				function := op.function + "Function.Arn"
				if r.published(op.function + "Function") {
					function = op.function + "Function.Alias"
				}
				want = append(want, function)
				bad.unless(handled(r, op), "no handler of its service serves %s", op.id)
			}
			bad.same("ApiRole", r.referred("ApiRole", "Resource"), want)
		},
		func(r *Repo) { r.shorten("ApiRole", "Resource") }),
	rule("an operation that involves other services answers 202",
		"synchronous everything: the caller would wait for the slowest service",
		func(r *Repo, bad *list) {
			for _, op := range r.operations() {
				accepted, ok := cfn.Dig(op.body, "responses", "202"), cfn.Dig(op.body, "responses", "200")
				involves := op.method == "post" && strings.HasPrefix(op.route, "/v1/orders")
				bad.unless(!involves || accepted != nil, "%s does not answer 202", op.id)
				bad.unless(!involves || ok == nil, "%s also answers 200", op.id)
			}
		},
		func(r *Repo) {
			delete(cfn.Dig(r.Spec, "paths", "/v1/orders", "post", "responses").(map[string]any), "202")
		}),
	rule("only health, webhooks, exports, products, availability and the contract are open to everyone",
		"fail closed: an operation without security is open to everyone",
		func(r *Repo, bad *list) {
			for _, op := range r.operations() {
				mayBeOpen := strings.HasPrefix(op.route, "/health/") || strings.HasPrefix(op.route, "/v1/webhooks/") ||
					strings.HasPrefix(op.route, "/v1/exports/") || op.route == "/v1/openapi.json" ||
					op.route == "/v1/availability" || strings.HasPrefix(op.route, "/v1/products") && op.method == "get"
				bad.unless(op.body["security"] != nil, "%s does not declare its security", op.id)
				bad.unless(op.secured() || mayBeOpen, "%s is open to everyone", op.id)
			}
		},
		func(r *Repo) {
			cfn.Dig(r.Spec, "paths", "/v1/orders", "get").(map[string]any)["security"] = []any{}
		}),
	rule("exactly functions that verify tokens may read the keys",
		"without an authorizer the function verifies the token; a missing grant shows only there",
		func(r *Repo, bad *list) {
			var want []string
			for _, op := range r.operations() {
				if op.secured() {
					want = append(want, op.function+"Role")
				}
			}
			bad.same("TokenKeysPolicy", r.referred("TokenKeysPolicy", "Roles"), want)
		},
		func(r *Repo) { r.shorten("TokenKeysPolicy", "Roles") }),
	rule("every subscribed event type has a topic, schema and queue",
		"otherwise an event that nobody publishes or can read shows in production only",
		func(r *Repo, bad *list) {
			for id, p := range r.each("AWS::SNS::Subscription") {
				topic := text(p["TopicArn"])
				for _, t := range texts(cfn.Dig(p, "FilterPolicy", "type")) {
					service := strings.Split(t+"..", ".")[1]
					file := "internal/" + service + "/contract/" + t + ".schema.json"
					bad.unless(r.Files[file], "%s: %s has no schema", id, t)
					ours := strings.EqualFold(topic, service+"Topic") || strings.HasSuffix(topic, ":${Core}-"+service)
					bad.unless(ours, "%s: %s is not published to %s", id, t, topic)
				}
			}
		},
		func(r *Repo) {
			types := []any{"orderflow.orders.order.made.v1"}
			r.properties("StartFulfilmentSubscription")["FilterPolicy"] = map[string]any{"type": types}
		},
		required{"AWS::SNS::Subscription !^AlarmSubscription", `{Endpoint: !GetAtt <base>Queue.Arn,
			RawMessageDelivery: true, FilterPolicy: {type: [!Like "^orderflow[.]"]}}`}),
	rule("every event type has a constant in its service's contract",
		"type, schema file and service have matching names",
		func(r *Repo, bad *list) {
			for file := range r.Files {
				name, ok := strings.CutSuffix(path.Base(file), ".schema.json")
				if !ok || !strings.HasPrefix(file, "internal/") {
					continue
				}
				dir := path.Dir(file)
				p := r.Packages[dir]
				bad.unless(path.Base(dir) == "contract", "%s is not in a package contract", file)
				declared := p != nil && strings.Contains(p.Source, `"`+name+`"`)
				bad.unless(declared, "%s: no constant of its package has this type", file)
				service := strings.Split(dir, "/")[1]
				named := strings.HasPrefix(name, "orderflow."+service+".") && strings.HasSuffix(name, ".v1")
				bad.unless(named, "%s is not named orderflow.<service>.<thing>.<happened>.v<n>", file)
			}
		},
		func(r *Repo) {
			r.Files["internal/orders/contract/orderflow.payments.order.lost.v1.schema.json"] = true
		}),
	rule("sample events of consumers and relays are valid events",
		"people invoke functions with samples, and tests start from them",
		func(r *Repo, bad *list) {
			for file, sample := range r.Samples {
				var content any
				err := json.Unmarshal(sample, &content)
				bad.unless(err == nil, "%s: %v", file, err)
				held := 0
				for _, body := range texts(content) {
					if !strings.Contains(body, `"specversion"`) {
						continue // not one of our events
					}
					held++
					e, err := envelope.Parse([]byte(body))
					if err == nil {
						err = r.Schemas.Validate(e)
					}
					bad.unless(err == nil, "%s: %v", file, err)
				}
				bad.unless(held > 0 || !strings.HasPrefix(path.Base(file), "relay-"), "%s holds no event", file)
			}
		},
		func(r *Repo) {
			file := "events/payments/relay-payments-events.json"
			valid, invalid := []byte("orderflow.payments.payment."), []byte("orderflow.payments.money.")
			r.Samples[file] = bytes.ReplaceAll(r.Samples[file], valid, invalid)
		}),
}

// operation is an operation of the contract.
type operation struct {
	method, route, id string
	function          string // its prefix in the template
	body              map[string]any
}

func (op operation) secured() bool {
	security, _ := op.body["security"].([]any)
	return len(security) > 0
}

func (r *Repo) operations() (all []operation) {
	paths, _ := r.Spec["paths"].(map[string]any)
	for route, item := range paths {
		for _, method := range []string{"get", "put", "post", "delete", "patch"} {
			if body, ok := cfn.Dig(item, method).(map[string]any); ok {
				id := text(body["operationId"])
				function := casing.Camel(cmp.Or(text(body["x-orderflow-function"]), id)) // for several operations
				all = append(all, operation{method, route, id, function, body})
			}
		}
	}
	return all
}

// handlers returns the source of a service's handlers.
func (r *Repo) handlers(service string) (source string) {
	for dir, p := range r.Packages {
		if strings.HasPrefix(dir, "internal/"+service+"/") && path.Base(dir) == "handler" {
			source += p.Source
		}
	}
	return source
}

func handled(r *Repo, op operation) bool {
	return slices.ContainsFunc(r.Functions, func(f Function) bool {
		if f.Name == "check-"+f.Service { // readiness.Handle serves two operations, named for the service
			service := casing.Camel(f.Service)
			return f.LogicalID() == op.function && (op.id == "check"+service || op.id == "inspect"+service)
		}
		return f.LogicalID() == op.function && strings.Contains(r.handlers(f.Service), `"`+op.id+`"`)
	})
}
