package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/spf13/cobra"

	"orderflow/internal/ops/repair"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/outbox"
	"orderflow/internal/platform/outbox/snstopic"
)

func dlq(a *app) *cobra.Command {
	return group(&cobra.Command{
		Use:   "dlq",
		Short: "Look into the queues of what failed, send it on its way again, or drop it",
		Long: `Look into the queues of what failed, send it on its way again, or drop it. QUEUE is the name of a function as "dlq list" has it. What
changes anything is written down with who did it and why: "orderflow audit" shows it.

` + stackFileHelp,
		Example: "  orderflow dlq list\n  orderflow dlq show start-fulfilment\n  orderflow dlq redrive start-fulfilment --all --reason \"schema fixed\"",
	}, listQueues(a), showQueue(a), redrive(a), drop(a))
}

func listQueues(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the queues and how much is in each", Example: "  orderflow dlq list", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := a.site(cmd.Context())
			if err != nil {
				return err
			}
			all, err := b.queues().List(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(cmd, all, func(w io.Writer) {
				row(w, "QUEUE", "KIND", "MESSAGES")
				for _, q := range all {
					row(w, q.Name, q.Kind, q.Messages)
				}
			})
		},
	}
}

func showQueue(a *app) *cobra.Command {
	var limit int
	var bodies bool
	cmd := &cobra.Command{
		Use: "show QUEUE", Short: "Show what is in a queue",
		Long: "Show what is in a queue; it stays there. The log of the consumer has the error under the same message id.",
		Example: `  orderflow dlq show start-fulfilment
  orderflow dlq show start-fulfilment --body`,
		Args: exactly("QUEUE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := a.site(cmd.Context())
			if err != nil {
				return err
			}
			q := b.queues()
			from, err := q.Find(cmd.Context(), args[0])
			if err != nil {
				return unknownQueue(err)
			}
			messages, err := q.Take(cmd.Context(), from, limit)
			if err != nil {
				return err
			}
			if err := q.LetGo(cmd.Context(), from, messages); err != nil {
				return err
			}
			return a.print(cmd, messages, func(w io.Writer) {
				row(w, "MESSAGE", "SUBJECT", "RECEIVED", "WHAT")
				for _, m := range messages {
					row(w, m.ID, m.Subject(), fmt.Sprint(m.Receives, "×"), kindOf(from, m))
					if bodies {
						row(w, m.Body)
					}
				}
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many at most")
	cmd.Flags().BoolVar(&bodies, "body", false, "with the messages' bodies, which may hold personal data")
	return cmd
}

// kindOf says in a word what a message is.
func kindOf(from repair.Queue, m repair.Message) string {
	switch {
	case from.Kind == repair.Relay:
		return "the position in a stream"
	case from.Kind == repair.Schedules:
		return "a call that was missed"
	case m.Event != nil:
		return m.Event.Type
	case strings.Contains(m.Body, `"detail-type"`):
		return "an execution ended"
	}
	return "no event of ours"
}

func unknownQueue(err error) error {
	if errors.Is(err, repair.ErrNoQueue) {
		return usage("%w; `orderflow dlq list` shows which there are", err)
	}
	return err
}

func redrive(a *app) *cobra.Command {
	return handle(a, "redrive QUEUE", "Give what failed to its consumer again", `Give what failed to its consumer again: it is sent to the consumer's queue first and deleted here after that, so it cannot get lost; a
consumer that gets it twice knows it. For a relay, what waits in the outbox of its service is published.`,
		func(ctx context.Context, b site, from repair.Queue, m repair.Message) error {
			if from.Kind == repair.Consumer {
				return b.queues().SendBack(ctx, from, m)
			}
			return b.queues().Delete(ctx, from, m)
		})
}

func drop(a *app) *cobra.Command {
	return handle(a, "drop QUEUE", "Delete what failed for good", "Delete what failed for good. Nobody will be told of it any more.",
		func(ctx context.Context, b site, from repair.Queue, m repair.Message) error {
			return b.queues().Delete(ctx, from, m)
		})
}

// handle is a command that does something to the messages of a queue, each written down.
func handle(a *app, use, short, long string, act func(context.Context, site, repair.Queue, repair.Message) error) *cobra.Command {
	verb, _, _ := strings.Cut(use, " ")
	var which []string
	var all bool
	var why string
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long,
		Example: fmt.Sprintf("  orderflow dlq %s start-fulfilment --all --reason \"…\"\n  orderflow dlq %s start-fulfilment --message 9f0c… --reason \"…\"", verb, verb),
		Args:    exactly("QUEUE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(which) > 0) {
				return usage("say which: --message ID, once for each, or --all")
			}
			ctx := cmd.Context()
			b, err := a.site(ctx)
			if err != nil {
				return err
			}
			action, err := b.action(ctx, why, "dlq "+verb)
			if err != nil {
				return err
			}
			from, err := b.queues().Find(ctx, args[0])
			if err != nil {
				return unknownQueue(err)
			}
			if verb == "redrive" && from.Kind != repair.Consumer {
				if err := b.makeUp(ctx, cmd, from, action); err != nil {
					return err
				}
			}
			done, err := b.each(ctx, from, which, action, act)
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s of %d messages is done\n", from.Name, verb, done)
			return err
		},
	}
	cmd.Flags().StringArrayVar(&which, "message", nil, "`id` of a message, as \"dlq show\" has it; once for each")
	cmd.Flags().BoolVar(&all, "all", false, "all that are in the queue now")
	cmd.Flags().StringVar(&why, "reason", "", "why; it is written down with who you are")
	return cmd
}

// atOnce bounds how many messages one call handles: they are hidden for a minute only.
const atOnce = 500

// each does act to the messages that were named, or to all; the others are let go.
func (b site) each(ctx context.Context, from repair.Queue, which []string, action repair.Action,
	act func(context.Context, site, repair.Queue, repair.Message) error,
) (done int, failed error) {
	q := b.queues()
	messages, err := q.Take(ctx, from, atOnce)
	if err != nil {
		return 0, err
	}
	var others []repair.Message
	for _, m := range messages {
		if len(which) > 0 && !slices.Contains(which, m.ID) {
			others = append(others, m)
			continue
		}
		action.Subject, action.Detail = m.Subject(), from.Name+", message "+m.ID+", "+kindOf(from, m)
		if m.Event != nil {
			action.Detail += " " + m.Event.ID
		}
		if err := b.audit().Do(ctx, action, func(ctx context.Context) error { return act(ctx, b, from, m) }); err != nil {
			failed, others = errors.Join(failed, err), append(others, m)
			continue
		}
		done++
	}
	if missing := len(which) - done; missing > 0 && failed == nil {
		failed = fmt.Errorf("%d of the messages that were named are not there, or in somebody else's hands for up to a minute", missing)
	}
	return done, errors.Join(failed, q.LetGo(ctx, from, others))
}

// makeUp does what a failure that is no message of its own stands for.
func (b site) makeUp(ctx context.Context, cmd *cobra.Command, from repair.Queue, action repair.Action) error {
	if from.Kind == repair.Schedules {
		return usage("a schedule's call that was missed is made up by the next one: `orderflow dlq drop schedules`")
	}
	service := strings.TrimSuffix(strings.TrimPrefix(from.Name, "relay-"), "-events")
	// arn:aws:states:<region>:<account>:stateMachine:<stack>-fulfil-order
	parts := strings.SplitN(b.outputs["FulfilOrderArn"], ":", 6)
	topic := snstopic.Topic{Client: sns.NewFromConfig(b.cfg), ARN: strings.Join([]string{"arn", parts[1], "sns", parts[3], parts[4], b.stack + "-" + service}, ":")}
	table := ddb.Open(b.cfg, b.stack+"-"+service, clock.System{})
	action.Subject, action.Detail = from.Name, "publish the outbox of "+service
	return b.audit().Do(ctx, action, func(ctx context.Context) error {
		n, err := outbox.Sweep(ctx, topic, table, clock.System{}, 0)
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: published %d events\n", from.Name, n)
		return err
	})
}
