// Package handler composes reporting's functions, one constructor each.
package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting"
)

// Handlers returns reporting's functions by name, over ports built by the caller.
func Handlers(log reporting.Producer) map[string]function.Handler {
	return map[string]function.Handler{
		"forward-events": forwardEvents(log),
	}
}
