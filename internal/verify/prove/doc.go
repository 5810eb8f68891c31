// Package prove searches every way in which an order's saga and its undoing can go, within a number of faults, and looks for
// one that leaves the order wrong. Where the simulation tries many runs, this misses none that it can express.
//
// What the two executions do next comes from the real definitions under statemachines, through package asl, and what
// starts, wakes and recovers them from the real use cases of fulfilment; change these, and what is searched
// changes. The services are an abstract [World]: one order of one unit, the barrier's marks, the payment provider
// and the carrier. A test holds each transition of that world to what the real use cases do over memory stores.
//
// Free at any time: the order in which everything happens, how often a carrier calls back, the wait for it running out, the
// customer cancelling. Each of these costs one fault: an invocation that dies before, between or after its effects; one that
// is given up and runs on, for as long as it likes (a zombie); one that runs twice; a step that fails until its
// retries are used up, with or without effect; a call that finds no free slot, once or until it is given up, so that nothing
// happens; an execution that is aborted.
//
// Not searched: several orders competing, which the condition on stock decides, faults inside a transaction, which has
// none, and events that are lost before they are published, which the simulation covers.
package prove
