package sim

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/workflow"
)

// Mutant is a deliberate defect, inserted where the world is wired. Product code does not know it.
// The zero value breaks nothing.
type Mutant struct {
	Name string
	// edit changes the state machines' definitions: pairs of old and new texts.
	edit []string
	// commit replaces a write to a service's table.
	commit func(g gate, with commit.With, write func(commit.With) error) error
	// publish replaces a relay's call of its topic.
	publish func(ctx context.Context, t topic, batch []envelope.Event) (map[string]error, error)
	// roundTrip replaces a call of the services to a third party.
	roundTrip func(n *network, r *http.Request) (*http.Response, error)
	// stores replaces stores and the engine before the functions are built; functions replaces
	// functions.
	stores, functions func(w *World)

	withoutStream, withoutRecovery, ackFirst, wholeItems bool

	// oneProcess runs it with package workflow, whose journal journal replaces.
	oneProcess bool
	journal    func(w *World, j workflow.Journal) workflow.Journal

	// brokers runs it with reporting and the warehouse. unheeded is what the clients of the brokers
	// ignore; the publisher's messages may be transient.
	brokers                                   bool
	ackGoodsFirst, ackRecordsFirst, transient bool
	unheeded                                  error

	quick bool // a few seeds catch it
}

// HuntMutants runs each mutant, for at most a number of seeds, until an invariant catches it. It
// reports whether all were caught.
func HuntMutants(root string, seeds int, o Options, out io.Writer) (bool, error) {
	caught := 0
	for _, m := range Mutants {
		found, err := firstViolations(root, seeds, o, m)
		if err != nil {
			return false, fmt.Errorf("%s: %w", m.Name, err)
		}
		if len(found) == 0 {
			fmt.Fprintf(out, "SURVIVED  %s (%d seeds)\n", m.Name, seeds)
			continue
		}
		caught++
		v := found[0]
		fmt.Fprintf(out, "caught    %s\n          in %d seeds: %s: %s\n", m.Name, v.Seed, v.Invariant, v.Text)
	}
	fmt.Fprintf(out, "caught %d of %d\n", caught, len(Mutants))
	return caught == len(Mutants), nil
}

func firstViolations(root string, seeds int, o Options, m Mutant) ([]Violation, error) {
	d, err := Load(root, m)
	if err != nil {
		return nil, err
	}
	o.Brokers, o.OneProcess = m.brokers, m.oneProcess
	var first []Violation
	// Seeds start in order and all started ones finish, so the first violation does not depend on
	// timing.
	sweep(1, seeds, o, d, m, func(r *Report) (more bool) {
		if len(r.Violations) > 0 && (first == nil || r.Violations[0].Seed < first[0].Seed) {
			first = r.Violations
		}
		return first == nil
	})
	return first, nil
}

// failureName is the name of the error with which a child fails its parent's task.
const failureName = `"Error": "{% $exists($lookup({'States': true}, $substringBefore($states.input.error, '.'))) ` +
	`? 'Step' & $substring($states.input.error, 6, 250) : $states.input.error %}"`

// sharedRetries retries calls that found no slot with the retries of failures.
var sharedRetries = []string{
	`"ErrorEquals": ["Lambda.TooManyRequestsException"]`, `"ErrorEquals": ["NoSuchError"]`,
	`"Lambda.Unknown",`, `"Lambda.Unknown", "Lambda.TooManyRequestsException",`,
}

