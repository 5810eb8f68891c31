package handler

import (
	"orderflow/internal/inventory"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// Handlers returns inventory's functions by name, over use cases that somebody else composed.
func Handlers(svc *inventory.Service) (map[string]function.Handler, error) {
	stock, err := getStock(svc)
	if err != nil {
		return nil, err
	}
	adjust, err := adjustStock(svc)
	if err != nil {
		return nil, err
	}
	sweep, err := sweepReservations(svc)
	if err != nil {
		return nil, err
	}
	product, err := projectProduct(svc)
	if err != nil {
		return nil, err
	}
	reservations, err := getReservations(svc)
	return map[string]function.Handler{
		"reserve-stock":      step.Handle(svc.ReserveStock),
		"commit-stock":       step.Handle(svc.CommitStock),
		"release-stock":      step.Handle(svc.ReleaseStock),
		"get-stock":          stock,
		"adjust-stock":       adjust,
		"get-reservations":   reservations,
		"sweep-reservations": sweep,
		"project-product":    product,
	}, err
}
