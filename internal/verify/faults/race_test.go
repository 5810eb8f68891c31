//go:build race

package faults

// raced: with the race detector handshakes are too slow to check times.
const raced = true
