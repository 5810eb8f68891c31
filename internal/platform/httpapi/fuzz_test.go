package httpapi

import (
	"encoding/json"
	"testing"
)

// FuzzIdentify checks that only an ID token with a subject identifies a caller.
func FuzzIdentify(f *testing.F) {
	for _, seed := range []string{
		`null`, `{}`, `{"claims":null}`, `{"claims":"sub=customer-1"}`, `{"claims":[]}`,
		`{"claims":{"sub":"customer-1","token_use":"id","email":"a@example.com","cognito:groups":"staff,operator"}}`,
		`{"claims":{"sub":"customer-1","token_use":"id","cognito:groups":"[staff operator]"}}`,
		`{"claims":{"sub":"customer-1","token_use":"id","cognito:groups":["operator",7,null,["operator"]]}}`,
		`{"claims":{"sub":"customer-1","token_use":"id","cognito:groups":{"operator":true},"email":7}}`,
		`{"claims":{"sub":"customer-1","token_use":"access","cognito:groups":"operator"}}`,
		`{"claims":{"sub":"customer-1","token_use":["id"]}}`, `{"claims":{"sub":"customer-1"}}`,
		`{"claims":{"sub":"","token_use":"id"}}`, `{"claims":{"sub":7,"token_use":"id"}}`,
		`{"sub":"customer-1","token_use":"id"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var authorizer map[string]any
		if json.Unmarshal(text, &authorizer) != nil {
			return
		}
		who, err := identify(authorizer)
		claims, _ := authorizer["claims"].(map[string]any)
		subject, _ := claims["sub"].(string)
		if known := subject != "" && claims["token_use"] == "id"; (err == nil) != known {
			t.Fatalf("identify = %+v, %v; want an identity: %t", who, err, known)
		}
		if err != nil && (who.Subject != "" || who.Email != "" || who.Groups != nil) {
			t.Errorf("refused, but %+v", who)
		}
		if err == nil && who.Subject != subject {
			t.Errorf("subject %q, want %q", who.Subject, subject)
		}
	})
}

// FuzzGroups checks that every group is a whole, non-empty word of the claim.
func FuzzGroups(f *testing.F) {
	for _, seed := range []string{
		"", "operator", "a,b", "[a b]", ", ,", "[]", "operators", "[operator", "a,,operator ", "\x00,\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, claim string) {
		for _, name := range groups(claim) {
			if name == "" {
				t.Errorf("groups(%q) has an empty name", claim)
			}
			for _, r := range name {
				if r == ',' || r == ' ' {
					t.Errorf("groups(%q) has %q, which is not one word", claim, name)
				}
			}
		}
		if in := groups([]any{claim, 7}); len(in) != 1 || in[0] != claim {
			t.Errorf("groups of a list with %q = %q", claim, in)
		}
	})
}
