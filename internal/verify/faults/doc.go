// Package faults makes the payment provider fail in every way that a network and a server can, on
// real sockets, and checks how our side copes.
//
// It tests the real adapter (payments/provider) and HTTP client, with several clients that share
// one circuit, as the processes of a function do. All traffic stays on the loopback interface.
// Times are real, but short; the circuits' clock runs ten times as fast as the machine's, so that
// their real settings apply (see fast).
//
// One part is about processes that serve many requests at once, unlike Lambda's: the bulkhead of
// httpclient, and the effect of a fault on calls to another dependency in the same process.
//
// `go test` and `go run ./cmd/dev faults` run the same scenarios: see Scenarios, and Run for the
// expectations.
package faults
