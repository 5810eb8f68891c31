package tables

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var shop = Schema{Name: "shop", PK: "pk", SK: "sk", Indexes: []Schema{
	{Name: "open", PK: "openPk", SK: "openSk", KeysOnly: true}, {Name: "all", PK: "allPk", SK: "allSk"},
}}

// client calls a server and adds up what the calls consume.
type client struct {
	t           *testing.T
	server      *Server
	read, write float64
}

func newClient(t *testing.T) *client {
	c := &client{t: t, server: New(shop)}
	c.server.Used = func(_ *http.Request, uses []Use) {
		for _, u := range uses {
			c.read, c.write = c.read+u.Read, c.write+u.Write
		}
	}
	return c
}

// call returns the answer. Spaces stand for the table and quotes: `{T, Key: {a b}}`.
func (c *client) call(operation, body string) (status int, out map[string]any) {
	c.t.Helper()
	c.read, c.write = 0, 0
	r := httptest.NewRequestWithContext(c.t.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	w := httptest.NewRecorder()
	c.server.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		c.t.Fatal(err)
	}
	return w.Code, out
}

// item returns an item in JSON with filler of a size.
func item(sk string, filler int, more string) string {
	return fmt.Sprintf(`{"pk":{"S":"p"},"sk":{"S":%q},"filler":{"S":%q}%s}`, sk, strings.Repeat("x", filler), more)
}

func put(sk string, filler int, more string) string {
	return `{"TableName":"shop","Item":` + item(sk, filler, more) + `}`
}

func key(sk string) string {
	return fmt.Sprintf(`{"TableName":"shop","Key":{"pk":{"S":"p"},"sk":{"S":%q}}`, sk)
}

func TestUnitsFollowTheDocumentedRules(t *testing.T) {
	c := newClient(t)
	const open, all = `,"openPk":{"S":"o"},"openSk":{"S":"1"}`, `,"allPk":{"S":"a"},"allSk":{"S":"1"}`
	const failing = `,"ConditionExpression":"attribute_not_exists(pk)"}`
	for _, step := range []struct {
		name, operation, body string
		read, write           float64
	}{
		{"a new item", "PutItem", put("a", 900, ""), 0, 1},
		{"above a KB", "PutItem", put("b", 1024, ""), 0, 2},
		{"the larger of before and after", "PutItem", put("b", 10, ""), 0, 2},
		{"an index of keys", "PutItem", put("c", 1500, open), 0, 2 + 1},
		{"no change in an index of keys", "PutItem", put("c", 1400, open), 0, 2},
		{"a new key in an index", "UpdateItem", key("c") + `,"UpdateExpression":"SET openSk = :n",
			"ExpressionAttributeValues":{":n":{"S":"2"}}}`, 0, 2 + 2},
		{"out of an index", "UpdateItem", key("c") + `,"UpdateExpression":"REMOVE openPk, openSk"}`, 0, 2 + 1},
		{"an index of all attributes", "PutItem", put("d", 1500, all), 0, 2 + 2},
		{"a change in it", "PutItem", put("d", 100, all), 0, 2 + 2},
		{"nothing new", "PutItem", put("d", 100, all), 0, 1},
		{"a failed condition", "PutItem", strings.TrimSuffix(put("b", 3000, ""), "}") + failing, 0, 1},
		{"a deletion", "DeleteItem", key("d") + "}", 0, 1 + 1},
		{"nothing to delete", "DeleteItem", key("none") + "}", 0, 1},
		{"a transaction", "TransactWriteItems", `{"TransactItems":[{"Put":` + put("e", 1500, all) + `},
			{"ConditionCheck":` + key("a") + `,"ConditionExpression":"attribute_exists(pk)"}}]}`, 0, 4 + 2 + 2},
		{"a refused transaction", "TransactWriteItems", `{"TransactItems":[{"Put":` + put("f", 10, all) + `},
			{"ConditionCheck":` + key("a") + failing + `}]}`, 0, 2 + 2},
		{"an eventually consistent read", "GetItem", key("a") + "}", .5, 0},
		{"a consistent read of nothing", "GetItem", key("none") + `,"ConsistentRead":true}`, 1, 0},
		{"above 4 KB", "PutItem", put("g", 5000, ""), 0, 5},
		{"a consistent read", "GetItem", key("g") + `,"ConsistentRead":true}`, 2, 0},
		{"a read in a transaction", "TransactGetItems", `{"TransactItems":[{"Get":` + key("g") + "}}]}", 4, 0},
		{"a query adds up its items", "Query", `{"TableName":"shop","KeyConditionExpression":"pk = :p",
			"ConsistentRead":true,"ExpressionAttributeValues":{":p":{"S":"p"}}}`, 3, 0},
		{"a query of an index", "Query", `{"TableName":"shop","IndexName":"all","KeyConditionExpression":"allPk = :p",
			"ExpressionAttributeValues":{":p":{"S":"a"}}}`, .5, 0},
	} {
		_, out := c.call(step.operation, step.body)
		if c.read != step.read || c.write != step.write || out["__type"] == "ValidationException" {
			t.Errorf("%s: %v read and %v write units, want %v and %v; %v",
				step.name, c.read, c.write, step.read, step.write, out)
		}
	}
}

