package cfn_test

import (
	"slices"
	"testing"

	"orderflow/internal/platform/cfn"
)

const ruled = `
Parameters:
  Stage: {Type: String, Default: dev}
  Mail: {Type: String, Default: ""}
Rules:
  Always:
    Assertions: [{Assert: !Not [!Equals [!Ref Stage, attic]], AssertDescription: not in the attic}]
  InProd:
    RuleCondition: !Equals [!Ref Stage, prod]
    Assertions:
      - {Assert: !Not [!Equals [!Ref Mail, ""]], AssertDescription: mail is missing}
      - {Assert: !Unknown x, AssertDescription: unknown functions do not hold}
`

func TestViolatedAssertionsAreRefusals(t *testing.T) {
	parsed, err := cfn.Parse([]byte(ruled))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		parameters map[string]string
		want       []string
	}{
		{nil, nil},
		{map[string]string{"Stage": "attic"}, []string{"not in the attic"}},
		{map[string]string{"Stage": "prod"}, []string{"mail is missing", "unknown functions do not hold"}},
		{map[string]string{"Stage": "prod", "Mail": "a@b"}, []string{"unknown functions do not hold"}},
	} {
		s, err := cfn.New(parsed, "shop", tt.parameters)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Refusals(); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.parameters, got, tt.want)
		}
	}
}
