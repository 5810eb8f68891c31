package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/spf13/cobra"

	"orderflow/internal/notifications"
	"orderflow/internal/notifications/dynamo"
	"orderflow/internal/ops/client"
	"orderflow/internal/ops/repair"
	"orderflow/internal/ops/signin"
	"orderflow/internal/ops/timeline"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/platform/ddb"
)

func getOrder(a *app) *cobra.Command {
	var wide bool
	cmd := &cobra.Command{
		Use:   "get ORDER",
		Short: "Show an order with everything that belongs to it",
		Long: `Show an order with its payment, stock and shipment. An operator with a stack file also
sees whose order it is, its detail, what its saga waits for and until when, which steps failed and why,
the mails that the customer got, and what operators did. The last line is the command to use next.

On a local stack this acts as an operator, unless --user says who.`,
		Example: `  orderflow order get 01KAQ5M3Z8V7D2X4C6B9N1T0RW
  orderflow order get 01KAQ5M3Z8V7D2X4C6B9N1T0RW --wide
  orderflow order get 01KAQ5M3Z8V7D2X4C6B9N1T0RW -o json`,
		Args: orderID,
		RunE: func(cmd *cobra.Command, args []string) error {
			role := operator
			if a.user != "" {
				role = ""
			}
			c, err := a.api(role)
			if err != nil {
				return err
			}
			p, err := a.page(cmd, c, args[0])
			if err != nil {
				return err
			}
			width := briefly
			if wide {
				width = math.MaxInt
			}
			return a.print(cmd, p, func(w io.Writer) { p.show(w, time.Now(), width) })
		},
	}
	cmd.Flags().BoolVar(&wide, "wide", false, "do not shorten causes")
	return cmd
}

// briefly is the number of characters to which causes are shortened.
const briefly = 100

// orderPage is everything about an order. The fields for operators are zero for customers.
type orderPage struct {
	client.Order
	Payment      json.RawMessage `json:"payment"`
	Reservations json.RawMessage `json:"reservations"`
	Shipment     json.RawMessage `json:"shipment"`

	CustomerID string `json:"customerId,omitempty"`
	Detail     string `json:"detail,omitempty"`
	// NoSaga says why the order has no saga, if it has none.
	NoSaga  string                `json:"noSaga,omitempty"`
	Waits   []timeline.Wait       `json:"waits,omitempty"`
	Failed  []timeline.FailedStep `json:"failed,omitempty"`
	Mails   []sentMail            `json:"mails,omitempty"`
	Actions []repair.Action       `json:"actions,omitempty"`
	// Next is the command to use next, or "".
	Next string `json:"next,omitempty"`
}

type sentMail struct {
	Kind   notifications.Kind   `json:"kind"`
	Status notifications.Status `json:"status"`
	At     time.Time            `json:"at"`
}

// page reads everything about an order that the caller may see. It fails only if the order itself
// cannot be read.
func (a *app) page(cmd *cobra.Command, c *client.Client, id string) (p *orderPage, err error) {
	ctx := cmd.Context()
	p = &orderPage{}
	if p.Order, err = c.GetOrder(ctx, id); err != nil {
		return nil, err
	}
	summary := func() error {
		s, err := c.Summary(ctx, id)
		if err != nil {
			s = client.Summary{Payment: missingPart(err), Reservations: missingPart(err), Shipment: missingPart(err)}
		}
		p.Payment, p.Reservations, p.Shipment = s.Payment, s.Reservations, s.Shipment
		return nil
	}
	s, noSite := a.site(ctx)
	token, err := c.Token(ctx)
	if noSite != nil || err != nil || !slices.Contains(signin.Token{ID: token}.Groups(), operator) {
		p.Next = p.next(false)
		return p, summary()
	}
	unread := concurrent.All(summary,
		func() error { return a.readSaga(ctx, s, p) },
		func() error { return unlessAbsent("the order's item", p.readItem(ctx, s)) },
		func() error { return unlessAbsent("mails", p.readMails(ctx, s)) },
		func() (err error) {
			p.Actions, err = s.audit().Actions(ctx, id)
			return unlessAbsent("the audit log", err)
		})
	if unread != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), unread)
	}
	p.Next = p.next(true)
	return p, nil
}

// missingPart stands for a part of a summary that cannot be read.
func missingPart(err error) json.RawMessage {
	part, _ := json.Marshal(map[string]client.PartError{"error": {Code: "Unavailable", Detail: err.Error()}})
	return part
}

// unlessAbsent returns the error of a read, unless a process does not have what AWS has.
func unlessAbsent(what string, err error) error {
	var answer interface{ ErrorCode() string }
	if err == nil || errors.As(err, &answer) && answer.ErrorCode() == "UnknownOperationException" {
		return nil
	}
	return fmt.Errorf("cannot read %s: %w", what, err)
}

// readSaga reads what the saga waits for, or why there is none.
func (a *app) readSaga(ctx context.Context, s site, p *orderPage) error {
	t, err := timeline.Load(ctx, sfn.NewFromConfig(s.cfg), timeline.Machines{
		FulfilOrder: s.outputs["FulfilOrderArn"], CompensateOrder: s.outputs["CompensateOrderArn"],
	}, p.OrderID)
	if errors.Is(err, timeline.ErrNone) {
		p.NoSaga = a.noSaga(ctx, p.Order)
		return nil
	}
	p.Waits = t.Waits()
	p.Failed = slices.DeleteFunc(t.Failures(), func(f timeline.FailedStep) bool {
		return f.Failure.Error == askedCustomer
	})
	return unlessAbsent("the saga", err)
}

