package arch

import (
	"slices"
	"strings"

	"orderflow/internal/verify/cfn"
)

// ruleFunctions lists what CloudFormation accepts in Rules. It documents Fn::If, but refuses it.
var ruleFunctions = []string{
	"Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn",
}

// deployable are the minimum parameters of each stage.
var deployable = map[string]map[string]string{
	"local": {"Stage": "local"},
	"dev":   {"Stage": "dev", "SenderIdentity": "shop.example", "SenderAddress": "orders@shop.example"},
	"prod": {"Stage": "prod", "SenderIdentity": "shop.example", "SenderAddress": "orders@shop.example",
		"AlarmEmail": "ops@shop.example"},
}

// localOnly lists the parameters that only the local stage accepts.
var localOnly = []string{"EmulatorEndpoint", "TokenIssuer", "TokenAudience"}

func parameterRules() []Rule {
	return []Rule{
		{
			Name: "parameters that would break a stage are refused",
			Why:  "a stage that trusts foreign tokens, or sends no mail or alarms, looks healthy until it matters",
			Check: func(r *Repo, bad *list) {
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
						bad.unless(refused(stage, missing, ""), "%s can be deployed without %s", stage, missing)
					}
					for _, local := range localOnly {
						bad.unless(refused(stage, local, "http://127.0.0.1:4566"), "%s accepts %s", stage, local)
					}
				}
				for _, local := range localOnly {
					bad.unless(!refused("local", local, "http://127.0.0.1:4566"), "local refuses %s", local)
				}
				for stage, accepted := range map[string]bool{"local": true, "dev": false} {
					parameters := map[string]string{"Stage": stage, "EmulatorEndpoint": "http://127.0.0.1:4566"}
					s, err := cfn.New(r.Sandbox, "orderflow-sandbox", parameters)
					bad.unless(err == nil && accepted == (len(s.Refusals()) == 0),
						"the sandbox of %s accepts EmulatorEndpoint: %t", stage, !accepted)
				}
				bad.unless(refused("prod", "AlarmEmail", ""), "prod can be deployed without AlarmEmail")
				bad.unless(!refused("dev", "AlarmEmail", ""), "dev needs AlarmEmail")
			},
			Sabotage: func(r *Repo) { delete(r.Template["Rules"].(map[string]any), "OnlyInLocal") },
		},
		{
			Name: "rules use what CloudFormation accepts and say what to do",
			Why:  "conditions or Fn::If in them fail every deployment; users see only the description",
			Check: func(r *Repo, bad *list) {
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
							bad.unless(!strings.HasPrefix(f, "Fn::") || slices.Contains(ruleFunctions, f),
								"%s uses %s", name, f)
							bad.unless(f != "Condition", "%s uses a condition", name)
						}
						if parameter, ok := m["Ref"].(string); ok {
							known := cfn.Dig(r.Template, "Parameters", parameter) != nil
							bad.unless(known, "%s refers to %s, which is not a parameter", name, parameter)
						}
					})
				}
				bad.unless(len(rules) > 0, "there are no rules")
			},
			Sabotage: func(r *Repo) {
				rule := cfn.Dig(r.Template, "Rules", "SenderIsGiven").(map[string]any)
				rule["RuleCondition"] = map[string]any{"Condition": "OnAWS"}
			},
		},
		{
			Name: "mail goes to anybody, but from one address only",
			Why:  "SES's sandbox needs a grant on the recipient's identity, too; the condition fixes the sender",
			Check: func(r *Repo, bad *list) {
				grants := 0
				for _, id := range r.ofType("AWS::IAM::Role") {
					walk(r.properties(id), func(v any) {
						isSES := func(action string) bool { return strings.HasPrefix(action, "ses:") }
						if !slices.ContainsFunc(texts(cfn.Dig(v, "Action")), isSES) {
							return
						}
						grants++
						resource, _ := cfn.Dig(v, "Resource", "Fn::If").([]any)
						toAll := len(resource) == 3 && resource[0] == "OnAWS" &&
							strings.HasSuffix(text(resource[1]), ":identity/*")
						bad.unless(toAll, "%s may not send to unverified recipients", id)
						condition, _ := cfn.Dig(v, "Condition", "Fn::If").([]any)
						if len(condition) != 3 || condition[0] != "OnAWS" {
							bad.add("%s may send as anybody", id)
							return
						}
						from := texts(cfn.Dig(condition[1], "StringEqualsIgnoreCase", "ses:FromAddress"))
						bad.unless(slices.Contains(from, "SenderAddress"), "%s may send as anybody", id)
					})
				}
				bad.unless(grants == 1, "%d roles may send mail, want only that of notify-customer", grants)
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
			Name: "operators sign in with IAM permission only, for an hour",
			Why:  "a client id is not a secret: without it a stolen password is enough; tokens cannot be revoked",
			Check: func(r *Repo, bad *list) {
				flows := func(id string) []string { return texts(r.properties(id)["ExplicitAuthFlows"]) }
				const flow = "ALLOW_ADMIN_USER_PASSWORD_AUTH"
				allowed := flows("OperatorClient")
				bad.unless(slices.Equal(allowed, []string{flow}), "OperatorClient allows %v", allowed)
				for _, id := range r.ofType("AWS::Cognito::UserPoolClient") {
					bad.unless(id == "OperatorClient" || !slices.Contains(flows(id), flow),
						"%s lets operators in, too", id)
				}
				for _, token := range []string{"IdToken", "AccessToken", "RefreshToken"} {
					p := r.properties("OperatorClient")
					minutes, _ := p[token+"Validity"].(int)
					bad.unless(minutes > 0 && minutes <= 60 && cfn.Dig(p, "TokenValidityUnits", token) == "minutes",
						"OperatorClient's %s is valid for longer than an hour", token)
				}
			},
			Sabotage: func(r *Repo) {
				r.properties("OperatorClient")["ExplicitAuthFlows"] = []any{"ALLOW_ADMIN_USER_PASSWORD_AUTH",
					"ALLOW_USER_PASSWORD_AUTH"}
			},
		},
		{
			Name: "the parameters Mfa and Firewall take effect",
			Why:  "a parameter without effect misleads; request samples hold tokens and addresses",
			Check: func(r *Repo, bad *list) {
				with := func(parameters map[string]string) *cfn.Stack {
					s, err := cfn.New(r.Template, "orderflow-dev", parameters)
					bad.unless(err == nil, "%v: %v", parameters, err)
					return s
				}
				for mfa, enabled := range map[string]any{"OFF": nil, "OPTIONAL": "SOFTWARE_TOKEN_MFA",
					"ON": "SOFTWARE_TOKEN_MFA"} {
					pool := with(map[string]string{"Mfa": mfa}).Properties("UserPool")
					factors, _ := pool["EnabledMfas"].([]any)
					applied := (enabled == nil) == (len(factors) == 0) &&
						(enabled == nil || slices.Contains(factors, enabled))
					bad.unless(pool["MfaConfiguration"] == mfa && applied,
						"with Mfa=%s the pool has %v with %v", mfa, pool["MfaConfiguration"], factors)
				}
				for firewall, want := range map[string]int{"off": 0, "on": 1} {
					s := with(map[string]string{"Firewall": firewall})
					acls, associations := s.OfType("AWS::WAFv2::WebACL"), s.OfType("AWS::WAFv2::WebACLAssociation")
					bad.unless(len(acls) == want && len(associations) == want,
						"with Firewall=%s the API has a firewall: %t", firewall, want == 0)
				}
				const stage = "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}/stages/${Api.Stage}"
				bad.unless(text(r.properties("WebAclAssociation")["ResourceArn"]) == stage,
					"the firewall does not protect the API")
				walk(r.properties("WebAcl"), func(v any) {
					visibility := cfn.Dig(v, "VisibilityConfig")
					bad.unless(visibility == nil || cfn.Dig(visibility, "SampledRequestsEnabled") == false,
						"%v keeps samples of requests", cfn.Dig(v, "Name"))
				})
			},
			Sabotage: func(r *Repo) { delete(r.properties("UserPool"), "EnabledMfas") },
		},
		{
			Name: "with Stripe the sandbox does not set the provider's address",
			Why:  "otherwise the sandbox's next deployment would send charges to the sandbox",
			Check: func(r *Repo, bad *list) {
				for _, discovery := range []string{"parameters", "cloud-map"} {
					for _, provider := range []string{"registry", "stripe"} {
						parameters := map[string]string{"Discovery": discovery, "PaymentProvider": provider}
						s, err := cfn.New(r.Sandbox, "orderflow-sandbox", parameters)
						if err != nil {
							bad.add("%v", err)
							return
						}
						addresses := slices.Concat(s.OfType("AWS::SSM::Parameter"),
							s.OfType("AWS::ServiceDiscovery::Service"), s.OfType("AWS::ServiceDiscovery::Instance"))
						written := func(name string) bool {
							return slices.ContainsFunc(addresses,
								func(id string) bool { return strings.HasPrefix(id, name) })
						}
						bad.unless(written("Carrier"), "%s, %s: the carrier's address is not set", discovery, provider)
						set := written("PaymentProvider")
						bad.unless(set == (provider == "registry"),
							"%s, %s: the provider's address is set: %t", discovery, provider, set)
					}
				}
			},
			Sabotage: func(r *Repo) {
				address := cfn.Dig(r.Sandbox, "Resources", "PaymentProviderAddress").(map[string]any)
				address["Condition"] = "UsesParameters"
			},
		},
		{
			Name: "in production the user pool sends by SES",
			Why:  "Cognito's own sender stops after 50 mails a day, then nobody can sign up",
			Check: func(r *Repo, bad *list) {
				for stage, own := range map[string]bool{"dev": true, "prod": false} {
					s, err := cfn.New(r.Template, "orderflow-"+stage, deployable[stage])
					if err != nil {
						bad.add("%v", err)
						return
					}
					configuration := s.Properties("UserPool")["EmailConfiguration"]
					bad.unless(own == (configuration == nil),
						"the pool of %s sends by Cognito: %t", stage, configuration == nil)
					account, from := cfn.Dig(configuration, "EmailSendingAccount"), cfn.Dig(configuration, "From")
					source := text(cfn.Dig(configuration, "SourceArn"))
					asSender := from == "orders@shop.example" && strings.HasSuffix(source, ":identity/shop.example")
					bad.unless(own || account == "DEVELOPER" && asSender,
						"the pool of %s does not send as SenderAddress", stage)
				}
			},
			Sabotage: func(r *Repo) { delete(r.properties("UserPool"), "EmailConfiguration") },
		},
	}
}
