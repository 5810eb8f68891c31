// Package handler builds notifications' function.
package handler

import (
	"orderflow/internal/notifications"
	"orderflow/internal/platform/function"
)

// Handlers returns notifications' functions by name, using svc.
func Handlers(svc *notifications.Service) map[string]function.Handler {
	return map[string]function.Handler{
		"notify-customer": notifyCustomer(svc),
	}
}
