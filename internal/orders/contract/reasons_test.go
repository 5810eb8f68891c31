package contract_test

import (
	"regexp"
	"strings"
	"testing"

	"orderflow/api"
	"orderflow/internal/orders/contract"
)

func TestEveryReasonHasATextInBothLanguages(t *testing.T) {
	codes := regexp.MustCompile(`OUT_OF_STOCK\|[A-Z_|]+`).FindString(string(api.Spec()))
	reasons := strings.Split(codes, "|")
	if len(reasons) < 9 {
		t.Fatalf("the contract has the reasons %q", reasons)
	}
	seen := map[string]string{}
	for _, reason := range append(reasons, "SOMETHING_NEW") {
		for _, language := range []string{"en", "de"} {
			text := contract.Explain(reason, language)
			if text == "" || seen[text] != "" && reason != "SOMETHING_NEW" {
				t.Errorf("%s in %s: %q, which is also the text of %q", reason, language, text, seen[text])
			}
			seen[text] = reason
		}
	}
	if got := contract.Explain("SOMETHING_NEW", "en"); got != contract.Explain("INTERNAL", "en") {
		t.Errorf("a new reason is explained as %q", got)
	}
}
