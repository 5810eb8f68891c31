package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

const (
	generation = `"from":"2026-11-27","to":"2026-11-28","asOf":"2026-11-28T10:00:05Z",` +
		`"newestEventAt":"2026-11-28T10:01:00Z","generation":{"number":2},`
	remark     = "as of 2026-11-28 10:00:05 UTC; newest event at 2026-11-28 10:01:00 UTC"
	salesOfTwo = `200 {` + generation + `"sales":[` +
		`{"day":"2026-11-27","orders":2,"units":3,"revenue":{"currency":"EUR","amount":5997},` +
		`"refunds":{"currency":"EUR","amount":0}},` +
		`{"day":"2026-11-28","orders":1,"units":1,"revenue":{"currency":"JPY","amount":1200},` +
		`"refunds":{"currency":"JPY","amount":100}}],"cursor":null}`
	askSales = "GET /v1/reports/sales?by=day&limit=100"
)

// runReport runs a command of report against b, which also stands for the API of reporting.
func runReport(t *testing.T, b *backend, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return run(t, b, append([]string{"report", "--reports-url", b.url}, args...)...)
}

func TestSalesAsTable(t *testing.T) {
	out, stderr, err := runReport(t, serve(t, map[string][]string{askSales: {salesOfTwo}}), "sales")
	if want := `DAY         CURRENCY  ORDERS  UNITS  REVENUE  REFUNDS
2026-11-27  EUR       2       3      59.97    0.00
2026-11-28  JPY       1       1      1200     100
`; err != nil || out != want || stderr != remark+"\n" {
		t.Errorf("got\n%s%s\nwant\n%s%v", out, stderr, want, err)
	}
}

func TestAReportOfRebuiltPagesIsReadAgain(t *testing.T) {
	first := strings.Replace(salesOfTwo, `"cursor":null`, `"cursor":"c1"`, 1)
	const next = "GET /v1/reports/sales?by=day&cursor=c1&from=2026-11-27&limit=100&to=2026-11-28"
	b := serve(t, map[string][]string{
		askSales: {first, salesOfTwo}, next: {`400 {"status":400,"code":"InvalidCursor","detail":"start again"}`},
	})
	if out, _, err := runReport(t, b, "sales", "-o", "json"); err != nil || strings.Count(out, `"day"`) != 2 {
		t.Errorf("%s %v, asked %q", out, err, b.requests)
	}
	b = serve(t, map[string][]string{
		askSales: {first}, next: {`400 {"status":400,"code":"InvalidCursor","detail":"start again"}`},
	})
	if _, _, err := runReport(t, b, "sales"); err == nil || len(b.requests) != 6 {
		t.Errorf("after three rebuilds: %v, asked %q", err, b.requests)
	}
}

func TestSalesAsCSVAndPicture(t *testing.T) {
	out, stderr, err := runReport(t, serve(t, map[string][]string{askSales: {salesOfTwo}}),
		"sales", "--csv", "--chart", "s.svg")
	if want := `day,currency,orders,units,revenue,refunds
2026-11-27,EUR,2,3,59.97,0.00
2026-11-28,JPY,1,1,1200,100
`; err != nil || out != want || stderr != "drawn: s.svg\n"+remark+"\n" {
		t.Errorf("got\n%s%s\nwant\n%s%v", out, stderr, want, err)
	}
	image, err := os.ReadFile("s.svg")
	for _, part := range []string{"<svg", "JPY", "sales, 2026-11-27 to 2026-11-28<", remark + "<"} {
		if err != nil || !strings.Contains(string(image), part) {
			t.Errorf("no %s in %.200s %v", part, image, err)
		}
	}
}

