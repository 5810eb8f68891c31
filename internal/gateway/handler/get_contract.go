package handler

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"orderflow/api"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// GetContract composes the function get-contract.
func GetContract(*function.Env) function.Handler {
	contract := json.RawMessage(api.Public())
	sum := sha256.Sum256(contract)
	header := map[string]string{
		"Cache-Control": "public, max-age=300", "ETag": `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
	}
	return httpapi.Handle("getContract", func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		res := httpapi.OK(contract)
		res.Header = header
		return res, nil
	})
}
