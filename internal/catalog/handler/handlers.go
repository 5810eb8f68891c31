package handler

import (
	"orderflow/internal/catalog"
	"orderflow/internal/platform/function"
)

// Handlers returns catalog's functions by name, over use cases that somebody else composed.
func Handlers(svc *catalog.Service) (map[string]function.Handler, error) {
	all := map[string]function.Handler{}
	for name, compose := range map[string]func(*catalog.Service) (function.Handler, error){
		"put-product":   putProduct,
		"get-product":   getProduct,
		"list-products": listProducts,
	} {
		h, err := compose(svc)
		if err != nil {
			return nil, err
		}
		all[name] = h
	}
	return all, nil
}
