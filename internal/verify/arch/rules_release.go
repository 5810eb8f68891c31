package arch

import (
	"regexp"
	"slices"
	"strings"

	"orderflow/internal/verify/cfn"
)

// gradual are the functions whose traffic CodeDeploy moves to a new version bit by bit, worth three resources each
// (ADR 23). Others that are published belong to the saga's definition, which moves as a whole.
var gradual = []string{"GetProductFunction", "ListProductsFunction", "PlaceOrderFunction", "GetOrderFunction", "CancelOrderFunction"}

var parameter = regexp.MustCompile(`\$\{(\w+)\}`)

func releaseRules() []Rule {
	return []Rule{
		{
			Name: "in production a function with an alias is invoked by it, or by one of its versions",
			Why:  "who invokes the bare name gets what was deployed last, however bad: the release is neither gradual for it nor rolled back",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range keys(r.resources()) {
					walk(inProduction(r.properties(id)), func(v any) {
						function, bare := r.bareName(v)
						if !bare || id == "ReleaseRole" || cfn.Dig(r.resource(id), "Type") == "AWS::CloudWatch::Alarm" {
							return
						}
						bad.add("%s refers to %s, not to its alias or version", id, function)
					})
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) {
				r.resources()["Nightly"] = map[string]any{"Type": "AWS::Scheduler::Schedule", "Properties": map[string]any{"Target": map[string]any{"Arn": map[string]any{"Fn::GetAtt": "PlaceOrderFunction.Arn"}}}}
			},
		},
		{
			Name: "a release to production reaches customers gradually",
			Why:  "a bad version then fails one call in ten for some minutes, with nobody awake, and not all of them until somebody is",
			Check: func(r *Repo) []string {
				var bad list
				stages, _ := cfn.Dig(r.Template, "Parameters", "Stage", "AllowedValues").([]any)
				for _, stage := range stages {
					bad.unless(cfn.Dig(r.Template, "Mappings", "Releases", text(stage), "Gradual") == (stage == "prod"), "%v is gradual, or production is not", stage)
				}
				for _, id := range r.ofType("AWS::Serverless::Function") {
					released := r.properties(id)["DeploymentPreference"] != nil
					bad.unless(slices.Contains(gradual, id) == released, "%s is released gradually: %t", id, released)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(r.properties("CancelOrderFunction"), "DeploymentPreference") },
		},
		{
			Name:  "the saga's steps move to a new version together, with the definition that names them",
			Why:   "a step that fails for a bad release sends orders into compensation, which no rollback brings back; one in ten at each of seven steps would be half of them",
			Check: checkSagaRelease,
			Sabotage: func(r *Repo) {
				r.properties("FulfilOrderLive")["DeploymentPreference"].(map[string]any)["Type"] = "ALL_AT_ONCE"
			},
		},
		{
			Name: "a version is published when a parameter changes what it does",
			Why:  "SAM sees no change in the values of parameters, so the alias would stay at the old version",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::Serverless::Function") {
					if !r.published(id) {
						continue
					}
					p := r.properties(id)
					for _, name := range keys(r.parametersIn([]any{cfn.Dig(r.Template, "Globals", "Function", "Environment"), p["Environment"]})) {
						bad.unless(strings.Contains(text(p["VersionDescription"]), "${"+name+"}"), "%s publishes nothing when %s changes: name it in version", id, name)
					}
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { r.properties("AuthorizePaymentFunction")["VersionDescription"] = "debug" },
		},
	}
}

func checkSagaRelease(r *Repo) []string {
	var bad list
	version, alias := r.resource("FulfilOrderVersion"), r.properties("FulfilOrderLive")
	bad.unless(text(cfn.Dig(version, "Properties", "StateMachineRevisionId")) == "FulfilOrder.StateMachineRevisionId", "FulfilOrderVersion is not published for every change")
	bad.unless(cfn.Dig(version, "UpdateReplacePolicy") == "Retain" && cfn.Dig(version, "DeletionPolicy") == "Retain", "FulfilOrderVersion goes while its executions are under way")
	preference := alias["DeploymentPreference"]
	bad.unless(text(cfn.Dig(preference, "StateMachineVersionArn")) == "FulfilOrderVersion" && cfn.Dig(preference, "Type") == "CANARY", "FulfilOrderLive does not move gradually to FulfilOrderVersion")
	bad.unless(slices.Contains(texts(cfn.Dig(preference, "Alarms")), "OrdersFailAlarm"), "FulfilOrderLive does not go back by alarm")
	for _, id := range r.ofType("AWS::Serverless::Function") {
		machine := cfn.Dig(r.properties(id), "Environment", "Variables", "FULFIL_ORDER_ARN")
		bad.unless(machine == nil || slices.Equal(texts(machine), []string{"IsGradual", "FulfilOrderLive", "FulfilOrder"}), "%s starts the saga past its alias", id)
	}
	return bad.sorted()
}

// published tells whether versions of a function are published, and an alias leads to the one in use.
func (r *Repo) published(function string) bool {
	return r.properties(function)["AutoPublishAlias"] != nil
}

// bareName tells whether v refers to a function that has an alias by its bare name, and to which.
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

// inProduction settles what depends on whether releases are gradual.
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

// parametersIn lists the parameters that a value depends on, by itself or by its conditions. A stack keeps its stage and its emulator.
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
