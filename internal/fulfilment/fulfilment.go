// Package fulfilment is the process manager: it starts, wakes and undoes the sagas that the
// state machines under statemachines/ define. It keeps no data of its own; a saga's
// state is its execution, called by the order's id.
package fulfilment

import (
	"context"
	"encoding/json"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

// Machine is one of the two state machines.
type Machine string

// The state machines.
const (
	FulfilOrder     Machine = "fulfil-order"
	CompensateOrder Machine = "compensate-order"
)

var (
	// ErrExists: the machine has an execution of this name, running or closed.
	ErrExists = fault.New(fault.Conflict, "ExecutionExists", "the saga was started before")
	// ErrOtherInput: the saga was started before with other input; somebody must look at this.
	ErrOtherInput = fault.New(fault.Conflict, "ExecutionDiffers", "the saga was started before with other input")
	// ErrNoExecution: the machine never had an execution of this name, or it is forgotten, after 90 days.
	ErrNoExecution = fault.New(fault.NotFound, "ExecutionNotFound", "there is no such execution")
	// ErrStaleToken: nobody waits by this task token any more.
	ErrStaleToken = fault.New(fault.Conflict, "StaleToken", "the task is not waiting any more")
)

// Status is where an execution stands.
type Status string

// The statuses of an execution. The last three are ends that the plan does not know, but for one: see Planned.
const (
	Running   Status = "RUNNING"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	TimedOut  Status = "TIMED_OUT"
	Aborted   Status = "ABORTED"
)

// Execution is one run of a state machine.
type Execution struct {
	Status Status
	// Error is the name of the error with which it failed, if it did.
	Error string
	Input json.RawMessage
}

// needsAttention is the error with which compensate-order ends on purpose, when it has flagged the order.
const needsAttention = "NeedsAttention"

// Planned reports whether the execution ended as its definition has it. What ended otherwise left its order as it
// happened to be.
func (x Execution) Planned() bool {
	return x.Status == Succeeded || x.Status == Failed && x.Error == needsAttention
}

// Engine runs state machines.
type Engine interface {
	// Start starts the execution called name, or fails with ErrExists.
	Start(ctx context.Context, machine Machine, name string, input json.RawMessage) error
	// Input returns the input of the execution called name.
	Input(ctx context.Context, machine Machine, name string) (json.RawMessage, error)
	// Execution returns the execution called name, or fails with ErrNoExecution.
	Execution(ctx context.Context, machine Machine, name string) (Execution, error)
	// Succeed lets the task that waits by token go on with output, or fails with ErrStaleToken.
	Succeed(ctx context.Context, token string, output json.RawMessage) error
	// Fail ends the task that waits by token with an error name, or fails with ErrStaleToken.
	Fail(ctx context.Context, token, errorName, cause string) error
}

// Service is fulfilment's use cases.
type Service struct{ engine Engine }

// New returns the use cases over an engine.
func New(e Engine) *Service { return &Service{engine: e} }

// order is what must be the same in two inputs of fulfil-order for one order. The input has the whole data of the event, whose schema
// requires every field that the states' expressions read, but for the e-mail address, which no step needs.
type order struct {
	OrderID         string         `json:"orderId"`
	CustomerID      string         `json:"customerId"`
	Items           []line         `json:"items"`
	Total           money.Money    `json:"total"`
	PaymentMethod   string         `json:"paymentMethod"`
	ShippingAddress orders.Address `json:"shippingAddress"`
	TraceParent     string         `json:"traceparent"`
}

type line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// undoing is the input of compensate-order.
type undoing struct {
	OrderID    string      `json:"orderId"`
	CustomerID string      `json:"customerId"`
	Total      money.Money `json:"total"`
	// Reason is what the order ends with, such as CANCELLED_BY_CUSTOMER.
	Reason string `json:"reason"`
	// FailedStep is the step of the saga that gave up; empty where none did.
	FailedStep  string `json:"failedStep"`
	TraceParent string `json:"traceparent"`
}
