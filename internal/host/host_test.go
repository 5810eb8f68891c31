package host

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderflow"
	"orderflow/internal/host/cloud"
	"orderflow/internal/host/delivery"
	deliveryMemory "orderflow/internal/host/delivery/memory"
	"orderflow/internal/host/wiring"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/ops/repair"
	"orderflow/internal/ops/timeline"
	"orderflow/internal/platform/bearer"
	"orderflow/internal/platform/bearer/issuer"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/resilience"
)

// shop is a running host behind a server.
type shop struct {
	*Host
	url    string
	issuer *issuer.Issuer
	stop   func() // of sagas, events and schedules
}

func open(t *testing.T, keep int) shop {
	t.Helper()
	s := launch(t, Options{Keep: keep, TrackingURL: "https://carrier.example/{trackingNumber}"}, clock.System{})
	if err := s.stocked(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// launch runs a host with what the options leave open.
func launch(t *testing.T, o Options, by clock.Clock) shop {
	t.Helper()
	given := flags{key: "key", origins: strings.Join(o.Origins, ",")}
	env := function.NewEnv(environment(given, func(string) (string, bool) { return "", false }), by)
	own := issuer.New()
	keys := bearer.NewKeys(func(context.Context) (string, error) { return own.KeySet(), nil }, env.Clock)
	o.Tokens, o.Env = bearer.New(issuer.Name, issuer.Audience, keys, env.Clock), env
	o.Key, o.Metrics = "key", io.Discard
	h, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.Run(ctx)
	}()
	server := httptest.NewServer(h)
	h.sandbox.url.Store(server.URL)
	halt := func() {
		stop()
		<-ended
	}
	t.Cleanup(func() {
		halt()
		server.Close()
	})
	return shop{h, server.URL, own, halt}
}

// call sends a request as a user and returns the status and the decoded body.
func (s shop) call(
	t *testing.T, method, path, user, role, body string, header ...string,
) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.issuer.Token(user, role, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(sandboxKey, "key")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	out := map[string]any{}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatalf("%s %s: %d: %v", method, path, res.StatusCode, err)
	}
	return res.StatusCode, out
}

// mug is an order.
const mug = `{"items":[{"sku":"MUG-BLUE","quantity":1}],"paymentMethod":"pm_card_visa","shippingAddress":
	{"name":"Ada","line1":"1 Street","city":"Berlin","postalCode":"10115","country":"DE"}}`

// order places an order and returns it once it is final.
func (s shop) order(t *testing.T, user, sku, method, postal string) map[string]any {
	t.Helper()
	status, placed := s.call(t, "POST", "/v1/orders", user, "", fmt.Sprintf(`{"items":[{"sku":%q,"quantity":1}],
		"paymentMethod":%q,"shippingAddress":{"name":"Ada","line1":"1 Street","city":"Berlin","postalCode":%q,
		"country":"DE"}}`, sku, method, postal))
	if status != http.StatusAccepted {
		t.Fatalf("%d %v", status, placed)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		_, o := s.call(t, "GET", fmt.Sprint("/v1/orders/", placed["orderId"]), user, "", "")
		if o["status"] != "PENDING" {
			return o
		}
		if time.Now().After(deadline) {
			t.Fatalf("still pending: %v", o)
		}
	}
}

func TestOrdersEndAsTheyShould(t *testing.T) {
	s := open(t, 1000)
	for _, c := range []struct{ method, postal, want string }{
		{"pm_card_visa", "10115", "CONFIRMED"}, {"pm_card_visa", "00000", "REJECTED"},
		{"pm_card_chargeDeclined", "10115", "REJECTED"},
	} {
		o := s.order(t, "alice", "MUG-BLUE", c.method, c.postal)
		if o["status"] != c.want {
			t.Errorf("%s to %s: %v", c.method, c.postal, o)
		}
		if number := o["trackingNumber"]; number != nil && o["trackingUrl"] != fmt.Sprint("https://carrier.example/", number) {
			t.Errorf("shipment %v is tracked at %v", number, o["trackingUrl"])
		}
	}
	if o := s.order(t, "alice", "LAMP-RARE", "pm_card_visa", "10115"); o["status"] != "CONFIRMED" {
		t.Errorf("the last lamp: %v", o)
	}
	if o := s.order(t, "bob", "LAMP-RARE", "pm_card_visa", "10115"); o["status"] != "REJECTED" {
		t.Errorf("one lamp too many: %v", o)
	}
	deadline := time.Now().Add(10 * time.Second)
	for mails := 0; mails < 5; {
		_, out := s.call(t, "GET", "/sandbox/mails", "alice", "", "")
		mails = len(out["mails"].([]any))
		if time.Now().After(deadline) {
			t.Fatalf("%d mails, want 5", mails)
		}
	}
	_, stock := s.call(t, "GET", "/v1/stock/MUG-BLUE", "olga", "operator", "")
	if stock["shipped"] != 1.0 || stock["reserved"] != 0.0 || stock["onHand"] != 499.0 {
		t.Errorf("stock: %v", stock)
	}
}

