// Package arch holds the architecture as tests: each rule of rules_test.go says what must be
// so and why, reads the repository, and lists what breaks it. Each rule comes with a
// sabotage, a small breakage of the repository as read, which the tests make sure that
// the rule reports: a rule that cannot fail is no rule.
package arch
