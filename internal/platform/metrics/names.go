package metrics

import "slices"

// Name is the name of a metric.
type Name string

// The metrics of Orderflow. What has a dependency is told by package httpclient, what has a step or a function by the
// edges (function, step, consumer, outbox, barrier, idempotency), what is about orders by orders' handlers.
const (
	// OrdersPlaced counts orders that were placed. A replayed request places none.
	OrdersPlaced Name = "OrdersPlaced"
	// OrdersFinished counts orders that came to an end, by status and reason (NONE for a confirmed one). An order that needs
	// attention counts as NEEDS_ATTENTION, and again when it is REJECTED or CANCELLED after all.
	OrdersFinished Name = "OrdersFinished"
	// SagaDuration is the time from an order's placing to its final state (CONFIRMED, REJECTED, CANCELLED), by status. It includes
	// what an operator took where the order needed attention.
	SagaDuration Name = "SagaDuration"
	// StepDuration is the time that one attempt at a saga's step took, by step, whatever came of it.
	StepDuration Name = "StepDuration"
	// Compensations counts undos that took effect for the first time, by step; those of CloseOrder are the orders undone.
	Compensations Name = "Compensations"
	// DuplicateSteps counts saga steps and events that a barrier found done already, by step. Some are normal.
	DuplicateSteps Name = "DuplicateSteps"
	// IdempotentReplays counts requests that were answered from the record of their Idempotency-Key.
	IdempotentReplays Name = "IdempotentReplays"
	// OutboxLag is the time from an event's making to its publishing, of every event published.
	OutboxLag Name = "OutboxLag"
	// OutboxAge is the age of the oldest event that a sweep found in its outbox, published by that sweep or not. Without
	// events that wait there are no data.
	OutboxAge Name = "OutboxAge"
	// QueueAge is the time that a message waited in its queue before it was handled, earlier attempts included.
	QueueAge Name = "QueueAge"
	// ColdStarts counts invocations that were the first of their process.
	ColdStarts Name = "ColdStarts"
	// InvocationFailures counts invocations that returned an error. One that died, or ran out of time, is in AWS/Lambda Errors only.
	InvocationFailures Name = "InvocationFailures"
	// Retries counts second and later attempts of calls to a dependency.
	Retries Name = "Retries"
	// RetryBudgetExhausted counts attempts that were not made since retries had their share of all calls to the dependency.
	RetryBudgetExhausted Name = "RetryBudgetExhausted"
	// BreakerState is the state of a dependency's circuit breaker (BreakerClosed, …) as the calls to it find it: without calls
	// there are no data.
	BreakerState Name = "BreakerState"
	// CircuitOpened counts the times that a breaker opened, over all processes.
	CircuitOpened Name = "CircuitOpened"
	// StepDefects counts attempts at a saga's step that failed by a fault of our own, which repeating does not mend: a third party
	// that does not take our request, an input that breaks its contract.
	StepDefects Name = "StepDefects"
	// PaymentsToLookAt counts what the payment provider told of and an operator has to look at, by reason: DISPUTED, UNKNOWN_CHARGE,
	// NOT_PAID, PARTLY_REFUNDED.
	PaymentsToLookAt Name = "PaymentsToLookAt"
	// BulkheadRejected counts calls that were refused since too many to the same dependency were under way.
	BulkheadRejected Name = "BulkheadRejected"
)

// The values of BreakerState.
const (
	BreakerClosed   = 0
	BreakerHalfOpen = 1
	BreakerOpen     = 2
)

// Unit is the unit of a metric, as CloudWatch calls it.
type Unit string

// The units in use.
const (
	InCount        Unit = "Count"
	InMilliseconds Unit = "Milliseconds"
	InNone         Unit = "None"
)

// Definition tells what a metric is recorded in and by.
type Definition struct {
	Name Name
	Unit Unit
	// By are its dimensions beside Stage. Each combination of values is a metric that is paid for, so none is an identifier.
	By []string
	// Total says that it is also recorded by Stage alone.
	Total bool
}

// byFunction are the dimensions of what is about a function rather than about orders.
var byFunction = []string{"Service", "Function"}

// all are in the order of the constants.
var all = []Definition{
	{Name: OrdersPlaced, Unit: InCount},
	{Name: OrdersFinished, Unit: InCount, By: []string{"Status", "Reason"}, Total: true},
	{Name: SagaDuration, Unit: InMilliseconds, By: []string{"Status"}, Total: true},
	{Name: StepDuration, Unit: InMilliseconds, By: []string{"Step"}},
	{Name: Compensations, Unit: InCount, By: []string{"Step"}},
	{Name: DuplicateSteps, Unit: InCount, By: []string{"Step"}, Total: true},
	{Name: IdempotentReplays, Unit: InCount, By: byFunction, Total: true},
	{Name: OutboxLag, Unit: InMilliseconds, By: byFunction, Total: true},
	{Name: OutboxAge, Unit: InMilliseconds, By: byFunction, Total: true},
	{Name: QueueAge, Unit: InMilliseconds, By: byFunction},
	{Name: ColdStarts, Unit: InCount, By: byFunction, Total: true},
	{Name: InvocationFailures, Unit: InCount, By: byFunction, Total: true},
	{Name: Retries, Unit: InCount, By: []string{"Dependency"}},
	{Name: RetryBudgetExhausted, Unit: InCount, By: []string{"Dependency"}},
	{Name: BreakerState, Unit: InNone, By: []string{"Dependency"}},
	{Name: CircuitOpened, Unit: InCount, By: []string{"Dependency"}},
	{Name: StepDefects, Unit: InCount, By: []string{"Step"}, Total: true},
	{Name: PaymentsToLookAt, Unit: InCount, By: []string{"Reason"}, Total: true},
	{Name: BulkheadRejected, Unit: InCount, By: []string{"Dependency"}},
}

// All returns the definitions of all metrics.
func All() []Definition { return slices.Clone(all) }

// Find returns the definition of a metric.
func Find(name Name) (Definition, bool) {
	i := slices.IndexFunc(all, func(d Definition) bool { return d.Name == name })
	if i < 0 {
		return Definition{}, false
	}
	return all[i], true
}

// Sets returns the sets of dimensions under which the metric can be looked up.
func (d Definition) Sets() [][]string {
	sets := [][]string{append([]string{"Stage"}, d.By...)}
	if d.Total && len(d.By) > 0 {
		sets = append(sets, []string{"Stage"})
	}
	return sets
}

// Dimension is a value that a metric is told apart by.
type Dimension struct{ Name, Value string }

// Step is the dimension of a saga's step or an event's handler: ReserveStock.
func Step(name string) Dimension { return Dimension{"Step", name} }

// Status is the dimension of an order's status: CONFIRMED.
func Status(s string) Dimension { return Dimension{"Status", s} }

// Reason is the dimension of why an order ended so: OUT_OF_STOCK, or "" for none.
func Reason(code string) Dimension { return Dimension{"Reason", code} }

// Dependency is the dimension of what is called: payment-provider.
func Dependency(name string) Dimension { return Dimension{"Dependency", name} }
