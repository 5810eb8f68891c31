package repair

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// Line is a line of a function's log.
type Line struct {
	Time     time.Time `json:"time"`
	Level    string    `json:"level"`
	Function string    `json:"function"`
	Message  string    `json:"msg"`
	Error    string    `json:"error,omitempty"`
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
	prefix, pattern, start := "/orderflow/"+l.Stack+"/", `"`+text+`"`, since.UnixMilli()
	var lines []Line
	groups := cloudwatchlogs.NewDescribeLogGroupsPaginator(l.Client,
		&cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix})
	for groups.HasMorePages() {
		page, err := groups.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, group := range page.LogGroups {
			events := cloudwatchlogs.NewFilterLogEventsPaginator(l.Client, &cloudwatchlogs.FilterLogEventsInput{
				LogGroupName: group.LogGroupName, FilterPattern: &pattern, StartTime: &start,
			})
			for events.HasMorePages() {
				found, err := events.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				for _, e := range found.Events {
					var line Line
					if e.Message == nil || json.Unmarshal([]byte(*e.Message), &line) != nil || line.Message == "" {
						continue // a metric, a record of the audit log, or a line of Lambda's
					}
					line.Function = strings.TrimPrefix(line.Function, l.Stack+"-")
					lines = append(lines, line)
				}
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return a.Time.Compare(b.Time) })
	return lines, nil
}
