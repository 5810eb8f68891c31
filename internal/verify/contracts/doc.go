// Package contracts tells whether contracts that others rely on went on growing, or broke.
//
// Two versions of everything run side by side: while a release is rolled out and back, while events of last week lie in a
// dead-letter queue, while sagas that began under the last definition go on. So within a version of an event type ("….v1") and within
// a step's input and result the only change is one more field that nobody has to send or read. Anything else is a new version beside the
// old one. The HTTP API's rules are those of oasdiff.
//
// Compare holds a working tree to its last tag; Schemas is the rule by itself. A service's contract/steps.json has the schemas
// of its steps' inputs and results, which a test makes from their Go types.
package contracts
