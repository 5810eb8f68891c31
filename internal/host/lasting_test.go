package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"orderflow/internal/host/tables"
	"orderflow/internal/ops/repair"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/ids"
)

// newTables says where a host keeps everything in the emulator of the tests. The tables are deleted
// when the test ends.
func newTables(t *testing.T) *Tables {
	t.Helper()
	all := &Tables{Prefix: strings.ToLower(ids.Random(clock.System{}).New()), Create: true, Config: ddbtest.Config(t)}
	t.Cleanup(func() {
		client := dynamodb.NewFromConfig(all.Config)
		names, err := client.ListTables(context.Background(), &dynamodb.ListTablesInput{})
		if err != nil {
			t.Error(err)
			return
		}
		for _, name := range names.TableNames {
			if strings.HasPrefix(name, all.Prefix) {
				_, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name})
			}
		}
	})
	return all
}

// A process ends in the middle of orders. Another one, which waited, brings them to their end.
func TestASecondProcessWaitsAndGoesOn(t *testing.T) {
	t.Parallel()
	o := Options{Tables: newTables(t), Lease: time.Second}
	first := launch(t, o, clock.System{})
	if err := first.stocked(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := launch(t, o, clock.System{})
	if o := first.order(t, "alice", "MUG-BLUE", "pm_card_visa", "00000"); o["status"] != "REJECTED" {
		t.Errorf("%v", o)
	}
	if status, out := first.call(t, "POST", "/v1/stock/SHIRT-M/adjustments", "olga", "operator",
		`{"delta":5,"reason":"found"}`); status != http.StatusOK {
		t.Fatalf("%d %v", status, out)
	}
	var placed []string
	for range 3 {
		status, o := first.call(t, "POST", "/v1/orders", "alice", "", mug)
		if status != http.StatusAccepted {
			t.Fatalf("%d %v", status, o)
		}
		placed = append(placed, fmt.Sprint("/v1/orders/", o["orderId"]))
	}
	select {
	case <-second.driving:
		t.Error("two processes drive")
	default:
	}
	first.stop()
	<-second.driving
	for _, path := range placed {
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			_, o := second.call(t, "GET", path, "alice", "", "")
			if o["status"] == "CONFIRMED" {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%v", o)
			}
		}
	}
	if err := second.stocked(t.Context()); err != nil {
		t.Fatal(err)
	}
	audit := repair.Audit{Client: cloudwatchlogs.NewFromConfig(second.operator("key")),
		Group: "/orderflow/" + Name + "/operator-actions"}
	if actions, err := audit.Actions(t.Context(), "SHIRT-M"); err != nil || len(actions) != 1 {
		t.Errorf("audit: %+v, %v", actions, err)
	}
	_, mails := second.call(t, "GET", "/sandbox/mails", "alice", "", "")
	if !strings.Contains(fmt.Sprint(mails), "We could not fulfil your order") {
		t.Errorf("mails: %v", mails)
	}
	_, stock := second.call(t, "GET", "/v1/stock/MUG-BLUE", "olga", "operator", "")
	if stock["shipped"] != 3.0 || stock["onHand"] != 497.0 {
		t.Errorf("stock: %v", stock)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if left := second.Drain(ctx); len(left.Parked)+left.Pending+left.Messages+left.Events > 0 {
		t.Errorf("left: %+v", left)
	}
}

// cloudOf answers the calls of DynamoDB as an account without tables does.
type cloudOf struct{ created []string }

func (c *cloudOf) Do(r *http.Request) (*http.Response, error) {
	var in struct{ TableName string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	status, answer := http.StatusBadRequest, `{"__type":"ResourceNotFoundException"}`
	_, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if call == "CreateTable" {
		c.created = append(c.created, in.TableName)
	}
	if call != "DescribeTable" || slices.Contains(c.created, in.TableName) {
		status, answer = http.StatusOK, `{"Table":{"TableStatus":"ACTIVE"}}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

func TestOnAWSOnlyTheOwnTableIsCreated(t *testing.T) {
	t.Parallel()
	for create, want := range map[bool]string{false: "[]", true: "[shop-serve]"} {
		fake := &cloudOf{}
		_, err := inTables(t.Context(), Tables{Prefix: "shop", Create: create, Config: aws.Config{
			Region: "eu-central-1", HTTPClient: fake,
			Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		}}, clock.System{})
		if !errors.Is(err, tables.ErrMissing) || fmt.Sprint(fake.created) != want {
			t.Errorf("create %t: created %v, %v; want %s", create, fake.created, err, want)
		}
	}
}
