package metrics

import "slices"

// Name is the name of a metric.
type Name string

// The metrics of Orderflow. Package httpclient records the metrics by dependency. The edges
// (function, step, consumer, outbox, barrier, idempotency) record the metrics by step or function.
// The handlers of orders record the metrics about orders.
const (
	// OrdersPlaced counts placed orders, without replayed requests.
	OrdersPlaced Name = "OrdersPlaced"
	// OrdersFinished counts finished orders by status and reason (NONE for a confirmed order). An
	// order that needs attention counts as NEEDS_ATTENTION, and again when it is finally REJECTED
	// or CANCELLED.
	OrdersFinished Name = "OrdersFinished"
	// SagaDuration is the time from placing an order to its final status (CONFIRMED, REJECTED,
	// CANCELLED), by status. It includes an operator's time if the order needed attention.
	SagaDuration Name = "SagaDuration"
	// StepDuration is the duration of one attempt at a saga's step, by step, successful or not.
	StepDuration Name = "StepDuration"
	// Compensations counts compensations that took effect, by step. Those of CloseOrder are the
	// undone orders.
	Compensations Name = "Compensations"
	// DuplicateSteps counts saga steps and events that a barrier found already done, by step. A few
	// are normal.
	DuplicateSteps Name = "DuplicateSteps"
	// IdempotentReplays counts requests that got the recorded result of their Idempotency-Key.
	IdempotentReplays Name = "IdempotentReplays"
	// OutboxLag is the time from an event's creation to its publication, for every published event.
	OutboxLag Name = "OutboxLag"
	// OutboxAge is the age of the oldest event that a sweep found in its outbox, published by that
	// sweep or not. An empty outbox has no data points.
	OutboxAge Name = "OutboxAge"
	// QueueAge is the time from a message's arrival in its queue to its handling, including earlier
	// attempts.
	QueueAge Name = "QueueAge"
	// ColdStarts counts the first invocations of processes.
	ColdStarts Name = "ColdStarts"
	// InvocationFailures counts invocations that returned an error. Crashes and timeouts are only
	// in AWS/Lambda Errors.
	InvocationFailures Name = "InvocationFailures"
	// Retries counts second and later attempts of calls to a dependency.
	Retries Name = "Retries"
	// RetryBudgetExhausted counts retries that were not made because retries had used up their
	// share of all calls to the dependency.
	RetryBudgetExhausted Name = "RetryBudgetExhausted"
	// BreakerState is the state of a dependency's circuit breaker (BreakerHalfOpen or BreakerOpen),
	// recorded by calls. While it is closed there are no data points.
	BreakerState Name = "BreakerState"
	// CircuitOpened counts how often a breaker opened, once for all processes.
	CircuitOpened Name = "CircuitOpened"
	// StepDefects counts attempts at a saga's step that failed because of a defect in our code,
	// which a retry does not fix: a third party refuses the request's form, an input violates its
	// contract.
	StepDefects Name = "StepDefects"
	// PaymentsToLookAt counts reports of the payment provider that an operator must look at, by
	// reason: DISPUTED, UNKNOWN_CHARGE, NOT_PAID, PARTLY_REFUNDED.
	PaymentsToLookAt Name = "PaymentsToLookAt"
	// BulkheadRejected counts calls that were refused because too many calls to the same dependency
	// were in progress.
	BulkheadRejected Name = "BulkheadRejected"
	// RPCDuration is the duration of a call of the native RPC process, without streams, by status:
	// ok, or the error's code, such as unavailable.
	RPCDuration Name = "RPCDuration"
	// Watches is the number of open watches of orders in a process, recorded when one begins or
	// ends.
	Watches Name = "Watches"
	// WatchReads counts the reads of orders for watches.
	WatchReads Name = "WatchReads"
	// LegacyComparisons counts answers of the old shop, by route, that were compared with the new
	// side's.
	LegacyComparisons Name = "LegacyComparisons"
	// LegacyDifferences counts those that differ.
	LegacyDifferences Name = "LegacyDifferences"
	// LegacyFallbacks counts requests to the old interface, by route, that the old shop served
	// because the new side failed.
	LegacyFallbacks Name = "LegacyFallbacks"
	// BadLegacyRoutes counts reads of a table of routes that failed or found an invalid one. The
	// last good one stays in use.
	BadLegacyRoutes Name = "BadLegacyRoutes"
	// ParkedMessages counts messages from the warehouse that could not be understood.
	ParkedMessages Name = "ParkedMessages"
	// ProjectionLag is the time from a record's arrival in the log to its projection into the
	// reports, of the last record of each batch.
	ProjectionLag Name = "ProjectionLag"
	// ProjectedRecords counts the records of the log that were projected, repeated ones included.
	ProjectedRecords Name = "ProjectedRecords"
	// ParkedRecords counts the records of the log that could not be understood.
	ParkedRecords Name = "ParkedRecords"
	// LostRecords counts how often records had left the log before they were projected.
	LostRecords Name = "LostRecords"
)

