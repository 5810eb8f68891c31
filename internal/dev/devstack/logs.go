package devstack

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/clock"
)

// logLine identifies a line, as the emulator assigns no ids.
type logLine struct {
	stream, message string
	at              int64
	nth             int // of the same message at the same time
}

// Logs prints the log of a function (place-order), oldest line first; with follow, until ctx ends.
func (s *Stack) Logs(ctx context.Context, out io.Writer, function string, follow bool) error {
	name, err := s.physicalName(ctx, function)
	if err != nil {
		return err
	}
	groups, err := s.logGroups(ctx, name)
	if err != nil {
		return err
	}
	own := map[string]bool{}       // the function's streams in its service's log group
	var from int64                 // ms since 1970
	printed := map[logLine]int64{} // the time of every line that the next read may return again
	for {
		events, err := s.readLogs(ctx, groups, from)
		if err != nil && ctx.Err() == nil {
			return err
		}
		for _, event := range events {
			if event.isOf(name, function) || event.group == "/aws/lambda/"+name {
				own[event.LogStreamName] = true
			}
		}
		news, times := false, map[logLine]int{}
		for _, event := range events {
			at := event.Timestamp
			line := logLine{stream: event.LogStreamName, at: at, message: event.Message}
			times[line]++
			line.nth = times[line]
			if _, seen := printed[line]; seen || !own[line.stream] {
				continue
			}
			printed[line], news = at, true
			fmt.Fprintf(out, "%s %s\n", time.UnixMilli(at).Format("15:04:05.000"),
				strings.TrimRight(line.message, "\n"))
			// Lines of invocations at the same time arrive a little out of order.
			from = max(from, at-5000)
		}
		for line, at := range printed {
			if at < from {
				delete(printed, line)
			}
		}
		if news && ctx.Err() == nil { // there may be more
			continue
		}
		if !follow || clock.Sleep(ctx, 500*time.Millisecond) != nil {
			return nil //nolint:nilerr // the user stopped following
		}
	}
}

// logEvent is a line as FilterLogEvents returns it; Timestamp is in ms since 1970.
type logEvent struct {
	LogStreamName, Message string
	Timestamp              int64
	group                  string
}

// isOf reports whether the line shows that its stream is the function's. Lambda puts the deployed
// name into the stream's name. MiniStack does not, but our log lines have it, and our metrics have
// the directory's name.
func (e logEvent) isOf(deployed, directory string) bool {
	return strings.Contains(e.LogStreamName, "/"+deployed+"[") ||
		strings.Contains(e.Message, `"function":"`+deployed+`"`) ||
		strings.Contains(e.Message, `"Function":"`+directory+`"`)
}

// readLogs reads the groups that exist: a group is created by the first invocation.
func (s *Stack) readLogs(ctx context.Context, groups []string, from int64) ([]logEvent, error) {
	var events []logEvent
	for _, group := range groups {
		in := map[string]any{"logGroupName": group, "startTime": from}
		for {
			var page struct {
				Events    []logEvent
				NextToken string
			}
			err := s.Emulator.api().JSON(ctx, "logs", "Logs_20140328.FilterLogEvents", in, &page)
			if awsapi.Failed(err, "ResourceNotFoundException") {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("read log group %s: %w", group, err)
			}
			for _, event := range page.Events {
				event.group = group
				events = append(events, event)
			}
			if page.NextToken == "" {
				break
			}
			in["nextToken"] = page.NextToken
		}
	}
	slices.SortStableFunc(events, func(a, b logEvent) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	return events, nil
}

// logGroups returns the log groups of a function: its service's, and the default one, which
// LocalStack always uses.
func (s *Stack) logGroups(ctx context.Context, name string) ([]string, error) {
	c, err := s.configuration(ctx, name)
	if err != nil {
		return nil, err
	}
	groups := []string{c.LoggingConfig.LogGroup, "/aws/lambda/" + name}
	slices.Sort(groups)
	return slices.DeleteFunc(slices.Compact(groups), func(group string) bool { return group == "" }), nil
}

// physicalName finds the function with this directory name in either stack.
func (s *Stack) physicalName(ctx context.Context, function string) (string, error) {
	var known []string
	for _, stack := range cfnStacks {
		names, err := s.functions(ctx, stack.name)
		if err != nil {
			return "", err
		}
		if name := names[casing.Camel(function)+"Function"]; name != "" {
			return name, nil
		}
		for id := range names {
			known = append(known, casing.Kebab(strings.TrimSuffix(id, "Function")))
		}
	}
	slices.Sort(known)
	return "", fmt.Errorf("unknown function %q; use one of:\n  %s", function, strings.Join(known, "\n  "))
}
