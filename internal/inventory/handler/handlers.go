package handler

import (
	"orderflow/internal/inventory"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// Handlers returns inventory's functions by name, over use cases built by the caller.
func Handlers(svc *inventory.Service) map[string]function.Handler {
	return map[string]function.Handler{
		"reserve-stock":      step.Handle(svc.ReserveStock),
		"commit-stock":       step.Handle(svc.CommitStock),
		"release-stock":      step.Handle(svc.ReleaseStock),
		"get-stock":          getStock(svc),
		"adjust-stock":       adjustStock(svc),
		"get-reservations":   getReservations(svc),
		"sweep-reservations": sweepReservations(svc),
		"project-product":    projectProduct(svc),
	}
}
