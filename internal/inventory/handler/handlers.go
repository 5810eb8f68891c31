package handler

import (
	"orderflow/internal/inventory"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// Handlers returns inventory's functions by name, over use cases built by the caller.
func Handlers(svc *inventory.Service) map[string]function.Handler {
	return map[string]function.Handler{
		"adjust-stock":       adjustStock(svc),
		"commit-stock":       step.Handle(svc.CommitStock),
		"get-reservations":   getReservations(svc),
		"get-stock":          getStock(svc),
		"list-availability":  listAvailability(svc),
		"list-reservations":  listReservations(svc),
		"project-product":    projectProduct(svc),
		"release-stock":      step.Handle(svc.ReleaseStock),
		"reserve-stock":      step.Handle(svc.ReserveStock),
		"sweep-reservations": sweepReservations(svc),
	}
}
