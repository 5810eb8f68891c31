package arch

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/redact"
)

var (
	searched = regexp.MustCompile(`^SEARCH\('\{([^}]+)\} MetricName="(\w+)"`)
	logCall  = regexp.MustCompile(`slog\.(?:Debug|Info|Warn|Error|Log|LogAttrs|With|Group|` +
		`String|Any|Int|Int64|Bool|Duration|Time)(?:Context)?\([^\n]*`)
	logName = regexp.MustCompile(`"([A-Za-z_-]+)",`)
)

// observationRules are about logs, metrics, alarms and the dashboard.
var observationRules = []Rule{
	ofCore(rule("metrics of alarms and dashboards are recorded", "an alarm on a metric that nobody writes never rings",
		func(r *Repo, bad *list) {
			shown := map[string]bool{}
			for _, stack := range r.all() {
				for _, m := range stack.alarmMetrics() {
					bad.measured(m.alarm, m.namespace, m.name, keys(m.dimensions))
				}
				maps.Copy(shown, dashboard(stack, bad))
			}
			for _, d := range metrics.All() {
				bad.unless(shown[string(d.Name)], "no dashboard shows %s", d.Name)
				bad.unless(hasName(r.Texts["docs/slo.md"], string(d.Name)), "docs/slo.md does not list %s", d.Name)
			}
		},
		func(r *Repo) { r.properties("OutboxLagAlarm")["MetricName"] = "OutboxDelay" })),
	rule("an alarm notifies, itself or through a composite alarm", "nobody sees an alarm without an action",
		func(r *Repo, bad *list) {
			parts := ""
			for _, p := range r.each("AWS::CloudWatch::CompositeAlarm") {
				parts += text(p["AlarmRule"])
			}
			for id, p := range r.each("AWS::CloudWatch::Alarm") {
				notifies := p["AlarmActions"] != nil || strings.Contains(parts, "${"+id+"}")
				bad.unless(notifies, "%s notifies nobody", id)
			}
		},
		func(r *Repo) { delete(r.properties("NeedsAttentionAlarm"), "AlarmActions") },
		required{"AWS::CloudWatch::CompositeAlarm", `AlarmActions: any`}),
	rule("every function's errors and every dead-letter queue ring",
		"Lambda counts returned errors, timeouts and crashes; nothing else reports a dead letter",
		func(r *Repo, bad *list) {
			watched := map[string]bool{}
			for _, m := range r.alarmMetrics() {
				if len(m.dimensions) == 1 { // not a single version of a function
					watched[m.name+" "+m.dimensions["FunctionName"]+m.dimensions["QueueName"]] = true
				}
			}
			for id := range r.each("AWS::Serverless::Function") {
				bad.unless(watched["Errors "+id], "no alarm watches the errors of %s", id)
			}
			for id := range r.each("AWS::SQS::Queue") {
				dead := strings.HasSuffix(id, "DeadLetterQueue") || strings.HasSuffix(id, "FailureQueue")
				bad.unless(!dead || watched["ApproximateNumberOfMessagesVisible "+id+".QueueName"],
					"no alarm watches %s", id)
			}
		},
		func(r *Repo) { delete(r.resources(), "SweepErrorsAlarm") }),
	rule("an alarm has at most ten metrics, all of one period",
		"CloudWatch rejects an eleventh metric and a second period",
		func(r *Repo, bad *list) {
			for id, p := range r.each("AWS::CloudWatch::Alarm") {
				metrics, _ := p["Metrics"].([]any)
				bad.unless(len(metrics) <= 1+10, "%s has %d metrics", id, len(metrics)-1)
				periods := map[any]bool{}
				for _, metric := range metrics {
					periods[cfn.Dig(metric, "MetricStat", "Period")] = true
				}
				delete(periods, nil)
				bad.unless(len(periods) <= 1, "%s has metrics with %d different periods", id, len(periods))
				condition := text(r.resource(id)["Condition"])
				local := condition != "OnAWS" && condition != "IsGradual" // which only holds on AWS
				bad.unless(metrics == nil || !local, "%s has metric math, which emulators refuse: Condition: OnAWS", id)
			}
		},
		func(r *Repo) {
			metrics := r.properties("OrdersErrorsAlarm")["Metrics"].([]any)
			r.properties("OrdersErrorsAlarm")["Metrics"] = append(metrics, metrics[1])
		}),
	requires("an alarm rings when Lambda throttles",
		"a throttled function logs nothing: its callers wait and nobody notices",
		required{"AWS::CloudWatch::Alarm ^ThrottlesAlarm ", `{Namespace: AWS/Lambda, MetricName: Throttles}`}),
	rule("per-method metrics are on only where an alarm reads them",
		"a method's metrics cost as much as an alarm, all of them more than the rest of an idle stage",
		func(r *Repo, bad *list) {
			var read, on []string
			for _, m := range r.alarmMetrics() {
				if of := m.dimensions; of["Resource"] != "" && of["ApiName"] != "" {
					read = append(read, of["Method"]+" "+of["Resource"])
				}
			}
			for _, p := range r.each("AWS::Serverless::Api") {
				settings, _ := p["MethodSettings"].([]any)
				for _, s := range settings {
					if cfn.Dig(s, "MetricsEnabled") == true {
						path := strings.NewReplacer("/~1", "/", "~1", "/").Replace(text(cfn.Dig(s, "ResourcePath")))
						on = append(on, text(cfn.Dig(s, "HttpMethod"))+" "+path)
					}
				}
			}
			bad.same("MethodSettings with metrics", on, read)
		},
		func(r *Repo) {
			r.properties("Api")["MethodSettings"].([]any)[0].(map[string]any)["MetricsEnabled"] = true
		}),
	ofCore(rule("no log line names personal or payment data",
		"more people read logs than tables; redaction is only a safety net",
		func(r *Repo, bad *list) {
			for dir, p := range r.Packages {
				if dir == "internal/verify/arch" || !strings.HasPrefix(dir, "internal/") &&
					!strings.HasPrefix(dir, "sandbox/") {
					continue
				}
				for _, call := range logCall.FindAllString(p.Source, -1) {
					for _, m := range logName.FindAllStringSubmatch(call, -1) {
						bad.unless(!redact.Key(m[1]), "%s logs %s: remove it", dir, m[1])
					}
				}
			}
		},
		func(r *Repo) {
			r.Packages["internal/orders"].Source += "\n" +
				`slog.InfoContext(ctx, "placed", "orderId", o.OrderID, "customerEmail", o.CustomerEmail)`
		})),
}

