package arch

import (
	"regexp"
	"slices"
	"strings"

	"orderflow/internal/verify/cfn"
)

// gradual lists the functions whose traffic CodeDeploy moves gradually to a new version, at three
// resources each (ADR 23). The other published functions belong to the saga and move with its
// definition.
var gradual = []string{
	"GetProductFunction", "ListProductsFunction", "PlaceOrderFunction", "GetOrderFunction", "CancelOrderFunction",
}

var parameter = regexp.MustCompile(`\$\{(\w+)\}`)

func releaseRules() []Rule {
	return []Rule{
		{
			Name: "production invokes functions by alias or version",
			Why:  "the bare name invokes what was deployed last: neither gradually released nor rolled back",
			Check: func(r *Repo, bad *list) {
				for _, id := range keys(r.resources()) {
					walk(inProduction(r.properties(id)), func(v any) {
						function, bare := r.bareName(v)
						if !bare || id == "ReleaseRole" || cfn.Dig(r.resource(id), "Type") == "AWS::CloudWatch::Alarm" {
							return
						}
						bad.add("%s refers to %s, not to its alias or version", id, function)
					})
				}
			},
			Sabotage: func(r *Repo) {
				target := map[string]any{"Arn": map[string]any{"Fn::GetAtt": "PlaceOrderFunction.Arn"}}
				properties := map[string]any{"Target": target}
				r.resources()["Nightly"] = map[string]any{"Type": "AWS::Scheduler::Schedule", "Properties": properties}
			},
		},
		{
			Name: "a release to production reaches customers gradually",
			Why:  "a bad version then fails one call in ten for some minutes, and is rolled back automatically",
			Check: func(r *Repo, bad *list) {
				stages, _ := cfn.Dig(r.Template, "Parameters", "Stage", "AllowedValues").([]any)
				for _, stage := range stages {
					isGradual := cfn.Dig(r.Template, "Mappings", "Releases", text(stage), "Gradual")
					bad.unless(isGradual == (stage == "prod"), "%v is gradual: %v", stage, isGradual)
				}
				for _, id := range r.ofType("AWS::Serverless::Function") {
					released := r.properties(id)["DeploymentPreference"] != nil
					bad.unless(slices.Contains(gradual, id) == released, "%s is released gradually: %t", id, released)
				}
			},
			Sabotage: func(r *Repo) { delete(r.properties("CancelOrderFunction"), "DeploymentPreference") },
		},
		{
			Name:  "the saga's steps are released together, by its definition",
			Why:   "no rollback restores compensated orders; one in ten at each of seven steps would be half of them",
			Check: checkSagaRelease,
			Sabotage: func(r *Repo) {
				r.properties("FulfilOrderLive")["DeploymentPreference"].(map[string]any)["Type"] = "ALL_AT_ONCE"
			},
		},
		{
			Name: "a version is published when a parameter changes what it does",
			Why:  "SAM ignores the values of parameters, so the alias would keep the old version",
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::Serverless::Function") {
					if !r.published(id) {
						continue
					}
					p := r.properties(id)
					environment := []any{cfn.Dig(r.Template, "Globals", "Function", "Environment"), p["Environment"]}
					for _, name := range keys(r.parametersIn(environment)) {
						bad.unless(strings.Contains(text(p["VersionDescription"]), "${"+name+"}"),
							"%s publishes no version when %s changes: name it in version", id, name)
					}
				}
			},
			Sabotage: func(r *Repo) { r.properties("AuthorizePaymentFunction")["VersionDescription"] = "debug" },
		},
	}
}

func checkSagaRelease(r *Repo, bad *list) {
	version, alias := r.resource("FulfilOrderVersion"), r.properties("FulfilOrderLive")
	revision := text(cfn.Dig(version, "Properties", "StateMachineRevisionId"))
	bad.unless(revision == "FulfilOrder.StateMachineRevisionId", "FulfilOrderVersion is not published for every change")
	retained := cfn.Dig(version, "UpdateReplacePolicy") == "Retain" && cfn.Dig(version, "DeletionPolicy") == "Retain"
	bad.unless(retained, "FulfilOrderVersion is deleted while its executions run")
	preference := alias["DeploymentPreference"]
	moves := text(cfn.Dig(preference, "StateMachineVersionArn")) == "FulfilOrderVersion"
	bad.unless(moves && cfn.Dig(preference, "Type") == "CANARY",
		"FulfilOrderLive does not move gradually to FulfilOrderVersion")
	alarms := texts(cfn.Dig(preference, "Alarms"))
	bad.unless(slices.Contains(alarms, "OrdersFailAlarm"), "OrdersFailAlarm does not roll FulfilOrderLive back")
	for _, id := range r.ofType("AWS::Serverless::Function") {
		machine := texts(cfn.Dig(r.properties(id), "Environment", "Variables", "FULFIL_ORDER_ARN"))
		byAlias := slices.Equal(machine, []string{"IsGradual", "FulfilOrderLive", "FulfilOrder"})
		bad.unless(len(machine) == 0 || byAlias, "%s does not start the saga by its alias", id)
	}
}

// published reports whether a function publishes versions behind an alias.
func (r *Repo) published(function string) bool {
	return r.properties(function)["AutoPublishAlias"] != nil
}

// bareName reports whether v refers to a published function by its bare name, and to which.
func (r *Repo) bareName(v any) (string, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return "", false
	}
	if s, ok := m["Fn::Sub"].(string); ok {
		for _, id := range r.ofType("AWS::Serverless::Function") {
			for _, reference := range []string{"${" + id + "}", "${" + id + ".Arn}"} {
				for _, after := range strings.Split(s, reference)[1:] {
					if r.published(id) && !strings.HasPrefix(after, ":") {
						return id, true
					}
				}
			}
		}
		return "", false
	}
	id, _ := strings.CutSuffix(text(v), ".Arn")
	return id, r.published(id)
}

// inProduction resolves the conditions on gradual releases as production does.
func inProduction(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if choice, ok := v["Fn::If"].([]any); ok && choice[0] == "IsGradual" {
			return inProduction(choice[1])
		}
		settled := map[string]any{}
		for key, item := range v {
			settled[key] = inProduction(item)
		}
		return settled
	case []any:
		var settled []any
		for _, item := range v {
			settled = append(settled, inProduction(item))
		}
		return settled
	}
	return v
}

// parametersIn lists the parameters that a value depends on, also by conditions. Stage and
// EmulatorEndpoint never change in a stack.
func (r *Repo) parametersIn(v any) map[string]bool {
	found := map[string]bool{}
	add := func(name string) {
		if cfn.Dig(r.Template, "Parameters", name) != nil && name != "Stage" && name != "EmulatorEndpoint" {
			found[name] = true
		}
	}
	walk(v, func(v any) {
		add(text(cfn.Dig(v, "Ref")))
		for _, m := range parameter.FindAllStringSubmatch(text(cfn.Dig(v, "Fn::Sub")), -1) {
			add(m[1])
		}
		condition := text(cfn.Dig(v, "Condition"))
		if choice, ok := cfn.Dig(v, "Fn::If").([]any); ok {
			condition = text(choice[0])
		}
		if condition != "" {
			for name := range r.parametersIn(cfn.Dig(r.Template, "Conditions", condition)) {
				found[name] = true
			}
		}
	})
	return found
}
