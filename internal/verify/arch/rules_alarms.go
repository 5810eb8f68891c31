package arch

import (
	"fmt"
	"strings"

	"orderflow/internal/verify/cfn"
)

// alarmRules require the alarms that page the operator, and limit their cost.
func alarmRules() []Rule {
	return []Rule{
		{
			Name: "every function's errors and every dead-letter queue ring",
			Why:  "Lambda counts returned errors, timeouts and crashes; nothing else reports a dead letter",
			Check: func(r *Repo, bad *list) {
				failing, parked := r.alarmed("Errors"), r.alarmed("ApproximateNumberOfMessagesVisible")
				for _, id := range r.ofType("AWS::Serverless::Function") {
					bad.unless(failing[id], "no alarm watches the errors of %s", id)
				}
				for _, id := range r.ofType("AWS::SQS::Queue") {
					if strings.HasSuffix(id, "DeadLetterQueue") || strings.HasSuffix(id, "FailureQueue") {
						bad.unless(parked[id+".QueueName"], "no alarm watches %s", id)
					}
				}
			},
			Sabotage: func(r *Repo) { delete(r.resources(), "SweepErrorsAlarm") },
		},
		{
			Name: "an alarm has at most ten metrics, all of one period",
			Why:  "CloudWatch rejects an eleventh metric and a second period",
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::CloudWatch::Alarm") {
					metrics, _ := r.properties(id)["Metrics"].([]any)
					bad.unless(len(metrics) <= 1+10, "%s has %d metrics", id, len(metrics)-1)
					periods := map[string]bool{}
					for _, metric := range metrics {
						if stat := cfn.Dig(metric, "MetricStat"); stat != nil {
							periods[fmt.Sprint(cfn.Dig(stat, "Period"))] = true
						}
					}
					bad.unless(len(periods) <= 1, "%s has metrics with %d different periods", id, len(periods))
				}
			},
			Sabotage: func(r *Repo) {
				metrics := r.properties("FunctionErrorsAlarm1")["Metrics"].([]any)
				r.properties("FunctionErrorsAlarm1")["Metrics"] = append(metrics, metrics[1])
			},
		},
		{
			Name: "an alarm rings when Lambda throttles",
			Why:  "a throttled function logs nothing: its callers wait and nobody notices",
			Required: []required{
				{"AWS::CloudWatch::Alarm ^ThrottlesAlarm ", `{Namespace: AWS/Lambda, MetricName: Throttles}`},
			},
		},
		{
			Name: "per-method metrics are on only where an alarm reads them",
			Why:  "a method's metrics cost as much as an alarm, all of them more than the rest of an idle stage",
			Check: func(r *Repo, bad *list) {
				read := map[string]bool{}
				for _, id := range r.ofType("AWS::CloudWatch::Alarm") {
					walk(r.properties(id), func(v any) {
						named := values(cfn.Dig(v, "Dimensions"))
						if named["Resource"] != "" && named["ApiName"] != "" {
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
						bad.unless(measured == read[method],
							"%s: metrics of %s on: %t; read by an alarm: %t", id, method, measured, read[method])
						delete(read, method)
					}
				}
				for _, method := range keys(read) {
					bad.add("an alarm reads the metrics of %s, which are off", method)
				}
			},
			Sabotage: func(r *Repo) {
				r.properties("Api")["MethodSettings"].([]any)[0].(map[string]any)["MetricsEnabled"] = true
			},
		},
	}
}

// alarmed returns the functions and queues with an alarm on this metric. Alarms on a single version
// of a function do not count.
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
