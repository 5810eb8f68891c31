package arch

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"orderflow/internal/verify/cfn"
)

// gradual are the functions whose traffic CodeDeploy moves to a new version bit by bit, and why they are worth three resources each
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
			Name:     "a release to production reaches customers gradually, and is taken back by alarm",
			Why:      "a bad version then fails one call in ten for some minutes, with nobody awake, and not all of them until somebody is",
			Check:    checkGradual,
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
			Name: "a version is published for whatever changes what it does, and kept",
			Why:  "an alias stays at the old version if SAM sees no change: of properties it looks at all if told to, of parameters' values at none; executions under way need the versions that they began with",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::Serverless::Function") {
					if !r.published(id) {
						continue
					}
					p := r.properties(id)
					bad.unless(p["AutoPublishAlias"] == "live", "%s calls its alias %v", id, p["AutoPublishAlias"])
					bad.unless(p["AutoPublishAliasAllProperties"] == true, "%s publishes changes of its code only", id)
					bad.unless(r.resource(id)["UpdateReplacePolicy"] == "Retain", "%s deletes the version that a changed parameter replaces", id)
					for _, name := range keys(r.parametersIn([]any{cfn.Dig(r.Template, "Globals", "Function", "Environment"), p["Environment"]})) {
						bad.unless(strings.Contains(text(p["VersionDescription"]), "${"+name+"}"), "%s publishes nothing when %s changes: name it in VersionDescription", id, name)
					}
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { r.properties("AuthorizePaymentFunction")["VersionDescription"] = "debug" },
		},
		{
			Name: "CodeDeploy may move the aliases of releases, and nothing else",
			Why:  "whoever may move any alias may bring back any old version",
			Check: func(r *Repo) []string {
				var bad list
				want := []string{"arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"} // to read all alarms is asked for as this
				for _, function := range gradual {
					want = append(want, function+".Arn", "${"+function+".Arn}:live")
				}
				var resources, actions []string
				walk(cfn.Dig(r.properties("ReleaseRole"), "Policies"), func(v any) {
					if cfn.Dig(v, "Effect") == "Allow" {
						resources, actions = append(resources, texts(cfn.Dig(v, "Resource"))...), append(actions, texts(cfn.Dig(v, "Action"))...)
					}
				})
				slices.Sort(want)
				slices.Sort(resources)
				slices.Sort(actions)
				bad.unless(slices.Equal(resources, want), "ReleaseRole is for %v, want %v", resources, want)
				bad.unless(slices.Equal(actions, []string{"cloudwatch:DescribeAlarms", "lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"}), "ReleaseRole may %v", actions)
				bad.unless(r.properties("ReleaseRole")["ManagedPolicyArns"] == nil, "ReleaseRole has a policy of AWS's, which names no resources")
				return bad.sorted()
			},
			Sabotage: func(r *Repo) {
				r.properties("ReleaseRole")["ManagedPolicyArns"] = []any{"arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"}
			},
		},
	}
}

func checkGradual(r *Repo) []string {
	var bad list
	stages, _ := cfn.Dig(r.Template, "Parameters", "Stage", "AllowedValues").([]any)
	for _, stage := range stages {
		bad.unless(cfn.Dig(r.Template, "Mappings", "Releases", text(stage), "Gradual") == (stage == "prod"), "%v is gradual, or production is not", stage)
	}
	watched := cfn.Dig(r.properties("NewVersionsAlarm"), "Metrics")
	for _, id := range r.ofType("AWS::Serverless::Function") {
		preference := r.properties(id)["DeploymentPreference"]
		bad.unless(slices.Contains(gradual, id) == (preference != nil), "%s is released gradually: %t", id, preference != nil)
		if preference == nil {
			continue
		}
		enabled, _ := cfn.Dig(preference, "Enabled", "Fn::FindInMap").([]any)
		bad.unless(reflect.DeepEqual(enabled, []any{"Releases", map[string]any{"Ref": "Stage"}, "Gradual"}), "%s does not look up if its stage is gradual", id)
		bad.unless(strings.HasPrefix(text(cfn.Dig(preference, "Type")), "Canary"), "%s moves all traffic at once", id)
		bad.unless(slices.Contains(texts(cfn.Dig(preference, "Role")), "ReleaseRole.Arn"), "%s lets SAM make CodeDeploy's role", id)
		for _, alarm := range []string{"NewVersionsAlarm", "ApiErrorsLastMinutes"} {
			bad.unless(slices.Contains(texts(cfn.Dig(preference, "Alarms")), alarm), "%s goes on while %s rings", id, alarm)
		}
		seen := false // the alias tells the versions apart that it divides the traffic between
		walk(watched, func(v any) {
			named := values(cfn.Dig(v, "Dimensions"))
			seen = seen || named["FunctionName"] == id && named["Resource"] == "${"+id+"}:live" && named["ExecutedVersion"] == id+".Version.Version"
		})
		bad.unless(seen, "NewVersionsAlarm does not look at the new version of %s", id)
	}
	return bad.sorted()
}

func checkSagaRelease(r *Repo) []string {
	var bad list
	for name, s := range r.Machines[fulfil].States {
		bad.unless(!strings.Contains(s.Resource, ":::lambda:invoke") || r.published(name+"Function"), "%s has no versions for %s to name", name, fulfil)
	}
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
