// Command all runs every suite that this repository has for a machine without an AWS account, and ends with a table of what ran where
// and how much of it passed. `make test-all` is its name.
//
// A suite is a command as the README names it. Its result is read from what it prints: a suite that succeeds without saying what it
// has done counts as failed. What the machine lacks (a container engine, Java), or that there is no time (-within), makes a suite "not run",
// with the reason in the table; -strict takes that for a failure.
package main
