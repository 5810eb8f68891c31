// Package samlocal runs functions as the SAM CLI does on a developer's machine: `sam local invoke`
// for each of template.yaml, with its sample event of events/, and `sam local start-api`. They run
// in containers, against a stack of its own on the emulator. What each must answer and leave behind
// stands in testdata/. [Run] is `go run ./cmd/dev sam-local`.
package samlocal
