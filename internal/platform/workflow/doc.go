// Package workflow executes state machines in this process, as Step Functions does for functions:
// the same definitions, run by package asl.
//
// The executions of a Standard machine are written down in a [Journal]: every transition before
// what follows from it begins. So whatever was answered survives the process, and the next process
// goes on from there. A step may run twice, for which it has its barrier, but the saga takes no
// transition twice. When a write's outcome is unknown, the engine drops its copy of the execution
// and goes on from what the journal has.
//
// The executions of an Express machine are children that live in memory only, as brief as on AWS.
// After a crash their parent's task begins anew, with the same token.
//
// Several processes may share a journal. One drives, which a lease decides. Taking an execution
// over is a write, too, so a process that has lost the lease without noticing cannot write any
// more: its versions are old.
//
// Timers are not written down. A task that another process takes over has its whole time again:
// the time without a driver must not time out orders.
package workflow
