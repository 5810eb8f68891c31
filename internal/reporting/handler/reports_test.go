package handler

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/api"
	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi/httpapitest"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/contract"
	"orderflow/internal/reporting/memory"
)

// withRows returns the functions over a store that has rows and a parked record.
func withRows(t *testing.T, rows reporting.Rows) map[string]function.Handler {
	t.Helper()
	c := clock.At(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	store := memory.New(c)
	source := reporting.Source{Topic: "orderflow.orders.events", Partition: 1}
	err := store.Apply(t.Context(), reporting.Write{Generation: 1, Source: source, To: 4712, At: c.Now(), Rows: rows,
		Parked: []reporting.Parked{{Source: source, Offset: 4711, Reason: "MalformedEvent", At: c.Now()}}})
	if err != nil {
		t.Fatal(err)
	}
	return Handlers(reporting.New(store, c, nil), newLog())
}

// call invokes a function with its sample, changed by edit.
func call(
	t *testing.T, functions map[string]function.Handler, name string, edit func(*events.APIGatewayProxyRequest),
) (status int, body string) {
	t.Helper()
	b, err := os.ReadFile("../../../events/reporting/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var in events.APIGatewayProxyRequest
	if err := json.Unmarshal(b, &in); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(&in)
	}
	if b, err = json.Marshal(in); err != nil {
		t.Fatal(err)
	}
	out, err := functions[name].Invoke(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	var res events.APIGatewayProxyResponse
	if err := json.Unmarshal(out, &res); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Body
}

func query(parameters map[string]string) func(*events.APIGatewayProxyRequest) {
	return func(in *events.APIGatewayProxyRequest) {
		in.QueryStringParameters, in.MultiValueQueryStringParameters = parameters, map[string][]string{}
		for name, value := range parameters {
			in.MultiValueQueryStringParameters[name] = []string{value}
		}
	}
}

const page = `"from":"2026-11-01","generation":{"number":1},"newestEventAt":"2026-11-28T12:00:00Z",`

func TestReportsAsTheSamplesReadThem(t *testing.T) {
	rows := reporting.Rows{}
	for _, day := range []string{"2026-11-27", "2026-11-28"} {
		rows.Add(reporting.Sales, day, "EUR", reporting.Orders, 2)
		rows.Add(reporting.Sales, day, "EUR", reporting.Units, 3)
		rows.Add(reporting.Sales, day, "EUR", reporting.Revenue, 5997)
		rows.Add(reporting.Products, day, "EUR#MUG-BLUE", reporting.Units, 3)
		rows.Add(reporting.Products, day, "EUR#MUG-BLUE", reporting.Revenue, 5997)
		rows.Add(reporting.Latency, day, "", reporting.Bin(2*time.Second), 10)
	}
	rows.Add(reporting.Sales, "2026-11-28", "EUR", reporting.Refunds, 1999)
	rows.Add(reporting.Funnel, "2026-11-28", "PLACED", reporting.Orders, 3)
	rows.Add(reporting.Funnel, "2026-11-28", "REJECTED#OUT_OF_STOCK", reporting.Orders, 1)
	functions := withRows(t, rows)
	for name, want := range map[string]string{
		"get-sales": `{"asOf":"2026-11-28T12:00:00Z","cursor":null,` + page + `"sales":[` +
			`{"day":"2026-11-27","orders":2,"units":3,"revenue":{"currency":"EUR","amount":5997},` +
			`"refunds":{"currency":"EUR","amount":0}},` +
			`{"day":"2026-11-28","orders":2,"units":3,"revenue":{"currency":"EUR","amount":5997},` +
			`"refunds":{"currency":"EUR","amount":1999}}],"to":"2026-11-28"}`,
		"get-best-sellers": `{"asOf":"2026-11-28T12:00:00Z","cursor":null,` + page + `"products":[` +
			`{"sku":"MUG-BLUE","units":6,"revenue":{"currency":"EUR","amount":11994}}],"to":"2026-11-28"}`,
		"get-funnel": `{"asOf":"2026-11-28T12:00:00Z","cursor":null,"from":"2026-11-01","funnel":[` +
			`{"day":"2026-11-28","outcome":"PLACED","orders":3},` +
			`{"day":"2026-11-28","outcome":"REJECTED","reason":"OUT_OF_STOCK","orders":1}],` +
			`"generation":{"number":1},"newestEventAt":"2026-11-28T12:00:00Z","to":"2026-11-28"}`,
		"list-parked-records": `{"records":[{"topic":"orderflow.orders.events","partition":1,"offset":4711,` +
			`"reason":"MalformedEvent","parkedAt":"2026-11-28T12:00:00Z"}],"cursor":null}`,
	} {
		if status, body := call(t, functions, name, nil); status != http.StatusOK || body != want {
			t.Errorf("%s: %d %s\nwant 200 %s", name, status, body, want)
		}
	}
	var answer struct{ Latency []contract.Latency }
	status, body := call(t, functions, "get-latency", nil)
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK || len(answer.Latency) != 1 {
		t.Fatalf("%d %s %v", status, body, err)
	}
	for _, ms := range []int64{answer.Latency[0].P50, answer.Latency[0].P95, answer.Latency[0].P99} {
		if ms < 1980 || ms > 2020 || answer.Latency[0].Orders != 20 {
			t.Errorf("%+v, want 2 s within 1 %%", answer.Latency[0])
		}
	}
}

func TestReportsComeInPages(t *testing.T) {
	rows := reporting.Rows{}
	for _, day := range []string{"2026-11-26", "2026-11-27", "2026-11-28"} {
		rows.Add(reporting.Sales, day, "EUR", reporting.Orders, 1)
	}
	functions := withRows(t, rows)
	var days []string
	for parameters := map[string]string{"from": "2026-11-20", "to": "2026-11-28", "limit": "2"}; ; {
		status, body := call(t, functions, "get-sales", query(parameters))
		var answer struct {
			Sales  []contract.Sales
			Cursor string
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s %v", status, body, err)
		}
		for _, s := range answer.Sales {
			days = append(days, s.Day)
		}
		if answer.Cursor == "" {
			break
		}
		parameters["cursor"] = answer.Cursor
	}
	if len(days) != 3 {
		t.Errorf("days %v", days)
	}
}

func TestParkedRecordsComeInPages(t *testing.T) {
	c := clock.At(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	store := memory.New(c)
	source := reporting.Source{Topic: "orderflow.orders.events", Partition: 1}
	w := reporting.Write{Generation: 1, Source: source, To: 3}
	for offset := range int64(3) {
		p := reporting.Parked{Source: source, Offset: offset, Reason: "MalformedEvent", At: c.Now()}
		w.Parked = append(w.Parked, p)
	}
	if err := store.Apply(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	functions := Handlers(reporting.New(store, c, nil), newLog())
	var offsets []int64
	for parameters := map[string]string{"limit": "2"}; ; {
		status, body := call(t, functions, "list-parked-records", query(parameters))
		var answer struct {
			Records []contract.ParkedRecord
			Cursor  string
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s %v", status, body, err)
		}
		for _, r := range answer.Records {
			offsets = append(offsets, r.Offset)
		}
		if answer.Cursor == "" {
			break
		}
		parameters["cursor"] = answer.Cursor
	}
	if !slices.Equal(offsets, []int64{2, 1, 0}) {
		t.Errorf("offsets %v", offsets)
	}
	status, body := call(t, functions, "list-parked-records", query(map[string]string{"cursor": "e30"}))
	if status != http.StatusBadRequest || !strings.Contains(body, "InvalidCursor") {
		t.Errorf("a made-up cursor: %d %s", status, body)
	}
}

// As the contract says, and as `orderflow report parked` asks for.
func TestPagesHaveTwentyEntriesByDefault(t *testing.T) {
	c := clock.At(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	store := memory.New(c)
	source := reporting.Source{Topic: "orderflow.orders.events"}
	w := reporting.Write{Generation: 1, Source: source, To: 21, Rows: reporting.Rows{}}
	for n := range 21 {
		w.Parked = append(w.Parked, reporting.Parked{Source: source, Offset: int64(n), At: c.Now()})
		w.Rows.Add(reporting.Sales, fmt.Sprintf("2026-11-%02d", n+1), "EUR", reporting.Orders, 1)
	}
	if err := store.Apply(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	functions := Handlers(reporting.New(store, c, nil), newLog())
	for name, entry := range map[string]string{"list-parked-records": `"offset"`, "get-sales": `"day"`} {
		if _, body := call(t, functions, name, nil); strings.Count(body, entry) != 20 {
			t.Errorf("%s: %s", name, body)
		}
	}
}

func TestReportsAreForOperatorsOnly(t *testing.T) {
	functions := withRows(t, nil)
	httpapitest.Strangers(t, "../../../events/reporting/", functions)
	for name := range functions {
		if op, err := api.Load(casing.LowerCamel(name)); err == nil && op.Group != "operator" {
			t.Errorf("%s is for the group %q, want operator", name, op.Group)
		}
	}
}

func TestBadQueriesOfReportsGetAProblem(t *testing.T) {
	functions := withRows(t, nil)
	for name, c := range map[string]struct {
		parameters map[string]string
		code       string
	}{
		"a day that is none":        {map[string]string{"from": "2026-02-30", "to": "2026-03-01"}, "InvalidPeriod"},
		"a period backwards":        {map[string]string{"from": "2026-11-02", "to": "2026-11-01"}, "InvalidPeriod"},
		"two years":                 {map[string]string{"from": "2024-11-01", "to": "2026-11-01"}, "InvalidPeriod"},
		"a day in words":            {map[string]string{"from": "today"}, "InvalidRequest"},
		"an unknown by":             {map[string]string{"by": "hour"}, "InvalidRequest"},
		"an unknown parameter":      {map[string]string{"sku": "MUG"}, "InvalidRequest"},
		"a page of 101":             {map[string]string{"limit": "101"}, "InvalidRequest"},
		"a cursor of another list":  {map[string]string{"cursor": "eyJwayI6IkNVU1RPTUVSIzEyMyJ9"}, "InvalidCursor"},
		"a cursor that is not text": {map[string]string{"cursor": "%"}, "InvalidRequest"},
	} {
		for _, function := range []string{"get-sales", "get-best-sellers", "get-funnel", "get-latency"} {
			status, body := call(t, functions, function, query(c.parameters))
			var problem struct{ Code string }
			if err := json.Unmarshal([]byte(body), &problem); err != nil || status != http.StatusBadRequest ||
				problem.Code != c.code {
				t.Errorf("%s of %s: %d %s, want %s", name, function, status, body, c.code)
			}
		}
	}
}