func TestSizeFollowsTheDocumentedRules(t *testing.T) {
	for text, want := range map[string]int{
		`{"a":{"S":"häß"}}`: 1 + 5, `{"a":{"N":"-12.50"}}`: 1 + 3, `{"a":{"N":"1000"}}`: 1 + 2, `{"a":{"BOOL":true}}`: 2,
		`{"a":{"L":[{"S":"xy"},{"N":"1"}]}}`: 1 + 3 + 3 + 3, `{"a":{"M":{"k":{"NULL":true}}}}`: 1 + 3 + 3,
		`{"a":{"SS":["x","yz"]}}`: 1 + 3, `{"a":{"B":"AAEC"}}`: 1 + 3,
	} {
		if got := decode([]byte(text)).Size(); got != want {
			t.Errorf("%s: %d bytes, want %d", text, got, want)
		}
	}
}

func TestStreamHasOnlyChanges(t *testing.T) {
	c := newClient(t)
	var seen []string
	c.server.Changed = func(table string, before, after Item) {
		seen = append(seen, fmt.Sprintf("%s %d %d", table, len(before), len(after)))
	}
	c.call("PutItem", put("a", 5, ""))
	c.call("PutItem", put("a", 5, ""))
	c.call("DeleteItem", key("a")+"}")
	c.call("DeleteItem", key("a")+"}")
	if got := strings.Join(seen, "; "); got != "shop 0 3; shop 3 0" {
		t.Errorf("changes: %s", got)
	}
}

// contended are the stores that run under contention, which changes no result, since they retry
// what is refused. The other stores use the same package ddb.
var contended = []string{"internal/inventory/dynamo", "internal/platform/ddb"}

// Stores pass the tests that they also pass on other implementations of DynamoDB.
func TestStoresPassTheirSuites(t *testing.T) {
	stores := find(t, "internal/*/dynamo", "internal/platform/*/dynamo", "sandbox/*/dynamo")
	passTheirSuites(t, New(), slices.DeleteFunc(stores, func(dir string) bool {
		return slices.Contains(contended, strings.TrimPrefix(dir, root))
	}))
}

func TestContentionChangesNoResultOfAStore(t *testing.T) {
	passTheirSuites(t, NewContended(New(), 2*time.Millisecond), find(t, contended...))
}

const root = "../../../"

func find(t *testing.T, patterns ...string) (packages []string) {
	t.Helper()
	for _, pattern := range patterns {
		dirs, err := filepath.Glob(root + pattern)
		if err != nil || len(dirs) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		packages = append(packages, dirs...)
	}
	return packages
}

// bursts are tests of inventory that bring a table of this package with them.
const bursts = "^(TestProductThatSellsOut|TestOrdersOfThreeHotProducts|TestProductIsCountedAndRestocked)"

func passTheirSuites(t *testing.T, h http.Handler, packages []string) {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	args := append([]string{"test", "-timeout", "2m", "-skip", bursts}, packages...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(cmd.Environ(), "ORDERFLOW_TEST_ENDPOINT="+server.URL)
	out, err := cmd.CombinedOutput()
	if passed := bytes.Count(out, []byte("ok  \torderflow/")); err != nil || passed != len(packages) {
		t.Errorf("%d of %d packages passed: %v\n%s", passed, len(packages), err, out)
	}
}
