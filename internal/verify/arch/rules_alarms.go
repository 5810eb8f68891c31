package arch

import (
	"fmt"
	"strings"

	"orderflow/internal/verify/cfn"
)

// alarmRules are about what must ring whoever is on call, and about what alarms may cost.
func alarmRules() []Rule {
	return []Rule{
		{
			Name: "an alarm watches every function's errors and every queue of parked messages",
			Why:  "Lambda counts returned errors, timeouts and crashes; nothing else reports a parked message",
			Check: func(r *Repo) []string {
				var bad list
				failing, parked := r.alarmed("Errors"), r.alarmed("ApproximateNumberOfMessagesVisible")
				for _, id := range r.ofType("AWS::Serverless::Function") {
					bad.unless(failing[id], "no alarm looks at the errors of %s", id)
				}
				for _, id := range r.ofType("AWS::SQS::Queue") {
					if strings.HasSuffix(id, "DeadLetterQueue") || strings.HasSuffix(id, "FailureQueue") {
						bad.unless(parked[id+".QueueName"], "no alarm looks at %s", id)
					}
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { delete(r.resources(), "SweepErrorsAlarm") },
		},
		{
			Name: "an alarm has at most ten metrics, all of one period",
			Why:  "CloudWatch rejects an eleventh metric, and a second period",
			Check: func(r *Repo) []string {
				var bad list
				for _, id := range r.ofType("AWS::CloudWatch::Alarm") {
					metrics, _ := r.properties(id)["Metrics"].([]any)
					bad.unless(len(metrics) <= 1+10, "%s has %d metrics", id, len(metrics)-1)
					periods := map[string]bool{}
					for _, metric := range metrics {
						if stat := cfn.Dig(metric, "MetricStat"); stat != nil {
							periods[fmt.Sprint(cfn.Dig(stat, "Period"))] = true
						}
					}
					bad.unless(len(periods) <= 1, "%s has metrics of %d periods", id, len(periods))
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) {
				metrics := r.properties("FunctionErrorsAlarm1")["Metrics"].([]any)
				r.properties("FunctionErrorsAlarm1")["Metrics"] = append(metrics, metrics[1])
			},
		},
		{
			Name: "an alarm rings when Lambda throttles",
			Why:  "a throttled function writes no error of its own: its callers wait, and nobody hears",
			Check: func(r *Repo) []string {
				var bad list
				bad.unless(r.watched("ThrottlesAlarm", "Throttles") != nil, "no alarm looks at throttles")
				return bad
			},
			Sabotage: func(r *Repo) { r.properties("ThrottlesAlarm")["MetricName"] = "Errors" },
		},
		{
			Name: "metrics by method are on only where an alarm reads them",
			Why:  "each method's metrics cost as much as an alarm does, and all of them more than the rest of an idle stage",
			Check: func(r *Repo) []string {
				var bad list
				read := map[string]bool{}
				for _, id := range r.ofType("AWS::CloudWatch::Alarm") {
					walk(r.properties(id), func(v any) {
						if named := values(cfn.Dig(v, "Dimensions")); named["Resource"] != "" && named["ApiName"] != "" {
							read[named["Method"]+" "+named["Resource"]] = true
						}
					})
				}
				for _, id := range r.ofType("AWS::Serverless::Api") {
					settings, _ := r.properties(id)["MethodSettings"].([]any)
					for _, s := range settings {
						path := strings.NewReplacer("/~1", "/", "~1", "/").Replace(text(cfn.Dig(s, "ResourcePath")))
						method := text(cfn.Dig(s, "HttpMethod")) + " " + path
						measured := cfn.Dig(s, "MetricsEnabled") == true
						bad.unless(measured == read[method], "%s: metrics of %s are on: %t; an alarm reads them: %t", id, method, measured, read[method])
						delete(read, method)
					}
				}
				for _, method := range keys(read) {
					bad.add("an alarm reads the metrics of %s, which are off", method)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) {
				r.properties("Api")["MethodSettings"].([]any)[0].(map[string]any)["MetricsEnabled"] = true
			},
		},
	}
}

// watched returns what an alarm's metrics of a name are of, by the value of their first dimension; nil where it has none.
func (r *Repo) watched(alarm, metric string) map[string]bool {
	var all map[string]bool
	walk(r.properties(alarm), func(v any) {
		if text(cfn.Dig(v, "MetricName")) != metric {
			return
		}
		if all == nil {
			all = map[string]bool{}
		}
		for _, value := range values(cfn.Dig(v, "Dimensions")) {
			all[value] = true
		}
	})
	return all
}

// alarmed returns the functions or queues whose metric of a name an alarm has. One of a single version does not count.
func (r *Repo) alarmed(metric string) map[string]bool {
	all := map[string]bool{}
	for _, id := range r.ofType("AWS::CloudWatch::Alarm") {
		walk(r.properties(id), func(v any) {
			if of := values(cfn.Dig(v, "Dimensions")); text(cfn.Dig(v, "MetricName")) == metric && len(of) == 1 {
				all[of["FunctionName"]+of["QueueName"]] = true
			}
		})
	}
	return all
}

// values returns an alarm's dimensions by name.
func values(dimensions any) map[string]string {
	named := map[string]string{}
	all, _ := dimensions.([]any)
	for _, d := range all {
		named[text(cfn.Dig(d, "Name"))] = text(cfn.Dig(d, "Value"))
	}
	return named
}
