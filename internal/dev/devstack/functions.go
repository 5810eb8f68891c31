package devstack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/clock"
)

const lambdaAPI = "/2015-03-31/"

// configuration is what is needed of a function's configuration.
type configuration struct {
	Environment                              struct{ Variables map[string]string }
	LoggingConfig                            struct{ LogGroup string }
	LastUpdateStatus, LastUpdateStatusReason string
}

func (s *Stack) configuration(ctx context.Context, function string) (c configuration, err error) {
	err = s.Emulator.rest(ctx, "lambda", http.MethodGet, lambdaAPI+"functions/"+function+"/configuration", nil, &c)
	if err != nil {
		err = fmt.Errorf("read the configuration of %s: %w", function, err)
	}
	return c, err
}

// functions returns the deployed names of a CloudFormation stack's functions, by logical id.
func (s *Stack) functions(ctx context.Context, stack string) (map[string]string, error) {
	var answer struct {
		Resources []struct {
			ResourceType, LogicalResourceId, PhysicalResourceId string
		} `xml:"DescribeStackResourcesResult>StackResources>member"`
	}
	if err := s.cloudFormation(ctx, "DescribeStackResources", stack, &answer); err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, r := range answer.Resources {
		if r.ResourceType == "AWS::Lambda::Function" {
			names[r.LogicalResourceId] = r.PhysicalResourceId
		}
	}
	return names, nil
}

// Environment returns the deployed environment variables of every function of template.yaml, by
// logical id.
func (s *Stack) Environment(ctx context.Context) (map[string]map[string]string, error) {
	names, err := s.functions(ctx, cfnStacks[0].name)
	if err != nil {
		return nil, err
	}
	all := map[string]map[string]string{}
	for id, name := range names {
		c, err := s.configuration(ctx, name)
		if err != nil {
			return nil, err
		}
		all[id] = c.Environment.Variables
	}
	return all, nil
}

// Invoke calls a function of the stack, such as reserve-stock, as Step Functions does, and returns
// its result. If the function fails, the result has errorType and errorMessage, and err is nil.
func (s *Stack) Invoke(ctx context.Context, function string, payload any) (result json.RawMessage, err error) {
	err = s.Emulator.rest(ctx, "lambda", http.MethodPost, lambdaAPI+"functions/orderflow-"+function+"/invocations",
		payload, &result)
	return result, err
}

// RestartProcesses replaces the processes of functions, such as authorize-payment, by new ones with
// empty caches, as a deployment does. It returns when the old ones are replaced.
func (s *Stack) RestartProcesses(ctx context.Context, functions ...string) error {
	for _, function := range functions {
		if err := s.Emulator.Target.system().restart(ctx, s, function); err != nil {
			return err
		}
	}
	return nil
}

// Configure changes variables of a function's environment, and keeps the others. It replaces the
// function's processes, as RestartProcesses does.
func (s *Stack) Configure(ctx context.Context, function string, changes map[string]string) error {
	function = "orderflow-" + function
	c, err := s.configuration(ctx, function)
	if err != nil {
		return err
	}
	maps.Copy(c.Environment.Variables, changes)
	if err := s.Emulator.rest(ctx, "lambda", http.MethodPut, lambdaAPI+"functions/"+function+"/configuration",
		map[string]any{"Environment": c.Environment}, nil); err != nil {
		return fmt.Errorf("configure %s: %w", function, err)
	}
	// Until the new configuration is active, old processes may still get invocations.
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		switch c, err := s.configuration(ctx, function); {
		case err != nil:
			return err
		case c.LastUpdateStatus == "Failed":
			return fmt.Errorf("configure %s: %s", function, c.LastUpdateStatusReason)
		case c.LastUpdateStatus != "InProgress":
			return nil
		}
		if err := clock.Sleep(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("the configuration change of %s is still in progress: %w", function, err)
		}
	}
}

// Consume enables or disables the event source mappings of functions, or of all if none is given.
// Messages wait while they are disabled.
func (s *Stack) Consume(ctx context.Context, enabled bool, functions ...string) error {
	const path = lambdaAPI + "event-source-mappings"
	var list struct {
		EventSourceMappings []struct{ UUID, FunctionArn string }
	}
	if err := s.Emulator.rest(ctx, "lambda", http.MethodGet, path, nil, &list); err != nil {
		return err
	}
	found := slices.DeleteFunc(list.EventSourceMappings, func(m struct{ UUID, FunctionArn string }) bool {
		_, name, _ := strings.Cut(m.FunctionArn, ":function:"+core+"-")
		name, _, _ = strings.Cut(name, ":") // of a version
		return len(functions) > 0 && !slices.Contains(functions, name)
	})
	if len(found) == 0 {
		return errors.New("no such function has an event source mapping")
	}
	for _, m := range found {
		if err := s.Emulator.rest(ctx, "lambda", http.MethodPut, path+"/"+m.UUID, map[string]bool{"Enabled": enabled},
			nil); err != nil {
			return fmt.Errorf("event source mapping %s: %w", m.UUID, err)
		}
	}
	return nil
}

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
	c, err := s.configuration(ctx, name)
	if err != nil {
		return err
	}
	// Its service's group, and the default one, which LocalStack always uses.
	groups := []string{cmp.Or(c.LoggingConfig.LogGroup, "/aws/lambda/"+name), "/aws/lambda/" + name}
	own := map[string]bool{}      // the function's streams in its service's log group
	printed := map[logLine]bool{} // the lines that the next read may return again, and earlier ones
	var from int64                // ms since 1970
	for {
		events, err := s.readLogs(ctx, slices.Compact(groups), from)
		if err != nil && ctx.Err() == nil {
			return err
		}
		for _, event := range events {
			if event.isOf(name, function) || event.group == "/aws/lambda/"+name {
				own[event.LogStreamName] = true
			}
		}
		fresh, times := false, map[logLine]int{}
		for _, event := range events {
			at := event.Timestamp
			line := logLine{stream: event.LogStreamName, at: at, message: event.Message}
			times[line]++
			line.nth = times[line]
			if printed[line] || !own[line.stream] {
				continue
			}
			printed[line], fresh = true, true
			fmt.Fprintf(out, "%s %s\n", time.UnixMilli(at).Format("15:04:05.000"),
				strings.TrimRight(line.message, "\n"))
			// Lines of invocations at the same time arrive a little out of order.
			from = max(from, at-5000)
		}
		if fresh && ctx.Err() == nil { // there may be more
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

// physicalName finds the function with this directory name in any stack that is deployed.
func (s *Stack) physicalName(ctx context.Context, function string) (string, error) {
	stacks := []string{cfnStacks[0].name, cfnStacks[1].name}
	for _, service := range s.repo.OwnStacks() {
		name, _ := own(service)
		stacks = append(stacks, name)
	}
	var known []string
	for _, stack := range stacks {
		names, err := s.functions(ctx, stack)
		if awsapi.Failed(err, "ValidationError") { // it does not exist
			continue
		}
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
