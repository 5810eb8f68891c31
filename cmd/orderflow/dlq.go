package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/spf13/cobra"

	"orderflow/internal/ops/repair"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/outbox"
	"orderflow/internal/platform/outbox/snstopic"
	"orderflow/internal/platform/outbox/tail"
)

func dlq(a *app) *cobra.Command {
	return group(&cobra.Command{
		Use:   "dlq",
		Short: "Show, redrive or drop the messages of dead-letter queues",
		Long: `Show, redrive or drop the messages of dead-letter queues. QUEUE is the name of a function, or relays, as
in "dlq list". Every change is recorded with who made it and why: "orderflow audit" shows it.

` + stackFileHelp,
		Example: `  orderflow dlq list
  orderflow dlq show start-fulfilment
  orderflow dlq redrive start-fulfilment --all --reason "schema fixed"`,
	}, listQueues(a), showQueue(a), redrive(a), drop(a))
}

// aLook says what reading a message does.
const aLook = `SQS counts this as a receive, and hides the messages from others for a moment. A
dead-letter queue ignores that count, and a redriven message begins at 0.`

func listQueues(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the queues, and why messages are in them",
		Long: `List the queues with their number of messages, grouped by cause: the error that the consumer logged, the
orders or products, and the runbook. Of each queue the first hundred messages are looked at. ` + aLook,
		Example: "  orderflow dlq list\n  orderflow dlq list -o json",
		Args:    exactly(),
		RunE: a.withSite(func(cmd *cobra.Command, _ []string, s site) error {
			all, err := s.queues().Explain(cmd.Context(), s.logs())
			if err != nil {
				return err
			}
			return a.print(cmd, all, func(w io.Writer) {
				row(w, "QUEUE", "KIND", "MESSAGES", "CAUSE", "ABOUT", "RUNBOOK")
				for _, q := range all {
					if len(q.Causes) == 0 {
						row(w, q.Name, q.Kind, q.Messages, "-", "-", "-")
					}
					for _, c := range q.Causes {
						row(w, q.Name, q.Kind, c.Messages, cmp.Or(c.Code, "unknown"), some(c.Subjects), c.Runbook)
					}
				}
			})
		}),
	}
}

