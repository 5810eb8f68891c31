package samlocal

import (
	"os"
	"strings"
	"testing"

	"orderflow/internal/dev/devstack"
)

func clone(t *testing.T) devstack.Repo {
	t.Helper()
	repo, err := devstack.FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

func TestEveryFunctionHasAWant(t *testing.T) {
	wants, err := readWants(clone(t))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := complete(clone(t), wants); err != nil || n < 40 {
		t.Errorf("%d functions, %v", n, err)
	}
}

func TestIncompleteWantsAreReported(t *testing.T) {
	for name, c := range map[string]struct {
		change func(wants map[string][]want)
		says   string
	}{
		"forgotten": {func(w map[string][]want) { w["catalog"] = w["catalog"][1:] }, "catalog/put-product is 0 times"},
		"twice": {func(w map[string][]want) { w["catalog"] = append(w["catalog"], w["catalog"][0]) },
			"catalog/put-product is 2 times"},
		"no function": {func(w map[string][]want) { w["catalog"][0].Function = "drop-product" },
			"unknown function catalog/drop-product"},
		"any answer": {func(w map[string][]want) { w["catalog"][0].Answers = nil },
			"catalog/put-product expects nothing"},
		"nothing at all": {func(w map[string][]want) { w["catalog"][3].Leaves = leaves{} },
			"catalog/relay-catalog-events expects nothing"},
		"of an unknown service": {func(w map[string][]want) { w["tea"] = w["catalog"][:1] },
			"unknown function tea/put-product"},
	} {
		t.Run(name, func(t *testing.T) {
			wants, err := readWants(clone(t))
			if err != nil {
				t.Fatal(err)
			}
			c.change(wants)
			if _, err := complete(clone(t), wants); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

func TestResultIsComparedWithTheWant(t *testing.T) {
	w := want{Answers: map[string]any{"statusCode": 202, "body": map[string]any{
		"orderId": "/[A-Z]{3}/", "reason": nil, "total": map[string]any{"amount": 4797},
		"items": []any{map[string]any{"sku": "MUG"}}}}}
	good := `{"statusCode": 202, "headers": {}, "body": "{\"orderId\":\"ABC\",\"reason\":null,\"total\":{\"amount\":4797,\"currency\":\"EUR\"},\"items\":[{\"sku\":\"MUG\",\"quantity\":1}]}"}`
	body, err := w.check([]byte(good))
	if err != nil || body["orderId"] != "ABC" {
		t.Fatalf("%v, %v", body, err)
	}
	for name, change := range map[string][2]string{
		"status": {"202", "500"}, "text": {"ABC", "abc"}, "part of a text": {"ABC", "ABCD"}, "number": {"4797", "4798"},
		"missing":  {`\"reason\":null,`, ""},
		"not null": {"null", `\"LATE\"`}, "longer list": {"}]", "},{}]"},
		"empty list": {`{\"sku\":\"MUG\",\"quantity\":1}`, ""}, "in a list": {"MUG", "CUP"},
		"no JSON": {`{"status`, `"status`}, "body is text": {`"{\"orderId`, `"x{\"orderId`},
		"an error": {good, `{"errorType": "Transient", "errorMessage": "busy"}`},
		"nothing":  {good, ""},
	} {
		if _, err := w.check([]byte(strings.Replace(good, change[0], change[1], 1))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	nothing := want{AnswersNothing: true}
	if _, err := nothing.check([]byte("\n")); err != nil {
		t.Error(err)
	}
	if _, err := nothing.check([]byte(`{"errorType": "Transient"}`)); err == nil {
		t.Error("an error was accepted as no result")
	}
}

// TestGeneratedWantsHoldForAnyValue is about the answers that `dev generate` writes.
func TestGeneratedWantsHoldForAnyValue(t *testing.T) {
	w := want{Answers: map[string]any{"statusCode": 200, "body": map[string]any{"is": "/.*/"}}}
	for _, value := range []string{`[]`, `[{\"sku\":\"MUG\"}]`, `{}`, `null`, `\"\"`, `1`, `false`} {
		if _, err := w.check([]byte(`{"statusCode": 200, "body": "{\"is\":` + value + `}"}`)); err != nil {
			t.Error(err)
		}
	}
	for _, answer := range []string{`{"statusCode": 200, "body": "{}"}`, `{"statusCode": 404, "body": "{\"is\":1}"}`} {
		if _, err := w.check([]byte(answer)); err == nil {
			t.Errorf("%s is accepted", answer)
		}
	}
}

func TestCollectionExists(t *testing.T) {
	source, err := os.ReadFile("../../../test/e2e/collection_test.go")
	if err != nil || !strings.Contains(string(source), "func "+collection+"(t ") {
		t.Errorf("%s does not exist, %v", collection, err)
	}
}
