// Package faults lets the payment provider go wrong in every way that a network and a server have,
// on real sockets, and looks at what our side does about it.
//
// What is tested is the real adapter (payments/provider) over the real client, by several clients
// that share one circuit, as the processes of a function do. Nothing leaves the loopback interface.
// Times are real, but short; and the circuits' clock runs ten times as fast as the machine's, so
// that their real settings apply (see fast).
//
// One part is about processes that serve many requests at once, which Lambda's do not: the bulkhead
// of httpclient, and what a fault costs calls to another dependency in the same process.
//
// `go test` and `go run ./cmd/dev faults` run the same scenarios: see Scenarios, and Run for what
// is expected of each.
package faults
