package handler

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"orderflow/api"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// GetContract composes the function get-contract.
func GetContract(*function.Env) function.Handler {
	contract := json.RawMessage(api.Public())
	sum := sha256.Sum256(contract)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	header := map[string]string{"Cache-Control": "public, max-age=300", "ETag": tag}
	return httpapi.Handle("getContract", func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
		if names(r.Header.Get("If-None-Match"), tag) {
			return httpapi.Response{Status: http.StatusNotModified, Header: header}, nil
		}
		res := httpapi.OK(contract)
		res.Header = header
		return res, nil
	})
}

// names reports whether the header If-None-Match names a version. Weak tags count (RFC 9110,
// 13.1.2).
func names(header, tag string) bool {
	for v := range strings.SplitSeq(header, ",") {
		if v = strings.TrimSpace(v); v == "*" || strings.TrimPrefix(v, "W/") == tag {
			return true
		}
	}
	return false
}
