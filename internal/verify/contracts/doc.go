// Package contracts checks that published contracts only grow.
//
// Two versions of everything run side by side: during a rollout or rollback, while old events are
// in a dead-letter queue, while sagas finish under the previous definition. So a version of an
// event type ("….v1") and the input and result of a step may only gain optional fields. Any other
// change needs a new version beside the old one. For the HTTP API the rules are oasdiff's.
//
// Compare compares a working tree with its last tag; Schemas is the rule alone. A service's
// contract/steps.json has the schemas of its steps' inputs and results. A test generates it from
// their Go types.
package contracts
