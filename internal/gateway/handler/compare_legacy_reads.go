package handler

import (
	"context"
	"encoding/json"
	"log/slog"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/services"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/outbound"
	"orderflow/internal/platform/secrets"
)

// CompareLegacyReads composes the function compare-legacy-reads. EXPORT_SECRET names the secret
// with the key of the catalog's export.
func CompareLegacyReads(env *function.Env) function.Handler {
	catalog := outbound.New(env, "gateway", ddb.FromEnv(env)).To(string(gateway.Catalog))
	key := secrets.Open(env.AWS(), env.Require("EXPORT_SECRET"), env.Clock).Value
	return compareLegacyReads(strangler.NewComparison(legacyRoutes(env), services.NewExports(catalog, key)))
}

func compareLegacyReads(c *strangler.Comparison) function.Handler {
	return consumer.Messages(func(ctx context.Context, body []byte) error {
		var s strangler.Shadowed
		if err := json.Unmarshal(body, &s); err != nil {
			return err
		}
		found, err := c.Compare(ctx, s)
		if err != nil {
			return err
		}
		route := string(s.Route)
		metrics.Count(ctx, metrics.LegacyComparisons, 1, metrics.Route(route))
		if len(found.Fields) > 0 {
			metrics.Count(ctx, metrics.LegacyDifferences, 1, metrics.Route(route))
			slog.WarnContext(ctx, strangler.LogDiffers, "route", route, "fields", found.Fields, "products",
				found.Products)
		}
		return nil
	})
}
