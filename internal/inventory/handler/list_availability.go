package handler

import (
	"context"
	"time"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// keepAvailability is how long anybody may keep what is in stock: as long as products, which pages
// show it with.
const keepAvailability = 30 * time.Second

// ListAvailability composes the function list-availability.
func ListAvailability(env *function.Env) function.Handler { return listAvailability(service(env)) }

func listAvailability(svc *inventory.Service) function.Handler {
	handle := func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		found, err := svc.ListAvailability(ctx, r.Values("skus"))
		all := make([]contract.Availability, len(found))
		for i, a := range found {
			all[i] = contract.Availability{SKU: a.SKU, Status: string(a.Status), AsOf: clock.Stamp{Time: a.AsOf}}
		}
		return httpapi.OK(map[string][]contract.Availability{"availability": all}).Cached(keepAvailability), err
	}
	return httpapi.Handle("listAvailability", handle)
}
