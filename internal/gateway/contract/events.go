// Package contract is what gateway tells others.
package contract

import "embed"

// CircuitChanged tells that a service was found out of order, or back; its data is resilience.Changed.
const CircuitChanged = "orderflow.gateway.circuit.changed.v1"

// Schemas holds a JSON Schema for each event type.
//
//go:embed *.schema.json
var Schemas embed.FS
