package sim

import (
	"fmt"
	"io"
)

// HuntMutants runs each mutant, for at most a number of seeds, until an invariant catches it. It
// reports whether all were caught.
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

// hunt returns the violations of the first seed with any.
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
	// Seeds start in order and all started ones finish, so the first violation does not depend on
	// timing.
	err = sweep(next, o, d, m, func(r *Report) {
		if len(r.Violations) > 0 && (first == nil || r.Violations[0].Seed < first[0].Seed) {
			first = r.Violations
		}
	})
	return first, err
}

// sharedRetries retries calls that found no slot with the retries of failures.
var sharedRetries = []string{
	`"ErrorEquals": ["Lambda.TooManyRequestsException"]`, `"ErrorEquals": ["NoSuchError"]`,
	`"Lambda.Unknown",`, `"Lambda.Unknown", "Lambda.TooManyRequestsException",`,
}

// Mutants lists all defects that the invariants must catch.
var Mutants = []Mutant{
	{Name: "barrier records are not written", commit: withoutBarrier},
	{Name: "an undo does not bar steps that were not done", commit: withoutNullCompensation},
	{Name: "the barrier record is written after the transaction", commit: barrierAfterwards},
	{Name: "the idempotency record is written after the transaction", commit: replyAfterwards},
	{Name: "events are published after the commit, without an outbox", commit: publishAfter, withoutStream: true},
	{Name: "events are published before the commit", commit: publishBefore},
	{Name: "a lost race counts as won", commit: racesIgnored},
	{Name: "a queue's message is acknowledged before it is handled", ackFirst: true},
	{Name: "a consumer swallows errors", function: swallow},
	{Name: "the relay deletes before it publishes", outbox: deleteFirst},
	{Name: "the relay treats refused events as published", outbox: refusalsIgnored},
	{Name: "failed executions are not recovered, and nothing is swept", withoutRecovery: true},
	{Name: "the compensation skips CloseOrder", function: skipping("close-order", `{"confirmed":false}`)},
	{Name: "the compensation ends without CancelShipment", function: skipping("cancel-shipment", `{}`)},
	{Name: "the void is skipped if our records have no charge", transport: voidByRecords},
	{Name: "the provider leaves no tombstone", transport: withoutTombstone},
	{Name: "partial refunds at the provider are not seen", transport: refundsUnseen},
	{Name: "a confirmation ignores that the order is closed", orderStore: neverClosed},
	{Name: "recovery gives up silently", recovery: silently},
	{Name: "a final order still counts against the limit", orderStore: placesKept},
	{Name: "limits are checked before the transaction, not in it", orderStore: limitsLookedAt},
	{Name: "an older price replaces a newer one", orderStore: anyPrice},
	{Name: "a mail is recorded before it is sent", mailStore: markFirst},
	{Name: "a mail promises delivery as soon as the carrier has booked", function: promising},
	{Name: "claims of mails ignore each other", mailStore: unordered},
	{Name: "a write replaces the whole item", wholeItems: true},
	{Name: "a saga gets only fields known to the version that starts it", function: unknownFieldsDropped},
	{Name: "only finished steps are undone (compensate-order)", edit: []string{
		`"Choices": [{"Condition": "{% $states.input.confirmed %}", "Next": "Confirmed"}],`,
		`"Choices": [
			{"Condition": "{% $states.input.confirmed %}", "Next": "Confirmed"},
			{"Condition": "{% $exists($lookup({'AuthorizePayment': true}, $states.input.failedStep)) %}",
			"Next": "ReleaseStock"}
		],`,
	}},
	{Name: "Catch names one error only (fulfil-order)", edit: []string{
		"\"ErrorEquals\": [\"States.ALL\"],\n          \"Output\": \"{% $merge([$states.input, {'failure'",
		"\"ErrorEquals\": [\"Transient\"],\n          \"Output\": \"{% $merge([$states.input, {'failure'",
	}},
	{Name: "the saga does not wait for the carrier (fulfil-order)", edit: []string{
		`lambda:invoke.waitForTaskToken`, `lambda:invoke`, `{% $states.context.Task.Token %}`, `none`,
	}},
	{Name: "money is captured before booking (fulfil-order)", edit: []string{
		`"Next": "AwaitShipment"`, `"Next": "CapturePayment"`, `"Next": "CapturePayment"`, `"Next": "CommitStock"`,
		`"Next": "CommitStock"`, `"Next": "AwaitShipment"`,
	}},
	{Name: "a step gets an empty input (fulfil-order)", edit: []string{
		`"amount": "{% $states.input.total %}"`, `"amount": {}`,
	}},
	{Name: "throttling uses up retries of failures (fulfil-order)", edit: sharedRetries},
	{Name: "a failed undo is forgotten (compensate-order)", edit: []string{
		`1 > $count($keys($states.input.failures))`, `9 > $count($keys($states.input.failures))`,
	}},
}
