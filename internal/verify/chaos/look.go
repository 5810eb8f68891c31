package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderflow/internal/dev/demo"
	"orderflow/internal/ops/client"
	"orderflow/internal/ops/timeline"
	"orderflow/internal/platform/money"
)

// facts are everything observable from outside about a system at rest.
type facts struct {
	orders   []seen
	listed   map[string]bool // ids of the orders in the customers' lists
	stock    map[string]client.Stock
	ledger   []charge // all of it
	outboxes map[string]int
	letters  []letter
	running  []string // names of executions
	kills    map[string]int
}

// seen is everything observable about one order. A missing part has the status "".
type seen struct {
	placed
	order        client.Order
	payment      string
	reservations string
	shipment     string
	charges      []charge // by the provider
	parcels      []parcel // by the carrier
	mails        []string // subjects
	saga         timeline.Timeline
}

// charge is an entry of the provider's ledger.
type charge struct {
	Reference string
	Status    string
	Amount    money.Money
	Captured  bool
}

// parcel is a shipment in the carrier's books.
type parcel struct{ Status string }

// letter is a message in a dead-letter queue.
type letter struct{ queue, function, body string }

// look collects the facts.
func (r *run) look(ctx context.Context) (f facts, err error) {
	f = facts{orders: make([]seen, len(r.orders)), stock: map[string]client.Stock{}, listed: map[string]bool{},
		kills: r.kills}
	mails, err := r.mails(ctx)
	if err != nil {
		return f, err
	}
	errs := make([]error, len(r.orders))
	var all sync.WaitGroup
	next := make(chan int)
	for range atOnce {
		all.Go(func() {
			for i := range next {
				f.orders[i], errs[i] = r.lookAt(ctx, *r.orders[i])
				f.orders[i].mails = mails[r.orders[i].id]
			}
		})
	}
	for i := range r.orders {
		next <- i
	}
	close(next)
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return f, err
	}
	listed, err := r.listed(ctx)
	if err != nil {
		return f, err
	}
	for id := range listed {
		f.listed[id] = true
	}
	for _, p := range products(r.Orders) {
		if f.stock[p.sku], err = r.operator().GetStock(ctx, p.sku); err != nil {
			return f, err
		}
	}
	if f.ledger, err = r.ledger(ctx); err != nil {
		return f, err
	}
	if f.outboxes, err = r.outboxes(ctx); err != nil {
		return f, err
	}
	if f.letters, err = r.letters(ctx); err != nil {
		return f, err
	}
	for _, machine := range r.machines() {
		running, err := executions(ctx, sfn.NewFromConfig(r.stack.Config()), machine)
		if err != nil {
			return f, err
		}
		for _, x := range running {
			f.running = append(f.running, aws.ToString(x.Name))
		}
	}
	return f, nil
}

func (r *run) lookAt(ctx context.Context, p placed) (s seen, err error) {
	s = seen{placed: p}
	c := r.operator()
	if s.order, err = c.GetOrder(ctx, p.id); err != nil {
		return s, err
	}
	payment, err := c.Payment(ctx, p.id)
	if err := unlessMissing(err); err != nil {
		return s, err
	}
	reservations, err := c.Reservations(ctx, p.id)
	if err := unlessMissing(err); err != nil {
		return s, err
	}
	shipment, err := c.Shipment(ctx, p.id)
	if err := unlessMissing(err); err != nil {
		return s, err
	}
	s.payment, s.reservations, s.shipment = payment.Status, reservations.Status, shipment.Status
	var provider struct{ Charges []charge }
	var carrier struct{ Shipments []parcel }
	reference := "?reference=" + url.QueryEscape(p.id)
	if err := errors.Join(get(ctx, r.stack.Outputs["SandboxUrl"]+"/ledger"+reference, &provider),
		get(ctx, r.stack.Outputs["SandboxUrl"]+"/shipments"+reference, &carrier)); err != nil {
		return s, err
	}
	s.charges, s.parcels = provider.Charges, carrier.Shipments
	s.saga, err = demo.Of(r.stack, p.customer).Saga(ctx, p.id)
	if errors.Is(err, timeline.ErrNone) {
		err = nil
	}
	return s, err
}

func unlessMissing(err error) error {
	if status(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// ledger reads all charges of the provider.
func (r *run) ledger(ctx context.Context) (all []charge, err error) {
	for cursor := ""; ; {
		var page struct {
			Charges []charge
			Cursor  string
		}
		if err := get(ctx, r.stack.Outputs["SandboxUrl"]+"/ledger?limit=100&cursor="+url.QueryEscape(cursor),
			&page); err != nil {
			return nil, err
		}
		all = append(all, page.Charges...)
		if cursor = page.Cursor; cursor == "" {
			return all, nil
		}
	}
}

// mails returns the subjects of the mails about each order, from the inbox.
func (r *run) mails(ctx context.Context) (map[string][]string, error) {
	inbox, err := r.stack.Emulator.Inbox(ctx)
	if err != nil {
		return nil, err
	}
	mails := map[string][]string{}
	for _, m := range inbox {
		for _, p := range r.orders {
			if strings.Contains(m.Text, p.id) {
				mails[p.id] = append(mails[p.id], m.Subject)
			}
		}
	}
	return mails, nil
}

// letters reads the dead-letter queues. Messages stay there, invisible for a while.
func (r *run) letters(ctx context.Context) (all []letter, err error) {
	queues, err := r.queues(ctx)
	if err != nil {
		return nil, err
	}
	c := sqs.NewFromConfig(r.stack.Config())
	for _, q := range queues {
		if !q.ofFailures() || q.messages == 0 {
			continue
		}
		function := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(q.name, "orderflow-"), "-dlq"),
			"-failures")
		for {
			out, err := c.ReceiveMessage(ctx,
				&sqs.ReceiveMessageInput{QueueUrl: &q.url, MaxNumberOfMessages: 10, VisibilityTimeout: 600})
			if err != nil {
				return nil, err
			}
			if len(out.Messages) == 0 {
				break
			}
			for _, m := range out.Messages {
				all = append(all, letter{q.name, function, aws.ToString(m.Body)})
			}
		}
	}
	return all, nil
}

// get reads JSON from a server, and retries: a function whose idle process was killed fails once.
func get(ctx context.Context, address string, out any) error {
	return again(ctx, 20*time.Second, func() (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return false, err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return true, err
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			return true, err
		}
		if res.StatusCode != http.StatusOK {
			return true, fmt.Errorf("%s: %d %s", address, res.StatusCode, b)
		}
		return false, json.Unmarshal(b, out)
	})
}