func TestEveryEdgeAnswers(t *testing.T) {
	s := open(t, 1000)
	o := s.order(t, "alice", "MUG-BLUE", "pm_card_visa", "10115")
	query, _ := json.Marshal(map[string]string{"query": `{orders(first: 5) {nodes {orderId status payment {status}}}}`})
	status, out := s.call(t, "POST", "/v1/graphql", "alice", "", string(query))
	if !strings.Contains(fmt.Sprint(out), "CAPTURED") {
		t.Errorf("GraphQL: %d %v", status, out)
	}
	status, out = s.call(t, "POST", "/v1/rpc/orderflow.v1.ProductService/GetProduct", "alice", "", `{"sku":"MUG-BLUE"}`)
	if status != http.StatusOK || !strings.Contains(fmt.Sprint(out), "Mug, blue") {
		t.Errorf("Connect: %d %v", status, out)
	}
	status, out = s.call(t, "GET", fmt.Sprintf("/v1/orders/%s/summary", o["orderId"]), "alice", "", "")
	if status != http.StatusOK || strings.Contains(fmt.Sprint(out), "error") {
		t.Errorf("summary: %d %v", status, out)
	}
	if status, out := s.call(t, "GET", "/v1/health", "olga", "operator", ""); status != 200 || out["status"] != "pass" {
		t.Errorf("health: %d %v", status, out)
	}
	if status, out := s.call(t, "GET", "/legacy/orders", "alice", "", ""); status != 200 || len(out) == 0 {
		t.Errorf("the old interface: %d %v", status, out)
	}
}

