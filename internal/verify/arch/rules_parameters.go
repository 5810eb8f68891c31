package arch

import (
	"slices"
	"strings"

	"orderflow/internal/platform/cfn"
)

// ruleFunctions lists what CloudFormation accepts in Rules. It documents Fn::If, but refuses it.
var ruleFunctions = []string{
	"Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn",
}

const (
	senders  = " SenderIdentity=shop.example SenderAddress=orders@shop.example"
	prod     = "Stage=prod AlarmEmail=ops@shop.example"
	emulator = "=http://127.0.0.1:4566"
)

// with evaluates a template with parameters such as "Stage=dev Mfa=ON".
func with(template map[string]any, parameters string, bad *list) *cfn.Stack {
	given := map[string]string{}
	for _, parameter := range strings.Fields(parameters) {
		name, value, _ := strings.Cut(parameter, "=")
		given[name] = value
	}
	s, err := cfn.New(template, "orderflow", given)
	bad.unless(err == nil, "%s: %v", parameters, err)
	return s
}

var parameterRules = []Rule{
	ofCore(rule("parameters that would break a stage are refused",
		"a stage that trusts foreign tokens, or sends no mail or alarms, looks healthy until it matters",
		func(r *Repo, bad *list) {
			accepted := map[string]bool{
				"Stage=local": true, "Stage=dev" + senders: true, "Stage=prod" + senders: false,
				prod + senders: true,
			}
			for _, sender := range strings.Fields(senders) {
				accepted["Stage=dev "+sender], accepted[prod+" "+sender] = false, false
			}
			for _, only := range []string{" EmulatorEndpoint", " TokenIssuer", " TokenAudience"} {
				accepted["Stage=local"+only+emulator], accepted["Stage=dev"+senders+only+emulator] = true, false
				accepted[prod+senders+only+emulator] = false
			}
			for parameters, want := range accepted {
				refusals := with(r.Template, parameters, bad).Refusals()
				bad.unless(want == (len(refusals) == 0), "%s: refused by %q", parameters, refusals)
			}
			for stage, want := range map[string]bool{"Stage=local": true, "Stage=dev": false} {
				for _, own := range r.Own {
					for _, only := range []string{" EmulatorEndpoint", " TokenIssuer", " TokenAudience"} {
						refusals := with(own.Template, stage+only+emulator, bad).Refusals()
						bad.unless(want == (len(refusals) == 0), "%s, %s%s: refused by %q", own.Stack, stage, only,
							refusals)
					}
				}
				refusals := with(r.Sandbox, stage+" EmulatorEndpoint"+emulator, bad).Refusals()
				bad.unless(want == (len(refusals) == 0), "the sandbox, %s: refused by %q", stage, refusals)
			}
		},
		func(r *Repo) { delete(r.Template["Rules"].(map[string]any), "OnlyInLocal") })),
	rule("rules use what CloudFormation accepts and say what to do",
		"conditions or Fn::If in them fail every deployment; users see only the description",
		func(r *Repo, bad *list) {
			walk(r.Template["Rules"], func(v any) {
				m, _ := v.(map[string]any)
				for f, argument := range m {
					isFunction := strings.HasPrefix(f, "Fn::") || f == "Condition"
					bad.unless(!isFunction || slices.Contains(ruleFunctions, f), "the rules use %s", f)
					known := f != "Ref" || cfn.Dig(r.Template, "Parameters", text(argument)) != nil
					bad.unless(known, "the rules refer to %s, which is not a parameter", argument)
				}
			})
		},
		func(r *Repo) {
			rule := cfn.Dig(r.Template, "Rules", "SenderIsGiven").(map[string]any)
			rule["RuleCondition"] = map[string]any{"Condition": "OnAWS"}
		},
		required{"Rules", `Assertions: [{AssertDescription: !Like ".{41}"}]`}),
	rule("mail goes to any address, but from one address only",
		"SES's sandbox needs a grant on the recipient's identity, too; the condition fixes the sender",
		func(r *Repo, bad *list) {
			for _, id := range r.ofType("AWS::IAM::Role") {
				grants := strings.Count(strings.Join(texts(r.properties(id)["Policies"]), "\n"), "ses:SendEmail")
				want := map[string]int{"NotifyCustomerRole": 1}[id]
				bad.unless(grants == want, "%s has %d grants to send mail, want %d", id, grants, want)
			}
		},
		func(r *Repo) { r.properties("PlaceOrderRole")["Policies"] = "ses:SendEmail" },
		required{"AWS::IAM::Role ^NotifyCustomerRole ", `Policies: [{PolicyDocument: {Statement: !Any {
			Action: "ses:SendEmail", Resource: !If [OnAWS, !Like ":identity/[*]$", any],
			Condition: !If [OnAWS, {StringEqualsIgnoreCase:
				{"ses:FromAddress": !If [HasSender, !Ref SenderAddress, any]}}, any]}}}]`}),
	requires("operators sign in with IAM permission only, for an hour",
		"a client id is not a secret: without it a stolen password is enough; tokens cannot be revoked",
		required{"AWS::Cognito::UserPoolClient ^OperatorClient ", `{ExplicitAuthFlows: [ALLOW_ADMIN_USER_PASSWORD_AUTH],
			IdTokenValidity: 60, AccessTokenValidity: 60, RefreshTokenValidity: 60,
			TokenValidityUnits: {IdToken: minutes, AccessToken: minutes, RefreshToken: minutes}}`},
		required{"AWS::Cognito::UserPoolClient !^OperatorClient ", `ExplicitAuthFlows: !If [IsProd, any,
			[ALLOW_USER_SRP_AUTH, ALLOW_REFRESH_TOKEN_AUTH, ALLOW_USER_PASSWORD_AUTH]]`}),
	requires("the parameters Mfa and Firewall take effect",
		"a parameter without effect misleads; request samples hold tokens and addresses",
		required{"AWS::Cognito::UserPool", `{MfaConfiguration: !Ref Mfa,
			EnabledMfas: !If [HasMfa, [SOFTWARE_TOKEN_MFA], !Ref AWS::NoValue]}`},
		required{"Conditions ^HasMfa", `"Fn::Not": [!Equals [!Ref Mfa, "OFF"]]`},
		required{"Resources AWS::WAFv2::WebACL(Association)?$", `Condition: HasFirewall`},
		required{"Conditions ^HasFirewall", `"Fn::Equals": [!Ref Firewall, "on"]`},
		required{"AWS::WAFv2::WebACLAssociation", `{WebACLArn: !GetAtt WebAcl.Arn, ResourceArn:
			!Sub "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}/stages/${Api.Stage}"}`},
		required{"AWS::WAFv2::WebACL", `{VisibilityConfig: {SampledRequestsEnabled: false},
			Rules: [{VisibilityConfig: {SampledRequestsEnabled: false}}]}`}),
	rule("with Stripe the sandbox does not set the provider's address",
		"otherwise the sandbox's next deployment would send charges to the sandbox",
		func(r *Repo, bad *list) {
			for _, discovery := range []string{"parameters", "cloud-map"} {
				for _, provider := range []string{"registry", "stripe"} {
					s := with(r.Sandbox, "Discovery="+discovery+" PaymentProvider="+provider, bad)
					addresses := slices.Concat(s.OfType("AWS::SSM::Parameter"),
						s.OfType("AWS::ServiceDiscovery::Service"), s.OfType("AWS::ServiceDiscovery::Instance"))
					set := strings.Join(addresses, " ")
					ok := strings.Contains(set, "Carrier") &&
						strings.Contains(set, "PaymentProvider") == (provider == "registry")
					bad.unless(ok, "%s, %s: the addresses set are %s", discovery, provider, set)
				}
			}
		},
		func(r *Repo) {
			address := cfn.Dig(r.Sandbox, "Resources", "PaymentProviderAddress").(map[string]any)
			address["Condition"] = "UsesParameters"
		}),
	requires("in production the user pool sends by SES",
		"Cognito's own sender stops after 50 mails a day, then nobody can sign up",
		required{"AWS::Cognito::UserPool", `EmailConfiguration: !If [IsProd,
			{EmailSendingAccount: DEVELOPER, From: !Ref SenderAddress,
				SourceArn: !Like ":identity/[$][{]SenderIdentity[}]$"}, !Ref AWS::NoValue]`}),
}
