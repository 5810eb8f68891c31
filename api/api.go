// Package api is the HTTP contract of Orderflow for programs.
//
// The contract is openapi.yaml, which is generated from contract.yaml. A function needs only one
// operation, and needs it fast. So `go run ./cmd/dev generate` also writes the requirements of each
// operation's requests, with schemas inlined, to operations/<operationId>.json. Load reads that
// file, and Operation.Validate validates a request.
//
// Validation supports only the schema keywords of package jsonschema; the generator refuses others.
// Tests compare its results with those of kin-openapi. Functions do not link kin-openapi: it adds 4
// MB to a binary and 6 ms to every cold start.
package api

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	"orderflow/internal/platform/jsonschema"
)

//go:embed operations/*.json
var operations embed.FS

//go:embed openapi.json
var public string

// Public returns the contract for clients, an OpenAPI 3.0.3 document in JSON.
func Public() string { return public }

//go:embed openapi.yaml
var spec string

// Spec returns the whole contract, an OpenAPI 3.0.3 document in YAML. The linker omits it from
// programs that do not call Spec.
func Spec() []byte { return []byte(spec) }

// Operation is one operation of the contract. It is safe for concurrent use.
type Operation struct {
	// ID is the operationId, such as placeOrder.
	ID string `json:"id"`
	// Method and Path are as in the contract, such as GET and /v1/orders/{orderId}.
	Method string `json:"method"`
	Path   string `json:"path"`
	// Function is the name of the function that serves it.
	Function string `json:"function"`
	// Group is the group whose members may call it; empty if every customer may.
	Group string `json:"group,omitempty"`
	// Audited says that calls of operators are recorded in the audit log.
	Audited bool `json:"audited,omitempty"`
	// Public says that it has no authorizer.
	Public bool `json:"public,omitempty"`

	// Tolerant says that a third party calls it: unknown query parameters are ignored.
	Tolerant bool `json:"tolerant,omitempty"`

	Parameters []Parameter `json:"parameters,omitempty"`
	// Body is the schema of the JSON body; nil if there must be no body.
	Body *jsonschema.Schema `json:"body,omitempty"`
	// BodyOptional says that the body may be omitted.
	BodyOptional bool `json:"bodyOptional,omitempty"`
	// Opaque says that the body is of another protocol, which checks it.
	Opaque bool `json:"opaque,omitempty"`
}

// Parameter is a path, query or header parameter.
type Parameter struct {
	Name string `json:"name"`
	// In is path, query or header.
	In       string             `json:"in"`
	Required bool               `json:"required,omitempty"`
	Schema   *jsonschema.Schema `json:"schema"`
}

// Operations returns all operations of the contract, by their ids.
func Operations() ([]*Operation, error) {
	files, err := operations.ReadDir("operations")
	if err != nil {
		return nil, err
	}
	all := make([]*Operation, len(files))
	for i, file := range files {
		if all[i], err = Load(strings.TrimSuffix(file.Name(), ".json")); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// InvalidRequest is the error of a request that violates the contract. It lists the violations,
// none of which repeats the request's contents.
type InvalidRequest = jsonschema.Invalid

// Violation is one violation of the contract.
type Violation = jsonschema.Violation

// contracts hold operations in files, in the form of the contract's.
var contracts = []fs.FS{operations}

// Add registers the operations of another contract with Load: that of a service with a stack of its
// own. The package with its operations calls it when a program starts.
func Add(operations fs.FS) { contracts = append(contracts, operations) }

// Load returns the operation with this operationId, or an error if no contract has one.
func Load(operationID string) (*Operation, error) {
	var b []byte
	err := fs.ErrNotExist
	for i := 0; i < len(contracts) && err != nil; i++ {
		b, err = fs.ReadFile(contracts[i], "operations/"+operationID+".json")
	}
	if err != nil {
		return nil, fmt.Errorf("api: no operation %q", operationID)
	}
	op := &Operation{}
	if err := json.Unmarshal(b, op); err != nil {
		return nil, fmt.Errorf("api: operation %s: %w", operationID, err)
	}
	return op, nil
}