func TestDrainTakesNoOrdersAndEndsAcceptedOnes(t *testing.T) {
	s := open(t, 1000)
	var placed []string
	for i := range 5 {
		status, o := s.call(t, "POST", "/v1/orders", fmt.Sprint("user", i), "", mug)
		if status != http.StatusAccepted {
			t.Fatalf("%d %v", status, o)
		}
		placed = append(placed, fmt.Sprint("/v1/orders/", o["orderId"]))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if left := s.Drain(ctx); len(left.Parked)+left.Pending+left.Messages+left.Events > 0 {
		t.Errorf("left: %+v", left)
	}
	for i, id := range placed {
		status, o := s.call(t, "GET", id, fmt.Sprint("user", i), "", "")
		if status != http.StatusOK || o["status"] != "CONFIRMED" {
			t.Errorf("an accepted order: %d %v", status, o)
		}
	}
	for _, path := range []string{
		"/v1/orders", "/v1/graphql", "/v1/rpc/orderflow.v1.ProductService/GetProduct",
		"/orderflow.v1.ProductService/GetProduct",
	} {
		if status, out := s.call(t, "POST", path, "alice", "", mug); status != http.StatusServiceUnavailable {
			t.Errorf("POST %s: %d %v", path, status, out)
		}
	}
	queues := repair.Queues{Client: sqs.NewFromConfig(s.operator("key")), Stack: Name}
	if _, err := queues.List(t.Context()); err != nil {
		t.Errorf("an operator: %v", err)
	}
	if status, out := s.call(t, "POST", "/sandbox/charges/x/void", "", "", "{}"); status != http.StatusOK {
		t.Errorf("the sandbox: %d %v", status, out)
	}
}

func TestDrainSaysWhatIsLeft(t *testing.T) {
	s := open(t, 1000)
	s.stop()
	if status, o := s.call(t, "POST", "/v1/orders", "alice", "", mug); status != http.StatusAccepted {
		t.Fatalf("%d %v", status, o)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if left := s.Drain(over); left.Pending != 1 || left.Events == 0 {
		t.Errorf("left: %+v", left)
	}
}

func TestNothingRestsWhileAQueueOrAStreamHasWork(t *testing.T) {
	s := open(t, 1000)
	for deadline := time.Now().Add(20 * time.Second); !s.rests(t.Context()); time.Sleep(atRest) {
		if time.Now().After(deadline) {
			t.Fatal("a host that has nothing to do does not rest")
		}
	}
	s.stop()
	for _, q := range s.delivery.Queues() {
		d := delivery.New(wired(t), nil, nil, deliveryMemory.New(), clock.System{}, ids.Random(clock.System{}))
		if err := d.Send(t.Context(), q.Name, "{}"); err != nil {
			t.Fatal(err)
		}
		if (&Host{engine: s.engine, delivery: d}).rests(t.Context()) {
			t.Errorf("it rests with a message for %s", q.Name)
		}
	}
	if status, o := s.call(t, "POST", "/v1/orders", "alice", "", mug); status != http.StatusAccepted {
		t.Fatalf("%d %v", status, o)
	}
	if s.rests(t.Context()) {
		t.Error("it rests with an event of an order")
	}
}

func TestSandboxNeedsTheKey(t *testing.T) {
	s := open(t, 1000)
	for _, path := range []string{"/sandbox/mails", "/sandbox/ledger"} {
		for key, want := range map[string]int{"": 401, "another": 401, "key": 200} {
			req := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
			req.Header.Set(sandboxKey, key)
			w := httptest.NewRecorder()
			if s.ServeHTTP(w, req); w.Code != want {
				t.Errorf("%s with the key %q: %d, want %d", path, key, w.Code, want)
			}
		}
	}
	s.open = true
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/sandbox/mails", nil)); w.Code != 200 {
		t.Errorf("of a process for development: %d", w.Code)
	}
}

func (s shop) operator(key string) aws.Config {
	return aws.Config{Region: cloud.Region, BaseEndpoint: aws.String(s.url + "/aws"),
		Credentials: credentials.NewStaticCredentialsProvider(key, "any", "")}
}

func TestOperatorsSeeSagasAndDeadLettersAndTheAudit(t *testing.T) {
	s := open(t, 1000)
	o := s.order(t, "alice", "MUG-BLUE", "pm_card_visa", "00000")
	cfg := s.operator("key")
	machines := timeline.Machines{FulfilOrder: cloud.MachineARN(Name, "fulfil-order"),
		CompensateOrder: cloud.MachineARN(Name, "compensate-order")}
	line, err := timeline.Load(t.Context(), sfn.NewFromConfig(cfg), machines, fmt.Sprint(o["orderId"]))
	var text bytes.Buffer
	if err == nil {
		err = line.Write(&text)
	}
	if err != nil || len(line.Executions) != 2 || !strings.Contains(text.String(), "AuthorizePayment") {
		t.Errorf("saga: %v\n%s", err, text.String())
	}

	_, waiting := s.call(t, "POST", "/v1/orders", "alice", "",
		strings.Replace(mug, "pm_card_visa", "pm_card_authenticationRequired", 1))
	var waits []timeline.Wait
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		line, err = timeline.Load(t.Context(), sfn.NewFromConfig(cfg), machines, fmt.Sprint(waiting["orderId"]))
		if waits = line.Waits(); err == nil && len(waits) == 1 && waits[0].State == "AwaitPayment" {
			break
		}
	}
	if len(waits) != 1 || waits[0].Until == nil || waits[0].Until.Sub(waits[0].Since) != 630*time.Second {
		t.Errorf("a saga that waits for its customer: %+v, %v", waits, err)
	}

	queues := repair.Queues{Client: sqs.NewFromConfig(cfg), Stack: Name}
	q, err := queues.Find(t.Context(), "start-fulfilment")
	if err != nil || q.Messages != 0 {
		t.Errorf("%+v, %v", q, err)
	}
	if left, err := queues.Take(t.Context(), q, 10); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}

	if status, out := s.call(t, "POST", "/v1/stock/MUG-BLUE/adjustments", "olga", "operator",
		`{"delta":5,"reason":"found"}`); status != http.StatusOK {
		t.Fatalf("%d %v", status, out)
	}
	audit := repair.Audit{Client: cloudwatchlogs.NewFromConfig(cfg), Group: "/orderflow/" + Name + "/operator-actions",
		Clock: clock.System{}, IDs: ids.Random(clock.System{})}
	actions, err := audit.Actions(t.Context(), "MUG-BLUE")
	if err != nil || len(actions) != 1 || actions[0].What != "adjustStock" || actions[0].Outcome != "done" {
		t.Errorf("audit: %+v, %v", actions, err)
	}

	all := repair.Sources{API: awsapi.Client{Config: cfg}, Queues: queues, Clock: clock.System{}}
	sources, err := all.List(t.Context())
	listed := map[string]bool{}
	for _, source := range sources {
		listed[source.Function] = source.Works()
	}
	if err != nil || !listed["start-fulfilment"] || !listed["relay-orders-events"] || listed["place-order"] {
		t.Errorf("event sources: %+v, %v", sources, err)
	}
	provider := repair.ProcessCircuits{Process: repair.Process{API: awsapi.Client{Config: cfg}}, Service: "payments"}
	if c, err := provider.Circuit(t.Context(), "payment-provider"); err != nil || c.State != resilience.Closed {
		t.Errorf("circuit: %+v, %v", c, err)
	}

	_, err = repair.Queues{Client: sqs.NewFromConfig(s.operator("another")), Stack: Name}.List(t.Context())
	if err == nil {
		t.Error("another key was accepted")
	}
}

