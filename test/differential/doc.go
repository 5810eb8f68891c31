// Package differential holds the interpreter of internal/verify/asl to the emulator: the real
// definitions run on both, with the same inputs and the same results of tasks, and must enter the
// same states with the same inputs, call the same functions with the same payloads, and end alike.
// Where the emulator is known to differ from AWS, a test of its own shows that it still does, so
// that docs/verification.md stays true.
package differential
