package snstopic_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/outbox/snstopic"
)

// serve returns a topic of a fake SNS that answers by answer.
func serve(t *testing.T, answer func(form url.Values) (int, string)) snstopic.Topic {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(b))
		status, body := answer(form)
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	client := sns.New(sns.Options{Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		})})
	return snstopic.Topic{Client: client, ARN: "arn:aws:sns:eu-central-1:000000000000:tea"}
}

func published(failed string) string {
	return `<PublishBatchResponse><PublishBatchResult><Failed>` + failed +
		`</Failed></PublishBatchResult></PublishBatchResponse>`
}

func pots(t *testing.T, n int) (batch []envelope.Event) {
	t.Helper()
	p := envelope.Publisher{Service: "tea", Clock: clock.System{}, IDs: &ids.Sequence{}}
	for i := range n {
		batch = append(batch, p.New(t.Context(), "orderflow.tea.pot.brewed.v1", fmt.Sprint(i), 1, struct{}{}))
	}
	return batch
}

func TestTypeIsAMessageAttribute(t *testing.T) {
	var sent url.Values
	topic := serve(t, func(form url.Values) (int, string) {
		sent = form
		return http.StatusOK, published("")
	})
	batch := pots(t, 1)
	if failed, err := topic.Publish(t.Context(), batch); err != nil || len(failed) != 0 {
		t.Fatalf("Publish: %v, %v", failed, err)
	}
	entry := "PublishBatchRequestEntries.member.1."
	for name, want := range map[string]string{
		"Action": "PublishBatch", "TopicArn": topic.ARN, entry + "Id": batch[0].ID,
		entry + "MessageAttributes.entry.1.Name":              "type",
		entry + "MessageAttributes.entry.1.Value.StringValue": batch[0].Type,
	} {
		if sent.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, sent.Get(name), want)
		}
	}
	var got envelope.Event
	if err := json.Unmarshal([]byte(sent.Get(entry+"Message")), &got); err != nil || got.ID != batch[0].ID {
		t.Errorf("message = %s", sent.Get(entry+"Message"))
	}
}

func TestRefusedEntriesAreReturnedByEventID(t *testing.T) {
	batch := pots(t, 2)
	topic := serve(t, func(url.Values) (int, string) {
		return http.StatusOK, published(`<member><Id>` + batch[1].ID + `</Id><Code>InternalError</Code>` +
			`<Message>try again</Message><SenderFault>false</SenderFault></member>`)
	})
	failed, err := topic.Publish(t.Context(), batch)
	if err != nil || len(failed) != 1 || failed[batch[1].ID] == nil {
		t.Errorf("Publish = %v, %v; want the second event only", failed, err)
	}
}

func TestRefusedCallIsAnError(t *testing.T) {
	topic := serve(t, func(url.Values) (int, string) {
		return http.StatusForbidden, `<ErrorResponse><Error><Type>Sender</Type>` +
			`<Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>`
	})
	if _, err := topic.Publish(t.Context(), pots(t, 1)); err == nil {
		t.Error("no error")
	}
	if _, err := topic.Publish(t.Context(), []envelope.Event{{ID: "1", Data: json.RawMessage("{")}}); err == nil {
		t.Error("no error for an event that cannot be encoded")
	}
}
