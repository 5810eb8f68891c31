package handler

import (
	"orderflow/internal/fulfilment"
	"orderflow/internal/platform/function"
)

// Handlers returns fulfilment's functions by name, over use cases that somebody else composed.
func Handlers(svc *fulfilment.Service) (map[string]function.Handler, error) {
	all := map[string]function.Handler{}
	for name, compose := range map[string]func(*fulfilment.Service) (function.Handler, error){
		"start-fulfilment":   startFulfilment,
		"cancel-fulfilment":  cancelFulfilment,
		"resume-fulfilment":  resumeFulfilment,
		"recover-fulfilment": recoverFulfilment,
	} {
		h, err := compose(svc)
		if err != nil {
			return nil, err
		}
		all[name] = h
	}
	return all, nil
}
