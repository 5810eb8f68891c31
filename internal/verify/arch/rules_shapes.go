package arch

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/jsonschema"
	"orderflow/internal/verify/contracts"
	warehouse "orderflow/internal/warehouse/contract"
)

var shapeRules = []Rule{
	ofCore(rule("consumers accept every event that producers may write",
		"an event that consumers refuse was answered with 202, and is retried for ever",
		func(r *Repo, bad *list) {
			var subscribed []string // to by our queues
			for _, stack := range r.all() {
				for _, p := range stack.each("AWS::SNS::Subscription") {
					subscribed = append(subscribed, texts(cfn.Dig(p, "FilterPolicy", "type"))...)
				}
			}
			for _, eventType := range keys(r.Schemas) {
				taken, err := r.Schemas[eventType]()
				if err != nil {
					bad.add("%s: %v", eventType, err)
					continue
				}
				written, ours := writtenTo(origins{r, bad}, eventType)
				for _, name := range keys(taken.Properties) {
					_, known := written.Properties[name]
					bad.unless(known || slices.Contains(ours, name) || !slices.Contains(subscribed, eventType),
						"%s/%s: add the origin of its value to internal/verify/arch/rules_shapes.go", eventType, name)
				}
				for _, refusal := range contracts.Refusals("", written, taken) {
					member := strings.Fields(strings.TrimPrefix(refusal, "/"))[0]
					bad.unless(slices.Contains(ours, member), "%s%s", eventType, refusal)
				}
			}
		},
		func(r *Repo) {
			name := cfn.Dig(r.Spec, "components", "schemas", "Address", "properties", "name")
			name.(map[string]any)["maxLength"] = 1000
		})),
}

// writtenTo returns the schema of the events that a producer may write, and the members whose
// values we generate, such as versions and tokens. The other members come from API requests, token
// claims, and third parties' texts that shipping and payments store and the API returns.
func writtenTo(o origins, eventType string) (s *jsonschema.Schema, ours []string) {
	service, what, _ := strings.Cut(strings.TrimPrefix(eventType, "orderflow."), ".")
	type members = map[string]*jsonschema.Schema
	always, sometimes := members{}, members{}
	reasonOf := func(component string) *jsonschema.Schema { return o.component(component, "properties", "reason") }
	tracking := o.component("Shipment", "properties", "trackingNumber")
	items := o.component("OrderRequest", "properties", "items")
	switch service {
	case "orders":
		always["orderId"], always["total"] = o.component("Ulid"), o.component("Money")
		always["customerId"], always["customerEmail"] = o.claim("sub"), orEmpty(o.claim("email"))
		sometimes["reason"], sometimes["trackingNumber"] = reasonOf("Order"), tracking
		if what == "order.created.v1" || what == "order.overdue.v1" {
			always["items"] = withMember(items, "unitPrice", o.component("Price"))
			always["paymentMethod"], always["shippingAddress"] = o.component("PaymentMethod"), o.component("Address")
		}
		if what == "order.rejected.v1" || what == "order.cancelled.v1" || what == "order.needs-attention.v1" {
			always["reason"] = sometimes["reason"]
			delete(sometimes, "reason")
		}
	case "catalog":
		always["sku"], always["price"] = o.component("Sku"), o.component("Price")
		always["name"] = o.component("ProductRequest", "properties", "name")
		ours = []string{"version"}
	case "inventory":
		always["orderId"], always["items"] = o.component("Ulid"), items
		if what == "stock.adjusted.v1" {
			delta := o.component("StockAdjustment", "properties", "delta")
			always = members{
				"sku": o.component("Sku"), "delta": delta, "reason": reasonOf("StockAdjustment"), "by": o.claim("sub"),
			}
		}
	case "shipping":
		always["orderId"], always["customerId"] = o.component("Ulid"), o.claim("sub")
		sometimes["trackingNumber"], sometimes["reason"] = tracking, reasonOf("Shipment")
		ours = []string{"resumeToken"}
	case "payments":
		always["orderId"], always["amount"] = o.component("Ulid"), o.component("Money")
		sometimes["reason"] = reasonOf("Payment")
		// Our own members are present wherever they are required; both providers' adapters check
		// the url.
		ours = []string{"reason", "dispute", "refundedAmount", "resumeToken"}
		if what == "payment.action-required.v1" {
			always["url"] = o.component("NextAction", "properties", "url")
			ours = append(ours, "url", "until")
		}
	case "warehouse":
		if message := strings.TrimSuffix(what, ".v1"); message != "circuit.changed" {
			always, ours = o.message(message), []string{"messageId"}
		}
	}
	if strings.HasPrefix(what, "circuit.") {
		always, sometimes, ours = nil, nil, []string{"dependency", "from", "to", "openings"}
	}
	s = &jsonschema.Schema{Type: "object", Required: slices.Concat(keys(always), ours), Properties: members{}}
	maps.Copy(s.Properties, always)
	for name, origin := range sometimes {
		s.Properties[name] = orMissing(origin)
	}
	return s, ours
}

