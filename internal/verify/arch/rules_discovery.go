package arch

import (
	"reflect"
	"slices"
	"strings"

	"orderflow/internal/verify/cfn"
)

func discoveryRules() []Rule {
	return []Rule{
		sourceRule("an address stands in the registry, not in code", "hard-coded endpoints: what moves needs a new deployment of everyone who calls it, and cannot be doubled or ejected",
			[]string{`"https://`, `"http://`, "execute-api"},
			func(dir string) bool {
				return product(dir) || strings.HasPrefix(dir, "sandbox/")
			},
			"internal/platform/registry", "internal/platform/awsjson", // AWS itself
			"internal/platform/httpapi"), // the types of problems, which are names
		{
			Name: "who calls by HTTP finds the address in the registry",
			Why:  "hard-coded endpoints: an address in the environment is as fixed as one in code; a grant too few shows only when the other registry is chosen",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::Serverless::Function") {
					variables, _ := cfn.Dig(r.properties(id), "Environment", "Variables").(map[string]any)
					for name, value := range variables {
						walk(value, func(v any) {
							s, _ := v.(string)
							address := s == "Api" || s == "EmulatorEndpoint" || strings.Contains(s, "://") || strings.Contains(s, "execute-api") || strings.Contains(s, "${EmulatorEndpoint}") || strings.HasSuffix(s, "Address.Value")
							bad.unless(!address, "%s has an address in %s", id, name)
						})
					}
					calls := r.looksUpAddresses(id)
					role := strings.TrimSuffix(id, "Function") + "Role"
					managed := texts(r.properties(role)["ManagedPolicyArns"])
					bad.unless(calls == slices.Contains(managed, "DiscoveryPolicy"), "%s looks up addresses: %t; has the DiscoveryPolicy: %t", id, calls, !calls)
					bad.unless(calls == readsParameters(r.properties(role)), "%s looks up addresses: %t; may read parameters, if they are chosen: %t", id, calls, !calls)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) {
				cfn.Dig(r.properties("AuthorizePaymentFunction"), "Environment", "Variables").(map[string]any)["PROVIDER_URL"] = "https://provider.example"
			},
		},
		{
			Name: "an address is the same in every registry",
			Why:  "the choice of a registry must not change what is called",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::SSM::Parameter") {
					parameter, base := r.properties(id), strings.TrimSuffix(id, "Address")
					name, ok := strings.CutPrefix(text(parameter["Name"]), "/orderflow/${Stage}/services/")
					if !ok {
						continue
					}
					bad.unless(r.resource(id)["Condition"] == "UsesParameters", "%s is there though parameters were not chosen", id)
					for suffix, resource := range map[string]map[string]any{"Discovery": r.properties(base + "Discovery"), "Endpoint": r.properties(base + "Endpoint")} {
						bad.unless(resource != nil && r.resource(base + suffix)["Condition"] == "UsesCloudMap", "%s has no %s%s for Cloud Map", id, base, suffix)
					}
					bad.unless(r.properties(base + "Discovery")["Name"] == name, "%sDiscovery is not called %s", base, name)
					bad.unless(text(r.properties(base + "Endpoint")["ServiceId"]) == base+"Discovery", "%sEndpoint is not of %sDiscovery", base, base)
					bad.unless(reflect.DeepEqual(cfn.Dig(r.properties(base+"Endpoint"), "InstanceAttributes", "url"), parameter["Value"]), "%sEndpoint is elsewhere than %s", base, id)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) {
				cfn.Dig(r.properties("ShippingEndpoint"), "InstanceAttributes").(map[string]any)["url"] = "https://elsewhere.example"
			},
		},
	}
}

// readsParameters tells whether a role may read addresses, under the condition that parameters are chosen.
func readsParameters(role map[string]any) bool {
	found := false
	walk(role, func(v any) {
		choice, _ := cfn.Dig(v, "Fn::If").([]any)
		found = found || len(choice) == 3 && choice[0] == "UsesParameters" && text(cfn.Dig(choice[1], "Action")) == "ssm:GetParameter"
	})
	return found
}

// looksUpAddresses reports whether a function has the registry, which is to call others by HTTP.
func (r *Repo) looksUpAddresses(function string) bool {
	return cfn.Dig(r.properties(function), "Environment", "Variables", "DISCOVERY", "Ref") == "Discovery"
}
