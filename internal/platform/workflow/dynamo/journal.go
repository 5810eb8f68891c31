// Package dynamo is a workflow.Journal in a DynamoDB table of the process's own.
// Besides the items of package ddb, the table holds:
//
//	pk                          sk         what
//	execution#<machine>/<name>  execution  an execution, for 90 days after its end
//	lease                       lease      the process that drives
//
// Open executions are in the index open.
package dynamo

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/workflow"
)

// kept is how long finished executions are kept, as in Step Functions.
const kept = 90 * 24 * time.Hour

// Journal implements workflow.Journal.
type Journal struct{ *ddb.Table }

type executionItem struct {
	ddb.Opened
	Status    string    `dynamodbav:"status"`
	Input     string    `dynamodbav:"input"`
	Output    string    `dynamodbav:"output,omitempty"`
	Error     string    `dynamodbav:"error,omitempty"`
	Cause     string    `dynamodbav:"cause,omitempty"`
	Started   time.Time `dynamodbav:"started"`
	Ended     time.Time `dynamodbav:"ended"`
	Position  string    `dynamodbav:"position,omitempty"` // JSON, as the next one; none after its end
	History   string    `dynamodbav:"history"`
	Announced bool      `dynamodbav:"announced"`
	ExpiresAt int64     `dynamodbav:"expiresAt,omitempty"`
	Version   int64     `dynamodbav:"version"`
}

const prefix, sk = "execution#", "execution"

// executions are keyed by id.
var executions = ddb.Versioned[workflow.Execution, executionItem]{
	Key: ddb.Under(prefix, sk), Missing: workflow.ErrNone, Encode: encode, Decode: decode,
}

func encode(x workflow.Execution) executionItem {
	history, _ := json.Marshal(x.History) // it is made of what is JSON
	item := executionItem{
		Status: string(x.Status), Input: string(x.Input), Output: string(x.Output), Error: x.Error, Cause: x.Cause,
		Started: x.Started, Ended: x.Ended, History: string(history),
		Announced: x.Announced, Version: x.Version,
	}
	if x.Status == workflow.Running {
		position, _ := json.Marshal(x.Position) // likewise
		item.Position = string(position)
	}
	if id, _ := x.Identity(); x.Open() {
		item.Opened = ddb.OpenSince(id, x.Started)
	} else {
		item.ExpiresAt = x.Ended.Add(kept).Unix()
	}
	return item
}

func decode(item executionItem, id string) workflow.Execution {
	machine, name, _ := strings.Cut(id, "/")
	x := workflow.Execution{
		Machine: machine, Name: name, Status: asl.Status(item.Status), Input: raw(item.Input), Output: raw(item.Output),
		Error: item.Error, Cause: item.Cause, Started: item.Started, Ended: item.Ended,
		Announced: item.Announced, Version: item.Version,
	}
	_ = json.Unmarshal([]byte(item.Position), &x.Position) // none, or what encode has written
	_ = json.Unmarshal([]byte(item.History), &x.History)
	return x
}

func raw(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

// Execution reads an execution.
func (j Journal) Execution(ctx context.Context, machine, name string) (workflow.Execution, error) {
	return executions.Get(ctx, j.Table, workflow.ID(machine, name))
}

// Save writes the next version of an execution.
func (j Journal) Save(ctx context.Context, x workflow.Execution) error {
	return executions.Save(ctx, j.Table, x, commit.With{})
}

// Open visits the executions that are open and started before a time.
func (j Journal) Open(ctx context.Context, before time.Time, visit func(machine, name string)) error {
	return j.EachOpen(ctx, before, func(pk string) error {
		machine, name, _ := strings.Cut(strings.TrimPrefix(pk, prefix), "/")
		visit(machine, name)
		return nil
	})
}

const lease = "lease"

type leaseItem struct {
	Owner   string    `dynamodbav:"owner"`
	Until   time.Time `dynamodbav:"until"`
	Version int64     `dynamodbav:"version"`
}

// Lease reads the lease.
func (j Journal) Lease(ctx context.Context) (workflow.Lease, error) {
	var item leaseItem
	_, err := j.Find(ctx, lease, lease, &item)
	return workflow.Lease(item), err
}

// SaveLease writes the next version of the lease.
func (j Journal) SaveLease(ctx context.Context, l workflow.Lease) error {
	return j.Commit(ctx, commit.With{}, j.SaveVersion(lease, lease, leaseItem(l), l.Version-1))
}
