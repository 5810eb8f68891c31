// Package contract has reporting's HTTP operations, as functions check them, and their answers.
package contract

import (
	"embed"

	"orderflow/api"
)

//go:embed operations/*.json
var operations embed.FS

func init() { api.Add(operations) }
