package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"orderflow/internal/platform/audit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// log is CloudWatch Logs with one group, actions. The day's stream may not exist yet.
type log struct {
	records []audit.Action
	streams map[string]bool
	calls   []string
	broken  bool
}

func (l *log) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		LogGroupName, LogStreamName string
		LogEvents                   []struct{ Message string }
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	operation := r.Header.Get("X-Amz-Target")[len("Logs_20140328."):]
	l.calls = append(l.calls, operation)
	switch {
	case l.broken, in.LogGroupName != "actions":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"AccessDeniedException"}`))
		return
	case operation == "CreateLogStream":
		l.streams[in.LogStreamName] = true
		return
	case !l.streams[in.LogStreamName]:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"ResourceNotFoundException"}`))
		return
	}
	for _, e := range in.LogEvents {
		var a audit.Action
		_ = json.Unmarshal([]byte(e.Message), &a)
		l.records = append(l.records, a)
	}
	_, _ = w.Write([]byte("{}"))
}

// audited invokes operation id, configured to write its audit log to l.
func audited(
	t *testing.T, l *log, id string, handle httpapi.HandlerFunc, in apiRequest,
) (apiResponse, httpapi.Problem) {
	t.Helper()
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	h := httpapi.Handle(id, handle)
	env := environment(map[string]string{"OPERATOR_ACTIONS": "actions", "AWS_ENDPOINT_URL": server.URL,
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"})
	function.Configure(h, env)
	if err := env.Err(); err != nil {
		t.Fatal(err)
	}
	return answer(t, h, in)
}

func TestOperatorActionIsRecordedBeforeItIsRun(t *testing.T) {
	l := &log{streams: map[string]bool{}}
	out, _ := audited(t, l, "adjustStock", func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		if len(l.records) != 1 || l.records[0].Outcome != audit.Begun {
			t.Errorf("handled with records %+v", l.records)
		}
		return httpapi.OK(struct{}{}), nil
	}, request())
	if out.StatusCode != http.StatusOK || len(l.records) != 2 || len(l.calls) != 4 {
		t.Fatalf("%d, records %+v by %v", out.StatusCode, l.records, l.calls)
	}
	for i, outcome := range []string{audit.Begun, audit.Done} {
		got, id := l.records[i], l.records[0].ID
		want := audit.Action{ID: id, At: now, Who: "customer-1", User: "API", Why: "delivery", What: "adjustStock",
			Subject: "mug", Detail: `{"delta":7,"reason":"delivery"}`, Outcome: outcome}
		if id == "" || got != want {
			t.Errorf("record %d: %+v, want %+v", i, got, want)
		}
	}
}

func TestActionThatCannotBeRecordedIsNotRun(t *testing.T) {
	handle := func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		t.Error("handled")
		return httpapi.OK(struct{}{}), nil
	}
	out, p := audited(t, &log{broken: true}, "adjustStock", handle, request())
	if out.StatusCode != http.StatusServiceUnavailable || p.Code != "AuditUnavailable" {
		t.Errorf("%d %+v", out.StatusCode, p)
	}
}

func TestUnrecordedOutcomeDoesNotChangeTheResponse(t *testing.T) {
	l := &log{streams: map[string]bool{now.Format("2006-01-02"): true}}
	out, _ := audited(t, l, "adjustStock", func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		l.broken = true
		return httpapi.OK(struct{}{}), nil
	}, request())
	if out.StatusCode != http.StatusOK || len(l.records) != 1 || l.records[0].Outcome != audit.Begun {
		t.Errorf("%d, records %+v", out.StatusCode, l.records)
	}
}

func TestFailedActionIsRecordedWithItsCode(t *testing.T) {
	l := &log{streams: map[string]bool{now.Format("2006-01-02"): true}}
	out, _ := audited(t, l, "adjustStock", func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		return httpapi.Response{}, fault.New(fault.Conflict, "StockBelowZero", "no")
	}, request())
	if out.StatusCode != http.StatusConflict || len(l.records) != 2 ||
		l.records[1].Outcome != "failed: StockBelowZero" || len(l.calls) != 2 {
		t.Errorf("%d, records %+v by %v", out.StatusCode, l.records, l.calls)
	}
}

func TestOnlyOperatorsAreAudited(t *testing.T) {
	const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"
	for group, want := range map[string]int{"": 0, "operator": 2} {
		l := &log{streams: map[string]bool{now.Format("2006-01-02"): true}}
		in := apiRequest{HTTPMethod: http.MethodPost, Path: "/v1/orders/" + order + "/cancel",
			PathParameters: map[string]string{"orderId": order}, RequestContext: request().RequestContext}
		in.RequestContext.Authorizer["claims"] = claims(group)
		out, _ := audited(t, l, "cancelOrder", ok, in)
		if out.StatusCode != http.StatusOK || len(l.records) != want {
			t.Fatalf("%q: %d, records %+v", group, out.StatusCode, l.records)
		}
		if want > 0 && (l.records[0].Subject != order || l.records[0].What != "cancelOrder") {
			t.Errorf("%q: records %+v", group, l.records)
		}
	}
}
