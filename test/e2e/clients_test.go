package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/client"
	"orderflow/internal/verify/checkout"
)

// reply is a response whose body has been read.
type reply struct {
	status int
	header http.Header
	to     *url.URL // the request
}

// exchange sends a request as an ordinary client does, and returns the response with its body.
func exchange(t *testing.T, method, address, body string, header map[string]string) (reply, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range header {
		req.Header.Set(name, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, req.URL}, b
}

func TestTheLocationOfAnOrderLeadsToIt(t *testing.T) { followLocation(t, "/v1/orders") }

func TestTheLocationBehindASlashLeadsToTheOrder(t *testing.T) { followLocation(t, "/v1/orders/") }

func followLocation(t *testing.T, path string) {
	t.Helper()
	t.Parallel()
	body, err := json.Marshal(order("CUP", 1, "pm_card_visa"))
	if err != nil {
		t.Fatal(err)
	}
	header := map[string]string{
		"Authorization": "Bearer " + bearer(t, userOf(t), ""), "Content-Type": "application/json",
	}
	res, b := exchange(t, http.MethodPost, stack.Outputs["ApiUrl"]+path, string(body), header)
	var placed, found client.Order
	if err := json.Unmarshal(b, &placed); err != nil || res.status != http.StatusAccepted {
		t.Fatalf("POST %s: %d %s", path, res.status, b)
	}
	to, err := res.to.Parse(res.header.Get("Location")) // resolved as RFC 3986 says
	if err != nil {
		t.Fatal(err)
	}
	res, b = exchange(t, http.MethodGet, to.String(), "", header)
	if err := json.Unmarshal(b, &found); err != nil || res.status != http.StatusOK || found.OrderID != placed.OrderID {
		t.Errorf("POST %s points to %s, which answers %d %s", path, to, res.status, b)
	}
	wantFinal(t, placed, client.Confirmed, "")
}

func TestCancelTakesAnEmptyObject(t *testing.T) {
	header := map[string]string{"Authorization": "Bearer " + bearer(t, "alice", ""), "Content-Type": "application/json"}
	for body, status := range map[string]int{"{}": http.StatusNotFound, "": http.StatusNotFound,
		`{"a":1}`: http.StatusBadRequest} {
		res, b := exchange(t, http.MethodPost, stack.Outputs["ApiUrl"]+"/v1/orders/01JZX3M7Q8N5T2V4W6Y8A0B1C3/cancel",
			body, header)
		if res.status != status {
			t.Errorf("body %q: %d %s, want %d", body, res.status, b, status)
		}
	}
}

func TestHealthAnswersHead(t *testing.T) {
	for path, token := range map[string]string{"/health/live": "", "/health/ready": "", "/health/orders": "",
		"/v1/health": bearer(t, "olga", "operator"), "/v1/products": bearer(t, "alice", "")} {
		header := map[string]string{}
		if token != "" {
			header["Authorization"] = "Bearer " + token
		}
		res, b := exchange(t, http.MethodHead, stack.Outputs["ApiUrl"]+path, "", header)
		if res.status != http.StatusOK || len(b) != 0 ||
			!strings.HasPrefix(res.header.Get("Content-Type"), "application/json") {
			t.Errorf("HEAD %s: %d, %v, %d bytes", path, res.status, res.header, len(b))
		}
	}
}

// As a browser calls for a page of another origin; functions and the gateway itself answer.
func TestOnlyPagesOfAllowedOriginsMayCall(t *testing.T) {
	api, page, stranger := stack.Outputs["ApiUrl"], devstack.Origins[0], "https://evil.example"
	ask := func(origin string) http.Header {
		res, b := exchange(t, http.MethodOptions, api+"/v1/orders", "", map[string]string{
			"Origin": origin, "Access-Control-Request-Method": "POST",
			"Access-Control-Request-Headers": "authorization,content-type,idempotency-key"})
		if res.status != http.StatusNoContent {
			t.Errorf("preflight of %s: %d %s", origin, res.status, b)
		}
		return res.header
	}
	if h := ask(page); h.Get("Access-Control-Allow-Origin") != page || h.Get("Vary") != "Origin" ||
		!strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "Idempotency-Key") {
		t.Errorf("preflight of a page: %v", h)
	}
	if h := ask(stranger); h.Get("Access-Control-Allow-Origin") != "" || h.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("preflight of a stranger's page: %v", h)
	}
	get := func(origin, path string) http.Header {
		res, _ := exchange(t, http.MethodGet, api+path, "",
			map[string]string{"Origin": origin, "Authorization": "Bearer " + bearer(t, "alice", "")})
		return res.header
	}
	if h := get(page, "/v1/orders"); h.Get("Access-Control-Allow-Origin") != page ||
		!strings.Contains(h.Get("Access-Control-Expose-Headers"), "Location") {
		t.Errorf("a page's answer: %v", h)
	}
	if h := get(stranger, "/v1/orders"); h.Get("Access-Control-Allow-Origin") != "" || h.Get("Vary") != "Origin" {
		t.Errorf("a stranger's answer: %v", h)
	}
}

// No function is involved, and API Gateway cannot check the origin against a list:
// docs/adr/0026-cors-head-and-options.md.
func TestPagesSeeTheGatewaysOwnAnswers(t *testing.T) {
	res, _ := exchange(t, http.MethodGet, stack.Outputs["ApiUrl"]+"/v1/nothing", "",
		map[string]string{"Origin": devstack.Origins[0]})
	if h := res.header; h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("headers %v", h)
	}
}

func TestTheExampleCheckoutOrdersInABrowser(t *testing.T) {
	t.Parallel()
	system := checkout.System{Customer: customerOf(t), Operator: operator(), Origin: devstack.Origins[0]}
	checkout.Try(t, "../..", system)
}
