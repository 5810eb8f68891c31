package handler

import (
	"context"
	"crypto/subtle"
	"net/http"
	"time"

	"orderflow/internal/catalog"
	"orderflow/internal/catalog/contract"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/secrets"
)

// keep is how long anybody may cache products. A new price reaches orders in about the same time,
// and expectedTotal guards against an old one.
const keep = 30 * time.Second

func fromDomain(p catalog.Product) contract.Product {
	return contract.Product{
		SKU: p.SKU, Name: p.Name, Price: p.Price, Text: p.Text, ImageURL: p.ImageURL, Category: p.Category,
		Unlisted: p.Unlisted, Version: p.Version,
	}
}

// PutProduct composes the function put-product.
func PutProduct(env *function.Env) function.Handler { return putProduct(service(env)) }

func putProduct(svc *catalog.Service) function.Handler {
	return httpapi.Handle("putProduct", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		in, err := httpapi.Decode[contract.Values](r)
		if err != nil {
			return httpapi.Response{}, err
		}
		p, err := svc.PutProduct(ctx, r.Path["sku"], catalog.Values{
			Name: in.Name, Price: in.Price, Text: in.Text, ImageURL: in.ImageURL, Category: in.Category,
			Unlisted: in.Unlisted,
		})
		return httpapi.OK(fromDomain(p)), err
	})
}

// GetProduct composes the function get-product.
func GetProduct(env *function.Env) function.Handler { return getProduct(service(env)) }

func getProduct(svc *catalog.Service) function.Handler {
	return httpapi.Handle("getProduct", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		p, err := svc.GetProduct(ctx, r.Path["sku"])
		return httpapi.OK(fromDomain(p)).Cached(keep), err
	})
}

// ListProducts composes the function list-products.
func ListProducts(env *function.Env) function.Handler { return listProducts(service(env)) }

func listProducts(svc *catalog.Service) function.Handler {
	return httpapi.Handle("listProducts", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		if skus := r.Values("skus"); skus != nil {
			found, err := svc.ListProductsBySKU(ctx, skus)
			return httpapi.List("products", found, "", fromDomain).Cached(keep), err
		}
		limit, cursor := r.Page()
		found, next, err := svc.ListProducts(ctx, catalog.Listing{
			Limit: limit, Cursor: cursor, After: r.Query.Get("after"), Prefix: r.Query.Get("prefix"),
			Name: r.Query.Get("name"),
		})
		return httpapi.List("products", found, next, fromDomain).Cached(keep), err
	})
}

// ExportProducts composes the function export-products. EXPORT_SECRET names the secret with the
// key.
func ExportProducts(env *function.Env) function.Handler {
	return exportProducts(service(env), secrets.Open(env.AWS(), env.Require("EXPORT_SECRET"), env.Clock).Value)
}

func exportProducts(svc *catalog.Service, key func(context.Context) ([]byte, error)) function.Handler {
	verify := func(ctx context.Context, h http.Header, _ []byte) error {
		want, err := key(ctx)
		if err == nil && subtle.ConstantTimeCompare(want, []byte(h.Get("X-Export-Key"))) != 1 {
			err = errKey
		}
		return err
	}
	handle := func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		found, err := svc.ListProductsBySKU(ctx, r.Values("skus"))
		return httpapi.List("products", found, "", fromDomain), err
	}
	return httpapi.HandleVerified("exportProducts", verify, handle)
}

var errKey = fault.New(fault.Unauthenticated, "InvalidKey", "the key is missing or wrong")
