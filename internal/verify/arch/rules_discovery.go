package arch

import (
	"slices"
	"strings"

	"orderflow/internal/verify/cfn"
)

func discoveryRules() []Rule {
	return []Rule{
		{
			Name: "an HTTP client finds its address in the registry",
			Why:  "hard-coded endpoints: an address in the environment is as fixed as one in code",
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::Serverless::Function") {
					variables, _ := cfn.Dig(r.properties(id), "Environment", "Variables").(map[string]any)
					for name, value := range variables {
						walk(value, func(v any) {
							s, _ := v.(string)
							contains := func(part string) bool { return strings.Contains(s, part) }
							address := s == "Api" || s == "EmulatorEndpoint" || strings.HasSuffix(s, "Address.Value") ||
								slices.ContainsFunc([]string{"://", "execute-api", "${EmulatorEndpoint}"}, contains)
							bad.unless(!address, "%s has an address in %s", id, name)
						})
					}
				}
			},
			Sabotage: func(r *Repo) {
				environment := cfn.Dig(r.properties("AuthorizePaymentFunction"), "Environment", "Variables")
				environment.(map[string]any)["PROVIDER_URL"] = "https://provider.example"
			},
		},
	}
}

// looksUpAddresses reports whether a function uses the registry, and so calls third parties by
// HTTP.
func (r *Repo) looksUpAddresses(function string) bool {
	return cfn.Dig(r.properties(function), "Environment", "Variables", "DISCOVERY", "Ref") == "Discovery"
}
