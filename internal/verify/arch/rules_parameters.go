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
			Required: []required{{"AWS::IAM::Role ^NotifyCustomerRole ", `Policies: [{PolicyDocument: {Statement: !Any {
				Action: "ses:SendEmail", Resource: !If [OnAWS, !Like ":identity/[*]$", any],
				Condition: !If [OnAWS, {StringEqualsIgnoreCase:
					{"ses:FromAddress": !If [HasSender, !Ref SenderAddress, any]}}, any]}}}]`}},
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::IAM::Role") {
					grants := strings.Count(strings.Join(texts(r.properties(id)["Policies"]), "\n"), "ses:SendEmail")
					want := map[string]int{"NotifyCustomerRole": 1}[id]
					bad.unless(grants == want, "%s has %d grants to send mail, want %d", id, grants, want)
				}
			},
			Sabotage: func(r *Repo) { r.properties("PlaceOrderRole")["Policies"] = "ses:SendEmail" },
		},
		{
			Name: "operators sign in with IAM permission only, for an hour",
			Why:  "a client id is not a secret: without it a stolen password is enough; tokens cannot be revoked",
			Required: []required{
				{"AWS::Cognito::UserPoolClient ^OperatorClient ", `{ExplicitAuthFlows: [ALLOW_ADMIN_USER_PASSWORD_AUTH],
					IdTokenValidity: 60, AccessTokenValidity: 60, RefreshTokenValidity: 60,
					TokenValidityUnits: {IdToken: minutes, AccessToken: minutes, RefreshToken: minutes}}`},
				{"AWS::Cognito::UserPoolClient !^OperatorClient ", `ExplicitAuthFlows: !If [IsProd, any,
					[ALLOW_USER_SRP_AUTH, ALLOW_REFRESH_TOKEN_AUTH, ALLOW_USER_PASSWORD_AUTH]]`},
			},
		},
		{
			Name: "the parameters Mfa and Firewall take effect",
			Why:  "a parameter without effect misleads; request samples hold tokens and addresses",
			Required: []required{
				{"AWS::Cognito::UserPool", `{MfaConfiguration: !Ref Mfa,
					EnabledMfas: !If [HasMfa, [SOFTWARE_TOKEN_MFA], !Ref AWS::NoValue]}`},
				{"Conditions ^HasMfa", `"Fn::Not": [!Equals [!Ref Mfa, "OFF"]]`},
				{"Resources AWS::WAFv2::WebACL(Association)?$", `Condition: HasFirewall`},
				{"Conditions ^HasFirewall", `"Fn::Equals": [!Ref Firewall, "on"]`},
				{"AWS::WAFv2::WebACLAssociation", `{WebACLArn: !GetAtt WebAcl.Arn, ResourceArn:
					!Sub "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}/stages/${Api.Stage}"}`},
				{"AWS::WAFv2::WebACL", `{VisibilityConfig: {SampledRequestsEnabled: false},
					Rules: [{VisibilityConfig: {SampledRequestsEnabled: false}}]}`},
			},
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
			Required: []required{{"AWS::Cognito::UserPool", `EmailConfiguration: !If [IsProd,
				{EmailSendingAccount: DEVELOPER, From: !Ref SenderAddress,
					SourceArn: !Like ":identity/[$][{]SenderIdentity[}]$"}, !Ref AWS::NoValue]`}},
		},
	}
}