// measured reports one of our metrics that is not recorded with these dimensions.
func (l *list) measured(where, namespace, name string, dims []string) {
	if namespace != metrics.Namespace {
		l.unless(strings.HasPrefix(namespace, "AWS/"), "%s: nobody writes to the namespace %q", where, namespace)
		return
	}
	d, ok := metrics.Find(metrics.Name(name))
	l.unless(ok, "%s: unknown metric %s", where, name)
	slices.Sort(dims)
	l.unless(!ok || slices.ContainsFunc(d.Sets(), func(set []string) bool {
		return slices.Equal(slices.Sorted(slices.Values(set)), dims)
	}), "%s: %s is not recorded with dimensions %v", where, name, dims)
}

// metric is a metric of an alarm, with the values of its dimensions.
type metric struct {
	alarm, namespace, name string
	dimensions             map[string]string
}

func (r *Repo) alarmMetrics() (all []metric) {
	for id, p := range r.each("AWS::CloudWatch::Alarm") {
		walk(p, func(v any) {
			if name := text(cfn.Dig(v, "MetricName")); name != "" {
				m := metric{id, text(cfn.Dig(v, "Namespace")), name, map[string]string{}}
				dimensions, _ := cfn.Dig(v, "Dimensions").([]any)
				for _, d := range dimensions {
					m.dimensions[text(cfn.Dig(d, "Name"))] = text(cfn.Dig(d, "Value"))
				}
				all = append(all, m)
			}
		})
	}
	return all
}

// dashboard checks the metrics that the dashboard shows and returns their names.
func dashboard(r *Repo, bad *list) map[string]bool {
	shown := map[string]bool{}
	var body struct {
		Widgets []struct {
			Type                string
			X, Y, Width, Height int
			Properties          struct {
				Title   string
				Metrics [][]any
			}
		}
	}
	for id, p := range r.each("AWS::CloudWatch::Dashboard") {
		err := json.Unmarshal([]byte(text(p["DashboardBody"])), &body)
		bad.unless(err == nil, "%s is not JSON: %v", id, err)
		for _, w := range body.Widgets {
			bad.unless(w.Width > 0 && w.Height > 0 && w.X+w.Width <= 24, "%s: %q does not fit", id, w.Properties.Title)
			for _, metric := range w.Properties.Metrics {
				var words []string // namespace, name, and the names and values of dimensions
				for _, v := range metric {
					words = append(words, text(v))
				}
				if expression := text(cfn.Dig(metric[0], "expression")); expression != "" {
					m := append(searched.FindStringSubmatch(expression), "", "", "")
					schema := strings.Split(m[1], ",")
					words = []string{schema[0], m[2]}
					for _, dimension := range schema[1:] {
						words = append(words, dimension, "")
					}
				}
				var dims []string
				for i := 2; i+1 < len(words); i += 2 {
					dims = append(dims, words[i])
				}
				bad.measured(id, words[0], words[1], dims)
				shown[words[1]] = true
			}
		}
	}
	return shown
}
