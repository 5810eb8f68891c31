package arch

import (
	"slices"
	"strings"

	"orderflow/internal/verify/cfn"
)

// ruleFunctions are all that CloudFormation takes in Rules; Fn::If is documented, and refused.
var ruleFunctions = []string{"Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"}

// deployable are the parameters that each stage needs at least.
var deployable = map[string]map[string]string{
	"local": {"Stage": "local"},
	"dev":   {"Stage": "dev", "SenderIdentity": "shop.example", "SenderAddress": "orders@shop.example"},
	"prod":  {"Stage": "prod", "SenderIdentity": "shop.example", "SenderAddress": "orders@shop.example", "AlarmEmail": "ops@shop.example"},
}

func parameterRules() []Rule {
	return []Rule{
		{
			Name: "parameters that would harm a stage are refused",
			Why:  "a stage on AWS that trusts another issuer's tokens, sends no mail, or has nobody to hear its alarms looks well until it matters",
			Check: func(r *Repo) []string {
				var bad list
				refused := func(stage, parameter, value string) bool {
					parameters := map[string]string{}
					for name, v := range deployable[stage] {
						parameters[name] = v
					}
					if parameter != "" {
						parameters[parameter] = value
					}
					s, err := cfn.New(r.Template, "orderflow-"+stage, parameters)
					return err != nil || len(s.Refusals()) > 0
				}
				for _, stage := range keys(deployable) {
					bad.unless(!refused(stage, "", ""), "%s cannot be deployed", stage)
				}
				for _, stage := range []string{"dev", "prod"} {
					for _, missing := range []string{"SenderIdentity", "SenderAddress"} {
						bad.unless(refused(stage, missing, ""), "%s goes without %s", stage, missing)
					}
					for _, local := range []string{"EmulatorEndpoint", "TokenIssuer", "TokenAudience"} {
						bad.unless(refused(stage, local, "http://127.0.0.1:4566"), "%s takes a %s", stage, local)
					}
				}
				for _, local := range []string{"EmulatorEndpoint", "TokenIssuer", "TokenAudience"} {
					bad.unless(!refused("local", local, "http://127.0.0.1:4566"), "local takes no %s", local)
				}
				for stage, taken := range map[string]bool{"local": true, "dev": false} {
					s, err := cfn.New(r.Sandbox, "orderflow-sandbox", map[string]string{"Stage": stage, "EmulatorEndpoint": "http://127.0.0.1:4566"})
					bad.unless(err == nil && taken == (len(s.Refusals()) == 0), "the sandbox of %s takes an EmulatorEndpoint: %t", stage, !taken)
				}
				bad.unless(refused("prod", "AlarmEmail", ""), "prod goes without AlarmEmail")
				bad.unless(!refused("dev", "AlarmEmail", ""), "dev needs AlarmEmail")
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(r.Template["Rules"].(map[string]any), "OnlyInLocal") },
		},
		{
			Name: "rules are made of what CloudFormation takes there, and say what to do",
			Why:  "a condition or Fn::If in them fails every deployment on AWS; who is refused sees the description only",
			Check: func(r *Repo) []string {
				var bad list
				rules, _ := r.Template["Rules"].(map[string]any)
				for _, name := range keys(rules) {
					assertions, _ := cfn.Dig(rules[name], "Assertions").([]any)
					bad.unless(len(assertions) > 0, "%s asserts nothing", name)
					for _, a := range assertions {
						bad.unless(len(text(cfn.Dig(a, "AssertDescription"))) > 40, "%s does not say what to do", name)
					}
					walk(rules[name], func(v any) {
						m, _ := v.(map[string]any)
						for f := range m {
							bad.unless(!strings.HasPrefix(f, "Fn::") || slices.Contains(ruleFunctions, f), "%s uses %s", name, f)
							bad.unless(f != "Condition", "%s uses a condition", name)
						}
						if parameter, ok := m["Ref"].(string); ok {
							bad.unless(cfn.Dig(r.Template, "Parameters", parameter) != nil, "%s refers to %s, which is no parameter", name, parameter)
						}
					})
				}
				bad.unless(len(rules) > 0, "there are no rules")
				return bad.sorted()
			},
			Sabotage: func(r *Repo) {
				cfn.Dig(r.Template, "Rules", "SenderIsGiven").(map[string]any)["RuleCondition"] = map[string]any{"Condition": "OnAWS"}
			},
		},
		{
			Name: "mail goes out in the name of one address, to whomever",
			Why:  "SES's sandbox asks for the recipient's identity, too, so a grant on the sender's alone sends nothing in a new account; without the condition the function could write as anybody",
			Check: func(r *Repo) []string {
				var bad list
				grants := 0
				for _, id := range r.ofType("AWS::IAM::Role") {
					walk(r.properties(id), func(v any) {
						if !slices.ContainsFunc(texts(cfn.Dig(v, "Action")), func(a string) bool { return strings.HasPrefix(a, "ses:") }) {
							return
						}
						grants++
						resource, _ := cfn.Dig(v, "Resource", "Fn::If").([]any)
						bad.unless(len(resource) == 3 && resource[0] == "OnAWS" && strings.HasSuffix(text(resource[1]), ":identity/*"), "%s may not send to unverified recipients", id)
						condition, _ := cfn.Dig(v, "Condition", "Fn::If").([]any)
						bad.unless(len(condition) == 3 && condition[0] == "OnAWS" && slices.Contains(texts(cfn.Dig(condition[1], "StringEqualsIgnoreCase", "ses:FromAddress")), "SenderAddress"), "%s may send as anybody", id)
					})
				}
				bad.unless(grants == 1, "%d roles may send mail, want that of notify-customer", grants)
				return bad.sorted()
			},
			Sabotage: func(r *Repo) {
				walk(r.resource("NotifyCustomerRole"), func(v any) {
					if cfn.Dig(v, "Action") == "ses:SendEmail" {
						delete(v.(map[string]any), "Condition")
					}
				})
			},
		},
		{
			Name: "passwords of operators are taken with IAM's leave only, for an hour",
			Why:  "an app client's id is no secret: with a flow that needs no signature, a stolen password would be enough from anywhere; a token cannot be called back before it ends",
			Check: func(r *Repo) []string {
				var bad list
				flows := func(id string) []string { return texts(r.properties(id)["ExplicitAuthFlows"]) }
				bad.unless(slices.Equal(flows("OperatorClient"), []string{"ALLOW_ADMIN_USER_PASSWORD_AUTH"}), "OperatorClient allows %v", flows("OperatorClient"))
				for _, id := range r.ofType("AWS::Cognito::UserPoolClient") {
					bad.unless(id == "OperatorClient" || !slices.Contains(flows(id), "ALLOW_ADMIN_USER_PASSWORD_AUTH"), "%s lets operators in, too", id)
				}
				for _, token := range []string{"IdToken", "AccessToken", "RefreshToken"} {
					p := r.properties("OperatorClient")
					minutes, _ := p[token+"Validity"].(int)
					bad.unless(minutes > 0 && minutes <= 60 && cfn.Dig(p, "TokenValidityUnits", token) == "minutes", "OperatorClient's %s is good for longer than an hour", token)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) {
				r.properties("OperatorClient")["ExplicitAuthFlows"] = []any{"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_PASSWORD_AUTH"}
			},
		},
		{
			Name: "a second factor and a firewall are there when they are asked for",
			Why:  "a parameter that does nothing is worse than none; samples of requests hold tokens and addresses",
			Check: func(r *Repo) []string {
				var bad list
				with := func(parameters map[string]string) *cfn.Stack {
					s, err := cfn.New(r.Template, "orderflow-dev", parameters)
					bad.unless(err == nil, "%v: %v", parameters, err)
					return s
				}
				for mfa, enabled := range map[string]any{"OFF": nil, "OPTIONAL": "SOFTWARE_TOKEN_MFA", "ON": "SOFTWARE_TOKEN_MFA"} {
					pool := with(map[string]string{"Mfa": mfa}).Properties("UserPool")
					factors, _ := pool["EnabledMfas"].([]any)
					bad.unless(pool["MfaConfiguration"] == mfa && (enabled == nil) == (len(factors) == 0) && (enabled == nil || slices.Contains(factors, enabled)), "with Mfa=%s the pool is %v with %v", mfa, pool["MfaConfiguration"], factors)
				}
				for firewall, there := range map[string]int{"off": 0, "on": 1} {
					s := with(map[string]string{"Firewall": firewall})
					bad.unless(len(s.OfType("AWS::WAFv2::WebACL")) == there && len(s.OfType("AWS::WAFv2::WebACLAssociation")) == there, "with Firewall=%s the API has a firewall: %t", firewall, there == 0)
				}
				bad.unless(text(r.properties("WebAclAssociation")["ResourceArn"]) == "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}/stages/${Api.Stage}", "the firewall is before something else")
				walk(r.properties("WebAcl"), func(v any) {
					visibility := cfn.Dig(v, "VisibilityConfig")
					bad.unless(visibility == nil || cfn.Dig(visibility, "SampledRequestsEnabled") == false, "%v keeps samples of requests", cfn.Dig(v, "Name"))
				})
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(r.properties("UserPool"), "EnabledMfas") },
		},
		{
			Name: "with Stripe the sandbox leaves the provider's address alone",
			Why:  "two owners of one address: the sandbox's next deployment would send charges to the sandbox again",
			Check: func(r *Repo) []string {
				var bad list
				for _, discovery := range []string{"parameters", "cloud-map"} {
					for _, provider := range []string{"registry", "stripe"} {
						s, err := cfn.New(r.Sandbox, "orderflow-sandbox", map[string]string{"Discovery": discovery, "PaymentProvider": provider})
						if err != nil {
							return []string{err.Error()}
						}
						addresses := slices.Concat(s.OfType("AWS::SSM::Parameter"), s.OfType("AWS::ServiceDiscovery::Service"), s.OfType("AWS::ServiceDiscovery::Instance"))
						written := func(name string) bool {
							return slices.ContainsFunc(addresses, func(id string) bool { return strings.HasPrefix(id, name) })
						}
						bad.unless(written("Carrier"), "%s, %s: the carrier is not written down", discovery, provider)
						bad.unless(written("PaymentProvider") == (provider == "registry"), "%s, %s: the provider is written down: %t", discovery, provider, written("PaymentProvider"))
					}
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) {
				cfn.Dig(r.Sandbox, "Resources", "PaymentProviderAddress").(map[string]any)["Condition"] = "UsesParameters"
			},
		},
		{
			Name: "in production the user pool sends by SES",
			Why:  "Cognito's own sender ends at 50 mails a day, and who signs up after that gets no code",
			Check: func(r *Repo) []string {
				var bad list
				for stage, own := range map[string]bool{"dev": true, "prod": false} {
					s, err := cfn.New(r.Template, "orderflow-"+stage, deployable[stage])
					if err != nil {
						return []string{err.Error()}
					}
					configuration := s.Properties("UserPool")["EmailConfiguration"]
					bad.unless(own == (configuration == nil), "the pool of %s sends by Cognito: %t", stage, configuration == nil)
					bad.unless(own || cfn.Dig(configuration, "EmailSendingAccount") == "DEVELOPER" && cfn.Dig(configuration, "From") == "orders@shop.example" &&
						strings.HasSuffix(text(cfn.Dig(configuration, "SourceArn")), ":identity/shop.example"), "the pool of %s does not send as SenderAddress", stage)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(r.properties("UserPool"), "EmailConfiguration") },
		},
	}
}
