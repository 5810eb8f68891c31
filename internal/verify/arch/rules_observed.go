package arch

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/redact"
	"orderflow/internal/verify/cfn"
)

var (
	searched = regexp.MustCompile(`^SEARCH\('\{([^}]+)\} MetricName="(\w+)"`)
	logCall  = regexp.MustCompile(`slog\.(?:Debug|Info|Warn|Error|Log|LogAttrs|With|Group|` +
		`String|Any|Int|Int64|Bool|Duration|Time)(?:Context)?\([^\n]*`)
	logName = regexp.MustCompile(`"([A-Za-z_-]+)",`)
)

// observationRules are about logs, metrics, alarms and the dashboard.
func observationRules() []Rule {
	return []Rule{
		{
			Name: "metrics of alarms and the dashboard are recorded",
			Why:  "an alarm on a metric that nobody writes never rings",
			Check: func(r *Repo, bad *list) {
				for _, id := range r.ofType("AWS::CloudWatch::Alarm") {
					walk(r.resource(id), func(v any) {
						if dims := cfn.Dig(v, "Dimensions"); dims != nil && cfn.Dig(v, "Namespace") != nil {
							bad.measured(id, text(cfn.Dig(v, "Namespace")), text(cfn.Dig(v, "MetricName")),
								dimensions(dims))
						}
					})
				}
				shown := dashboard(r, bad)
				for _, d := range metrics.All() {
					bad.unless(shown[string(d.Name)], "the dashboard does not show %s", d.Name)
					bad.unless(strings.Contains(r.Texts["docs/slo.md"], string(d.Name)),
						"docs/slo.md does not list %s", d.Name)
				}
			},
			Sabotage: func(r *Repo) { r.properties("OutboxLagAlarm")["MetricName"] = "OutboxDelay" },
		},
		{
			Name: "an alarm notifies, itself or through a composite alarm",
			Why:  "nobody sees an alarm without an action",
			Check: func(r *Repo, bad *list) {
				parts := ""
				for _, id := range r.ofType("AWS::CloudWatch::CompositeAlarm") {
					parts += text(r.properties(id)["AlarmRule"])
					bad.unless(r.properties(id)["AlarmActions"] != nil, "%s notifies nobody", id)
				}
				for _, id := range r.ofType("AWS::CloudWatch::Alarm") {
					bad.unless(r.properties(id)["AlarmActions"] != nil || strings.Contains(parts, "${"+id+"}"),
						"%s notifies nobody", id)
				}
			},
			Sabotage: func(r *Repo) { delete(r.properties("NeedsAttentionAlarm"), "AlarmActions") },
		},
		{
			Name: "no log line names personal or payment data",
			Why:  "more people read logs than tables; redaction is only a safety net",
			Check: func(r *Repo, bad *list) {
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
			Sabotage: func(r *Repo) {
				r.Packages["internal/orders"].Source += "\n" +
					`slog.InfoContext(ctx, "placed", "orderId", o.OrderID, "customerEmail", o.CustomerEmail)`
			},
		},
	}
}

// measured reports a metric of ours that is not recorded with these dimensions.
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

// dimensions returns the names in an alarm's list of dimensions.
func dimensions(v any) (names []string) {
	all, _ := v.([]any)
	for _, d := range all {
		names = append(names, text(cfn.Dig(d, "Name")))
	}
	return names
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
	for _, id := range r.ofType("AWS::CloudWatch::Dashboard") {
		err := json.Unmarshal([]byte(text(r.properties(id)["DashboardBody"])), &body)
		bad.unless(err == nil, "%s is not JSON: %v", id, err)
		for _, w := range body.Widgets {
			bad.unless(w.Width > 0 && w.Height > 0 && w.X+w.Width <= 24, "%s: %q does not fit", id, w.Properties.Title)
			for _, metric := range w.Properties.Metrics {
				var words []string
				for _, v := range metric {
					if s, ok := v.(string); ok {
						words = append(words, s)
					}
				}
				if expression := text(cfn.Dig(metric[0], "expression")); expression != "" {
					m := searched.FindStringSubmatch(expression)
					bad.unless(m != nil, "%s: %s is not a search for one metric", id, expression)
					if m != nil {
						schema := strings.Split(m[1], ",")
						words = append([]string{schema[0], m[2]}, schema[1:]...)
						bad.measured(id, schema[0], m[2], schema[1:])
					}
				} else if len(words) > 1 {
					var dims []string
					for i := 2; i < len(words); i += 2 {
						dims = append(dims, words[i])
					}
					bad.measured(id, words[0], words[1], dims)
				}
				if len(words) > 1 {
					shown[words[1]] = true
				}
			}
		}
	}
	return shown
}
