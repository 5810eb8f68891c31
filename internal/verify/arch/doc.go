// Package arch tests the architecture. Each rule says what must hold and why, reads the repository
// and lists violations. Each has a sabotage, a small breakage of the repository in memory, and the
// tests check that the rule reports it.
package arch
