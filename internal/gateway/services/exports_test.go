package services_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/services"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/resilience"
)

func exports(t *testing.T, h http.HandlerFunc, key func(context.Context) ([]byte, error)) services.Exports {
	return services.NewExports(httpclient.Config{Dependency: string(gateway.Catalog), Endpoints: urls(t, h),
		Clock: clock.System{}, Retry: resilience.Policy{Attempts: 1}}, key)
}

func TestProductsAreExportedWithTheKeyInsteadOfAToken(t *testing.T) {
	var seen *http.Request
	e := exports(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		const mug = `{"sku":"MUG","name":"Mug","price":{"currency":"EUR","amount":1},"version":1}`
		respond(http.StatusOK, `{"products":[`+mug+`]}`)(w, r)
	}, func(context.Context) ([]byte, error) { return []byte("key"), nil })
	found, err := e.ProductsBySKU(t.Context(), []string{"MUG", "TEA"})
	if err != nil || len(found) != 1 || found[0].SKU != "MUG" {
		t.Fatalf("%+v, %v", found, err)
	}
	if seen.URL.Path != "/v1/exports/products" || seen.URL.Query().Get("skus") != "MUG,TEA" ||
		seen.Header.Get("X-Export-Key") != "key" || seen.Header.Get("Authorization") != "" {
		t.Errorf("%s with %v", seen.URL, seen.Header)
	}
}

func TestNothingIsExportedWithoutAKey(t *testing.T) {
	unreadable := errors.New("unreadable")
	called := false
	e := exports(t, func(http.ResponseWriter, *http.Request) { called = true },
		func(context.Context) ([]byte, error) { return nil, unreadable })
	if _, err := e.ProductsBySKU(t.Context(), []string{"MUG"}); !errors.Is(err, unreadable) || called {
		t.Errorf("%v, called %v", err, called)
	}
}
