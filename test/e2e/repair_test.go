package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/client"
)

// An operator stops a saga by hand; the order comes to rest without further help.
func TestASagaThatIsStoppedByHandIsUndone(t *testing.T) {
	t.Parallel()
	sell(t, "STOPPED", 700, 5)
	r := order("STOPPED", 2, "pm_card_visa")
	r.ShippingAddress.PostalCode = "99999" // the carrier never answers, so there is time to stop it
	o := place(t, customerOf(t), r)
	eventually(t, 30*time.Second, "the saga waits for the carrier", func() error {
		line, err := saga(t.Context(), o.OrderID)
		for _, step := range line.Steps {
			if began := line.Start.Add(time.Duration(step.Offset)); step.State == "AwaitShipment" &&
				time.Since(began) > 2*time.Second {
				return err
			}
		}
		return errors.Join(err, fmt.Errorf("steps so far: %+v", line.Steps))
	})
	execution := strings.Replace(stack.Outputs["FulfilOrderArn"], ":stateMachine:", ":execution:", 1) + ":" + o.OrderID
	if _, err := sfn.NewFromConfig(stack.Config()).StopExecution(t.Context(),
		&sfn.StopExecutionInput{ExecutionArn: &execution}); err != nil {
		t.Fatal(err)
	}
	wantFinal(t, o, client.Rejected, "INTERNAL")
	wantStock(t, "STOPPED", client.Stock{SKU: "STOPPED", OnHand: 5, Available: 5})
	for _, c := range ledger(t, o.OrderID) {
		if c.Status != "VOIDED" || c.Captured {
			t.Errorf("the provider still has %+v", c)
		}
	}
}

// Every compensation of an order is stopped. Recovery gives up: the order and its cancellation show
// it.
func TestAnOrderWhoseCompensationIsAlwaysStoppedNeedsAttention(t *testing.T) {
	mend := hidePaymentProvider(t) // while the refund fails, there is time to stop it
	o := place(t, customer(), order("MUG-BLUE", 1, "pm_card_visa_chargeDeclined"))
	machines := sfn.NewFromConfig(stack.Config())
	for n := 1; n <= 5; n++ {
		execution := strings.Replace(stack.Outputs["CompensateOrderArn"], ":stateMachine:", ":execution:", 1) + ":" +
			o.OrderID
		if n > 1 {
			execution += fmt.Sprint("-", n)
		}
		eventually(t, 60*time.Second, fmt.Sprintf("attempt %d runs, and is stopped", n), func() error {
			_, err := machines.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: &execution})
			return err
		})
	}
	wantFinal(t, o, client.NeedsAttention, "COMPENSATION_FAILED")
	_, err := customer().CancelOrder(t.Context(), "", o.OrderID, "")
	wantProblem(t, err, http.StatusConflict, "OrderNotCancellable")
	if err == nil || !strings.Contains(err.Error(), "an operator has to finish that") {
		t.Errorf("cancel: %v", err)
	}

	mend()
	operate(t, 0, "order", "retry", o.OrderID, "--reason", "it is no longer stopped")
	eventually(t, 60*time.Second, "the order is rejected after all", func() error {
		got, err := operator().GetOrder(t.Context(), o.OrderID)
		if err == nil && got.Status != client.Rejected {
			err = fmt.Errorf("it is %s", got.Status)
		}
		return err
	})
}

