// Package fulfilment is the process manager: it starts, resumes and compensates the sagas that the
// state machines in statemachines/ define. It stores nothing; a saga's state is its execution,
// named by the order's id.
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
	// ErrExists: the machine has an execution with this name, running or ended.
	ErrExists = fault.New(fault.Conflict, "ExecutionExists", "the saga has already started")
	// ErrOtherInput: the saga started with other input. An operator must investigate.
	ErrOtherInput = fault.New(fault.Conflict, "ExecutionDiffers", "the saga has already started with other input")
	// ErrNoExecution: the machine has no execution with this name. Executions are kept for 90 days.
	ErrNoExecution = fault.New(fault.NotFound, "ExecutionNotFound", "there is no such execution")
	// ErrStaleToken: no task waits with this token.
	ErrStaleToken = fault.New(fault.Conflict, "StaleToken", "the task is no longer waiting")
)

// Status is an execution's status.
type Status string

// The statuses of an execution. Of the last three, only a failure can be planned; see Planned.
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
	// Error is the name of the error with which it failed.
	Error string
	Input json.RawMessage
}

// needsAttention is the error with which compensate-order fails on purpose after it flagged the
// order.
const needsAttention = "NeedsAttention"

// Planned reports whether the execution ended in a state of its definition. Any other end left the
// order half-way.
func (x Execution) Planned() bool {
	return x.Status == Succeeded || x.Status == Failed && x.Error == needsAttention
}

// Engine runs state machines.
type Engine interface {
	// Start starts an execution, or fails with ErrExists.
	Start(ctx context.Context, machine Machine, name string, input json.RawMessage) error
	// Input returns an execution's input, or fails with ErrNoExecution.
	Input(ctx context.Context, machine Machine, name string) (json.RawMessage, error)
	// Execution returns an execution, or fails with ErrNoExecution.
	Execution(ctx context.Context, machine Machine, name string) (Execution, error)
	// Succeed ends the task that waits with token with output, or fails with ErrStaleToken.
	Succeed(ctx context.Context, token string, output json.RawMessage) error
	// Fail ends the task that waits with token with an error, or fails with ErrStaleToken.
	Fail(ctx context.Context, token, errorName, cause string) error
}

// Service implements fulfilment's use cases.
type Service struct{ engine Engine }

// New returns a service that uses an engine.
func New(e Engine) *Service { return &Service{engine: e} }

// order has the fields that must be equal in two inputs of fulfil-order for one order. The input is
// all the data of the event but the e-mail address, which no step needs. The event's schema
// requires every field that the states' expressions read.
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

// compensation is the input of compensate-order.
type compensation struct {
	OrderID    string      `json:"orderId"`
	CustomerID string      `json:"customerId"`
	Total      money.Money `json:"total"`
	// Reason is the order's reason code, such as CANCELLED_BY_CUSTOMER.
	Reason string `json:"reason"`
	// FailedStep is the step with which the saga failed, if any.
	FailedStep  string `json:"failedStep"`
	TraceParent string `json:"traceparent"`
}
