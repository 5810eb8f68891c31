package relay_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/relay"
)

// aws is a fake SNS and DynamoDB that records what was published and deleted.
type aws struct {
	published url.Values
	deleted   string
}

func (a *aws) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".BatchWriteItem") {
		a.deleted = string(b)
		_, _ = io.WriteString(w, `{"UnprocessedItems":{}}`)
		return
	}
	a.published, _ = url.ParseQuery(string(b))
	_, _ = io.WriteString(w, `<PublishBatchResponse><PublishBatchResult/></PublishBatchResponse>`)
}

func env(vars map[string]string) *function.Env {
	return function.NewEnv(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, clock.System{})
}

func TestStreamEventIsPublishedAndDeleted(t *testing.T) {
	cloud := &aws{}
	server := httptest.NewServer(cloud)
	defer server.Close()
	const topic = "arn:aws:sns:eu-central-1:123456789012:inventory"
	h := relay.Events(env(map[string]string{
		"TABLE_NAME": "orderflow-inventory", "TOPIC_ARN": topic,
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s",
		"AWS_ENDPOINT_URL": server.URL,
	}))
	sample, err := os.ReadFile("../../../events/inventory/relay-inventory-events.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Invoke(t.Context(), sample); err != nil {
		t.Fatal(err)
	}
	e, err := envelope.Parse([]byte(cloud.published.Get("PublishBatchRequestEntries.member.1.Message")))
	if err != nil || e.Type != "orderflow.inventory.stock.reserved.v1" || cloud.published.Get("TopicArn") != topic {
		t.Errorf("published %v, %v", cloud.published, err)
	}
	var deleted struct {
		RequestItems map[string][]struct {
			DeleteRequest struct{ Key map[string]map[string]string }
		}
	}
	if err := json.Unmarshal([]byte(cloud.deleted), &deleted); err != nil {
		t.Fatalf("deleted %q: %v", cloud.deleted, err)
	}
	items := deleted.RequestItems["orderflow-inventory"]
	if len(items) != 1 {
		t.Fatalf("deleted %s, want one item", cloud.deleted)
	}
	key := items[0].DeleteRequest.Key
	if key["sk"]["S"] != e.ID || !strings.HasPrefix(key["pk"]["S"], "outbox#") {
		t.Errorf("deleted %s, want the event's item", cloud.deleted)
	}
}

func TestRelayNeedsTableAndTopic(t *testing.T) {
	e := env(nil)
	relay.Events(e)
	for _, name := range []string{"TABLE_NAME", "TOPIC_ARN"} {
		if err := e.Err(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v does not name %s", err, name)
		}
	}
}
