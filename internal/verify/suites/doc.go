// Package suites runs every suite that this repository has for a machine without an AWS account,
// and ends with a table of what ran where and how much of it passed.
//
// A suite is a command as the README names it. Its result is read from what it prints: a suite that
// succeeds without saying what it did counts as failed. A suite is "not run", with the reason in
// the table, if the machine lacks something (a container engine, Java) or there is no time for it;
// Options.Strict takes that for a failure.
package suites
