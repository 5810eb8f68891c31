package handler

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/catalog"
	"orderflow/internal/platform/function"
)

func TestProductsAreExportedWithTheKeyOnly(t *testing.T) {
	svc := open()
	invoke(t, putProduct, svc, "put-product", nil)
	for name, c := range map[string]struct {
		secret string
		err    error
		status int
		code   string
	}{
		"right key":         {secret: "kf8Q2vXw0sTn4LzR7bYd", status: http.StatusOK},
		"wrong key":         {secret: "another", status: http.StatusUnauthorized, code: "InvalidKey"},
		"unreadable secret": {err: errors.New("throttled"), status: http.StatusServiceUnavailable, code: "Transient"},
	} {
		t.Run(name, func(t *testing.T) {
			compose := func(svc *catalog.Service) function.Handler {
				return exportProducts(svc, func(context.Context) ([]byte, error) { return []byte(c.secret), c.err })
			}
			res := invoke(t, compose, svc, "export-products", nil)
			if c.status == http.StatusOK {
				wantOK(t, res, `{"products":[`+mug+`],"cursor":null}`)
				return
			}
			wantProblem(t, res, c.status, c.code)
			res = invoke(t, compose, svc, "export-products", func(in *events.APIGatewayProxyRequest) {
				delete(in.Headers, "X-Export-Key")
				delete(in.MultiValueHeaders, "X-Export-Key")
			})
			wantProblem(t, res, c.status, c.code)
		})
	}
}

func TestAnExportNamesItsProducts(t *testing.T) {
	compose := func(svc *catalog.Service) function.Handler {
		return exportProducts(svc, func(context.Context) ([]byte, error) { return []byte("kf8Q2vXw0sTn4LzR7bYd"), nil })
	}
	res := invoke(t, compose, open(), "export-products", func(in *events.APIGatewayProxyRequest) {
		in.QueryStringParameters, in.MultiValueQueryStringParameters = nil, nil
	})
	wantProblem(t, res, http.StatusBadRequest, "InvalidRequest")
}