// Later pages include later events, but what the first page lacks is not in the report.
func TestAllPagesOfAReportAreRead(t *testing.T) {
	first := strings.NewReplacer(`"cursor":null`, `"cursor":"c1"`, "10:00:05", "10:00:00").Replace(salesOfTwo)
	b := serve(t, map[string][]string{
		"GET /v1/reports/sales?by=day&from=2026-11-27&limit=100":                         {first},
		"GET /v1/reports/sales?by=day&cursor=c1&from=2026-11-27&limit=100&to=2026-11-28": {salesOfTwo},
	})
	out, _, err := runReport(t, b, "sales", "--from", "2026-11-27", "-o", "json")
	if err != nil || strings.Count(out, `"day"`) != 4 || !strings.Contains(out, `"number": 2`) ||
		!strings.Contains(out, `"asOf": "2026-11-28T10:00:00Z"`) {
		t.Errorf("%s %v, asked %q", out, err, b.requests)
	}
}

func TestBestSellersAreTwentyInTotal(t *testing.T) {
	b := serve(t, map[string][]string{"GET /v1/reports/products?by=total&limit=20": {
		`200 {` + generation + `"products":[{"sku":"MUG","units":7,"revenue":{"currency":"EUR","amount":13993}}]}`,
	}})
	out, _, err := runReport(t, b, "products", "--chart", "p.svg")
	if want := `DAY  SKU  UNITS  CURRENCY  REVENUE
-    MUG  7      EUR       139.93
`; err != nil || out != want {
		t.Errorf("got\n%s\nwant\n%s%v", out, want, err)
	}
}

func TestFunnelAndLatency(t *testing.T) {
	b := serve(t, map[string][]string{
		"GET /v1/reports/funnel?by=total&limit=100": {`200 {` + generation +
			`"funnel":[{"outcome":"PLACED","orders":9},{"outcome":"REJECTED","reason":"OUT_OF_STOCK","orders":1}]}`},
		"GET /v1/reports/latency?by=day&limit=100": {`200 {"from":"2026-11-27","to":"2026-11-28",` +
			`"generation":{"number":2,"completeSince":"2026-11-20T10:00:00Z"},` +
			`"latency":[{"day":"2026-11-28","orders":9,"p50Ms":2000,"p95Ms":4000,"p99Ms":9000}]}`},
	})
	out, _, err := runReport(t, b, "funnel", "--by", "total", "--csv")
	if want := "day,outcome,reason,orders\n,PLACED,,9\n,REJECTED,OUT_OF_STOCK,1\n"; err != nil || out != want {
		t.Errorf("got\n%s\nwant\n%s%v", out, want, err)
	}
	out, stderr, err := runReport(t, b, "latency")
	if want := `DAY         ORDERS  P50MS  P95MS  P99MS
2026-11-28  9       2000   4000   9000
`; err != nil || out != want || !strings.Contains(stderr, "incomplete before 2026-11-20 10:00") {
		t.Errorf("got\n%s%s\nwant\n%s%v", out, stderr, want, err)
	}
}

func TestParkedRecordsAreListed(t *testing.T) {
	b := serve(t, map[string][]string{"GET /v1/reports/parked-records?limit=20": {
		`200 {"records":[{"topic":"orderflow.orders.events","partition":1,"offset":4711,` +
			`"reason":"MalformedEvent","parkedAt":"2026-11-28T09:00:04Z"}],"cursor":"c2"}`,
	}})
	out, stderr, err := runReport(t, b, "parked")
	if want := `TOPIC                    PARTITION  OFFSET  REASON          PARKED
orderflow.orders.events  1          4711    MalformedEvent  2026-11-28T09:00:04Z
`; err != nil || out != want || !contains(stderr, "orderflow report parked --reports-url=", " --cursor=c2\n") {
		t.Errorf("got\n%s%s\nwant\n%s%v", out, stderr, want, err)
	}
}

func rebuildIn(state, read string) string {
	return `{"generation":3,"state":"` + state + `","by":"olga","startedAt":"2026-11-28T09:00:00Z",` +
		`"updatedAt":"2026-11-28T09:00:01Z","read":` + read + `,"total":400}`
}