func TestOperatorsCallFunctions(t *testing.T) {
	s := open(t, 1000)
	call := func(key, function, payload string) (string, error) {
		out, err := awsapi.Client{Config: s.operator(key)}.Send(t.Context(), http.MethodPost,
			"/2015-03-31/functions/"+Name+"-"+function+"/invocations", "lambda", http.Header{}, []byte(payload))
		return string(out), err
	}
	if out, err := call("key", "sweep-orders", `{}`); err != nil || !strings.Contains(out, `"stuck":0`) {
		t.Errorf("a sweep: %s, %v", out, err)
	}
	if out, err := call("key", "void-payment", `{"orderId":1}`); err != nil || !strings.Contains(out, "errorMessage") {
		t.Errorf("a step that fails: %s, %v", out, err)
	}
	if out, err := call("another", "sweep-orders", `{}`); err == nil {
		t.Errorf("with another key: %s", out)
	}
}

func TestAnAddressMayBeOutside(t *testing.T) {
	s := open(t, 1000)
	called := make(chan string, 1)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case called <- r.URL.Path:
		default:
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer provider.Close()
	ssm := func(operation, value string) (out struct{ Parameter struct{ Value string } }, err error) {
		in := map[string]any{"Name": "/orderflow/local/services/payment-provider", "Value": value, "Overwrite": true}
		err = awsapi.Client{Config: s.operator("key")}.JSON(t.Context(), "ssm", "AmazonSSM."+operation, in, &out)
		return out, err
	}
	own, err := ssm("GetParameter", "")
	if err == nil {
		_, err = ssm("PutParameter", provider.URL)
	}
	if err != nil {
		t.Fatal(err)
	}
	if status, o := s.call(t, "POST", "/v1/orders", "alice", "", mug); status != http.StatusAccepted {
		t.Fatalf("%d %v", status, o)
	}
	select {
	case path := <-called:
		if path != "/charges" {
			t.Errorf("the provider outside is called at %s", path)
		}
	case <-time.After(10 * time.Second):
		t.Error("the provider outside is not called")
	}
	if _, err := ssm("DeleteParameter", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := ssm("GetParameter", ""); !awsapi.Failed(err, "ParameterNotFound") {
		t.Errorf("without an address: %v", err)
	}
	if status, _ := s.call(t, "GET", "/health/payments", "", "", ""); status != http.StatusServiceUnavailable {
		t.Errorf("without an address, payments is ready: %d", status)
	}
	if _, err := ssm("PutParameter", own.Parameter.Value); err != nil {
		t.Fatal(err)
	}
}

func TestOperatorsParkAndRedriveMessages(t *testing.T) {
	s := open(t, 1000)
	client := sqs.NewFromConfig(s.operator("key"))
	queues := repair.Queues{Client: client, Stack: Name}
	send := func(queue, body string) {
		t.Helper()
		out, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(Name + "-" + queue)})
		if err == nil {
			_, err = client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: out.QueueUrl, MessageBody: &body})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	price := `{"specversion":"1.0","id":"1","source":"orderflow/catalog","type":` +
		`"orderflow.catalog.product.price-changed.v1","subject":"SENT","time":"2026-01-02T03:04:05Z",` +
		`"datacontenttype":"application/json","aggregateversion":1,"data":{"sku":"SENT","name":"n",` +
		`"price":{"currency":"EUR","amount":900},"version":1}}`
	send("project-price-dlq", price)
	q, err := queues.Find(t.Context(), "project-price")
	if err != nil || q.Messages != 1 {
		t.Fatalf("%+v, %v; want it parked", q, err)
	}
	taken, err := queues.Take(t.Context(), q, 1)
	if err != nil || len(taken) != 1 {
		t.Fatalf("%v, %v", taken, err)
	}
	if err := queues.SendBack(t.Context(), q, taken[0]); err != nil {
		t.Fatal(err)
	}
	sent := strings.Replace(mug, "MUG-BLUE", "SENT", 1)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if status, _ := s.call(t, "POST", "/v1/orders", "alice", "", sent); status == http.StatusAccepted {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the price that was sent back is not known")
		}
	}
}