// orEmpty also allows an empty text.
func orEmpty(s *jsonschema.Schema) *jsonschema.Schema {
	either := *s
	either.MinLength = 0
	if s.Pattern != nil {
		either.Pattern = &jsonschema.Pattern{Regexp: regexp.MustCompile("^$|" + s.Pattern.String())}
	}
	return &either
}

// orMissing is s for a member that is left out if empty.
func orMissing(s *jsonschema.Schema) *jsonschema.Schema {
	if s.Type != "string" {
		return s
	}
	there := *s
	there.MinLength = max(1, there.MinLength)
	return &there
}

// origins reads the schemas of external input.
type origins struct {
	r   *Repo
	bad *list
}

// message returns the members of a message from the warehouse.
func (o origins) message(kind string) map[string]*jsonschema.Schema {
	text, err := warehouse.Messages.ReadFile("messages/" + kind + ".json")
	if err != nil {
		o.bad.add("%v", err)
		return nil
	}
	s, err := jsonschema.Parse(text)
	if err != nil {
		o.bad.add("message %s: %v", kind, err)
		return nil
	}
	return s.Properties
}

// component returns a schema of the API's contract, or a part of one.
func (o origins) component(path ...string) *jsonschema.Schema {
	node := cfn.Dig(o.r.Spec, append([]string{"components", "schemas"}, path...)...)
	return o.parse(o.plain(node), "openapi.yaml "+strings.Join(path, "/"))
}

// claim returns the schema of a token's claim.
func (o origins) claim(name string) *jsonschema.Schema {
	return o.parse(cfn.Dig(o.r.Claims, "properties", name), "claim "+name)
}

func (o origins) parse(v any, what string) *jsonschema.Schema {
	var s *jsonschema.Schema
	text, err := json.Marshal(v)
	if err == nil {
		s, err = jsonschema.Parse(text)
	}
	if err != nil {
		o.bad.add("%s: %v", what, err)
		return &jsonschema.Schema{}
	}
	return s
}

// withMember adds a member to the items of a list.
func withMember(s *jsonschema.Schema, name string, member *jsonschema.Schema) *jsonschema.Schema {
	items, one := *s, *s.Items
	one.Properties = maps.Clone(one.Properties)
	one.Properties[name], one.AdditionalProperties = member, nil
	one.Required = append(slices.Clone(one.Required), name)
	items.Items = &one
	return &items
}

// plain resolves references and drops keywords that do not constrain values.
func (o origins) plain(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	if ref, ok := m["$ref"].(string); ok {
		return o.plain(cfn.Dig(o.r.Spec, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...))
	}
	out := map[string]any{}
	for name, value := range m {
		switch name {
		case "description", "title", "example", "default", "format", "nullable":
		case "properties":
			members := map[string]any{}
			for member, s := range value.(map[string]any) {
				members[member] = o.plain(s)
			}
			out[name] = members
		default:
			out[name] = o.plain(value)
		}
	}
	return out
}
