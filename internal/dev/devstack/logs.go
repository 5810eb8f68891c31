package devstack

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"orderflow/internal/ops/awsapi"
)

// logLine tells lines apart; the emulator gives them no id.
type logLine struct {
	stream, message string
	at              int64
	nth             int // of the same message at the same time
}

// Logs prints what a function (place-order) has logged, oldest line first; with follow it goes on until ctx ends.
func (s *Stack) Logs(ctx context.Context, out io.Writer, function string, follow bool) error {
	group, err := s.logGroup(ctx, function)
	if err != nil {
		return err
	}
	var from int64                 // ms since 1970
	printed := map[logLine]int64{} // the time of every line that a look from `from` on shows again
	for {
		events, err := s.readLogs(ctx, group, from)
		if err != nil && ctx.Err() == nil && !awsapi.Failed(err, "ResourceNotFoundException") { // none before the first invocation
			return fmt.Errorf("read log group %s: %w", group, err)
		}
		news, times := false, map[logLine]int{}
		for _, event := range events {
			at := event.Timestamp
			line := logLine{stream: event.LogStreamName, at: at, message: event.Message}
			times[line]++
			line.nth = times[line]
			if _, seen := printed[line]; seen {
				continue
			}
			printed[line], news = at, true
			fmt.Fprintf(out, "%s %s\n", time.UnixMilli(at).Format("15:04:05.000"), strings.TrimRight(line.message, "\n"))
			// Lines of invocations at the same time arrive a little out of order.
			from = max(from, at-5000)
		}
		for line, at := range printed {
			if at < from {
				delete(printed, line)
			}
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // whoever follows has seen enough
		}
		if news { // an answer may hold a part only
			continue
		}
		if !follow {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// logEvent is a line as FilterLogEvents returns it; Timestamp is in ms since 1970.
type logEvent struct {
	LogStreamName, Message string
	Timestamp              int64
}

func (s *Stack) readLogs(ctx context.Context, group string, from int64) ([]logEvent, error) {
	var events []logEvent
	for next := ""; ; {
		in := map[string]any{"logGroupName": group, "startTime": from}
		if next != "" {
			in["nextToken"] = next
		}
		var page struct {
			Events    []logEvent
			NextToken string
		}
		if err := s.Emulator.callJSON(ctx, "logs", "Logs_20140328.FilterLogEvents", in, &page); err != nil {
			return nil, err
		}
		events = append(events, page.Events...)
		if next = page.NextToken; next == "" {
			break
		}
	}
	slices.SortStableFunc(events, func(a, b logEvent) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	return events, nil
}

// logGroup finds the log group of the function with this directory name in either stack.
func (s *Stack) logGroup(ctx context.Context, function string) (string, error) {
	var known []string
	for _, stack := range cfnStacks {
		var answer struct {
			Resources []struct{ ResourceType, LogicalResourceId, PhysicalResourceId string } `xml:"DescribeStackResourcesResult>StackResources>member"`
		}
		form := url.Values{"Action": {"DescribeStackResources"}, "Version": {"2010-05-15"}, "StackName": {stack.name}}
		if err := s.Emulator.callQuery(ctx, "cloudformation", form, &answer); err != nil {
			return "", fmt.Errorf("list the resources of %s: %w", stack.name, err)
		}
		for _, r := range answer.Resources {
			if r.ResourceType != "AWS::Lambda::Function" {
				continue
			}
			if r.LogicalResourceId == LogicalID(function) {
				return "/aws/lambda/" + r.PhysicalResourceId, nil
			}
			known = append(known, directoryName(r.LogicalResourceId))
		}
	}
	slices.Sort(known)
	return "", fmt.Errorf("there is no function %q; there are:\n  %s", function, strings.Join(known, "\n  "))
}

// LogicalID is the name of a function's resource in a template: PlaceOrderFunction for place-order.
func LogicalID(function string) string {
	var id strings.Builder
	for part := range strings.SplitSeq(function, "-") {
		if part != "" {
			id.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return id.String() + "Function"
}

// directoryName is the inverse of LogicalID.
func directoryName(logicalID string) string {
	var name strings.Builder
	for i, r := range strings.TrimSuffix(logicalID, "Function") {
		if unicode.IsUpper(r) && i > 0 {
			name.WriteByte('-')
		}
		name.WriteRune(unicode.ToLower(r))
	}
	return name.String()
}
