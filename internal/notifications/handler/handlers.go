package handler

import (
	"orderflow/internal/notifications"
	"orderflow/internal/platform/function"
)

// Handlers returns notifications' functions by name, over use cases built by the caller.
func Handlers(svc *notifications.Service) map[string]function.Handler {
	return map[string]function.Handler{
		"notify-customer": notifyCustomer(svc),
	}
}
