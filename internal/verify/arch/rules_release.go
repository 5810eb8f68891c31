package arch

import (
	"regexp"
	"strings"

	"orderflow/internal/platform/cfn"
)

// gradual are the functions whose traffic CodeDeploy moves gradually to a new version, at three
// resources each (ADR 23). The other published functions belong to the saga and move with its
// definition.
const gradual = "^(GetProduct|ListProducts|PlaceOrder|GetOrder|CancelOrder)Function "

var parameter = regexp.MustCompile(`\$\{(\w+)\}`)

var releaseRules = []Rule{
	rule("production invokes functions by alias or version",
		"the bare name invokes what was deployed last: neither gradually released nor rolled back",
		func(r *Repo, bad *list) {
			var names []string
			for id := range r.each("AWS::Serverless::Function") {
				if r.published(id) {
					names = append(names, id)
				}
			}
			if names == nil {
				return
			}
			name := "(" + strings.Join(names, "|") + `)(\.Arn)?`
			bare := regexp.MustCompile("^" + name + `$|\$\{` + name + `\}([^:]|$)`)
			for id := range r.resources() {
				if id == "ReleaseRole" || text(r.resource(id)["Type"]) == "AWS::CloudWatch::Alarm" {
					continue
				}
				for _, v := range inProduction(r.properties(id)) {
					bad.unless(!bare.MatchString(v), "%s refers to %s, not to its alias or version", id, v)
				}
			}
		},
		func(r *Repo) {
			target := map[string]any{"Arn": map[string]any{"Fn::GetAtt": "PlaceOrderFunction.Arn"}}
			properties := map[string]any{"Target": target}
			r.resources()["Nightly"] = map[string]any{"Type": "AWS::Scheduler::Schedule", "Properties": properties}
		}),
	requires("a release to production reaches customers gradually",
		"a bad version then fails one call in ten for some minutes, and is rolled back automatically",
		required{"Parameters ^Stage ", `AllowedValues: [local, dev, prod]`},
		required{"Mappings ^Releases ", `{local: {Gradual: false}, dev: {Gradual: false}, prod: {Gradual: true}}`},
		required{"AWS::Serverless::Function " + gradual, `DeploymentPreference: any`},
		required{"AWS::Serverless::Function !" + gradual, `DeploymentPreference: none`}),
	requires("the saga's steps are released together, by its definition",
		"no rollback restores compensated orders; one in ten at each of seven steps would be half of them",
		// Published for every change, and kept while its executions run.
		required{"Resources ^FulfilOrderVersion ", `{UpdateReplacePolicy: Retain, DeletionPolicy: Retain,
			Properties: {StateMachineRevisionId: !GetAtt FulfilOrder.StateMachineRevisionId}}`},
		required{"Resources ^PrepareOrderVersion ", `{UpdateReplacePolicy: Retain, DeletionPolicy: Retain,
			Properties: {StateMachineRevisionId: !GetAtt PrepareOrder.StateMachineRevisionId}}`},
		required{"Resources ^SettleOrderVersion ", `{UpdateReplacePolicy: Retain, DeletionPolicy: Retain,
			Properties: {StateMachineRevisionId: !GetAtt SettleOrder.StateMachineRevisionId}}`},
		required{"AWS::Serverless::StateMachine ^FulfilOrder ", `DefinitionSubstitutions: {
			PrepareOrderArn: !If [IsGradual, !Ref PrepareOrderVersion, !Ref PrepareOrder],
			SettleOrderArn: !If [IsGradual, !Ref SettleOrderVersion, !Ref SettleOrder]}`},
		required{"AWS::StepFunctions::StateMachineAlias ^FulfilOrderLive ", `DeploymentPreference: {Type: CANARY,
			StateMachineVersionArn: !Ref FulfilOrderVersion, Alarms: !Any {Ref: OrdersFailAlarm}}`},
		required{"AWS::StepFunctions::StateMachineAlias ^FulfilOrderLive ",
			`DeploymentPreference: {Alarms: !Any {Ref: LostChildrenAlarm}}`},
		required{"AWS::Serverless::Function ^(Start|Recover)Fulfilment", `Environment: {Variables: {
			FULFIL_ORDER_ARN: !If [IsGradual, !Ref FulfilOrderLive, !Ref FulfilOrder]}}`},
		required{"AWS::Serverless::Function !^(Start|Recover)Fulfilment",
			`Environment: !Unlike FULFIL_ORDER_ARN`}),
	rule("a version is published when a parameter changes what it does",
		"SAM ignores the values of parameters, so the alias would keep the old version",
		func(r *Repo, bad *list) {
			for id, p := range r.each("AWS::Serverless::Function") {
				environment := []any{cfn.Dig(r.Template, "Globals", "Function", "Environment"), p["Environment"]}
				for name := range r.parametersIn(environment) {
					named := !r.published(id) || strings.Contains(text(p["VersionDescription"]), "${"+name+"}")
					bad.unless(named, "%s publishes no version when %s changes: name it in version", id, name)
				}
			}
		},
		func(r *Repo) { r.properties("AuthorizePaymentFunction")["VersionDescription"] = "debug" }),
}

// published reports whether a function publishes versions behind an alias.
func (r *Repo) published(function string) bool {
	return r.properties(function)["AutoPublishAlias"] != nil
}

// inProduction returns the texts in v with gradual releases, as in production.
func inProduction(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case map[string]any:
		if choice, ok := v["Fn::If"].([]any); ok && choice[0] == "IsGradual" {
			return inProduction(choice[1])
		}
		for _, item := range v {
			all = append(all, inProduction(item)...)
		}
	case []any:
		for _, item := range v {
			all = append(all, inProduction(item)...)
		}
	}
	return all
}

// parametersIn lists the parameters that a value depends on, also by conditions. Stage and
// EmulatorEndpoint never change in a stack.
func (r *Repo) parametersIn(v any) map[string]bool {
	found := map[string]bool{}
	walk(v, func(v any) {
		names := []string{text(cfn.Dig(v, "Ref"))}
		for _, m := range parameter.FindAllStringSubmatch(text(cfn.Dig(v, "Fn::Sub")), -1) {
			names = append(names, m[1])
		}
		condition := cfn.Dig(v, "Condition")
		if choice, ok := cfn.Dig(v, "Fn::If").([]any); ok {
			condition = choice[0]
		}
		if condition != nil {
			names = append(names, keys(r.parametersIn(cfn.Dig(r.Template, "Conditions", text(condition))))...)
		}
		for _, name := range names {
			if cfn.Dig(r.Template, "Parameters", name) != nil && name != "Stage" && name != "EmulatorEndpoint" {
				found[name] = true
			}
		}
	})
	return found
}
