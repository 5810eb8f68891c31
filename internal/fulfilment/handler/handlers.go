package handler

import (
	"orderflow/internal/fulfilment"
	"orderflow/internal/platform/function"
)

// Handlers returns fulfilment's functions by name, using svc.
func Handlers(svc *fulfilment.Service) map[string]function.Handler {
	return map[string]function.Handler{
		"cancel-fulfilment":  cancelFulfilment(svc),
		"recover-fulfilment": recoverFulfilment(svc),
		"resume-fulfilment":  resumeFulfilment(svc),
		"start-fulfilment":   startFulfilment(svc),
	}
}
