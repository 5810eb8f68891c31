// Package api is the HTTP contract of Orderflow as programs use it.
//
// The contract is openapi.yaml, which is generated from contract.yaml. A function needs one operation
// of it, and needs it fast: `go run ./cmd/dev generate` also writes what a request must look like to
// operations/<operationId>.json, with the schemas in place. Load reads that one file, and Operation.Validate holds a request to it.
//
// Validation knows only the schema keywords of package jsonschema; the generator refuses any other. The tests compare
// its verdicts with those of kin-openapi, which is itself not linked into functions: it adds 4 MB to a binary
// and 6 ms to every cold start before it has read a byte.
package api

import (
	"embed"
	"encoding/json"
	"fmt"

	"orderflow/internal/platform/jsonschema"
)

//go:embed operations/*.json
var operations embed.FS

//go:embed openapi.yaml
var spec string

// Spec returns the whole contract, an OpenAPI 3.0.3 document in YAML. The linker leaves it out of programs that do not ask.
func Spec() []byte { return []byte(spec) }

// Operation is one operation of the contract. It is safe for concurrent use.
type Operation struct {
	// ID is the operationId, such as placeOrder.
	ID string `json:"id"`
	// Method and Path are those of the contract, such as GET and /v1/orders/{orderId}.
	Method string `json:"method"`
	Path   string `json:"path"`
	// Group is the group whose members alone may call it; empty where every customer may.
	Group string `json:"group,omitempty"`
	// Audited says that what operators do by it is written down, with who did it.
	Audited bool `json:"audited,omitempty"`
	// Public says that there is no authorizer in front of it.
	Public bool `json:"public,omitempty"`

	// Tolerant says that a third party calls it, which may send more than we know: unknown query parameters are ignored.
	Tolerant bool `json:"tolerant,omitempty"`

	Parameters []Parameter `json:"parameters,omitempty"`
	// Body is what the JSON body must look like; nil where there must be none.
	Body *jsonschema.Schema `json:"body,omitempty"`
	// BodyOptional says that the body may be left out.
	BodyOptional bool `json:"bodyOptional,omitempty"`
}

// Parameter is a value that a request carries outside its body.
type Parameter struct {
	Name string `json:"name"`
	// In is path, query or header.
	In       string             `json:"in"`
	Required bool               `json:"required,omitempty"`
	Schema   *jsonschema.Schema `json:"schema"`
}

// InvalidRequest is the error of a request that breaks the contract; it tells every violation, of which none repeats what was sent.
type InvalidRequest = jsonschema.Invalid

// Violation is one way in which a request breaks the contract.
type Violation = jsonschema.Violation

// Load returns the operation with this operationId. It fails for an id that the contract does not have.
func Load(operationID string) (*Operation, error) {
	b, err := operations.ReadFile("operations/" + operationID + ".json")
	if err != nil {
		return nil, fmt.Errorf("api: no operation %q", operationID)
	}
	op := &Operation{}
	if err := json.Unmarshal(b, op); err != nil {
		return nil, fmt.Errorf("api: operation %s: %w", operationID, err)
	}
	return op, nil
}