// A message that its consumer cannot handle is parked, inspected and dropped; one that it can
// handle now is redriven.
func TestAnOperatorDropsAPoisonedMessageAndRedrivesAGoodOne(t *testing.T) {
	impatient(t, "project-price")
	sendToQueue(t, "project-price", `{"specversion":"1.0","id":"poison"}`)
	eventually(t, 30*time.Second, "the consumer gives up on the message", func() error {
		if n := waiting(t, "orderflow-project-price-dlq"); n != 1 {
			return fmt.Errorf("%d messages are parked", n)
		}
		return nil
	})
	out := operate(t, 0, "dlq", "show", "project-price", "--body")
	if !strings.Contains(out, "not an Orderflow event") ||
		!strings.Contains(out, "poison") {
		t.Errorf("show: %s", out)
	}
	if out := operate(t, 2, "dlq", "drop", "project-price", "--all"); !strings.Contains(out, "--reason") {
		t.Errorf("drop without a reason: %s", out)
	}
	operate(t, 0, "dlq", "drop", "project-price", "--all", "--reason", "not an event")
	wantDeadLetterQueuesEmpty(t)

	price := `{"specversion":"1.0","id":"01K0000000000000000000PR1C","source":"orderflow/catalog","type":"orderflow.catalog.product.price-changed.v1","subject":"REDRIVEN",` +
		`"time":"2026-01-02T03:04:05Z","datacontenttype":"application/json","aggregateversion":1,"data":{"sku":"REDRIVEN","name":"n","price":{"currency":"EUR","amount":900},"version":1}}`
	sendToQueue(t, "project-price-dlq", price)
	operate(t, 0, "dlq", "redrive", "project-price", "--all", "--reason", "try again")
	eventually(t, 30*time.Second, "the redriven event takes effect", func() error {
		_, err := customer().PlaceOrder(t.Context(), "redriven", order("REDRIVEN", 1, "pm_card_visa"))
		return err
	})
	wantDeadLetterQueuesEmpty(t)
	if out := operate(t, 0, "audit"); !strings.Contains(out, "not an event") ||
		!strings.Contains(out, "dlq redrive") || !strings.Contains(out, ":root") {
		t.Errorf("audit: %s", out)
	}
}

// While the intake is stopped, new orders are refused and those under way go on.
func TestAStoppedIntakeRefusesOnlyNewOrders(t *testing.T) {
	t.Cleanup(func() {
		dir, err := buildCLI()
		if err != nil {
			t.Error(err)
			return
		}
		// t.Context has ended.
		resume := exec.Command(filepath.Join(dir, "orderflow"), "intake", "resume", "--reason", "the test ends",
			"--stack-file", filepath.Join(dir, "stack.json")) //nolint:gosec,noctx // G204: our own
		if out, err := resume.CombinedOutput(); err != nil {
			t.Errorf("resume: %v\n%s", err, out)
		}
	})
	under, page := asked(t) // its customer has not acted yet
	why := map[string]string{"stop": "stop " + under.OrderID, "resume": "resume " + under.OrderID}
	repeated, err := customer().PlaceOrder(t.Context(), "before-the-stop", order("MUG-BLUE", 1, "pm_card_visa"))
	if err != nil {
		t.Fatal(err)
	}
	if out := operate(t, 2, "intake", "stop"); !strings.Contains(out, "--reason") {
		t.Errorf("stop without a reason: %s", out)
	}
	if out := operate(t, 0, "intake", "stop", "--for", "10m", "--reason", why["stop"]); !strings.Contains(out,
		"new orders are refused") {
		t.Errorf("stop: %s", out)
	}
	_, err = customer().PlaceOrder(t.Context(), "", order("MUG-BLUE", 1, "pm_card_visa"))
	wantProblem(t, err, http.StatusServiceUnavailable, "OrdersStopped")
	var refused *client.Problem
	if !errors.As(err, &refused) || refused.RetryAfter < 9*time.Minute || refused.RetryAfter > 10*time.Minute {
		t.Errorf("it may be tried again after %v", refused)
	}
	again, err := customer().PlaceOrder(t.Context(), "before-the-stop", order("MUG-BLUE", 1, "pm_card_visa"))
	if err != nil || again.OrderID != repeated.OrderID {
		t.Errorf("a repeated request: order %s, %v; want its first answer, order %s", again.OrderID, err,
			repeated.OrderID)
	}
	authenticate(t, page, "succeed")
	wantFinal(t, under, client.Confirmed, "")
	if out := operate(t, 0, "intake", "resume", "--reason", why["resume"]); !strings.Contains(out, "orders are taken") {
		t.Errorf("resume: %s", out)
	}
	wantFinal(t, place(t, customer(), order("MUG-BLUE", 1, "pm_card_visa")), client.Confirmed, "")
	out := operate(t, 0, "audit", "intake")
	if !strings.Contains(out, why["stop"]) || !strings.Contains(out, why["resume"]) {
		t.Errorf("audit: %s", out)
	}
}

