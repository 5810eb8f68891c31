// Package chaos places orders on a stack of its own while things break, and looks at what is left
// when they do not break any more.
//
// The stack is the whole product, deployed by the real SAM path to an emulator. For a bounded time,
// several actors do what no simulation can do for real:
//
//   - processes of functions, ours and the sandbox's, are killed without warning, most of them at work;
//   - executions of both state machines are stopped from outside;
//   - events reach all their consumers again, moments later and once more after everything is over;
//   - the payment provider fails and hangs (its magic payment methods), the carrier refuses or never answers;
//   - the stock of a product runs out, and customers cancel at any moment.
//
// Then everything must come to rest by itself within a bounded time, and the invariants hold: see
// invariants.go.
//
// The seed decides what is ordered, when, and what every actor draws. Which process is hit at which
// instruction is the machine's doing, so a seed does not replay a run exactly: for that there is
// the simulation.
package chaos
