// Package orderflow holds what is deployed beside the code, for programs that run the functions
// themselves: the same template and the same state machines.
package orderflow

import "embed"

// Template is template.yaml.
//
//go:embed template.yaml
var Template []byte

// Machines has statemachines/*.asl.json.
//
//go:embed statemachines/*.asl.json
var Machines embed.FS

// Sandbox is sandbox/template.yaml, the third parties' own stack.
//
//go:embed sandbox/template.yaml
var Sandbox []byte
