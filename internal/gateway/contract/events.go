// Package contract is what gateway publishes.
package contract

import "embed"

// CircuitChanged is the type of the event that a circuit changed. Its data is resilience.Changed.
const CircuitChanged = "orderflow.gateway.circuit.changed.v1"

// Schemas holds a JSON Schema for each event type.
//
//go:embed *.schema.json
var Schemas embed.FS
