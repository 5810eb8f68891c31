package arch

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/metrics"
)

// errorBudget is the share of requests that may fail: docs/slo.md promises 99.9 %.
const errorBudget = 0.001

var (
	errorsOfService = regexp.MustCompile(`^(` + strings.Join(Services, "|") + `)(errorsalarm)\d*$`)
	part            = regexp.MustCompile(`\$\{(\w+)\}`)
	fewest          = regexp.MustCompile(`requests >= (\d+)`)
)

// documented is the name of an alarm in the documents, which use one name for the alarms of all
// services.
func documented(alarm string) string {
	if errorsOfService.MatchString(strings.ToLower(alarm)) {
		return "<Service>ErrorsAlarm"
	}
	return alarm
}

// condition says when an alarm rings, in the words of docs/slo.md and the runbooks.
func (r *Repo) condition(alarm string) string {
	p := r.properties(alarm)
	if parts := part.FindAllStringSubmatch(text(p["AlarmRule"]), -1); parts != nil {
		var windows []string
		for _, m := range parts {
			windows = append(windows, "over "+span(period(r.properties(m[1]))))
		}
		burn := number(r.properties(parts[0][1])["Threshold"]) / errorBudget
		return fmt.Sprintf("burn rate %.4g %s", burn, strings.Join(windows, " and "))
	}
	evaluated := number(p["EvaluationPeriods"])
	breaching := cmp.Or(number(p["DatapointsToAlarm"]), evaluated)
	window := ""
	switch {
	case evaluated == 1 && !strings.Contains(fmt.Sprint(p), "Maximum"):
		window = " in " + span(period(p))
	case evaluated > 1 && period(p) == 60:
		window = fmt.Sprintf(" in %v of %v minutes", breaching, evaluated)
	case evaluated > 1:
		window = fmt.Sprintf(" in %v of %v periods of %s", breaching, evaluated, span(period(p)))
	}
	return strings.TrimSpace(text(p["ExtendedStatistic"])+" "+amount(p)) + window
}

// amount is an alarm's threshold in the unit of its metric.
func amount(p map[string]any) string {
	threshold, name := number(p["Threshold"]), ""
	walk(p, func(v any) { name = cmp.Or(name, text(cfn.Dig(v, "MetricName"))) })
	ours, _ := metrics.Find(metrics.Name(name))
	switch few := fewest.FindStringSubmatch(fmt.Sprint(p)); {
	case few != nil:
		return fmt.Sprintf("above %.4g %% of at least %s requests", 100*threshold, few[1])
	case ours.Unit == "Milliseconds" || name == "IteratorAge":
		return "above " + span(threshold/1000)
	case name == "ApproximateAgeOfOldestMessage":
		return "above " + span(threshold)
	}
	return fmt.Sprintf("%v or more", threshold)
}

// period is the period of an alarm's metrics, in seconds.
func period(p map[string]any) (seconds float64) {
	walk(p, func(v any) { seconds = max(seconds, number(cfn.Dig(v, "Period"))) })
	return seconds
}

func span(seconds float64) string {
	n, unit := seconds/60, "minute"
	if n >= 60 {
		n, unit = n/60, "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%v %s", n, unit)
}

func number(v any) float64 {
	n, _ := strconv.ParseFloat(fmt.Sprint(v), 64)
	return n
}
