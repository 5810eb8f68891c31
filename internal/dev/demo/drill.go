package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"orderflow/internal/dev/intercept"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/printable"
)

// Operator runs a command line of orderflow, as an operator would, and returns what it prints on
// both outputs.
type Operator func(ctx context.Context, args ...string) string

// OperatorOf runs the program in a file on the stack in a directory.
func OperatorOf(program, dir string) Operator {
	return func(ctx context.Context, args ...string) string {
		cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // G204: built by the caller
		cmd.Env = append(os.Environ(), "ORDERFLOW_STACK_FILE="+filepath.Join(dir, "stack.json"))
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError // a command that shows an incident may fail
		if err != nil && !errors.As(err, &exit) {
			return err.Error()
		}
		return string(out)
	}
}

// drill is a drill in progress.
type drill struct {
	Shop
	operator Operator
	provider *intercept.Interceptor
	out      io.Writer
	// patience bounds the wait for a command to show something, poll is the interval between tries.
	patience, poll time.Duration
	shown          []shown
}

// shown is a command that showed an incident.
type shown struct {
	trouble, command string
	took             time.Duration
}

// trouble is an incident.
type trouble struct {
	name, runbook string
	run           func(*drill, context.Context) error
}

var troubles = []trouble{
	{"a consumer is switched off", "queue-age", (*drill).switchedOff},
	{"a circuit is open", "circuit-open", (*drill).openCircuit},
	{"a message is parked", "dead-letter-queue", (*drill).parked},
	{"an order needs attention", "needs-attention", (*drill).needsAttention},
}

// why is the reason with which the drill's actions are recorded.
const why = "drill"

// Drill causes each incident, finds it with orderflow's commands, follows its runbook, and checks
// that it is over. It restores everything that it changed. It fails if a command does not show what
// the runbook says, or if an incident remains. provider must already receive the calls of payments.
func (s Shop) Drill(ctx context.Context, w io.Writer, provider *intercept.Interceptor, operator Operator) error {
	d := &drill{Shop: s, operator: operator, provider: provider, out: w, patience: 90 * time.Second,
		poll: 500 * time.Millisecond}
	if err := s.Stock(ctx); err != nil {
		return err
	}
	var failed error
	for i, t := range troubles {
		fmt.Fprintf(w, "%d. %s (docs/runbooks/%s.md)\n", i+1, t.name, t.runbook)
		began := time.Now()
		err := t.run(d, ctx)
		if err != nil {
			err = fmt.Errorf("%s: %w", t.name, err)
			fmt.Fprintln(w, "   FAILED:", err)
		}
		fmt.Fprintf(w, "   %.0f s\n\n", time.Since(began).Seconds())
		failed = errors.Join(failed, err)
	}
	d.report()
	return failed
}

// report lists how fast each incident was shown.
func (d *drill) report() {
	table := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "INCIDENT\tSHOWN BY\tTOOK")
	for _, s := range d.shown {
		fmt.Fprintf(table, "%s\t%s\t%.1f s\n", s.trouble, s.command, s.took.Seconds())
	}
	_ = table.Flush()
}

// shows runs a command until each of these texts is in a line of its output, and prints those
// lines. In a text, columns of a line are one space apart, and others lie between those that …
// separates.
func (d *drill) shows(ctx context.Context, trouble string, want []string, args ...string) error {
	command := "orderflow " + strings.Join(args, " ")
	for deadline := time.Now().Add(d.patience); ; {
		began := time.Now()
		out := d.operator(ctx, args...)
		took := time.Since(began)
		missing, found := slices.Clone(want), []string{}
		for line := range strings.Lines(out) {
			columns := strings.Join(strings.Fields(line), " ")
			in := func(text string) bool {
				rest, found := columns, true
				for part := range strings.SplitSeq(text, " … ") {
					_, after, ok := strings.Cut(rest, part)
					rest, found = after, found && ok
				}
				return found
			}
			if slices.ContainsFunc(want, in) {
				missing, found = slices.DeleteFunc(missing, in), append(found, strings.TrimSuffix(line, "\n"))
			}
		}
		if len(missing) == 0 {
			fmt.Fprintf(d.out, "   $ %s   (%.1f s)\n", command, took.Seconds())
			for _, line := range found {
				fmt.Fprintln(d.out, "     "+printable.Escape(line))
			}
			if trouble != "" {
				d.shown = append(d.shown, shown{trouble, command, took})
			}
			return nil
		}
		if time.Now().After(deadline) || clock.Sleep(ctx, d.poll) != nil {
			return fmt.Errorf("`%s` does not show %q:\n%s", command, missing, out)
		}
	}
}

// final waits until an order has a status.
func (d *drill) final(ctx context.Context, id, status string) error {
	return d.shows(ctx, "", []string{"status " + status}, "order", "get", id)
}

// switchedOff switches off the consumer that starts sagas.
func (d *drill) switchedOff(ctx context.Context) (err error) {
	const consumer = "start-fulfilment"
	if err := d.stack.Consume(ctx, false, consumer); err != nil {
		return err
	}
	on := func() error {
		return d.stack.Consume(context.WithoutCancel(ctx), true, consumer)
	}
	defer func() { err = errors.Join(err, on()) }()
	o, err := d.place(ctx, request("MUG-BLUE", 1, good, berlin))
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "   %s is switched off; order %s is placed\n", consumer, o.OrderID)
	const name = "a consumer is switched off"
	if err := d.shows(ctx, name, []string{consumer + " Disabled"}, "health"); err != nil {
		return err
	}
	if err := d.shows(ctx, name, []string{"not picked up", consumer + " is Disabled", "next orderflow health"},
		"order", "get", o.OrderID); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "   it is switched on, as `aws lambda update-event-source-mapping --enabled` does")
	return errors.Join(on(), d.final(ctx, o.OrderID, client.Confirmed),
		d.shows(ctx, "", []string{consumer + " Enabled"}, "health"))
}

