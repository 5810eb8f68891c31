package handler

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"orderflow/internal/gateway/oldshop"
	"orderflow/internal/gateway/services"
	"orderflow/internal/gateway/shadows"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/gateway/strangler/dynamo"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/outbound"
	"orderflow/internal/platform/secrets"
)

// RouteLegacy builds the function route-legacy. LEGACY_SHOP_SECRET names the secret with the key of
// the old shop.
func RouteLegacy(env *function.Env) function.Handler {
	table := ddb.FromEnv(env)
	to := outbound.New(env, "gateway", table).To
	key := secrets.Open(env.AWS(), env.Require("LEGACY_SHOP_SECRET"), env.Clock)
	return routeLegacy(strangler.NewRouter(
		oldshop.New(to(oldshop.Name), key), services.New(to), legacyRoutes(env), dynamo.Placements{Table: table},
		shadows.FromEnv(env), env.Clock, LegacyMonitor{},
	))
}

func routeLegacy(r *strangler.Router) function.Handler {
	return httpapi.Route(map[string]httpapi.HandlerFunc{
		"listLegacyProducts": legacy(http.StatusOK,
			func(ctx context.Context, as strangler.Caller, in *httpapi.Request) (strangler.ProductPage, error) {
				return r.ListProducts(ctx, as, in.Query.Get("page"))
			}),
		"readLegacyProduct": legacy(http.StatusOK,
			func(ctx context.Context, as strangler.Caller, in *httpapi.Request) (strangler.Product, error) {
				return r.ReadProduct(ctx, as, in.Path["product_id"])
			}),
		"placeLegacyOrder": legacy(http.StatusCreated,
			func(ctx context.Context, as strangler.Caller, in *httpapi.Request) (strangler.Order, error) {
				placement, err := httpapi.Decode[strangler.Placement](in)
				if err != nil {
					return strangler.Order{}, err
				}
				return r.PlaceOrder(ctx, as, placement)
			}),
		"readLegacyOrder": legacy(http.StatusOK,
			func(ctx context.Context, as strangler.Caller, in *httpapi.Request) (strangler.Order, error) {
				return r.ReadOrder(ctx, as, in.Path["order_id"])
			}),
		"listLegacyOrders": legacy(http.StatusOK,
			func(ctx context.Context, as strangler.Caller, in *httpapi.Request) (strangler.OrderPage, error) {
				return r.ListOrders(ctx, as, in.Query.Get("page"))
			}),
		"cancelLegacyOrder": legacy(http.StatusOK,
			func(ctx context.Context, as strangler.Caller, in *httpapi.Request) (strangler.Order, error) {
				cancellation, err := httpapi.Decode[strangler.Cancellation](in)
				if err != nil {
					return strangler.Order{}, err
				}
				return r.CancelOrder(ctx, as, in.Path["order_id"], cancellation)
			}),
	})
}

// legacy returns an operation of the old interface. Its errors also have the old format.
func legacy[T any](
	status int, serve func(context.Context, strangler.Caller, *httpapi.Request) (T, error),
) httpapi.HandlerFunc {
	return func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		as := strangler.Caller{Customer: r.Caller.Subject, Authorization: r.Header.Get("Authorization")}
		v, err := serve(ctx, as, r)
		switch {
		case err == nil:
			return httpapi.Response{Status: status, Body: v}, nil
		case deadline.Passed(ctx, err): // a 408, as everywhere: the old interface has no deadlines
			return httpapi.Response{}, err
		}
		return legacyError(ctx, err), nil
	}
}

// legacyError returns an error of the old interface, which knows no other failure than 503.
func legacyError(ctx context.Context, err error) httpapi.Response {
	var body strangler.ErrorBody
	if refusal, ok := errors.AsType[*strangler.Refusal](err); ok {
		body.Error.Code, body.Error.Text = refusal.Code, refusal.Text
		return httpapi.Response{Status: refusal.Status, Body: body}
	}
	body.Error.Code, body.Error.Text = "unavailable", "the shop is not available at the moment; try again"
	slog.ErrorContext(ctx, "request failed", "error", err.Error())
	wait := max(fault.From(err).RetryAfter, 2*time.Second)
	return httpapi.Response{
		Status: http.StatusServiceUnavailable, Body: body,
		Header: map[string]string{"Retry-After": strconv.Itoa(int(math.Ceil(wait.Seconds())))},
	}
}
