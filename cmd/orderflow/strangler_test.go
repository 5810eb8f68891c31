package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/clock"
)

// migrating is a deployment with a parameter for the table of routes, which does not exist yet.
type migrating struct {
	operated
	api       awsapi.Client
	parameter string
}

func migrate(t *testing.T) migrating {
	t.Helper()
	m := migrating{operated: operate(t)}
	text, err := os.ReadFile(m.stackFile)
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{}
	if err := json.Unmarshal(text, &outputs); err != nil {
		t.Fatal(err)
	}
	cfg, err := awsConfig(t.Context(), deployment{outputs: outputs}, true)
	if err != nil {
		t.Fatal(err)
	}
	m.api = awsapi.Client{Config: cfg}
	_, machine, _ := strings.Cut(outputs["FulfilOrderArn"], ":stateMachine:")
	stack := strings.TrimSuffix(machine, "-fulfil-order")
	m.parameter = "/orderflow/" + stack + "/legacy-routes"
	outputs["LegacyRoutesParameter"] = m.parameter
	if text, err = json.Marshal(outputs); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.stackFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = m.api.JSON(context.Background(), "ssm", "AmazonSSM.DeleteParameter", map[string]any{"Name": m.parameter},
			nil)
	})
	return m
}

// table returns the stored table, or AllLegacy with version -1 if there is none.
func (m migrating) table(t *testing.T) strangler.Table {
	t.Helper()
	var out struct{ Parameter struct{ Value string } }
	err := m.api.JSON(t.Context(), "ssm", "AmazonSSM.GetParameter", map[string]any{"Name": m.parameter}, &out)
	if awsapi.Failed(err, "ParameterNotFound") {
		return strangler.Table{Version: -1}
	}
	if err != nil {
		t.Fatal(err)
	}
	table, err := strangler.Parse([]byte(out.Parameter.Value))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func (m migrating) put(t *testing.T, value string) {
	t.Helper()
	in := map[string]any{"Name": m.parameter, "Value": value, "Type": "String", "Overwrite": true}
	if err := m.api.JSON(t.Context(), "ssm", "AmazonSSM.PutParameter", in, nil); err != nil {
		t.Fatal(err)
	}
}

func TestRoutesAreSetAndRecorded(t *testing.T) {
	m := migrate(t)
	if out := m.run(t, 0, "strangler", "status"); !contains(out, "never set", "place-order    legacy") {
		t.Errorf("status of a new deployment:\n%s", out)
	}
	products := filepath.Join(t.TempDir(), "products.json")
	if err := os.WriteFile(products, []byte(`{"1001":"MUG-BLUE"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	m.run(t, 0, "strangler", "set", "list-products=shadow", "--products", products, "--reason", "first comparison")
	out := m.run(t, 0, "strangler", "set", "place-order=10%", "read-product=new", "--reason", "INC-7")
	if !contains(out, "version 2", "read-product legacy → new, place-order legacy → 10%") {
		t.Errorf("set:\n%s", out)
	}
	table := m.table(t)
	if table.Routes[strangler.PlaceOrder] != (strangler.Setting{Mode: strangler.Split, Weight: 10}) ||
		table.Routes[strangler.ListProducts].Mode != strangler.Shadow || table.Products["1001"] != "MUG-BLUE" ||
		table.Version != 2 || table.Reason != "INC-7" || table.ChangedBy == "" || table.ChangedAt == "" {
		t.Errorf("stored %+v", table)
	}
	if out := m.run(t, 0, "strangler", "status"); !contains(out, "place-order    10%", "version 2", "INC-7") {
		t.Errorf("status:\n%s", out)
	}
	var status struct {
		Version int
		Status  []struct{ Route, Mode string }
	}
	err := json.Unmarshal([]byte(m.run(t, 0, "strangler", "status", "-o", "json")), &status)
	if err != nil || status.Version != 2 || len(status.Status) != 6 || status.Status[2].Mode != "split" {
		t.Errorf("status in JSON: %+v, %v", status, err)
	}
	m.run(t, 0, "strangler", "set", "all=legacy", "--reason", "back")
	if table := m.table(t); table.Routes[strangler.ReadProduct].Mode != strangler.Legacy ||
		table.Products["1001"] == "" {
		t.Errorf("all=legacy stored %+v", table)
	}
	out = m.run(t, 0, "audit", "legacy-routes")
	if !contains(out, "strangler set", "INC-7", "place-order legacy → 10%", "SKUs of 1 products", "done", "back") {
		t.Errorf("audit:\n%s", out)
	}
}

func TestABadTableIsNotWritten(t *testing.T) {
	m := migrate(t)
	bad := filepath.Join(t.TempDir(), "products.json")
	if err := os.WriteFile(bad, []byte(`{"mug":"MUG-BLUE"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"say why":                    {"place-order=new"},
		"say which routes":           {"--reason", "r"},
		"unknown route":              {"pay=new", "--reason", "r"},
		"/routes/place-order/mode":   {"place-order=shadow", "--reason", "r"},
		"/routes/list-products/mode": {"list-products=both", "--reason", "r"},
		"0% to 100%":                 {"place-order=101%", "--reason", "r"},
		"0% to 100% ":                {"place-order=x%", "--reason", "r"},
		"1 to 12 digits":             {"--products", bad, "--reason", "r"},
	} {
		out := m.run(t, exitUsage, append([]string{"strangler", "set"}, args...)...)
		if !strings.Contains(out, strings.TrimSpace(want)) {
			t.Errorf("%v prints %q, want %q", args, out, want)
		}
	}
	if table := m.table(t); table.Version != -1 {
		t.Errorf("stored %+v", table)
	}
	if out := m.run(t, 0, "audit"); strings.Contains(out, "strangler") {
		t.Errorf("audit:\n%s", out)
	}
}

func TestABadStoredTableIsShownAndReplaced(t *testing.T) {
	m := migrate(t)
	m.put(t, `{"routes":{}}`)
	if out := m.run(t, exitFailure, "strangler", "status"); !contains(out, "is bad", "/routes") {
		t.Errorf("status:\n%s", out)
	}
	out := m.run(t, exitFailure, "strangler", "set", "place-order=new", "--reason", "r")
	if !contains(out, "--replace") {
		t.Errorf("set:\n%s", out)
	}
	m.run(t, 0, "strangler", "set", "place-order=new", "--replace", "--reason", "r")
	if table := m.table(t); table.Routes[strangler.PlaceOrder].Mode != strangler.New {
		t.Errorf("stored %+v", table)
	}
	out = m.run(t, exitFailure, "strangler", "set", "place-order=new", "--reason", "r")
	if !contains(out, "nothing to change") {
		t.Errorf("set without a change:\n%s", out)
	}
	m.put(t, `{"routes":{}}`)
	m.run(t, 0, "strangler", "set", "all=legacy", "--replace", "--reason", "r")
	m.run(t, 0, "strangler", "status")
}

func TestDifferencesAndFallBacksAreReadFromTheLog(t *testing.T) {
	m := migrate(t)
	logs, group, stream := cloudwatchlogs.NewFromConfig(m.api.Config),
		strings.Replace(m.parameter, "legacy-routes", "gateway", 1),
		"compare"
	if out := m.run(t, 0, "strangler", "diff"); strings.Count(out, "\n") != 1 {
		t.Errorf("diff without a log:\n%s", out)
	}
	_, err := logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group})
	if err == nil {
		in := &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream}
		_, err = logs.CreateLogStream(t.Context(), in)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = logs.DeleteLogGroup(context.Background(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &group})
	})
	now := clock.System{}.Now()
	write := func(at time.Time, message, rest string) {
		text := fmt.Sprintf(`{"time":%q,"level":"WARN","msg":%q%s}`, at.Format(time.RFC3339Nano), message, rest)
		ms := at.UnixMilli()
		_, failed := logs.PutLogEvents(t.Context(),
			&cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream,
				LogEvents: []types.InputLogEvent{{Message: &text, Timestamp: &ms}}})
		err = errors.Join(err, failed)
	}
	write(now.Add(-3*time.Hour), strangler.LogDiffers, `,"route":"read-product","fields":["title"],"products":["1005"]`)
	write(now.Add(-3*time.Minute), strangler.LogDiffers,
		`,"route":"list-products","fields":["products[].price","products[].title"],"products":["1001","1002"]`)
	write(now.Add(-2*time.Minute), strangler.LogDiffers,
		`,"route":"list-products","fields":["products[].price"],"products":["1003"]`)
	write(now.Add(-time.Minute), strangler.LogFellBack, `,"route":"place-order","error":"down"`)
	write(now, "something else", `,"route":"place-order"`)
	if err != nil {
		t.Fatal(err)
	}
	out := m.run(t, 0, "strangler", "diff")
	if !contains(out, "list-products  products[].price  2 ", "1001 1002 1003", "products[].title  1 ") ||
		strings.Contains(out, "read-product") {
		t.Errorf("diff:\n%s", out)
	}
	if out := m.run(t, 0, "strangler", "diff", "--since", "4h"); !contains(out, "read-product   title") {
		t.Errorf("diff of four hours:\n%s", out)
	}
	var status struct {
		Status []struct {
			Route                  string
			Differences, FallBacks int
		}
	}
	if err := json.Unmarshal([]byte(m.run(t, 0, "strangler", "status", "-o", "json")), &status); err != nil {
		t.Fatal(err)
	}
	const want = "[{list-products 2 0} {read-product 0 0} {place-order 0 1} {read-order 0 0} {list-orders 0 0} " +
		"{cancel-order 0 0}]"
	if s := fmt.Sprint(status.Status); s != want {
		t.Errorf("status: %s", s)
	}
}
