package workflow

import (
	"context"
	"encoding/json"
	"time"

	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/fault"
)

// Running is the status of an execution that has not ended.
const Running asl.Status = "RUNNING"

// Execution is one run of a Standard machine, as the journal has it.
type Execution struct {
	Machine, Name string
	Status        asl.Status
	Input, Output json.RawMessage
	Error, Cause  string
	Started       time.Time
	Ended         time.Time // zero while it runs
	Position      asl.Position
	History       []Event
	// Announced says that its end needs no announcement, or has been announced; see Options.Ended.
	Announced bool
	Version   int64
}

// Event is an event of an execution's history. Kind is the name that Step Functions has for it,
// such as TaskStateEntered.
type Event struct {
	At       time.Time       `json:"at"`
	Kind     string          `json:"kind"`
	State    string          `json:"state,omitempty"`
	Resource asl.Resource    `json:"resource,omitempty"` // of TaskScheduled
	Error    string          `json:"error,omitempty"`
	Cause    string          `json:"cause,omitempty"`
	Output   json.RawMessage `json:"output,omitempty"` // what came with a task token
}

// Open reports whether an engine still has work for the execution.
func (x Execution) Open() bool { return x.Status == Running || !x.Announced }

// Identity returns the execution's id and version; see commit.Aggregate.
func (x Execution) Identity() (id string, version int64) { return ID(x.Machine, x.Name), x.Version }

// ID identifies an execution. Neither machines nor names have a slash.
func ID(machine, name string) string { return machine + "/" + name }

// Lease names the process that drives.
type Lease struct {
	Owner   string // "" for none
	Until   time.Time
	Version int64
}

// Journal keeps executions and the lease.
type Journal interface {
	// Execution returns an execution, read consistently, or fails with ErrNone.
	Execution(ctx context.Context, machine, name string) (Execution, error)
	// Save writes the next version of an execution, else it fails with fault.ErrLostRace. Version 1
	// is new.
	Save(ctx context.Context, x Execution) error
	// Open visits the executions that are open and started before a time. It may miss the latest
	// changes.
	Open(ctx context.Context, before time.Time, visit func(machine, name string)) error
	// Lease returns the lease, read consistently.
	Lease(ctx context.Context) (Lease, error)
	// SaveLease writes the next version of the lease, else it fails with fault.ErrLostRace.
	SaveLease(ctx context.Context, l Lease) error
}

var (
	// ErrNone: the machine has no execution with this name.
	ErrNone = fault.New(fault.NotFound, "ExecutionNotFound", "there is no such execution")
	// ErrExists: the machine has an execution with this name, which has ended or has other input.
	ErrExists = fault.New(fault.Conflict, "ExecutionExists", "there is already such an execution")
	// ErrStaleToken: no task waits with this token.
	ErrStaleToken = fault.New(fault.Conflict, "StaleToken", "the task is no longer waiting")
	// ErrNotLeading: another process holds the lease.
	ErrNotLeading = fault.New(fault.Transient, "NotLeading", "another process drives the executions; try again")
	// ErrDraining: the engine starts no more executions.
	ErrDraining = fault.New(fault.Transient, "Draining", "the process is about to end; try again later")
	// ErrBusy: the journal did not accept the change, or too many executions are running.
	ErrBusy = fault.New(fault.Transient, "EngineBusy", "the engine is busy; try again")

	errNoMachine = fault.New(fault.Internal, "NoStateMachine", "the engine does not have this state machine")
	errName      = fault.New(fault.Invalid, "InvalidName", "the name of an execution must not have a slash")
	errOutput    = fault.New(fault.Invalid, "InvalidOutput", "the output of a task must be JSON")
)
