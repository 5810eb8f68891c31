// Package suites runs every suite that needs no AWS account, and prints a table of targets, suites
// and counts.
//
// A suite is a documented command. Its result is read from its output: a suite that succeeds
// without printing its counts fails. A suite is "not run", with the reason in the table, if the
// machine lacks something (a container engine, Java) or there is no time for it; with
// Options.Strict this is a failure.
package suites
