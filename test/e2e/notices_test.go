package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/client"
	"orderflow/internal/payments/stripe"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
)

// The customer's bank disputes the charge. The provider sends a notice, and the payment shows it.
func TestDisputeNoticeMarksThePayment(t *testing.T) {
	t.Parallel()
	o := place(t, customerOf(t), order("CUP", 1, "pm_card_createDispute"))
	wantFinal(t, o, client.Confirmed, "")
	charges := ledger(t, o.OrderID)
	if len(charges) != 1 {
		t.Fatalf("the provider has %+v", charges)
	}
	charge := charges[0].ID
	body := fmt.Sprintf(`{"id":"evt_dispute_%s","type":"charge.dispute.created","data":{"object":{"id":"dp_1","object":"dispute","payment_intent":%q}}}`, o.OrderID, charge)

	forged := stripe.Sign([]byte("guessed"), time.Now(), []byte(body))
	stale := stripe.Sign(webhookSecret(t), time.Now().Add(-time.Hour), []byte(body))
	for name, header := range map[string]string{"forged": forged, "recorded an hour ago": stale} {
		if status, answer := sendNotice(t, header, body); status != http.StatusUnauthorized ||
			!strings.Contains(answer, "InvalidSignature") {
			t.Errorf("%s: %d %s, want 401", name, status, answer)
		}
	}
	wantDispute(t, o.OrderID, "CAPTURED", "")
	for range 2 {
		if status, answer := sendNotice(t, stripe.Sign(webhookSecret(t), time.Now(), []byte(body)),
			body); status != http.StatusNoContent {
			t.Errorf("%d %s, want 204", status, answer)
		}
	}
	wantDispute(t, o.OrderID, "CAPTURED", "OPEN")
}

// A refund is made at the provider itself; the provider sends a notice, and our record follows.
func TestRefundNoticeIsRecorded(t *testing.T) {
	t.Parallel()
	o := place(t, customerOf(t), order("CUP", 1, "pm_card_visa"))
	wantFinal(t, o, client.Confirmed, "")
	if status, answer := post(t, stack.Outputs["SandboxUrl"]+"/charges/"+o.OrderID+"/void", "",
		""); status != http.StatusOK {
		t.Fatalf("void at the provider: %d %s", status, answer)
	}
	body := fmt.Sprintf(`{"id":"evt_refund_%s","type":"charge.refunded","data":{"object":{"object":"charge","metadata":{"order_id":%q}}}}`, o.OrderID, o.OrderID)
	// Payments learns of the confirmation from an event; until then a notice changes nothing.
	n := 0
	eventually(t, 30*time.Second, "the payment is refunded", func() error {
		n++
		again := strings.Replace(body, "evt_", fmt.Sprintf("evt_%d_", n), 1)
		if status, answer := sendNotice(t, stripe.Sign(webhookSecret(t), time.Now(), []byte(again)),
			again); status != http.StatusNoContent {
			return fmt.Errorf("the webhook answered %d %s", status, answer)
		}
		p, err := customerOf(t).Payment(t.Context(), o.OrderID)
		if err == nil && p.Status != "REFUNDED" {
			err = fmt.Errorf("it is %s", p.Status)
		}
		return err
	})
}

// A partial refund is made at the provider itself; the order stays paid, and the payment shows the
// refunded amount.
func TestAPartialRefundAtTheProviderIsShownOnThePayment(t *testing.T) {
	t.Parallel()
	o := place(t, customerOf(t), order("CUP", 1, "pm_card_visa"))
	wantFinal(t, o, client.Confirmed, "")
	charge := ledger(t, o.OrderID)[0]
	body := fmt.Sprintf(`{"amount":{"currency":%q,"amount":100}}`, charge.Amount.Currency)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		stack.Outputs["SandboxUrl"]+"/charges/"+o.OrderID+"/refund", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "refund")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("the sandbox refunds: %s", res.Status)
	}
	notice := fmt.Sprintf(`{"id":"evt_part_%s","type":"charge.refunded","data":{"object":{"object":"charge","metadata":{"order_id":%q}}}}`, o.OrderID, o.OrderID)
	for range 2 {
		if status, answer := sendNotice(t, stripe.Sign(webhookSecret(t), time.Now(), []byte(notice)),
			notice); status != http.StatusNoContent {
			t.Errorf("%d %s, want 204", status, answer)
		}
	}
	p, err := customerOf(t).Payment(t.Context(), o.OrderID)
	if err != nil || p.Status != "CAPTURED" || p.RefundedAmount == nil || p.RefundedAmount.Amount != 100 {
		t.Errorf("the payment is %+v (%v), want CAPTURED with 100 given back", p, err)
	}
}