// openCircuit takes the payment provider down.
func (d *drill) openCircuit(ctx context.Context) (err error) {
	if err := d.provider.Break(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.provider.Mend()) }()
	var placed []string
	for range 4 {
		o, err := d.place(ctx, request("MUG-BLUE", 1, good, berlin))
		if err != nil {
			return err
		}
		placed = append(placed, o.OrderID)
	}
	fmt.Fprintf(d.out, "   the provider answers 503; orders %s are placed\n", strings.Join(placed, ", "))
	const name, circuit = "a circuit is open", "payment-provider"
	if err := d.shows(ctx, name, []string{circuit + " payments OPEN"}, "circuit", "list"); err != nil {
		return err
	}
	if err := d.shows(ctx, name, []string{"now Prepare … CircuitOpen", "next orderflow circuit list"},
		"order", "get", placed[0]); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "   the provider is back; the next probe closes the circuit")
	if err := d.provider.Mend(); err != nil {
		return err
	}
	if err := d.shows(ctx, "", []string{"state CLOSED"}, "circuit", "show", circuit); err != nil {
		return err
	}
	for _, id := range placed {
		if err := d.final(ctx, id, client.Confirmed); err != nil {
			return err
		}
	}
	return nil
}

// parked sends a consumer an event that it cannot handle, and makes it give up within seconds.
func (d *drill) parked(ctx context.Context) (err error) {
	const consumer, name = "start-fulfilment", "a message is parked"
	o, err := d.place(ctx, request("MUG-BLUE", 1, good, berlin))
	if err != nil {
		return err
	}
	if err := d.final(ctx, o.OrderID, client.Confirmed); err != nil {
		return err
	}
	restore, err := d.impatient(ctx, consumer)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, restore()) }()
	event, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": "drill-" + o.OrderID, "source": "orderflow/orders",
		"type": "orderflow.orders.order.created.v1", "subject": o.OrderID, "time": time.Now().UTC(),
		"datacontenttype": "application/json", "aggregateversion": 1, "data": map[string]string{},
	})
	if err != nil {
		return err
	}
	if err := d.send(ctx, consumer, string(event)); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "   %s gets an event about order %s without its data\n", consumer, o.OrderID)
	if err := d.shows(ctx, name, []string{consumer + " … InvalidEvent … " + o.OrderID + " … dead-letter-queue.md"},
		"dlq", "list"); err != nil {
		return err
	}
	if err := d.shows(ctx, name, []string{o.OrderID + " … InvalidEvent"}, "dlq", "show", consumer); err != nil {
		return err
	}
	id, err := d.messageAbout(ctx, consumer, o.OrderID)
	if err != nil {
		return err
	}
	return errors.Join(
		d.shows(ctx, "", []string{"drop succeeded for 1 messages"}, "dlq", "drop", consumer, "--message", id,
			"--reason", why),
		d.shows(ctx, "", []string{"dlq drop " + o.OrderID + " done " + why}, "audit", o.OrderID))
}

// messageAbout returns the id of the message of a dead-letter queue about an order.
func (d *drill) messageAbout(ctx context.Context, consumer, orderID string) (string, error) {
	var messages []struct{ MessageID, Body string }
	out := d.operator(ctx, "dlq", "show", consumer, "-o", "json")
	if err := json.Unmarshal([]byte(out), &messages); err != nil {
		return "", fmt.Errorf("dlq show: %w: %s", err, out)
	}
	for _, m := range messages {
		if strings.Contains(m.Body, orderID) {
			return m.MessageID, nil
		}
	}
	return "", fmt.Errorf("the message about %s is gone: %s", orderID, out)
}

// needsAttention places an order whose payment cannot be voided at first.
func (d *drill) needsAttention(ctx context.Context) (err error) {
	const soon = .01 // otherwise nine attempts to undo take minutes
	if err := d.stack.ScaleWaits(ctx, soon); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stack.ScaleWaits(context.WithoutCancel(ctx), 1)) }()
	return d.undone(ctx)
}

// undone retries the undoing of an order whose payment could not be voided.
func (d *drill) undone(ctx context.Context) error {
	o, err := d.place(ctx, request("POSTER-A2", 1, stuck, refused))
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "   the carrier refuses order %s, and the provider refuses to void its payment\n", o.OrderID)
	const name = "an order needs attention"
	if err := d.shows(ctx, name, []string{o.OrderID + " … " + client.NeedsAttention}, "order", "list", "--status",
		client.NeedsAttention); err != nil {
		return err
	}
	if err := d.shows(ctx, name, []string{"failed VoidPayment … PaymentProviderRefused",
		"next orderflow order retry " + o.OrderID}, "order", "get", o.OrderID); err != nil {
		return err
	}
	return errors.Join(
		d.shows(ctx, "", []string{"started"}, "order", "retry", o.OrderID, "--reason", why),
		d.final(ctx, o.OrderID, client.Rejected),
		d.shows(ctx, "", []string{"order retry " + o.OrderID + " done " + why}, "audit", o.OrderID),
		d.voided(ctx, o.OrderID))
}

// voided fails unless the provider holds nothing for an order.
func (d *drill) voided(ctx context.Context, orderID string) error {
	charges, err := d.Ledger(ctx, orderID)
	for _, c := range charges {
		if c.Status != "VOIDED" {
			err = errors.Join(err, fmt.Errorf("the provider still has %+v", c))
		}
	}
	return err
}