func TestOldOrdersAreForgottenInTime(t *testing.T) {
	s := open(t, 10)
	place := func(key string) string {
		status, o := s.call(t, "POST", "/v1/orders", "alice", "", mug, "Idempotency-Key", key)
		if status != http.StatusAccepted {
			t.Fatalf("%d %v", status, o)
		}
		return fmt.Sprint(o["orderId"])
	}
	first := place("the-first-order-of-all")
	for range 15 {
		s.order(t, "alice", "MUG-BLUE", "pm_card_visa", "10115")
	}
	if again := place("the-first-order-of-all"); again != first {
		t.Errorf("a repeated key placed %s after %s", again, first)
	}
	s.forget.mu.Lock()
	s.forget.clock = clock.At(time.Now().Add(remembered + time.Minute))
	s.forget.mu.Unlock()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s.order(t, "alice", "MUG-BLUE", "pm_card_visa", "10115")
		if status, _ := s.call(t, "GET", "/v1/orders/"+first, "alice", "", ""); status == http.StatusNotFound {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the first of many orders is not forgotten")
		}
	}
	_, list := s.call(t, "GET", "/v1/orders?limit=100", "alice", "", "")
	if n := len(list["orders"].([]any)); n < 10 || n > 14 {
		t.Errorf("%d orders are left", n)
	}
}

// sizes counts what the logs have.
func (f *forgetter) sizes() map[string]int {
	all := map[string]int{}
	for _, log := range f.logs {
		for kind, n := range log.Sizes() {
			all[kind] += n
		}
	}
	return all
}

func TestNothingGrowsWithOrders(t *testing.T) {
	s := open(t, 0)
	rest := func(hours int) {
		for !s.rests(t.Context()) {
			time.Sleep(5 * time.Millisecond)
		}
		s.forget.mu.Lock()
		defer s.forget.mu.Unlock()
		s.forget.clock = clock.At(time.Now().Add(time.Duration(hours) * time.Hour))
	}
	// round places orders of customers of its own, and two later ones, at which they are forgotten.
	round := func(n int) map[string]int {
		rest(10 * n)
		for i := range 8 {
			method := []string{"pm_card_visa", "pm_card_chargeDeclined"}[i%2]
			s.order(t, fmt.Sprint("customer-", n, "-", i), "MUG-BLUE", method, []string{"10115", "00000"}[i/2%2])
		}
		for later := range 2 {
			rest(10*n + 3 + 3*later)
			s.order(t, "later", "MUG-BLUE", "pm_card_visa", "10115")
		}
		rest(0)
		return s.forget.sizes()
	}
	first := round(1)
	if second := round(2); !maps.Equal(second, first) {
		t.Errorf("after eight more orders of other customers there is %v, before %v", second, first)
	}
}

func wired(t *testing.T) *wiring.Wiring {
	t.Helper()
	template, err := cfn.Parse(orderflow.Template)
	if err != nil {
		t.Fatal(err)
	}
	stack, err := cfn.New(template, Name, nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := wiring.Read(Name, stack)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestNothingIsForgottenBeforeItComesAgain(t *testing.T) {
	for name, q := range wired(t).Queues {
		if last := q.Visibility * time.Duration(q.Receives); last > remembered {
			t.Errorf("%s gets a message for %s", name, last)
		}
	}
}
