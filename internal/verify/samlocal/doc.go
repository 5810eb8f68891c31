// Package samlocal runs functions in containers with the SAM CLI: `sam local invoke` for every
// function of template.yaml, with its sample event of events/, and `sam local start-api`. They use
// a stack on the emulator. The expected results and effects are in testdata/. [Run] is `go run
// ./cmd/dev sam-local`.
package samlocal