// some lists up to three items, and how many more there are.
func some(all []string) string {
	if n := len(all) - 3; n > 0 {
		return strings.Join(all[:3], " ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(all, " ")
}

func showQueue(a *app) *cobra.Command {
	var limit int
	var bodies bool
	cmd := &cobra.Command{
		Use:   "show QUEUE",
		Short: "Show the messages of a queue",
		Long: `Show the messages of a queue without removing them, with the error that their consumer logged.
` + aLook,
		Example: `  orderflow dlq show start-fulfilment
  orderflow dlq show start-fulfilment --body`,
		Args: exactly("QUEUE"),
		RunE: a.withSite(func(cmd *cobra.Command, args []string, s site) error {
			q := s.queues()
			from, err := q.Find(cmd.Context(), args[0])
			if err != nil {
				return unknownQueue(err)
			}
			messages, err := q.Look(cmd.Context(), from, limit)
			if err != nil {
				return err
			}
			s.logs().Errors(cmd.Context(), messages)
			return a.print(cmd, messages, func(w io.Writer) {
				row(w, "MESSAGE", "ABOUT", "WHAT", "ERROR")
				for _, m := range messages {
					row(w, m.ID, m.Subject(), describe(from, m), cmp.Or(shortened(m.Error, briefly), "unknown"))
					if bodies {
						row(w, m.Body)
					}
				}
			})
		}),
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many at most")
	cmd.Flags().BoolVar(&bodies, "body", false, "show the messages' bodies, which may hold personal data")
	return cmd
}

// describe describes a message in a few words.
func describe(from repair.Queue, m repair.Message) string {
	switch {
	case m.Part != nil:
		return "part of the stream of " + m.Part.Service
	case from.Kind == repair.Reader:
		return "positions in a log"
	case from.Kind == repair.Schedules:
		return "missed scheduled call"
	case m.Event != nil:
		return m.Event.Type
	case m.Ended():
		return "execution ended"
	}
	return "not an Orderflow event"
}

func unknownQueue(err error) error {
	if errors.Is(err, repair.ErrNoQueue) {
		return usage("%w; `orderflow dlq list` lists them", err)
	}
	return err
}

func redrive(a *app) *cobra.Command {
	var force bool
	cmd := changeQueue(a, "redrive QUEUE", "Send messages to their consumer again",
		`Send messages to their consumer again. A message is sent before it is deleted from the dead-letter
queue, so it is never lost; consumers recognise one that arrives twice. For relays, the events that wait in
their services' tables are published, and then those of the parts of streams that the messages name.
A stream keeps its records for 24 hours. A message that is not one of our events is refused, since its
consumer would give up on it again; --force sends it anyway.`,
		func(ctx context.Context, s site, from repair.Queue, m repair.Message) error {
			switch from.Kind {
			case repair.Consumer:
				if !m.Ours() && !force {
					return fmt.Errorf("message %s is not an Orderflow event: `orderflow dlq drop` deletes it, "+
						"--force sends it to its consumer again", m.ID)
				}
				return s.queues().SendBack(ctx, from, m)
			case repair.Relays:
				if err := s.relayAgain(ctx, m); err != nil {
					return err
				}
			}
			return s.queues().Delete(ctx, from, m)
		})
	cmd.Flags().BoolVar(&force, "force", false, "also messages that are not Orderflow events")
	return cmd
}

func drop(a *app) *cobra.Command {
	return changeQueue(a, "drop QUEUE", "Delete messages for good",
		"Delete messages for good. Their consumer will never receive them.",
		func(ctx context.Context, s site, from repair.Queue, m repair.Message) error {
			return s.queues().Delete(ctx, from, m)
		})
}

// changeMessage does something to a message of a queue.
type changeMessage func(context.Context, site, repair.Queue, repair.Message) error

// changeQueue returns a command that changes messages of a queue and records each change.
func changeQueue(a *app, use, short, long string, change changeMessage) *cobra.Command {
	verb, _, _ := strings.Cut(use, " ")
	var ids []string
	var all bool
	var why string
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long,
		Example: fmt.Sprintf("  orderflow dlq %[1]s start-fulfilment --all --reason \"…\"\n"+
			"  orderflow dlq %[1]s start-fulfilment --message 9f0c… --reason \"…\"", verb),
		Args: exactly("QUEUE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(ids) > 0) {
				return usage("choose the messages: --message ID, repeated for each, or --all")
			}
			ctx := cmd.Context()
			s, err := a.site(ctx)
			if err != nil {
				return err
			}
			action, err := s.action(ctx, why, "dlq "+verb)
			if err != nil {
				return err
			}
			from, err := s.queues().Find(ctx, args[0])
			if err != nil {
				return unknownQueue(err)
			}
			if err := redrivable(from); verb == "redrive" && err != nil {
				return err
			}
			var unpublished error // does not stop the messages, whose records the stream drops
			if verb == "redrive" && from.Kind == repair.Relays {
				// First, since messages stay hidden for a minute only.
				unpublished = s.publishOutboxes(ctx, cmd, from, action)
			}
			chosen, others, err := s.choose(ctx, from, ids)
			if err != nil {
				return errors.Join(unpublished, err)
			}
			done, err := s.changeEach(ctx, from, chosen, others, action, change)
			if missing := len(ids) - len(chosen); missing > 0 {
				err = errors.Join(err, fmt.Errorf("%d of the messages were not found; a message that another "+
					"client is reading stays hidden for up to a minute", missing))
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s succeeded for %d messages\n", from.Name, verb, done)
			return errors.Join(unpublished, err)
		},
	}
	cmd.Flags().StringArrayVar(&ids, "message", nil, "`id` of a message, as in \"dlq show\"; repeat for more")
	cmd.Flags().BoolVar(&all, "all", false, "all messages that are in the queue now")
	reasonFlag(cmd, &why)
	return cmd
}

// maxMessages bounds how many messages one command handles, since they are hidden for only a
// minute.
const maxMessages = 500

// choose takes the messages of a queue: those with these ids, or all if there are none, and the
// others.
func (s site) choose(
	ctx context.Context, from repair.Queue, ids []string,
) (chosen, others []repair.Message, err error) {
	messages, err := s.queues().Take(ctx, from, maxMessages)
	for _, m := range messages {
		if len(ids) > 0 && !slices.Contains(ids, m.ID) {
			others = append(others, m)
		} else {
			chosen = append(chosen, m)
		}
	}
	return chosen, others, err
}

// changeEach changes the chosen messages, and makes the others visible again.
func (s site) changeEach(ctx context.Context, from repair.Queue, chosen, others []repair.Message,
	action repair.Action, change changeMessage,
) (done int, failed error) {
	for _, m := range chosen {
		action.Subject, action.Detail = m.Subject(), from.Name+", message "+m.ID+", "+describe(from, m)
		if m.Event != nil {
			action.Detail += " " + m.Event.ID
		}
		err := s.audit().Do(ctx, action, func(ctx context.Context) error { return change(ctx, s, from, m) })
		if err != nil {
			failed, others = errors.Join(failed, err), append(others, m)
			continue
		}
		done++
	}
	return done, errors.Join(failed, s.queues().LetGo(ctx, from, others))
}

// redrivable fails if the messages of a queue have no consumer.
func redrivable(from repair.Queue) error {
	switch from.Kind {
	case repair.Schedules:
		return usage("the next scheduled call makes up for a missed one: `orderflow dlq drop %s`", from.Name)
	case repair.Reader:
		return usage("the messages are positions in a log: `orderflow report rebuild` reads it again; "+
			"then `orderflow dlq drop %s`", from.Name)
	}
	return nil
}

// publishOutboxes publishes the events that wait in the tables of the relays of a queue.
func (s site) publishOutboxes(ctx context.Context, cmd *cobra.Command, from repair.Queue,
	action repair.Action,
) error {
	services := s.relayed(from)
	action.Subject, action.Detail = from.Name, "publish what waits in the tables of "+strings.Join(services, ", ")
	return s.audit().Do(ctx, action, func(ctx context.Context) (failed error) {
		for _, service := range services {
			topic, table := s.outbox(service)
			n, err := outbox.Sweep(ctx, topic, table, clock.System{}, 0)
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: published %d events\n", service, n)
			failed = errors.Join(failed, err)
		}
		return failed
	})
}

// relayed returns the services whose relays send what they gave up on to a queue: the service of a
// stack of its own, or those of the core that have a table.
func (s site) relayed(from repair.Queue) (services []string) {
	if own, ok := strings.CutSuffix(from.Name, "-"+string(repair.Relays)); ok {
		return []string{own}
	}
	return s.services()
}

// relayAgain publishes the events of the part of a stream that a relay's message names.
func (s site) relayAgain(ctx context.Context, m repair.Message) error {
	if m.Part == nil {
		return fmt.Errorf("message %s does not name a part of a stream; `orderflow dlq drop` deletes it", m.ID)
	}
	stream := tail.Stream{Client: dynamodbstreams.NewFromConfig(s.cfg), ARN: m.Part.Stream}
	batch, _, err := stream.Batch(ctx, m.Part.Part)
	if err != nil {
		return err
	}
	topic, table := s.outbox(m.Part.Service)
	_, err = outbox.Relay(topic, table, clock.System{}).Invoke(ctx, batch)
	return err
}

// outbox returns the topic and the table of a service.
func (s site) outbox(service string) (snstopic.Topic, *ddb.Table) {
	// arn:aws:states:<region>:<account>:stateMachine:<stack>-fulfil-order
	parts := strings.SplitN(s.outputs["FulfilOrderArn"], ":", 6)
	arn := strings.Join([]string{"arn", parts[1], "sns", parts[3], parts[4], s.stack + "-" + service}, ":")
	topic := snstopic.Topic{Client: sns.NewFromConfig(s.cfg), ARN: arn}
	return topic, ddb.Open(s.cfg, s.stack+"-"+service, clock.System{})
}
