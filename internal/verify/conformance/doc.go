// Package conformance holds the running API to its contract, api/openapi.yaml. Schemathesis makes
// requests from it, good and bad, and looks at every answer: once as an operator, once as a
// customer. What it does not look at stands in schemathesis.toml, with the reasons.
//
// [Run] is `go run ./cmd/dev conformance`. The tests of this package are those of
// docs/orderflow.http, which test/e2e sends.
package conformance