// The values of BreakerState.
const (
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

// Definition is the unit and the dimensions of a metric.
type Definition struct {
	Name Name
	Unit Unit
	// By are the dimensions besides Stage. Each combination of values is a metric with its own
	// price, so no dimension is an identifier.
	By []string
	// Total says that the metric is also recorded by Stage alone.
	Total bool
}

// byFunction are the dimensions of metrics about functions.
var byFunction = []string{"Service", "Function"}

// all is in the order of the constants.
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
	{Name: BreakerState, Unit: InNone, By: []string{"Dependency"}, Total: true},
	{Name: CircuitOpened, Unit: InCount, By: []string{"Dependency"}},
	{Name: StepDefects, Unit: InCount, By: []string{"Step"}, Total: true},
	{Name: PaymentsToLookAt, Unit: InCount, By: []string{"Reason"}, Total: true},
	{Name: BulkheadRejected, Unit: InCount, By: []string{"Dependency"}},
	{Name: RPCDuration, Unit: InMilliseconds, By: []string{"Status"}},
	{Name: Watches, Unit: InNone},
	{Name: WatchReads, Unit: InCount},
	{Name: LegacyComparisons, Unit: InCount, By: []string{"Route"}, Total: true},
	{Name: LegacyDifferences, Unit: InCount, By: []string{"Route"}, Total: true},
	{Name: LegacyFallbacks, Unit: InCount, By: []string{"Route"}, Total: true},
	{Name: BadLegacyRoutes, Unit: InCount},
	{Name: ParkedMessages, Unit: InCount},
	{Name: ProjectionLag, Unit: InMilliseconds},
	{Name: ProjectedRecords, Unit: InCount},
	{Name: ParkedRecords, Unit: InCount},
	{Name: LostRecords, Unit: InCount},
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

// Sets returns the sets of dimensions of the metric.
func (d Definition) Sets() [][]string {
	sets := [][]string{append([]string{"Stage"}, d.By...)}
	if d.Total && len(d.By) > 0 {
		sets = append(sets, []string{"Stage"})
	}
	return sets
}

// Dimension is a name and a value by which a metric is broken down.
type Dimension struct{ Name, Value string }

// Step is the dimension for a saga's step or an event's handler, such as ReserveStock.
func Step(name string) Dimension { return Dimension{"Step", name} }

// Status is the dimension for an order's status, such as CONFIRMED.
func Status(s string) Dimension { return Dimension{"Status", s} }

// Reason is the dimension for the reason of an order's end, such as OUT_OF_STOCK, or "" for none.
func Reason(code string) Dimension { return Dimension{"Reason", code} }

// Dependency is the dimension for the called service, such as payment-provider.
func Dependency(name string) Dimension { return Dimension{"Dependency", name} }

// Route is the dimension for a route of the old shop's interface, such as place-order.
func Route(name string) Dimension { return Dimension{"Route", name} }
