// Package differential compares the interpreter of internal/verify/asl with the emulator: the real
// definitions run on both, with the same inputs and results of tasks, and must enter the same
// states with the same inputs, call the same functions with the same payloads, and end the same
// way. Separate tests show that the emulator's known deviations from AWS still exist, so that
// docs/verification.md stays true.
package differential