// askedCustomer is the error of a step after which the saga waits for the customer.
const askedCustomer = "PaymentActionRequired"

// readItem reads the attributes of an order that only operators see.
func (p *orderPage) readItem(ctx context.Context, s site) error {
	o, err := s.orders().Order(ctx, p.OrderID)
	p.CustomerID, p.Detail = o.CustomerID, o.Detail
	return err
}

func (p *orderPage) readMails(ctx context.Context, s site) error {
	store := dynamo.Store{Table: ddb.Open(s.cfg, s.stack+"-notifications", clock.System{})}
	mails, err := store.Mails(ctx, p.OrderID)
	for _, m := range mails {
		p.Mails = append(p.Mails, sentMail(m))
	}
	return err
}

// next returns the command to use next, or "".
func (p *orderPage) next(operates bool) string {
	open := slices.ContainsFunc(p.Waits, func(w timeline.Wait) bool {
		return w.Failure != nil && w.Failure.Error == "CircuitOpen"
	})
	show := "orderflow saga show " + p.OrderID
	switch {
	case !p.Final() && !operates:
		return "orderflow order watch " + p.OrderID
	case operates && p.NextAction != nil && len(p.Failed) == 0:
		return "orderflow order watch " + p.OrderID + " --timeout 12m, since the customer must act: " +
			"docs/runbooks/time-to-final-state.md"
	case !operates:
		return ""
	case p.Status == client.NeedsAttention && len(p.Waits) == 0:
		return "orderflow order retry " + p.OrderID + ` --reason "…", once its cause is fixed: ` +
			"docs/runbooks/needs-attention.md"
	case p.NoSaga != "" && !p.Final():
		return "orderflow health"
	case open:
		return "orderflow circuit list"
	case p.Status == client.NeedsAttention, !p.Final() && len(p.Failed) > 0,
		slices.Contains([]string{"INTERNAL", "TIMED_OUT"}, p.Why()):
		return show
	case !p.Final():
		return "orderflow order watch " + p.OrderID
	}
	return ""
}

func (p *orderPage) show(w io.Writer, now time.Time, width int) {
	showOrder(w, p.Order)
	if p.CustomerID != "" {
		row(w, "customer", p.CustomerID)
	}
	if p.Detail != "" {
		row(w, "detail", shortened(p.Detail, width))
	}
	row(w, "payment", part(p.Payment, payment))
	row(w, "stock", part(p.Reservations, reservation))
	row(w, "shipment", part(p.Shipment, shipment))
	if p.NoSaga != "" {
		row(w, "saga", "none: "+p.NoSaga)
	}
	for _, wait := range p.Waits {
		row(w, "now", wait.Text(now, width))
	}
	for _, step := range p.Failed {
		row(w, "failed", fmt.Sprintf("%s, %d×: %s", step.State, step.Attempts, step.Failure.Text(width)))
	}
	for _, m := range p.Mails {
		row(w, "mail", fmt.Sprintf("%s %s %s", m.At.Format(time.RFC3339), m.Kind, strings.ToLower(string(m.Status))))
	}
	for _, action := range p.Actions {
		row(w, "operator", fmt.Sprintf("%s %s: %s, %s: %s", action.At.Format(time.RFC3339), action.User, action.What,
			action.Outcome, action.Why))
	}
	if p.Next != "" {
		row(w, "next", p.Next)
	}
}

func shortened(text string, width int) string {
	if r := []rune(text); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return text
}

// payment says how much money is held, paid or refunded.
func payment(p client.Payment) string {
	text := p.Status
	switch p.Status {
	case "AUTHORIZED":
		text += ", " + p.Amount.String() + " held"
	case "CAPTURED":
		text += ", " + p.Amount.String() + " paid"
	case "VOIDED", "DECLINED":
		text += ", nothing held"
	default:
		text += " " + p.Amount.String()
	}
	if p.RefundedAmount != nil {
		text += ", " + p.RefundedAmount.String() + " refunded"
	}
	if p.Reason != "" {
		text += ", " + p.Reason
	}
	if p.Dispute != "" {
		text += ", dispute " + p.Dispute
	}
	return text
}

func reservation(r client.Reservations) string {
	text := r.Status
	for _, item := range r.Items {
		text += fmt.Sprintf(", %d × %s", item.Quantity, item.SKU)
	}
	return text
}

func shipment(s client.Shipment) string {
	return strings.TrimSpace(s.Status + " " + s.TrackingNumber + s.Reason)
}

// part describes a part of a summary, or says why it is missing.
func part[T any](raw json.RawMessage, describe func(T) string) string {
	if failed := client.PartFailed(raw); failed != nil {
		if strings.HasSuffix(failed.Code, "NotFound") {
			return "none"
		}
		return fmt.Sprintf("(%s: %s)", failed.Code, failed.Detail)
	}
	var decoded T
	if err := json.Unmarshal(raw, &decoded); err != nil {
		return "(unreadable: " + err.Error() + ")"
	}
	return describe(decoded)
}
