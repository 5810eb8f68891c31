package httpapi

import (
	_ "embed"
	"sync"

	"orderflow/internal/platform/jsonschema"
)

//go:embed claims.json
var claimsText []byte

// claimsSchema says which values of claims are used. It is read with the first request of a known caller.
var claimsSchema = sync.OnceValues(func() (*jsonschema.Schema, error) { return jsonschema.Parse(claimsText) })

// usable reports whether a claim has a value that everything behind the edge takes. Without a schema none has.
func usable(name, value string) bool {
	s, err := claimsSchema()
	if err != nil {
		return false
	}
	found := &jsonschema.Invalid{}
	s.Properties[name].Check("", value, found)
	return len(found.Violations) == 0
}

// verified reads the claim email_verified: a text where API Gateway passes claims on, a boolean in the token itself.
func verified(claim any) bool { return claim == true || claim == "true" }