func TestRebuildShowsItsProgress(t *testing.T) {
	before := everyLook
	everyLook = time.Millisecond
	t.Cleanup(func() { everyLook = before })
	b := serve(t, map[string][]string{
		"POST /v1/reports/rebuilds": {"202 " + rebuildIn("BUILDING", "0")},
		"GET /v1/reports/rebuilds/latest": {
			"200 " + rebuildIn("BUILDING", "100"), "200 " + rebuildIn("BUILDING", "100"),
			"200 " + rebuildIn("SWITCHED", "400"),
		},
	})
	out, stderr, err := runReport(t, b, "rebuild", "--fresh")
	if want := `GENERATION  STATE     READ  OF   STARTED              BY
3           SWITCHED  400   400  2026-11-28 09:00:00  olga
`; err != nil || out != want {
		t.Errorf("got\n%s\nwant\n%s%v", out, want, err)
	}
	if want := "generation 3: 0 of 400 events (0 %)\ngeneration 3: 100 of 400 events (25 %)\n"; stderr != want {
		t.Errorf("progress\n%s\nwant\n%s", stderr, want)
	}
	if b.requests[0] != `POST /v1/reports/rebuilds {"fresh":true}` {
		t.Errorf("asked %q", b.requests)
	}
}

func TestRebuildStopsAndDetaches(t *testing.T) {
	b := serve(t, map[string][]string{
		"POST /v1/reports/rebuilds":             {"202 " + rebuildIn("BUILDING", "0")},
		"POST /v1/reports/rebuilds/latest/stop": {"200 " + rebuildIn("STOPPED", "200")},
	})
	for flag, want := range map[string]string{"--stop": "STOPPED", "--detach": "BUILDING"} {
		out, _, err := runReport(t, b, "rebuild", flag)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %s%v", flag, out, err)
		}
	}
	if len(b.requests) != 2 {
		t.Errorf("asked %q", b.requests)
	}
}

func TestReportsNeedTheirAddress(t *testing.T) {
	b := serve(t, nil)
	_, _, err := run(t, b, "report", "sales")
	if err == nil || !strings.Contains(err.Error(), "no reports: deploy the stack of reporting") {
		t.Errorf("a deployment without reports: %v", err)
	}
}

// A stack file found in a directory above must not get a token for another address.
func TestTokenOfTheAPIDoesNotGoToAFoundAddress(t *testing.T) {
	b := serve(t, map[string][]string{askSales: {salesOfTwo}})
	dir := t.TempDir()
	writeStack(t, dir, `{"ApiUrl":"`+b.url+`","ReportingApiUrl":"`+b.url+`","EndpointUrl":"`+b.url+`"}`)
	t.Chdir(dir)
	env := map[string]string{"ORDERFLOW_TOKEN": "secret", "ORDERFLOW_API_URL": "https://api.example"}
	_, _, err := runHere(env, "report", "sales")
	if err == nil || exitCode(err) != exitUsage || len(b.requests) > 0 {
		t.Errorf("%v, asked %q", err, b.requests)
	}
	if _, _, err = runHere(map[string]string{}, "report", "sales"); err != nil {
		t.Errorf("the file's own address: %v", err)
	}
}

func TestBadFlagsOfReports(t *testing.T) {
	for _, line := range []string{"sales --by hour", "sales --limit -1", "rebuild --stop --fresh", "sales now"} {
		_, _, err := runReport(t, serve(t, nil), strings.Fields(line)...)
		if err == nil || exitCode(err) != exitUsage {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestIncompleteCSVSaysSo(t *testing.T) {
	page := strings.Replace(salesOfTwo, `"number":2}`, `"number":2,"completeSince":"2026-11-28T10:00:00Z"}`, 1)
	_, stderr, err := runReport(t, serve(t, map[string][]string{askSales: {page}}), "sales", "--csv")
	if err != nil || !strings.Contains(stderr, "incomplete before") {
		t.Errorf("stderr %q, %v", stderr, err)
	}
}
