// Package devstack runs all of orderflow on one machine, without an AWS account or containers.
//
// It installs its tools into the repository's .tools/, builds every function into
// .build/functions/, starts an emulator of AWS (MiniStack or LocalStack, see [Target]) as a process
// group, and deploys template.yaml and sandbox/template.yaml to it with the SAM CLI, as to AWS.
// `make up`, `make token`, `make logs` and the end-to-end tests all use this package.
//
// A stack writes only to its directory, [Options.Dir]: `.local/` for `make up`, a temporary
// directory for a test. Stacks share only tools and binaries, so any number of them can run at
// once.
//
// A trace collector runs next to the emulator (package collector).
//
// [Start] brings up a stack and [Stack.Stop] removes it; [StartEmulator] starts an empty emulator,
// for tests of adapters.
package devstack
