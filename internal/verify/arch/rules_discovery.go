package arch

import (
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
			Why:  "hard-coded endpoints: an address in the environment is as fixed as one in code",
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
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) {
				cfn.Dig(r.properties("AuthorizePaymentFunction"), "Environment", "Variables").(map[string]any)["PROVIDER_URL"] = "https://provider.example"
			},
		},
	}
}

// looksUpAddresses reports whether a function has the registry, which is to call others by HTTP.
func (r *Repo) looksUpAddresses(function string) bool {
	return cfn.Dig(r.properties(function), "Environment", "Variables", "DISCOVERY", "Ref") == "Discovery"
}
