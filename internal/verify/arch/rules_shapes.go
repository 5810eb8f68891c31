package arch

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"orderflow/internal/platform/jsonschema"
	"orderflow/internal/verify/cfn"
)

func shapeRules() []Rule {
	return []Rule{{
		Name: "whatever a producer may write into an event, its consumers take",
		Why:  "what passes the edge and is refused behind it was answered with 202, and is refused again for ever",
		Check: func(r *Repo) []string {
			var bad list
			subscribed := subscriptions(r)
			for _, eventType := range keys(r.Schemas) {
				taken, err := r.Schemas[eventType]()
				if err != nil {
					bad.add("%s: %v", eventType, err)
					continue
				}
				e, err := writtenTo(r, eventType)
				bad.unless(err == nil, "%s: %v", eventType, err)
				for _, name := range keys(taken.Properties) {
					_, said := e.schema.Properties[name]
					bad.unless(said || e.ours[name] || !subscribed[eventType], "%s/%s: internal/verify/arch/rules_shapes.go does not say where its value comes from", eventType, name)
				}
				for _, refusal := range refusals("", e.schema, taken) {
					if !e.ours[strings.Fields(strings.TrimPrefix(refusal, "/"))[0]] { // a value of our own making
						bad.add("%s%s", eventType, refusal)
					}
				}
			}
			return bad.sorted()
		},
		Sabotage: func(r *Repo) {
			cfn.Dig(r.Spec, "components", "schemas", "Address", "properties", "name").(map[string]any)["maxLength"] = 1000
		},
	}}
}

// subscriptions are the event types that a queue of ours takes.
func subscriptions(r *Repo) map[string]bool {
	all := map[string]bool{}
	for _, id := range r.ofType("AWS::SNS::Subscription") {
		types, _ := cfn.Dig(r.properties(id), "FilterPolicy", "type").([]any)
		for _, t := range types {
			all[text(t)] = true
		}
	}
	return all
}

// written is what the data of an event may be.
type written struct {
	schema *jsonschema.Schema
	// ours are the members whose values we make ourselves, such as versions and tokens.
	ours map[string]bool
}

// writtenTo says where the values of an event come from: what the API lets in, what of a token's claims is used, and what
// shipping and payments keep of the words of third parties, which is what the API may answer with.
func writtenTo(r *Repo, eventType string) (written, error) {
	o := origins{r: r}
	service, what, _ := strings.Cut(strings.TrimPrefix(eventType, "orderflow."), ".")
	always, sometimes, ours := map[string]*jsonschema.Schema{}, map[string]*jsonschema.Schema{}, []string{}
	switch service {
	case "orders":
		always["orderId"], always["customerId"], always["customerEmail"] = o.component("Ulid"), o.claim("sub"), orEmpty(o.claim("email"))
		always["total"] = o.component("Money")
		sometimes["reason"], sometimes["trackingNumber"] = o.component("Order", "properties", "reason"), o.component("Shipment", "properties", "trackingNumber")
		if what == "order.created.v1" || what == "order.overdue.v1" {
			always["items"] = o.with(o.component("OrderRequest", "properties", "items"), "unitPrice", o.component("Price"))
			always["paymentMethod"], always["shippingAddress"] = o.component("PaymentMethod"), o.component("Address")
		}
		if what == "order.rejected.v1" || what == "order.cancelled.v1" || what == "order.needs-attention.v1" {
			always["reason"] = sometimes["reason"]
			delete(sometimes, "reason")
		}
	case "catalog":
		always["sku"], always["name"], always["price"] = o.component("Sku"), o.component("ProductRequest", "properties", "name"), o.component("Price")
		ours = []string{"version"}
	case "inventory":
		always["orderId"], always["items"] = o.component("Ulid"), o.component("OrderRequest", "properties", "items")
		if what == "stock.adjusted.v1" {
			always = map[string]*jsonschema.Schema{"sku": o.component("Sku"), "delta": o.component("StockAdjustment", "properties", "delta"),
				"reason": o.component("StockAdjustment", "properties", "reason"), "by": o.claim("sub")}
		}
	case "shipping":
		always["orderId"], always["customerId"] = o.component("Ulid"), o.claim("sub")
		sometimes["trackingNumber"], sometimes["reason"] = o.component("Shipment", "properties", "trackingNumber"), o.component("Shipment", "properties", "reason")
		ours = []string{"resumeToken"}
	case "payments":
		always["orderId"], always["amount"] = o.component("Ulid"), o.component("Money")
		sometimes["reason"] = o.component("Payment", "properties", "reason")
		ours = []string{"reason", "dispute", "refundedAmount"} // always there where they must be
	}
	if strings.HasPrefix(what, "circuit.") {
		always, sometimes, ours = nil, nil, []string{"dependency", "from", "to", "openings"}
	}
	w := written{schema: &jsonschema.Schema{Type: "object", Required: slices.Concat(keys(always), ours), Properties: map[string]*jsonschema.Schema{}}, ours: map[string]bool{}}
	for _, name := range ours {
		w.ours[name] = true
	}
	maps.Copy(w.schema.Properties, always)
	for name, s := range sometimes {
		w.schema.Properties[name] = orMissing(s)
	}
	return w, o.failed
}

// orEmpty is s, or no text at all.
func orEmpty(s *jsonschema.Schema) *jsonschema.Schema {
	if s == nil || s.Pattern == nil {
		return s
	}
	either, p := *s, *s.Pattern
	either.MinLength, either.Pattern = 0, &p
	if err := p.UnmarshalJSON([]byte(fmt.Sprintf("%q", "^$|"+s.Pattern.String()))); err == nil {
		either.Pattern = &p
	}
	return &either
}

// orMissing is s where an empty text is left out.
func orMissing(s *jsonschema.Schema) *jsonschema.Schema {
	if s == nil || s.Type != "string" {
		return s
	}
	there := *s
	there.MinLength = max(1, there.MinLength)
	return &there
}

// origins reads the schemas of what comes from outside, and keeps the first error.
type origins struct {
	r      *Repo
	failed error
}

// component is a schema of the API's contract, or one within it.
func (o *origins) component(path ...string) *jsonschema.Schema {
	return o.parse(o.plain(cfn.Dig(o.r.Spec, append([]string{"components", "schemas"}, path...)...)), "openapi.yaml "+strings.Join(path, "/"))
}

// claim is what is used of a token's claim.
func (o *origins) claim(name string) *jsonschema.Schema {
	return o.parse(cfn.Dig(o.r.Claims, "properties", name), "claim "+name)
}

func (o *origins) parse(v any, what string) *jsonschema.Schema {
	text, err := json.Marshal(v)
	if err == nil {
		var s *jsonschema.Schema
		if s, err = jsonschema.Parse(text); err == nil {
			return s
		}
	}
	if o.failed == nil {
		o.failed = fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// with gives the items of a list a member more.
func (o *origins) with(s *jsonschema.Schema, name string, member *jsonschema.Schema) *jsonschema.Schema {
	if s == nil || s.Items == nil {
		return s
	}
	items, one := *s, *s.Items
	one.Properties = maps.Clone(one.Properties)
	one.Properties[name], one.Required, one.AdditionalProperties = member, append(slices.Clone(one.Required), name), nil
	items.Items = &one
	return &items
}

// plain puts references in place and leaves out what says nothing about what is valid.
func (o *origins) plain(v any) any {
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
