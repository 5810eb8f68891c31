// Package chaos places orders on a new stack while faults are injected, and checks invariants once
// the system is at rest.
//
// The stack is the whole product, deployed with the SAM CLI to an emulator. For a bounded time,
// several actors inject real faults:
//
//   - processes of functions, ours and the sandbox's, are killed, most of them while busy;
//   - executions of both state machines are stopped from outside;
//   - events are delivered again, moments later and once more at the end;
//   - the payment provider fails and hangs (magic payment methods), the carrier refuses or hangs;
//   - the stock of a product runs out, and customers cancel at any moment.
//
// Then the system must come to rest by itself within a bounded time, and the invariants must hold:
// see invariants.go.
//
// The seed decides the orders, their times and the actors' random choices. Where exactly a process
// is killed is up to the machine, so a seed does not replay a run exactly; the simulation does.
package chaos
