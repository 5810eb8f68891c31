package repair

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/concurrent"
)

// Line is a line of a function's log.
type Line struct {
	Time     time.Time `json:"time"`
	Level    string    `json:"level"`
	Function string    `json:"function"`
	Message  string    `json:"msg"`
	Error    string    `json:"error,omitempty"`
	// MessageID is the id of the message of a queue that the function handled.
	MessageID string `json:"messageId,omitempty"`
}

// Logs are the logs of a deployment's functions.
type Logs struct {
	Client *cloudwatchlogs.Client
	// Stack is the name of the deployment.
	Stack string
}

// About returns the lines of all functions since a time that have a text, such as an order's id,
// oldest first. It leaves out metrics.
func (l Logs) About(ctx context.Context, text string, since time.Time) ([]Line, error) {
	groups, err := l.groups(ctx)
	if err != nil {
		return nil, err
	}
	found := make([][]Line, len(groups))
	err = concurrent.Do(len(groups), atOnce, func(i int) (err error) {
		found[i], err = l.in(ctx, groups[i], text, since)
		return err
	})
	lines := slices.Concat(found...)
	slices.SortStableFunc(lines, func(a, b Line) int { return a.Time.Compare(b.Time) })
	return lines, err
}

const (
	// followed is how often new lines are read.
	followed = 2 * time.Second
	// lateLines is how late a line may come.
	lateLines = 30 * time.Second
)

// Follow calls show with the lines that About returns, and then with new lines, until ctx ends or a
// call fails. It returns that error.
func (l Logs) Follow(ctx context.Context, text string, since time.Time, show func([]Line) error) error {
	shown := map[Line]bool{}
	for {
		began := time.Now()
		lines, err := l.About(ctx, text, since)
		if err != nil {
			return err
		}
		lines = slices.DeleteFunc(lines, func(line Line) bool { return shown[line] })
		if err := show(lines); err != nil {
			return err
		}
		for _, line := range lines {
			shown[line] = true
		}
		if next := began.Add(-lateLines); next.After(since) {
			since = next
		}
		if err := clock.Sleep(ctx, followed); err != nil {
			return err
		}
	}
}

// groups returns the log groups of the deployment.
func (l Logs) groups(ctx context.Context) (names []string, err error) {
	prefix := "/orderflow/" + l.Stack + "/"
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(l.Client,
		&cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, group := range page.LogGroups {
			names = append(names, aws.ToString(group.LogGroupName))
		}
	}
	return names, nil
}

// in returns the lines of one group.
func (l Logs) in(ctx context.Context, group, text string, since time.Time) (lines []Line, err error) {
	pattern, start := `"`+text+`"`, since.UnixMilli()
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(l.Client, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, FilterPattern: &pattern, StartTime: &start,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			var line Line
			if e.Message == nil || json.Unmarshal([]byte(*e.Message), &line) != nil || line.Message == "" {
				continue // a metric, a record of the audit log, or a line of Lambda's
			}
			line.Function = strings.TrimPrefix(line.Function, l.Stack+"-")
			lines = append(lines, line)
		}
	}
	return lines, nil
}
