package main

import (
	"slices"
	"strings"
	"testing"
)

func TestHealthShowsThePartsOfEachService(t *testing.T) {
	b := serve(t, map[string][]string{"GET /v1/health": {`200 {"status":"warn","services":[` +
		`{"serviceId":"orders","status":"pass","tookMs":31,"checks":[{"name":"table","status":"pass","tookMs":4}]},` +
		`{"serviceId":"shipping","status":"warn","tookMs":40,"checks":[` +
		`{"name":"breaker:carrier","status":"warn","code":"CircuitOpen","tookMs":5}]}]}`}})
	out, _, err := run(t, b, "health")
	want := "SERVICE   PART             STATUS  CODE         MS\n" +
		"orders    table            pass    -            4\n" +
		"shipping  breaker:carrier  warn    CircuitOpen  5\n"
	if err != nil || out != want || !slices.Equal(b.tokens, []string{"olga/operator"}) {
		t.Errorf("as %v, %v:\n%s", b.tokens, err, out)
	}
}

func TestHealthExitsWith1IfSomethingFails(t *testing.T) {
	b := serve(t, map[string][]string{"GET /v1/health": {`200 {"status":"fail","services":[` +
		`{"serviceId":"catalog","status":"fail","code":"Timeout","tookMs":2000,"checks":[]}]}`}})
	out, _, err := run(t, b, "health")
	if err == nil || exitCode(err) != exitFailure ||
		!strings.Contains(out, "catalog  (no answer)  fail    Timeout  2000") {
		t.Errorf("%v:\n%s", err, out)
	}
}