// Mutants lists all defects that the invariants must catch.
var Mutants = append(projected(), []Mutant{
	{Name: "barrier records are not written", commit: withoutBarrier},
	{Name: "an undo does not bar steps that were not done", commit: withoutNullCompensation},
	{Name: "the barrier record is written after the transaction", commit: barrierAfterwards},
	{Name: "the barrier record is not a condition of the write", commit: barrierUnconditional},
	{Name: "events are not written with their change", withoutStream: true, quick: true},
	{Name: "the idempotency record is written after the transaction", commit: replyAfterwards},
	{Name: "events are published after the commit, without an outbox", commit: publishAfter, withoutStream: true,
		quick: true},
	{Name: "events are published before the commit", commit: publishBefore},
	{Name: "a lost race counts as won", commit: racesIgnored},
	{Name: "a queue's message is acknowledged before it is handled", ackFirst: true, quick: true},
	{Name: "a consumer swallows errors", functions: swallow},
	{Name: "the relay deletes before it publishes", publish: deleteFirst},
	{Name: "the relay treats refused events as published", publish: refusalsIgnored},
	{Name: "failed executions are not recovered, and nothing is swept", withoutRecovery: true},
	{Name: "the compensation skips CloseOrder", functions: skipping("close-order", `{"confirmed":false}`)},
	{Name: "the compensation ends without CancelShipment", functions: skipping("cancel-shipment", `{}`)},
	{Name: "the void is skipped if our records have no charge", roundTrip: voidByRecords},
	{Name: "the provider leaves no tombstone", roundTrip: withoutTombstone},
	{Name: "partial refunds at the provider are not seen", roundTrip: refundsUnseen},
	{Name: "a confirmation ignores that the order is closed", quick: true,
		stores: func(w *World) { w.orders = unclosed{w.orders} }},
	{Name: "recovery gives up silently", stores: func(w *World) { w.sagas = mute{w.sagas} }},
	{Name: "a final order still counts against the limit", quick: true,
		stores: func(w *World) { w.orders = keeping{w.orders} }},
	{Name: "limits are checked before the transaction, not in it", quick: true,
		stores: func(w *World) { w.orders = hopeful{w.orders} }},
	{Name: "orders are taken while the intake is stopped", quick: true,
		stores: func(w *World) { w.orders = unstoppable{w.orders} }},
	{Name: "a merge of shards forgets what others have reserved", quick: true,
		stores: func(w *World) { w.stock = partial{w.stock} }},
	{Name: "an adjustment overwrites what was reserved meanwhile",
		stores: func(w *World) { w.stock = overwriting{w.stock} }},
	{Name: "what was shipped is told to be in stock", quick: true,
		stores: func(w *World) { w.stock = inflated{w.stock} }},
	{Name: "an older price replaces a newer one", quick: true,
		stores: func(w *World) { w.orders = unversioned{w.orders} }},
	{Name: "an order keeps only its last change", quick: true,
		stores: func(w *World) { w.orders = forgetful{w.orders} }},
	{Name: "what a child did is forgotten (fulfil-order)", quick: true, edit: []string{
		"{% $merge([$states.input, {'began': $states.result}]) %}", "{% $states.input %}",
	}},
	{Name: "an order does not show what its customer must do", quick: true,
		functions: skipping("show-next-action", `{"batchItemFailures":[]}`)},
	{Name: "what was short is forgotten (fulfil-order)", quick: true, edit: []string{
		"$exists($states.input.failure.short) ? $states.input.failure.short : ''", "''",
	}},
	{Name: "a mail is recorded before it is sent", stores: func(w *World) { w.mails = marked{w.mails} }},
	{Name: "a mail that was sent is claimed again", quick: true,
		stores: func(w *World) { w.mails = again{w.mails} }},
	{Name: "a mail promises delivery as soon as the carrier has booked", functions: promising},
	{Name: "claims of mails ignore each other", stores: func(w *World) { w.mails = alone{w.mails} }},
	{Name: "a write replaces the whole item", wholeItems: true},
	{Name: "a saga gets only fields known to the version that starts it", functions: unknownFieldsDropped},
	{Name: "only finished steps are undone (undo-order)", edit: []string{
		`"Choices": [{"Condition": "{% $states.input.confirmed %}", "Next": "Report"}],`,
		`"Choices": [
			{"Condition": "{% $states.input.confirmed %}", "Next": "Report"},
			{"Condition": "{% $exists($lookup({'AuthorizePayment': true}, $states.input.failedStep)) %}",
			"Next": "ReleaseStock"}
		],`,
	}},
	{Name: "Catch names one error only (fulfil-order)", edit: []string{
		"\"ErrorEquals\": [\"States.ALL\"],\n          \"Output\": \"{% $merge([$states.input, {'failure'",
		"\"ErrorEquals\": [\"Transient\"],\n          \"Output\": \"{% $merge([$states.input, {'failure'",
		"\"ErrorEquals\": [\"States.ALL\"],\n          \"Output\": \"{% ($step",
		"\"ErrorEquals\": [\"Transient\"],\n          \"Output\": \"{% ($step",
	}},
	{Name: "the saga does not wait for the carrier (fulfil-order)", edit: []string{
		`lambda:invoke.waitForTaskToken`, `lambda:invoke`, `{% $states.context.Task.Token %}`, `none`,
	}},
	{Name: "money is captured before booking (fulfil-order)", edit: []string{
		`"Next": "AwaitShipment"`, `"Next": "Settle"`, `"Next": "Settle"`, `"End": true`,
		"\"End\": true\n    },\n    \"StartCompensation\"",
		"\"Next\": \"AwaitShipment\"\n    },\n    \"StartCompensation\"",
	}},
	{Name: "a step gets an empty input (fulfil-order)", edit: []string{
		`"amount": "{% $states.input.total %}"`, `"amount": {}`,
	}},
	{Name: "throttling uses up retries of failures (fulfil-order)", edit: sharedRetries},
	{Name: "a child is not repeated while a circuit is open (fulfil-order)", edit: []string{
		`"ErrorEquals": ["CircuitOpen"]`, `"ErrorEquals": ["NoSuchError"]`,
	}},
	{Name: "a failed step counts as done (children)", quick: true, edit: []string{
		`aws-sdk:sfn:sendTaskFailure`, `aws-sdk:sfn:sendTaskSuccess`, failureName, `"Output": "{}"`,
		",\n        \"Cause\": \"{% $states.input.cause & '\\\\n' & $string($states.input.began) %}\"", "",
		",\n        \"Cause\": \"{% $string($states.input.failures) & '\\\\n' & " +
			"$string($states.input.causes) & '\\\\n' & $string($states.input.began) %}\"", "",
	}},
	{Name: "errors of a child lose their names (children)", edit: []string{
		failureName, `"Error": "Transient"`,
	}},
	{Name: "a failed undo is forgotten (undo-order)", edit: []string{
		`$count($keys($states.input.failures)) > 0`, `$count($keys($states.input.failures)) > 9`,
	}},
	{Name: "records are acknowledged before they are projected", brokers: true, ackRecordsFirst: true},
	{Name: "an event counts as in the log without Kafka's answer", brokers: true, unheeded: errKafka},
	{Name: "a pick job counts as sent without the broker's confirm", brokers: true, quick: true,
		unheeded: errUnconfirmed},
	{Name: "a returned pick job counts as sent", brokers: true, unheeded: errReturned},
	{Name: "pick jobs are not persistent", brokers: true, transient: true},
	{Name: "the warehouse's messages are acknowledged before they are handled", brokers: true, quick: true,
		ackGoodsFirst: true},
	{Name: "a redelivered message of the warehouse is a new one", brokers: true, functions: renumbered},
	{Name: "each attempt at an adjustment has a key of its own", brokers: true, roundTrip: rekeyed},
	{Name: "a record that the table does not take is dropped", brokers: true,
		stores: func(w *World) { w.brokers.projected = dropping{w.brokers.projected} }},
	{Name: "reports do not say what the log has lost", brokers: true,
		stores: func(w *World) { w.brokers.projected = boastful{w.brokers.projected} }},
	{Name: "records of a topic made anew are taken for repetitions", brokers: true,
		stores: func(w *World) { w.brokers.projected = timeless{w.brokers.projected} }},
	{Name: "old reports are not removed (rebuild-reports)", brokers: true, edit: []string{
		`"Condition": "{% $states.input.serving %}"`, `"Condition": "{% $states.input.building %}"`,
	}},
	{Name: "a message that cannot be understood is dropped", brokers: true,
		stores: func(w *World) { w.brokers.goods = unparked{w.brokers.goods} }},
	{Name: "a transition is written after the step", oneProcess: true, quick: true,
		journal: func(w *World, j workflow.Journal) workflow.Journal { return tardy{j, w} }},
	{Name: "the lease is ignored", oneProcess: true, quick: true,
		journal: func(_ *World, j workflow.Journal) workflow.Journal { return leaseless{j} }},
	{Name: "a process that has lost the lease can still write", oneProcess: true,
		journal: func(_ *World, j workflow.Journal) workflow.Journal { return overwritten{j} }},
	{Name: "a process that takes over looks for no executions", oneProcess: true,
		journal: func(_ *World, j workflow.Journal) workflow.Journal { return unlisted{j} }},
}...)
