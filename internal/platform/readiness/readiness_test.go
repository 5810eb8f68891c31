package readiness_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/getkin/kin-openapi/openapi3"

	"orderflow/api"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/readiness"
)

// shut is the gate of an unreachable store. Its error must not be shown.
type shut struct{ memdb.Open }

var errShut = errors.New("table orderflow-secret at 10.0.0.1 refused")

func (shut) Find() error                                       { return errShut }
func (shut) Commit(commit.With, func(commit.With) error) error { return errShut }

func TestReadinessShowsChecksToOperatorsOnly(t *testing.T) {
	for _, service := range []string{"catalog", "inventory", "orders", "payments", "shipping"} {
		t.Run(service, func(t *testing.T) { showsChecksToOperatorsOnly(t, service) })
	}
}

// showsChecksToOperatorsOnly tests the function of one service.
func showsChecksToOperatorsOnly(t *testing.T, service string) {
	up, down := memdb.NewLog(clock.System{}), memdb.NewLog(clock.System{})
	down.Guard(shut{})
	f := func(checks ...health.Check) function.Handler {
		return readiness.Handle(service, health.New(clock.System{}, checks...))
	}
	warned := health.Check{Name: "breaker:bank", Probe: func(context.Context) error {
		return health.Degraded(fault.New(fault.Transient, "CircuitOpen", "10.0.0.1 is not called"))
	}}

	t.Run("ready", func(t *testing.T) {
		h := f(readiness.Table(up))
		answers(t, call(t, service, h, public, nobody), 200, `{"status":"pass"}`)
		sees(t, call(t, service, h, parts, operator), service, health.Pass, "table pass ")
	})
	t.Run("degraded is ready, with a warning for operators", func(t *testing.T) {
		h := f(readiness.Table(up), warned)
		answers(t, call(t, service, h, public, nobody), 200, `{"status":"pass"}`)
		sees(t, call(t, service, h, parts, operator), service, health.Warn, "table pass ",
			"breaker:bank warn CircuitOpen")
	})
	t.Run("failed table is shown to operators without address", func(t *testing.T) {
		h := f(readiness.Table(down), warned)
		res := call(t, service, h, public, nobody)
		answers(t, res, 503, `{"status":"fail"}`)
		if res.Headers["Retry-After"] != "5" {
			t.Errorf("header %v", res.Headers)
		}
		sees(t, call(t, service, h, parts, operator), service, health.Fail, "table fail Unreachable",
			"breaker:bank warn CircuitOpen")
	})
	t.Run("other callers see no checks on either route", func(t *testing.T) {
		h := f(readiness.Table(down))
		for _, c := range []struct {
			name   string
			who    claims
			status int
		}{{"no caller", nobody, 401}, {"customer", customer, 403}, {"operator with an access token", access, 401}} {
			res := call(t, service, h, parts, c.who)
			if res.StatusCode != c.status || strings.Contains(res.Body, "table") {
				t.Errorf("%s: %d %s", c.name, res.StatusCode, res.Body)
			}
			answers(t, call(t, service, h, public, c.who), 503, `{"status":"fail"}`)
		}
		answers(t, call(t, service, h, public, operator), 503, `{"status":"fail"}`)
		res := call(t, service, h, "/v1/orders", operator)
		if res.StatusCode != 500 || strings.Contains(res.Body, "table") {
			t.Errorf("unknown route: %d %s", res.StatusCode, res.Body)
		}
	})
}

type claims map[string]any

// Callers, and the operations' paths without the service's name.
var (
	nobody   claims
	customer = claims{"sub": "7f0c1a52-30d1-70aa-9e0c-3d1f5c9a2b11", "token_use": "id"}
	operator = claims{"sub": "0c9a2b11-30d1-70aa-9e0c-7f0c1a523d1f", "token_use": "id", "cognito:groups": "operator"}
	access   = claims{"sub": "0c9a2b11-30d1-70aa-9e0c-7f0c1a523d1f", "token_use": "access",
		"cognito:groups": "operator"}
)

const (
	public = "/health/"
	parts  = "/v1/health/"
)

// call sends the sample event on a route as caller and checks the response against the contract.
func call(
	t *testing.T, service string, h function.Handler, route string, caller claims,
) events.APIGatewayProxyResponse {
	t.Helper()
	sample, err := os.ReadFile("../../../events/" + service + "/check-" + service + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var in events.APIGatewayProxyRequest
	must(t, json.Unmarshal(sample, &in))
	if route == public && in.Resource != public+service {
		t.Errorf("the sample is of %s", in.Resource)
	}
	in.Resource, in.Path = route+service, route+service
	if caller != nil {
		in.RequestContext.Authorizer = map[string]any{"claims": map[string]any(caller)}
	}
	payload, err := json.Marshal(in)
	must(t, err)
	b, err := h.Invoke(t.Context(), payload)
	must(t, err)
	var res events.APIGatewayProxyResponse
	must(t, json.Unmarshal(b, &res))
	if strings.Contains(res.Body, "10.0.0.1") || strings.Contains(res.Body, "orderflow-secret") {
		t.Errorf("the answer leaks: %s", res.Body)
	}
	conforms(t, route+service, res)
	return res
}

func conforms(t *testing.T, route string, res events.APIGatewayProxyResponse) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec())
	must(t, err)
	item := doc.Paths.Value(route)
	if item == nil {
		return // a route of the test only
	}
	response := item.Get.Responses.Status(res.StatusCode)
	if response == nil || response.Value.Content[res.Headers["Content-Type"]] == nil {
		t.Fatalf("the contract has no %d of %s for %s", res.StatusCode, res.Headers["Content-Type"], route)
	}
	var body any
	must(t, json.Unmarshal([]byte(res.Body), &body))
	if err := response.Value.Content[res.Headers["Content-Type"]].Schema.Value.VisitJSON(body); err != nil {
		t.Errorf("%s: %v", res.Body, err)
	}
}

func answers(t *testing.T, res events.APIGatewayProxyResponse, status int, body string) {
	t.Helper()
	if res.StatusCode != status || res.Body != body {
		t.Errorf("%d %s, want %d %s", res.StatusCode, res.Body, status, body)
	}
}

// sees asserts on the checks, each as "name status code".
func sees(t *testing.T, res events.APIGatewayProxyResponse, service string, status health.Status, checks ...string) {
	t.Helper()
	var got readiness.Service
	must(t, json.Unmarshal([]byte(res.Body), &got))
	var seen []string
	for _, c := range got.Checks {
		seen = append(seen, c.Name+" "+string(c.Status)+" "+c.Code)
	}
	if res.StatusCode != 200 || got.ID != service || got.Status != status ||
		strings.Join(seen, "|") != strings.Join(checks, "|") {
		t.Errorf("%d %s, want %s with %q", res.StatusCode, res.Body, status, checks)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
