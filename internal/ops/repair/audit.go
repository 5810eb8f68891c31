// Package repair is what an operator does by hand to a running deployment: show, redrive and drop
// the messages of dead-letter queues, and reset circuit breakers. Every action is recorded before
// it is carried out, with who did it and why.
package repair

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"orderflow/internal/platform/audit"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
)

// Action is an action of an operator, taken on the command line or over HTTP.
type Action = audit.Action

// Begun is the outcome of an action whose end was not recorded.
const Begun = audit.Begun

// Audit is the log of operators' actions. It is a log group: those who may act can add records, and
// nobody can change them.
type Audit struct {
	Client *cloudwatchlogs.Client
	Group  string
	Clock  clock.Clock
	IDs    ids.Source
}

// Do records that the action begins, calls act, and records its outcome. If the action cannot be
// recorded, act is not called.
func (a Audit) Do(ctx context.Context, action Action, act func(context.Context) error) error {
	action.ID, action.Outcome = a.IDs.New(), Begun
	if err := a.write(ctx, action); err != nil {
		return errors.Join(errors.New("nothing was done: the action could not be recorded"), err)
	}
	err := act(ctx)
	action.Outcome = audit.Done
	if err != nil {
		action.Outcome = "failed: " + err.Error()
	}
	return errors.Join(err, a.write(ctx, action))
}

func (a Audit) write(ctx context.Context, action Action) error {
	action.At = a.Clock.Now()
	message, err := json.Marshal(action)
	if err != nil {
		return err
	}
	stream, text, at := action.At.Format(time.DateOnly), string(message), action.At.UnixMilli()
	var exists *types.ResourceAlreadyExistsException
	create := &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &a.Group, LogStreamName: &stream}
	if _, err = a.Client.CreateLogStream(ctx, create); err != nil && !errors.As(err, &exists) {
		return err
	}
	out, err := a.Client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &a.Group, LogStreamName: &stream,
		LogEvents: []types.InputLogEvent{{Message: &text, Timestamp: &at}},
	})
	if err == nil && out.RejectedLogEventsInfo != nil {
		err = errors.New("CloudWatch Logs rejected the record; check this machine's clock")
	}
	return err
}

// Actions returns the actions on a subject, or all actions if it is "", oldest first.
func (a Audit) Actions(ctx context.Context, subject string) ([]Action, error) {
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &a.Group}
	if subject != "" {
		pattern := `"` + subject + `"`
		in.FilterPattern = &pattern
	}
	var actions []Action
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(a.Client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			var action Action
			if e.Message == nil || json.Unmarshal([]byte(*e.Message), &action) != nil ||
				subject != "" && action.Subject != subject {
				continue
			}
			actions = merge(actions, action)
		}
	}
	slices.SortStableFunc(actions, func(a, b Action) int { return strings.Compare(a.ID, b.ID) })
	return actions, nil
}

// merge merges the two records of an action into one.
func merge(actions []Action, next Action) []Action {
	i := slices.IndexFunc(actions, func(a Action) bool { return a.ID == next.ID })
	switch {
	case i < 0:
		return append(actions, next)
	case next.Outcome != Begun:
		actions[i].Outcome = next.Outcome
	}
	return actions
}
