// Package prove searches all runs of an order's saga and its compensation, up to a number of
// faults, for one that leaves the order in a wrong state. The simulation samples runs; the search
// covers all runs that its model can express.
//
// The executions follow the real definitions in statemachines, through package asl; the real use
// cases of fulfilment start, resume and recover them. The services are an abstract [World]: one
// order of one unit, the barrier's marks, the payment provider and the carrier. A test compares
// each of its transitions with the real use cases on in-memory stores.
//
// These happen at any time, at no cost: any order of events, the carrier's callbacks, the timeout
// of the wait for them, the customer's cancellation, the actions of a customer who must act for the
// payment (success, failure or none), and the arrival of the notice about it. Runs of such an order
// are the longest, so they have one fault less than the others. Each of these costs one fault: an
// invocation that dies before, between or after its effects; one that times out and continues (a
// zombie); one that runs twice; a step that fails until its retries are exhausted, with or without
// effect; a call that finds no free slot, once or until its retries are exhausted; an aborted
// execution; an Express child that runs twice, or that its parent gives up on and that may
// continue.
//
// The search leaves out competing orders, which the condition on stock decides; faults inside a
// transaction, which is atomic; and events lost before they are published, which the simulation
// covers.
package prove
