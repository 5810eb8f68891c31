package sim

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// call is a request to the API.
type call struct {
	function, method, path string
	params                 map[string]string
	header                 map[string]string
	body                   []byte
	caller                 string // customer's id, or operator; "" sends no claims
	order                  string
}

const operator = "operator"

// api is API Gateway: it invokes the function of an operation and answers 502 if that fails.
func (w *World) api(c call, done func(status int, body []byte)) {
	in := events.APIGatewayProxyRequest{
		Path: c.path, HTTPMethod: c.method, PathParameters: c.params, Headers: map[string]string{},
		Body: string(c.body),
	}
	maps.Copy(in.Headers, c.header)
	if len(c.body) > 0 {
		in.Headers["Content-Type"] = "application/json"
	}
	if c.caller != "" {
		in.RequestContext.Authorizer = map[string]any{"claims": map[string]any{
			"sub": c.caller, "email": c.caller + "@example.com", "email_verified": "true", "token_use": "id",
			"cognito:groups": c.caller,
		}}
	}
	w.invoke(c.function, c.order, must(json.Marshal(in)), func(out []byte, err error) {
		var res events.APIGatewayProxyResponse
		if err != nil || json.Unmarshal(out, &res) != nil {
			done(http.StatusBadGateway, nil)
			return
		}
		done(res.StatusCode, []byte(res.Body))
	})
}

// insist repeats a request, over the customer's unreliable network, until it gets a final answer.
// Requests that change something must carry an Idempotency-Key or be idempotent.
func (w *World) insist(c call, done func(status int, body []byte)) {
	again := func() { w.after(w.between(time.Second, 10*time.Second), func() { w.insist(c, done) }) }
	switch {
	case w.strikes(clientLost):
		again()
		return
	case w.strikes(clientTwice):
		w.after(w.between(0, time.Minute), func() { w.api(c, func(int, []byte) {}) })
	}
	w.api(c, func(status int, body []byte) {
		if status >= http.StatusInternalServerError || w.strikes(clientUnheard) {
			again()
			return
		}
		done(status, body)
	})
}
