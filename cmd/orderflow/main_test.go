package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"

	"orderflow/internal/platform/printable"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

// backend stands for the API and for AWS: it has a list of answers for each "METHOD path", or for
// an operation of AWS such as "GetQueueAttributes", the last of which it repeats, and records
// requests and their tokens.
type backend struct {
	mu       sync.Mutex
	url      string
	answers  map[string][]string // "200 body"
	requests []string
	tokens   []string
}

func serve(t *testing.T, answers map[string][]string) *backend {
	b := &backend{answers: answers}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	call := r.Method + " " + r.URL.RequestURI()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests = append(b.requests, strings.TrimSpace(call+" "+string(body)))
	b.tokens = append(b.tokens, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if form, err := url.ParseQuery(string(body)); err == nil && form.Has("Action") {
		operation = form.Get("Action")
	}
	if _, has := b.answers[operation]; has {
		call = operation
	}
	left := b.answers[call]
	if len(left) == 0 {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	if len(left) > 1 {
		b.answers[call] = left[1:]
	}
	var status int
	answer := left[0]
	_, _ = fmt.Sscan(answer, &status)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer[4:])
}

// run runs a command line in an empty directory, against a local stack whose API is b.
func run(t *testing.T, b *backend, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	dir := t.TempDir()
	if b != nil {
		writeStack(t, dir, `{"ApiUrl":"`+b.url+`","EndpointUrl":"`+b.url+`","Region":"us-east-1","EmulatorPid":7,
			"FulfilOrderArn":"arn:aws:states:us-east-1:000000000000:stateMachine:fulfil",
			"CompensateOrderArn":"arn:aws:states:us-east-1:000000000000:stateMachine:compensate"}`)
	}
	t.Chdir(dir)
	return runHere(map[string]string{}, args...)
}

func writeStack(t *testing.T, dir, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, ".local"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".local", "stack.json"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func runHere(env map[string]string, args ...string) (string, string, error) {
	return runWithInput("", env, args...)
}

// runWithInput runs a command line with input on its standard input.
func runWithInput(input string, env map[string]string, args ...string) (string, string, error) {
	a := &app{
		getenv: func(name string) string { return env[name] },
		localToken: func(_ context.Context, _, user, role string) (string, error) {
			if user == "nobody" {
				return "", errors.New("no stack is running here")
			}
			return user + "/" + role, nil
		},
	}
	var out, errs bytes.Buffer
	cmd := newRoot(a)
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(input))
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	err := cmd.Execute()
	return out.String(), errs.String(), err
}

// orderIn returns an order in a status as JSON.
func orderIn(status, reason string) string {
	if reason != "null" {
		reason = `"` + reason + `"`
	}
	return `{"orderId":"` + order + `","status":"` + status + `","reason":` + reason +
		`,"items":[{"sku":"MUG-BLUE","quantity":2,` +
		`"unitPrice":{"currency":"EUR","amount":1999}}],"total":{"currency":"EUR","amount":3998},` +
		`"shippingAddress":{"name":"Ada\tL","line1":"1 A St","city":"Berlin","postalCode":"10115","country":"DE"},` +
		`"paymentMethod":"pm_card_visa","createdAt":"2026-11-23T09:00:00Z","updatedAt":"2026-11-23T09:00:04Z"}`
}

func TestEveryCommandHasHelpAndAnExample(t *testing.T) {
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Example == "" {
			t.Errorf("%s has no help or no example", cmd.CommandPath())
		}
		for _, line := range strings.Split(cmd.Example, "\n") {
			if !strings.HasPrefix(line, "  orderflow ") {
				t.Errorf("%s: the example %q is not a command line", cmd.CommandPath(), line)
			}
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(newRoot(&app{}))
}

func TestCompletion(t *testing.T) {
	out, _, err := run(t, nil, "__complete", "order", "get", "-o", "")
	if err != nil || !strings.HasPrefix(out, "table\njson\n") {
		t.Errorf("%s, %v", out, err)
	}
}

func TestUsageErrorsExitWith2AndSuggestAFix(t *testing.T) {
	for _, c := range []struct{ line, hint string }{
		{"ordr", "did you mean order?"},
		{"order plac", "did you mean place?"},
		{"order get", "takes ORDER"},
		{"order get MUG", "is not an order id"},
		{"order list --lines", "unknown flag: --lines; see `orderflow order list --help`"},
		{"order list -o xml", "table or json"},
		{"order list extra", "takes no argument"},
		{"order place", "--item SKU=QUANTITY"},
		{"order place --item MUG", "such as MUG-BLUE=2"},
		{"order place --item =2", "such as MUG-BLUE=2"},
		{"stock set MUG", "SKU and ON-HAND"},
		{"stock set MUG -- -1", "0 or more"},
		{"stock set MUG many", "0 or more"},
		{"product put MUG", "--name and --price"},
		{"product put MUG --name Mug --price 19.999", "more decimals than EUR"},
		{"product put MUG --name Mug --price cheap", "cheap"},
		{"product put MUG --name Mug --price -1", "out of range"},
		{"product put MUG --name Mug --price 1 --currency EURO", "EURO"},
	} {
		b := serve(t, nil)
		_, _, err := run(t, b, strings.Fields(c.line)...)
		if err == nil || exitCode(err) != exitUsage || !strings.Contains(explain(err), c.hint) {
			t.Errorf("%s: %v (exit code %d)", c.line, err, exitCode(err))
		}
		if len(b.requests) > 0 {
			t.Errorf("%s: sent %s", c.line, b.requests)
		}
	}
}

func TestGroupsListTheirCommands(t *testing.T) {
	for _, line := range []string{"", "order", "saga", "stock", "product"} {
		out, _, err := run(t, nil, strings.Fields(line)...)
		if err != nil || !strings.Contains(out, "Available Commands:") {
			t.Errorf("%s: %s, %v", line, out, err)
		}
	}
}

func TestStackFileIsFoundInADirectoryAbove(t *testing.T) {
	b, dir := serve(t, map[string][]string{"GET /v1/stock/MUG": {`200 {"sku":"MUG"}`}}), t.TempDir()
	writeStack(t, dir, `{"ApiUrl":"`+b.url+`","EndpointUrl":"x"}`)
	deep := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(deep)
	if _, _, err := runHere(nil, "stock", "get", "MUG"); err != nil || b.tokens[0] != "alice/" {
		t.Errorf("%v, as %v", err, b.tokens)
	}
}

func TestFlagsAndEnvironmentChooseTheUser(t *testing.T) {
	for _, c := range []struct {
		line, env, want string
	}{
		{"stock get MUG", "", "alice/"},
		{"stock get MUG --user bob", "", "bob/"},
		{"stock get MUG --role operator", "", "alice/operator"},
		{"stock set MUG 0", "", "olga/operator"},
		{"stock set MUG 0 --user bob", "", "bob/operator"},
		{"stock get MUG --token abc", "def", "abc"},
		{"stock get MUG --stack-file .local/stack.json", "def", "def"},
		{"stock get MUG --user bob", "def", "bob/"},
	} {
		b, dir := serve(t, map[string][]string{"GET /v1/stock/MUG": {`200 {"sku":"MUG"}`}}), t.TempDir()
		writeStack(t, dir, `{"ApiUrl":"`+b.url+`","EndpointUrl":"x"}`)
		t.Chdir(dir)
		_, _, err := runHere(map[string]string{"ORDERFLOW_TOKEN": c.env}, strings.Fields(c.line)...)
		if err != nil || !slices.Equal(b.tokens, []string{c.want}) {
			t.Errorf("%s with %q: as %v, %v; want %s", c.line, c.env, b.tokens, err, c.want)
		}
	}
}

func TestTokenOfTheEnvironmentGoesOnlyToANamedAddress(t *testing.T) {
	b, dir := serve(t, map[string][]string{"GET /v1/stock/MUG": {`200 {"sku":"MUG"}`}}), t.TempDir()
	writeStack(t, dir, `{"ApiUrl":"`+b.url+`","EndpointUrl":"x"}`)
	below := filepath.Join(dir, "below")
	if err := os.Mkdir(below, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{dir, below} {
		t.Chdir(where)
		_, _, err := runHere(map[string]string{"ORDERFLOW_TOKEN": "secret"}, "stock", "get", "MUG")
		if exitCode(err) != exitUsage || !strings.Contains(err.Error(), "--api-url") || len(b.requests) > 0 {
			t.Errorf("in %s: %v, sent %s as %s", where, err, b.requests, b.tokens)
		}
	}
	for _, env := range []map[string]string{
		{"ORDERFLOW_API_URL": b.url},
		{"ORDERFLOW_STACK_FILE": filepath.Join(dir, ".local", "stack.json")},
	} {
		b.tokens = nil
		env["ORDERFLOW_TOKEN"] = "secret"
		if _, _, err := runHere(env, "stock", "get", "MUG"); err != nil || !slices.Equal(b.tokens, []string{"secret"}) {
			t.Errorf("%v: %v, as %s", env, err, b.tokens)
		}
	}
}

func TestStackFileThatOthersCanWriteIsRefused(t *testing.T) {
	b, dir := serve(t, map[string][]string{"GET /v1/stock/MUG": {`200 {"sku":"MUG"}`}}), t.TempDir()
	writeStack(t, dir, `{"ApiUrl":"`+b.url+`","EndpointUrl":"x","TracesUrl":"`+b.url+`",`+
		`"FulfilOrderArn":"arn:aws:states:r:0:stateMachine:x-fulfil-order"}`)
	t.Chdir(dir)
	file := filepath.Join(dir, ".local", "stack.json")
	for _, mode := range []os.FileMode{0o620, 0o602, 0o666} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{
			"stock get MUG", "stock get MUG --stack-file " + file, "stock get MUG --token abc", "order list --user bob",
			"saga show " + order, "trace " + order, "dlq list", "audit",
		} {
			_, _, err := runHere(nil, strings.Fields(line)...)
			if err == nil || !strings.Contains(err.Error(), "chmod go-w") {
				t.Errorf("%s with mode %o: %v", line, mode, err)
			}
		}
	}
	if len(b.requests) > 0 {
		t.Errorf("sent %s", b.requests)
	}
	// Another user's file in a directory above locks nobody out.
	if _, _, err := runHere(nil, "stock", "get", "MUG", "--api-url", b.url, "--token", "abc"); err != nil {
		t.Error(err)
	}
}

func TestStackFileOfAnotherUserIsRefused(t *testing.T) {
	name := "/etc/passwd" // owned by root
	if os.Geteuid() == 0 {
		name = filepath.Join(t.TempDir(), "stack.json")
		if err := os.WriteFile(name, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(name, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := readTrusted(name); !errors.Is(err, errUntrusted) {
		t.Errorf("got %v", err)
	}
}

func TestStoredTextIsEscapedForTheTerminal(t *testing.T) {
	const bad = "A\u202eb\u009b31m\u200bc\u2028d\x7f"
	stored := strings.NewReplacer("Ada\\tL", bad, "1 A St", bad, "Berlin", bad, "pm_card_visa", bad).
		Replace(orderIn("REJECTED", bad))
	product := `{"sku":"MUG","name":"` + bad + `","price":{"currency":"EUR","amount":1},"version":1}`
	problem := `404 {"title":"` + bad + `","detail":"` + bad + `","code":"` + bad + `"}`
	summary := `{"order":` + stored + `,"payment":{"error":{"code":"X","detail":"` + bad + `"}},"reservations":{},` +
		`"shipment":{"status":"REFUSED","reason":"` + bad + `"}}`
	b := serve(t, map[string][]string{
		"GET /v1/orders/" + order:              {"200 " + stored},
		"GET /v1/orders/" + order + "/summary": {"200 " + summary},
		"GET /v1/orders?limit=20":              {`200 {"orders":[` + stored + `],"cursor":"` + bad + `"}`},
		"POST /v1/orders":                      {"202 " + stored},
		"POST /v1/orders/" + order + "/cancel": {"202 " + stored},
		"GET /v1/products?limit=20":            {`200 {"products":[` + product + `]}`},
		"GET /v1/stock/MUG":                    {problem},
	})
	for _, line := range []string{
		"order get " + order, "order get " + order + " --wide", "order list", "order place --item MUG=1",
		"order watch " + order, "order cancel " + order, "product list", "stock get MUG",
	} {
		for _, form := range []string{"", " -o json"} {
			out, errs, err := run(t, b, strings.Fields(line+form)...)
			var message strings.Builder
			if err != nil {
				fmt.Fprint(printable.Writer(&message), explain(err)) // as main does
			}
			shown := out + errs + message.String()
			for _, r := range shown {
				if r != '\n' && !strings.ContainsRune(" ", r) && printable.Escape(string(r)) != string(r) {
					t.Errorf("%s shows %+q", line+form, r)
				}
			}
			if !strings.Contains(shown, `\u202e`) {
				t.Errorf("%s does not show the stored text: %s %v", line+form, shown, b.requests)
			}
		}
	}
}

func TestWithoutAStackFlagsOrEnvironmentAreNeeded(t *testing.T) {
	b := serve(t, map[string][]string{"GET /v1/stock/MUG": {`200 {"sku":"MUG"}`}})
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		env  map[string]string
		line string
		want string
	}{
		{nil, "stock get MUG", "--api-url"},
		{nil, "stock get MUG --api-url " + b.url, "--token"},
		{nil, "saga show " + order, "--stack-file"},
		{nil, "stock get MUG --stack-file nowhere.json", "nowhere.json"},
		{map[string]string{"ORDERFLOW_STACK_FILE": "nowhere.json"}, "stock get MUG", "nowhere.json"},
		{nil, "stock get MUG --api-url " + b.url + " --token abc", ""},
		{map[string]string{"ORDERFLOW_API_URL": b.url, "ORDERFLOW_TOKEN": "abc"}, "stock get MUG", ""},
	} {
		_, _, err := runHere(c.env, strings.Fields(c.line)...)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(explain(err), c.want) {
			t.Errorf("%s %v: %v", c.line, c.env, err)
		}
	}
}

func TestTokenIsTheOneThatCommandsSend(t *testing.T) {
	b := serve(t, map[string][]string{"GET /v1/stock/MUG": {`200 {"sku":"MUG"}`}})
	t.Chdir(t.TempDir())
	writeStack(t, ".", `{"ApiUrl":"`+b.url+`","EndpointUrl":"http://127.0.0.1:1"}`)
	for _, c := range []struct{ flags, want string }{
		{"", "alice/"}, {"--user bob --role operator", "bob/operator"}, {"--token abc", "abc"},
	} {
		out, _, err := runHere(nil, strings.Fields("token "+c.flags)...)
		_, _, sent := runHere(nil, strings.Fields("stock get MUG "+c.flags)...)
		if err != nil || sent != nil || out != c.want+"\n" || b.tokens[len(b.tokens)-1] != c.want {
			t.Errorf("token %s: %q, %v; sent is %v, %v", c.flags, out, err, b.tokens, sent)
		}
	}
	if out, _, err := runHere(nil, "token", "-o", "json"); err != nil || out != "{\n  \"token\": \"alice/\"\n}\n" {
		t.Errorf("as JSON: %q, %v", out, err)
	}
	if out, _, err := runHere(nil, "token", "--user", "nobody"); err == nil || out != "" {
		t.Errorf("without a stack: %q, %v", out, err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for answer, want := range map[string]string{
		`401 {"title":"Unauthorized","code":"Unauthenticated"}`: "make -s token",
		`403 {"title":"Forbidden","code":"Forbidden"}`:          "--role operator",
		`404 {"title":"Not Found","code":"StockNotFound"}`:      "belongs to another user",
		`503 `: "Try again",
	} {
		_, _, err := run(t, serve(t, map[string][]string{"GET /v1/stock/MUG": {answer}}), "stock", "get", "MUG")
		if err == nil || exitCode(err) != exitFailure ||
			!strings.Contains(explain(err), want) || !strings.Contains(explain(err), answer[:3]) {
			t.Errorf("%s: %v", answer, err)
		}
	}
	_, _, err := run(t, serve(t, nil), "stock", "get", "MUG", "--api-url", "http://127.0.0.1:1")
	if err == nil || !strings.Contains(explain(err), "make up") {
		t.Errorf("no server: %v", err)
	}
	_, _, err = run(t, serve(t, nil), "stock", "get", "MUG", "--user", "nobody")
	if err == nil || !strings.Contains(err.Error(), "no stack is running") {
		t.Errorf("no token: %v", err)
	}
}
