package handler

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/gateway/graph"
	graphhandler "orderflow/internal/gateway/graph/handler"
)

// graphql sends the sample with another body and Accept header, "" for those of the sample.
func graphql(t *testing.T, changed shop, accept, body string) events.APIGatewayProxyResponse {
	t.Helper()
	h := graphhandler.Serve(graph.New(open(t, changed), true))
	return call(t, t.Context(), "serve-graphql", "serveGraphql", h, func(in *events.APIGatewayProxyRequest) {
		if body != "" {
			in.Body = body
		}
		if accept != "" {
			delete(in.MultiValueHeaders, "accept")
			in.Headers["accept"] = accept
		}
	})
}

func TestGraphqlAnswersOverTheServicesContract(t *testing.T) {
	list := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/orders" || r.URL.Query().Get("limit") != "5" || r.Header.Get("Authorization") == "" {
			t.Errorf("%s", r.URL)
		}
		_, _ = w.Write([]byte(`{"orders":[` + orderJSON + `],"cursor":null}`))
	}
	payments := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/payments" || r.URL.Query().Get("orderIds") != order {
			t.Errorf("%s", r.URL)
		}
		_, _ = w.Write([]byte(`{"payments":[` + paymentJSON + `]}`))
	}
	res := graphql(t, shop{"orders": list, "payments": payments}, "", "")
	want := `{"data":{"orders":{"nodes":[{"orderId":"` + order + `","status":"CONFIRMED","payment":{"status":"CAPTURED"}}]}}}`
	if res.StatusCode != 200 || res.Body != want {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
}

// graphQLResponse is the media type whose status tells whether the request was executed.
const graphQLResponse = "application/graphql-response+json"

func TestGraphqlStatusFollowsTheAcceptedMediaType(t *testing.T) {
	for _, c := range []struct {
		accept, body, contentType string
		status                    int
	}{
		{"*/*", `{"query":"{ nope }"}`, "application/json", 200},
		{"application/json", `{"query":"{ nope }"}`, "application/json", 200},
		{"application/json, application/graphql-response+json;q=0.9", `{"query":"{ nope }"}`, graphQLResponse, 400},
		{"application/json, application/graphql-response+json;q=0", `{"query":"{ nope }"}`, "application/json", 200},
		{"application/graphql-response+json; q=0.0, */*", `{"query":"{ nope }"}`, "application/json", 200},
		{graphQLResponse, `{"query":"{ __typename }"}`, graphQLResponse, 200},
		{"", `{"query":7}`, "application/problem+json", 400},
		{"", `{"operationName":"a"}`, "application/problem+json", 400},
		{"", `{"query":"{ __typename }","variables":[1]}`, "application/problem+json", 400},
		{"", `{"query":"{ __typename }","variables":null,"operationName":null,"extensions":null}`, "application/json", 200},
	} {
		res := graphql(t, nil, c.accept, c.body)
		if res.StatusCode != c.status || res.Headers["Content-Type"] != c.contentType {
			t.Errorf("%s %s: %d %s, want %d %s", c.accept, c.body, res.StatusCode, res.Headers["Content-Type"],
				c.status, c.contentType)
		}
	}
}

func TestGraphqlServesTheRestWhilePaymentsAreDown(t *testing.T) {
	found := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(orderJSON)) }
	shipped := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"shipments":[` + shipmentJSON + `]}`))
	}
	for name, down := range map[string]http.HandlerFunc{"broken": respond(500, ""), "hanging": hangs} {
		res := graphql(t, shop{"orders": found, "payments": down, "shipping": shipped}, "",
			`{"query":"{ order(orderId: \"`+order+`\") { orderId payment { status } shipment { status } } }"}`)
		var out struct {
			Data   json.RawMessage
			Errors []struct{ Extensions struct{ Code string } }
		}
		if err := json.Unmarshal([]byte(res.Body), &out); err != nil || len(out.Errors) != 1 ||
			out.Errors[0].Extensions.Code != "Unavailable" || !strings.Contains(string(out.Data), `"payment":null,"shipment":{"status":"BOOKED"}`) {
			t.Errorf("%s: %s", name, res.Body)
		}
	}
}
