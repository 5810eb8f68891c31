// Package workflow executes state machines in this process, as Step Functions does for functions:
// the same definitions, run by package asl.
//
// The engine writes every transition of a Standard machine's execution to a [Journal] before it
// acts on it. So every answer survives the process, and the next process continues from there. A
// step may run twice, which its barrier handles, but the saga takes no transition twice. If the
// outcome of a write is unknown, the engine drops its copy of the execution and continues from the
// journal.
//
// The executions of an Express machine are children that live in memory only and, as on AWS, are
// short. After a crash their parent's task begins again, with the same token.
//
// Several processes may share a journal. The holder of a lease drives the executions. Taking over
// an execution is also a write, so a process that has lost the lease without noticing can no longer
// write: its versions are old.
//
// Timers are not stored. A task that another process takes over has its full timeout again, so that
// orders do not time out while no process drives them.
package workflow
