// Package repair is what an operator does by hand to a running deployment: look into its dead-letter queues, send what is in
// there on its way again, or drop it. Nothing is done that is not written down before, with who did it and why.
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

// Action is something that an operator does, by the command line or by HTTP.
type Action = audit.Action

// Begun is the outcome of an action of which no end was written down.
const Begun = audit.Begun

// Audit is the record of what operators did: a log group, to which anybody who may act can add, and in which nobody can change
// anything.
type Audit struct {
	Client *cloudwatchlogs.Client
	Group  string
	Clock  clock.Clock
	IDs    ids.Source
}

// Do writes down that act is done, does it, and writes down how it ended. What cannot be written down is not done.
func (a Audit) Do(ctx context.Context, action Action, act func(context.Context) error) error {
	action.ID, action.Outcome = a.IDs.New(), Begun
	if err := a.write(ctx, action); err != nil {
		return errors.Join(errors.New("nothing was done, since it could not be written down"), err)
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
	var there *types.ResourceAlreadyExistsException
	_, err = a.Client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &a.Group, LogStreamName: &stream})
	if err != nil && !errors.As(err, &there) {
		return err
	}
	out, err := a.Client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &a.Group, LogStreamName: &stream, LogEvents: []types.InputLogEvent{{Message: &text, Timestamp: &at}},
	})
	if err == nil && out.RejectedLogEventsInfo != nil {
		err = errors.New("the log refuses the record; is the clock right?")
	}
	return err
}

// Actions returns what was done to a subject ("" for everything), the oldest first.
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
			if e.Message == nil || json.Unmarshal([]byte(*e.Message), &action) != nil || subject != "" && action.Subject != subject {
				continue
			}
			actions = add(actions, action)
		}
	}
	slices.SortStableFunc(actions, func(a, b Action) int { return strings.Compare(a.ID, b.ID) })
	return actions, nil
}

// add puts the two records of an action together.
func add(actions []Action, next Action) []Action {
	i := slices.IndexFunc(actions, func(a Action) bool { return a.ID == next.ID })
	switch {
	case i < 0:
		return append(actions, next)
	case next.Outcome != Begun:
		actions[i].Outcome = next.Outcome
	}
	return actions
}
