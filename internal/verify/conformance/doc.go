// Package conformance checks the running API against its contract, api/openapi.yaml. Schemathesis
// generates valid and invalid requests from it, and checks every response: once as an operator,
// once as a customer. Disabled checks are in schemathesis.toml, with their reasons.
//
// [Run] is `go run ./cmd/dev conformance`. The tests of this package check docs/orderflow.http,
// which test/e2e sends.
package conformance
