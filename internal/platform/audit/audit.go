// Package audit records what operators do, in a log group that allows adding records but not
// changing them. Functions write their records here. The operator's command line writes and reads
// the same records.
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

// Action is an action of an operator.
type Action struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	// Who is the caller's identity: at AWS, or the subject of a token. User is the name of the
	// local user, or API.
	Who  string `json:"who"`
	User string `json:"user"`
	Why  string `json:"why"`
	// What is the command, such as "dlq drop", or the operation of the API.
	What string `json:"what"`
	// Subject is the order or the SKU concerned, if known.
	Subject string `json:"subject"`
	// Detail holds more, such as the queue and the event's id and type, but no personal data.
	Detail string `json:"detail,omitempty"`
	// Outcome is Begun, Done or "failed: …".
	Outcome string `json:"outcome"`
}

// Outcomes of an action. If the end was not recorded, Begun stays, and the action may have been
// done.
const (
	Begun = "begun"
	Done  = "done"
)

// API is the User of actions by HTTP. Names are personal data; the subject identifies the person.
const API = "API"

// writeTimeout bounds the write of a record.
const writeTimeout = 3 * time.Second

var errUnwritten = fault.New(fault.Transient, "AuditUnavailable",
	"nothing was done, because the audit record could not be written; try again")

// Trail writes a function's audit records.
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

// Do records the beginning of act, runs it, and records its outcome. If the beginning cannot be
// recorded, act does not run, and Do returns a transient fault. If the outcome cannot be recorded,
// the result is the same, but the record stays Begun.
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
		slog.ErrorContext(ctx, "outcome of an operator's action not recorded in the audit",
			"action", a.ID, "outcome", a.Outcome, "error", err.Error())
	}
	return err
}

// write adds a record to the stream of its day. The first record of a day creates the stream. The
// end of the caller's context does not stop it.
func (t *Trail) write(ctx context.Context, a Action) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
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
		err = t.logs.Call(ctx, "CreateLogStream", in, nil, awscalls.KeyLogGroup.String(t.group))
		// Another process may have created it first.
		if err != nil && !refused(err, "ResourceAlreadyExistsException") {
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
		return errors.New("the log group rejected the record; check the clock")
	}
	return nil
}

func refused(err error, code string) bool {
	var e *awsjson.Error
	return errors.As(err, &e) && e.Code == code
}