// A failing undo leaves the order to an operator, who retries it once the cause is fixed.
func TestAnOperatorRetriesAnOrderThatNeedsAttention(t *testing.T) {
	waits(t, 0.01) // otherwise nine attempts to undo take minutes
	mend := hidePaymentProvider(t)
	o := place(t, customer(), order("MUG-BLUE", 1, "pm_card_visa_chargeDeclined"))
	wantFinal(t, o, client.NeedsAttention, "COMPENSATION_FAILED")

	wantFound(t, o.OrderID, client.OrderSearch{Status: client.NeedsAttention, Limit: 100})

	mend()
	operate(t, 2, "order", "retry", o.OrderID)
	if out := operate(t, 0, "order", "retry", o.OrderID, "--reason", "the provider is back"); !strings.Contains(out,
		o.OrderID+"-2") {
		t.Errorf("retry: %s", out)
	}
	eventually(t, 30*time.Second, "the order is rejected after all", func() error {
		got, err := operator().GetOrder(t.Context(), o.OrderID)
		if err == nil && got.Status != client.Rejected {
			err = fmt.Errorf("it is %s", got.Status)
		}
		return err
	})
	if out := operate(t, 1, "order", "retry", o.OrderID, "--reason", "once more"); !strings.Contains(out,
		"nothing to retry") {
		t.Errorf("retry of an order at rest: %s", out)
	}
	if out := operate(t, 0, "saga", "show", o.OrderID); !strings.Contains(out, "compensate-order-2") ||
		!strings.Contains(out, "the provider is back") {
		t.Errorf("saga show lacks the operator's action: %s", out)
	}
}

// wantFound fails unless operators find an order by q, and again among its customer's.
func wantFound(t *testing.T, orderID string, q client.OrderSearch) {
	t.Helper()
	eventually(t, 30*time.Second, "operators find the order", func() error {
		page, err := operator().FindOrders(t.Context(), q)
		for _, found := range page.Orders {
			switch {
			case found.OrderID != orderID:
			case q.Customer == found.CustomerID:
				return nil
			default:
				q = client.OrderSearch{Customer: found.CustomerID, Limit: 100}
			}
		}
		return cmp.Or(err, fmt.Errorf("%+v finds %d other orders", q, len(page.Orders)))
	})
}

// Sweeps of a correct system repair nothing.
func TestSweepsFindNothingInAHealthySystem(t *testing.T) {
	for function, want := range map[string]string{
		"sweep-orders": `{"flagged":0,"overdue":0,"stuck":0}`, "sweep-reservations": `{"merged":0,"overdue":0,"stuck":0}`,
		"reconcile-charges":    `{"flagged":0,"voided":0}`,
		"relay-catalog-events": `""`, "relay-orders-events": `""`, "relay-inventory-events": `""`,
		"relay-payments-events": `""`, "relay-shipping-events": `""`, "relay-gateway-events": `""`,
	} {
		out, err := stack.Invoke(t.Context(), function, map[string]string{"sweep": "outbox"})
		answer := strings.ReplaceAll(string(out), " ", "")
		if answer == "" { // null, which some emulators return as an empty body
			answer = `""`
		}
		if err != nil || answer != want {
			t.Errorf("%s: %s, %v; want %s", function, out, err, want)
		}
	}
}

