// Package audit writes down what operators do: a log group to which whoever acts can add, and in which nobody can change anything.
// The operator's command line writes and reads the same records (package operations); functions write theirs here.
package audit

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/awsjson"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/awscalls"
)

// Action is something that an operator does.
type Action struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	// Who is the caller's identity: at AWS, or the subject of a token. User says how it came: the name of the user who called, or API.
	Who  string `json:"who"`
	User string `json:"user"`
	Why  string `json:"why"`
	// What is done, such as "dlq drop", or the operation of the API.
	What string `json:"what"`
	// Subject is what it is done to: an order or a SKU, where that is known.
	Subject string `json:"subject"`
	// Detail tells more, such as the queue and the event's id and type. It holds no personal data.
	Detail string `json:"detail,omitempty"`
	// Outcome is Done or "failed: …"; Begun until that is known.
	Outcome string `json:"outcome"`
}

// Outcomes of an action. Begun stays if no end was written down: then it may have been done.
const (
	Begun = "begun"
	Done  = "done"
)

// API is the user of what is done by HTTP. Names are personal data; the subject is enough to find them.
const API = "API"

// limit bounds the writing of a record.
const limit = 3 * time.Second

var errUnwritten = fault.New(fault.Transient, "AuditUnavailable", "nothing was done, since it could not be written down who does it; try again")

// Trail is the audit as functions write it.
type Trail struct {
	logs  awsjson.Client
	group string
	clock clock.Clock
	ids   ids.Source
}

// New returns the trail in a log group.
func New(cfg aws.Config, group string, c clock.Clock, source ids.Source) *Trail {
	return &Trail{logs: awsjson.New(cfg, c, "logs", "logs", "Logs_20140328"), group: group, clock: c, ids: source}
}

// Do writes down that act is done, does it, and writes down how it ended. What cannot be written down is not done: that is a
// transient fault. An end that cannot be written down changes no answer; the record then stays Begun.
func (t *Trail) Do(ctx context.Context, a Action, act func(context.Context) error) error {
	a.ID, a.Outcome = t.ids.New(), Begun
	if err := t.write(ctx, a); err != nil {
		return errUnwritten.Because(err)
	}
	err := act(ctx)
	a.Outcome = Done
	if err != nil {
		a.Outcome = "failed: " + tracing.Code(err)
	}
	if err := t.write(ctx, a); err != nil {
		slog.ErrorContext(ctx, "how an operator's action ended is not in the audit", "action", a.ID, "outcome", a.Outcome, "error", err.Error())
	}
	return err
}

// write adds a record to the stream of its day, which the day's first one makes. It is not cut off by a caller who goes away.
func (t *Trail) write(ctx context.Context, a Action) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	a.At = t.clock.Now()
	message, err := json.Marshal(a)
	if err != nil {
		return err
	}
	stream := a.At.Format(time.DateOnly)
	put := map[string]any{"logGroupName": t.group, "logStreamName": stream, "logEvents": []map[string]any{
		{"timestamp": a.At.UnixMilli(), "message": string(message)},
	}}
	err = t.put(ctx, put)
	if refused(err, "ResourceNotFoundException") {
		in := map[string]any{"logGroupName": t.group, "logStreamName": stream}
		// Another process may have been faster.
		if err := t.logs.Call(ctx, "CreateLogStream", in, nil, awscalls.KeyLogGroup.String(t.group)); err != nil && !refused(err, "ResourceAlreadyExistsException") {
			return err
		}
		err = t.put(ctx, put)
	}
	return err
}

func (t *Trail) put(ctx context.Context, in map[string]any) error {
	var out struct {
		RejectedLogEventsInfo *struct{} `json:"rejectedLogEventsInfo"`
	}
	if err := t.logs.Call(ctx, "PutLogEvents", in, &out, awscalls.KeyLogGroup.String(t.group)); err != nil {
		return err
	}
	if out.RejectedLogEventsInfo != nil {
		return errors.New("the log refuses the record; is the clock right?")
	}
	return nil
}

func refused(err error, code string) bool {
	var no *awsjson.Error
	return errors.As(err, &no) && no.Code == code
}
