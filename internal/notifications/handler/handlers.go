package handler

import (
	"orderflow/internal/notifications"
	"orderflow/internal/platform/function"
)

// Handlers returns notifications' function by name, over a use case that somebody else composed.
func Handlers(svc *notifications.Service) (map[string]function.Handler, error) {
	notify, err := notifyCustomer(svc)
	return map[string]function.Handler{"notify-customer": notify}, err
}