// impatient sets the visibility timeout of a consumer's queue to a second instead of a minute,
// until the test ends.
func impatient(t *testing.T, consumer string) {
	t.Helper()
	url := queueURL(t, "orderflow-"+consumer)
	set := func(ctx context.Context, seconds string) {
		in := &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{"VisibilityTimeout": seconds}}
		if _, err := queues().SetQueueAttributes(ctx, in); err != nil {
			t.Error(err)
		}
	}
	set(t.Context(), "1")
	t.Cleanup(func() { set(context.Background(), "60") })
}

// waits scales the state machines' retry waits, until the test ends.
func waits(t *testing.T, scale float64) {
	t.Helper()
	set := func(ctx context.Context, scale float64) {
		if err := stack.ScaleWaits(ctx, scale); err != nil {
			t.Error(err)
		}
	}
	set(t.Context(), scale)
	t.Cleanup(func() { set(context.Background(), 1) })
}

// hidePaymentProvider removes the payment provider's address from void-payment's configuration,
// until mend is called or the test ends.
func hidePaymentProvider(t *testing.T) (mend func()) {
	t.Helper()
	set := func(ctx context.Context, stage string) {
		if err := stack.Configure(ctx, "void-payment", map[string]string{"STAGE": stage}); err != nil {
			t.Error(err)
		}
	}
	set(t.Context(), "nowhere")
	t.Cleanup(func() { set(context.Background(), devstack.Stage) })
	return func() { set(t.Context(), devstack.Stage) }
}

// buildCLI builds the operator's CLI once, next to a stack file of the stack under test.
var buildCLI = sync.OnceValues(func() (dir string, err error) {
	repo, err := devstack.FindRepo()
	if err != nil {
		return "", err
	}
	dir = repo.Path(".build", "e2e-cli")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	outputs := map[string]string{"EndpointUrl": aws.ToString(stack.Config().BaseEndpoint),
		"Region": stack.Config().Region}
	for name, value := range stack.Outputs {
		outputs[name] = value
	}
	file, err := json.Marshal(outputs)
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "orderflow"), "orderflow/cmd/orderflow")
	var log bytes.Buffer
	build.Stdout, build.Stderr = &log, &log
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, log.String())
	}
	return dir, os.WriteFile(filepath.Join(dir, "stack.json"), file, 0o600)
})

// operate runs the CLI as an operator would, and returns its output.
func operate(t *testing.T, code int, args ...string) string {
	t.Helper()
	dir, err := buildCLI()
	if err != nil {
		t.Fatal(err)
	}
	args = append(args, "--stack-file", filepath.Join(dir, "stack.json"))
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "orderflow"), args...) //nolint:gosec // G204: our own
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || cmd.ProcessState.ExitCode() != code {
		t.Fatalf("orderflow %s: %v, want exit code %d\n%s", strings.Join(args, " "), err, code, out)
	}
	return string(out)
}

func TestOperatorsHTTPRequestsAreAudited(t *testing.T) {
	o := place(t, customer(), order("MUG-BLUE", 1, "pm_card_visa"))
	wantFinal(t, o, client.Confirmed, "")
	olga := bearer(t, "olga", "operator")
	wantAnswer(t, http.MethodPost, "/v1/orders/"+o.OrderID+"/cancel", olga, `{"reason":"AUDIT-2"}`, http.StatusConflict)
	wantAnswer(t, http.MethodPost, "/v1/stock/MUG-BLUE/adjustments", olga, `{"delta":-100000,"reason":"AUDIT-1"}`,
		http.StatusConflict)
	for subject, want := range map[string]string{o.OrderID: "AUDIT-2", "MUG-BLUE": "AUDIT-1"} {
		eventually(t, 30*time.Second, "the audit tells of "+want, func() error {
			if out := operate(t, 0, "audit", subject); !strings.Contains(out, want) ||
				!strings.Contains(out, "API (") || !strings.Contains(out, "failed: ") {
				return errorf("audit of %s: %s", subject, out)
			}
			return nil
		})
	}
}
