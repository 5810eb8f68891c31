package sim

import (
	"fmt"
	"io"
)

// HuntMutants runs each mutant, seed by seed, until an invariant catches it, at most for so many seeds. It reports
// whether all were caught.
func HuntMutants(root string, seeds int, o Options, out io.Writer) (bool, error) {
	caught := 0
	for _, m := range Mutants {
		found, err := hunt(root, seeds, o, m)
		if err != nil {
			return false, fmt.Errorf("%s: %w", m.Name, err)
		}
		if len(found) == 0 {
			fmt.Fprintf(out, "SURVIVED  %s (%d seeds)\n", m.Name, seeds)
			continue
		}
		caught++
		fmt.Fprintf(out, "caught    %s\n          in %d seeds: %s\n", m.Name, found[0].Seed, found[0].Text)
		by := map[string]int{}
		for _, v := range found {
			by[v.Invariant]++
		}
		for _, invariant := range sortedKeys(by) {
			fmt.Fprintf(out, "          %5d  %s\n", by[invariant], invariant)
		}
	}
	fmt.Fprintf(out, "caught %d of %d\n", caught, len(Mutants))
	return caught == len(Mutants), nil
}

// hunt returns the violations of the first seed that has any.
func hunt(root string, seeds int, o Options, m Mutant) ([]Violation, error) {
	d, err := Load(root, m)
	if err != nil {
		return nil, err
	}
	var first []Violation
	count := from(1, seeds)
	next := func() (uint64, bool) {
		if first != nil {
			return 0, false
		}
		return count()
	}
	// Seeds are handed out in order and all that were begun are finished, so the first one does not depend on the workers.
	err = sweep(next, o, d, m, func(r *Report) {
		if len(r.Violations) > 0 && (first == nil || r.Violations[0].Seed < first[0].Seed) {
			first = r.Violations
		}
	})
	return first, err
}

// sharedRetries has what found no slot retried like what failed.
var sharedRetries = []string{
	`"ErrorEquals": ["Lambda.TooManyRequestsException"]`, `"ErrorEquals": ["NoSuchError"]`,
	`"Lambda.Unknown",`, `"Lambda.Unknown", "Lambda.TooManyRequestsException",`,
}

// Mutants are all breakages that the invariants must catch.
var Mutants = []Mutant{
	{Name: "barrier records are not written", commit: withoutBarrier},
	{Name: "an undo does not bar what it found not done", commit: withoutNullCompensation},
	{Name: "the barrier record is written after the transaction", commit: barrierAfterwards},
	{Name: "the idempotency record is written after the transaction", commit: replyAfterwards},
	{Name: "events are published after the commit, without an outbox", commit: publishAfter, withoutStream: true},
	{Name: "events are published before the commit", commit: publishBefore},
	{Name: "a lost race counts as won", commit: racesIgnored},
	{Name: "a queue's message is acknowledged before it is handled", ackFirst: true},
	{Name: "a consumer swallows errors", function: swallow},
	{Name: "the relay deletes before it publishes", outbox: deleteFirst},
	{Name: "the relay takes what the topic refused for published", outbox: refusalsIgnored},
	{Name: "executions that end unplanned are not recovered, and nothing is swept", withoutRecovery: true},
	{Name: "the compensation skips CloseOrder", function: skipping("close-order", `{"confirmed":false}`)},
	{Name: "the compensation ends without CancelShipment", function: skipping("cancel-shipment", `{}`)},
	{Name: "the provider is not asked to void where our records have no charge", transport: voidByRecords},
	{Name: "the provider leaves no tombstone behind", transport: withoutTombstone},
	{Name: "what somebody refunds in part at the provider is not seen", transport: refundsUnseen},
	{Name: "a confirmation does not look whether the order is closed", orderStore: neverClosed},
	{Name: "recovery gives up in silence", recovery: silently},
	{Name: "an order that ends keeps its place", orderStore: placesKept},
	{Name: "limits are looked at before the transaction, not in it", orderStore: limitsLookedAt},
	{Name: "an older price replaces a newer one", orderStore: anyPrice},
	{Name: "a mail is on record before it is sent", mailStore: markFirst},
	{Name: "a mail promises the parcel when the carrier has booked", function: promising},
	{Name: "claims of mails do not look at each other", mailStore: unordered},
	{Name: "a write replaces the whole item", wholeItems: true},
	{Name: "a saga is given only what the version that starts it knows", function: unknownFieldsDropped},
	{Name: "only finished steps are undone (compensate-order.asl.json)", edit: []string{
		`"Choices": [{"Condition": "{% $states.input.confirmed %}", "Next": "Confirmed"}],`,
		`"Choices": [
			{"Condition": "{% $states.input.confirmed %}", "Next": "Confirmed"},
			{"Condition": "{% $exists($lookup({'AuthorizePayment': true}, $states.input.failedStep)) %}", "Next": "ReleaseStock"}
		],`,
	}},
	{Name: "Catch names one error only (fulfil-order.asl.json)", edit: []string{
		"\"ErrorEquals\": [\"States.ALL\"],\n          \"Output\": \"{% $merge([$states.input, {'failure'",
		"\"ErrorEquals\": [\"Transient\"],\n          \"Output\": \"{% $merge([$states.input, {'failure'",
	}},
	{Name: "the saga does not wait for the carrier (fulfil-order.asl.json)", edit: []string{
		`lambda:invoke.waitForTaskToken`, `lambda:invoke`, `{% $states.context.Task.Token %}`, `none`,
	}},
	{Name: "money is captured before the carrier has booked (fulfil-order.asl.json)", edit: []string{
		`"Next": "AwaitShipment"`, `"Next": "CapturePayment"`, `"Next": "CapturePayment"`, `"Next": "CommitStock"`, `"Next": "CommitStock"`, `"Next": "AwaitShipment"`,
	}},
	{Name: "a step is given an empty input (fulfil-order.asl.json)", edit: []string{
		`"amount": "{% $states.input.total %}"`, `"amount": {}`,
	}},
	{Name: "throttling shares the three retries of failures (fulfil-order.asl.json)", edit: sharedRetries},
	{Name: "a failed undo is forgotten (compensate-order.asl.json)", edit: []string{
		`1 > $count($keys($states.input.failures))`, `9 > $count($keys($states.input.failures))`,
	}},
}
