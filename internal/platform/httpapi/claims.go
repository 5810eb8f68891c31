package httpapi

import (
	_ "embed"
	"sync"

	"orderflow/internal/platform/jsonschema"
)

//go:embed claims.json
var claimsText []byte

// claimsSchema defines the valid values of claims. It is parsed at the first authenticated request.
var claimsSchema = sync.OnceValues(func() (*jsonschema.Schema, error) { return jsonschema.Parse(claimsText) })

// validClaim reports whether a claim's value matches the schema.
func validClaim(name, value string) bool {
	s, err := claimsSchema()
	if err != nil {
		return false
	}
	found := &jsonschema.Invalid{}
	s.Properties[name].Check("", value, found)
	return len(found.Violations) == 0
}

// verified reads the claim email_verified: a string from API Gateway, a boolean in the token.
func verified(claim any) bool { return claim == true || claim == "true" }
