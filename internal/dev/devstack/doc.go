// Package devstack runs orderflow whole on one machine: no AWS account, no containers.
//
// It installs its tools into the repository's .tools/, builds every function into
// .build/functions/, starts an emulator of AWS (MiniStack, or LocalStack: see [Target]) as a
// process group of its own, and deploys template.yaml and sandbox/template.yaml into it with the
// SAM CLI, as they would be deployed to AWS. `make up`, `make token`, `make logs` and the
// end-to-end tests all go through this package, so there is one way to do each of these things.
//
// Everything that a running stack writes lies under one directory, [Options.Dir]: `.local/` for
// `make up`, a temporary directory for a test. Stacks in different directories share nothing but
// the tools and the binaries, so any number of them can run at once.
//
// Beside the emulator runs a collector of traces (package traces).
//
// [Start] brings up a whole stack and [Stack.Stop] removes it; [StartEmulator] starts the bare
// emulator, for tests of adapters.
package devstack