const asks = "pm_card_authenticationRequired"

// asked places an order and waits until it shows what its customer must do. It returns the page.
func asked(t *testing.T) (o client.Order, page string) {
	t.Helper()
	o = place(t, customerOf(t), order("CUP", 1, asks))
	eventually(t, 30*time.Second, "the order shows what its customer must do", func() error {
		now, err := customerOf(t).GetOrder(t.Context(), o.OrderID)
		if err == nil && now.NextAction == nil {
			err = fmt.Errorf("it is %s", now.Status)
		}
		if err != nil {
			return err
		}
		page = now.NextAction.URL
		left := time.Until(now.NextAction.Until.Time)
		if now.NextAction.Type != "AUTHENTICATE" || left < 5*time.Minute {
			t.Errorf("the next action is %+v", now.NextAction)
		}
		return nil
	})
	return o, page
}

// authenticate answers the bank's page as the customer would: again, if the page failed, since the
// notice that follows may find another test's outage.
func authenticate(t *testing.T, page, answer string) {
	t.Helper()
	eventually(t, 30*time.Second, "the page takes the answer and its notice is accepted", func() error {
		if status, text := post(t, page+"?answer="+answer, "", ""); status != http.StatusOK {
			return fmt.Errorf("%d %s", status, text)
		}
		return nil
	})
}

func TestAnOrderGoesOnWhenItsCustomerHasAuthenticated(t *testing.T) {
	t.Parallel()
	o, page := asked(t)
	authenticate(t, page, "succeed")
	wantFinal(t, o, client.Confirmed, "")
	if now, err := customerOf(t).GetOrder(t.Context(), o.OrderID); err != nil || now.NextAction != nil {
		t.Errorf("the order shows %+v, %v at its end", now.NextAction, err)
	}
	if held := ledger(t, o.OrderID); len(held) != 1 || held[0].Status != "CAPTURED" {
		t.Errorf("the ledger has %v", held)
	}
}

func TestACustomerWhoFailsToAuthenticateIsRejected(t *testing.T) {
	t.Parallel()
	o, page := asked(t)
	authenticate(t, page, "fail")
	wantFinal(t, o, client.Rejected, "PAYMENT_DECLINED")
}

func TestAnOrderIsCancelledWhileItsCustomerMustAct(t *testing.T) {
	t.Parallel()
	o, page := asked(t)
	if _, err := customerOf(t).CancelOrder(t.Context(), ids.Random(clock.System{}).New(), o.OrderID, ""); err != nil {
		t.Fatal(err)
	}
	wantFinal(t, o, client.Cancelled, "CANCELLED_BY_CUSTOMER")
	if status, answer := post(t, page+"?answer=succeed", "", ""); status != http.StatusConflict {
		t.Errorf("authenticated after the order's end: %d %s, want 409", status, answer)
	}
	if held := ledger(t, o.OrderID); len(held) > 0 {
		t.Errorf("the ledger has %v", held)
	}
}

func wantDispute(t *testing.T, orderID, status, dispute string) {
	t.Helper()
	if p, err := customerOf(t).Payment(t.Context(), orderID); err != nil || p.Status != status || p.Dispute != dispute {
		t.Errorf("the payment is %+v (%v), want %s and dispute %q", p, err, status, dispute)
	}
}

// webhookSecret is the payment provider's signing secret.
func webhookSecret(t *testing.T) []byte {
	t.Helper()
	return secret(t, "payment-webhook")
}

func secret(t *testing.T, name string) []byte {
	t.Helper()
	out, err := secretsmanager.NewFromConfig(stack.Config()).GetSecretValue(t.Context(),
		&secretsmanager.GetSecretValueInput{SecretId: aws.String("/orderflow/" + devstack.Stage + "/" + name)})
	if err != nil {
		t.Fatal(err)
	}
	return []byte(aws.ToString(out.SecretString))
}

// sendNotice posts a notice as the payment provider does.
func sendNotice(t *testing.T, signature, body string) (int, string) {
	t.Helper()
	return post(t, stack.Outputs["ApiUrl"]+"/v1/webhooks/payment", signature, body)
}

func post(t *testing.T, url, signature, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set(stripe.HeaderSignature, signature)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(answer)
}
