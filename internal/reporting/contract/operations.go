// Package contract has reporting's HTTP operations, as functions check them.
package contract

import (
	"embed"

	"orderflow/api"
)

//go:embed operations/*.json
var operations embed.FS

func init() { api.Add(operations) }
